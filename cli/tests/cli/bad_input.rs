//! Whatever is put in: a clear error with its place, no panic, and the rest is scanned and reported.

use crate::support::{DEPLOYMENT, Folder, Run, accepted, findings, wapc};

/// Scans the file beside a good one, in which there is one finding, whatever the first holds.
fn beside_a_good_one(name: &str, content: impl AsRef<[u8]>) -> Run {
    let folder = Folder::new()
        .file(name, content)
        .file("good.yaml", DEPLOYMENT)
        .module("pods.wasm", &findings(&[("host-network", "deny", "spec.template.spec.hostNetwork", "host network")]));
    let run = folder.run(&["scan", name, "good.yaml", "-p", "pods.wasm", "--only", "pods", "-f", "json"]);
    assert!(run.places().contains(&"good.yaml:11:20 spec.template.spec.hostNetwork".to_owned()), "{run:?}");
    run
}

#[track_caller]
fn is_error(name: &str, content: impl AsRef<[u8]>, expected: &str) {
    let run = beside_a_good_one(name, content);
    assert_eq!(run.errors(), [format!("{name}:{expected}")]);
    assert_eq!(run.status, 2);
    assert_eq!(run.places().len(), 1);
}

#[test]
fn broken_yaml() {
    is_error("bad.yaml", "a: [\n", "1:5 while parsing a node, did not find expected node content");
}

#[test]
fn broken_yaml_between_good_documents() {
    let run = beside_a_good_one("bad.yaml", format!("{DEPLOYMENT}---\na: b: c\n---\n{DEPLOYMENT}"));
    assert_eq!(run.places().len(), 3);
    assert_eq!(run.errors().len(), 1);
    assert!(run.errors()[0].starts_with("bad.yaml:16:"), "{run:?}");
}

#[test]
fn unknown_kind() {
    is_error(
        "bad.yaml",
        "apiVersion: apps/v1\nkind: Deploymnet\n",
        "2:7 apps/v1 has no kind Deploymnet; did you mean Deployment?",
    );
}

#[test]
fn version_that_is_gone() {
    is_error(
        "bad.yaml",
        "kind: Role\napiVersion: rbac.authorization.k8s.io/v1beta1\n",
        "2:13 rbac.authorization.k8s.io/v1beta1 of Role is gone since Kubernetes 1.22; write rbac.authorization.k8s.io/v1",
    );
}

#[test]
fn no_api_version() {
    is_error("bad.yaml", "# comment\nkind: Pod\nmetadata: {name: a}\n", "2:1 apiVersion is missing");
}

#[test]
fn empty_file() {
    is_error("bad.yaml", "", "1:1 empty: no object in it");
}

#[test]
fn no_file() {
    let folder = Folder::new().file("good.yaml", DEPLOYMENT).module("pods.wasm", &accepted());
    let run = folder.run(&["scan", "none.yaml", "good.yaml", "-p", "pods.wasm", "--only", "pods", "-f", "json"]);
    assert_eq!(run.status, 2);
    assert!(run.errors()[0].starts_with("none.yaml:null:null cannot be read: "), "{run:?}");
    assert_eq!(run.json()["summary"]["objects"], 1);
}

#[test]
fn three_megabytes() {
    let line = "setting = \"some value of a usual length\"\n    ";
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: big}}\ndata:\n  settings.py: |\n    {}\n",
        line.repeat(3_000_000 / line.len())
    );
    assert!(text.len() > 2_900_000);
    let run = beside_a_good_one("big.yaml", text);
    assert_eq!((run.status, run.errors().len(), run.places().len()), (1, 0, 2));
}

#[test]
fn three_megabytes_for_the_policies_that_are_built_in() {
    let value = "c29tZSB2YWx1ZQ".repeat(3_000_000 / 14);
    let text = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: big}}\nspec: {{containers: [{{name: a, image: b, env: [{{name: A, value: {value}}}]}}]}}\n"
    );
    let folder = Folder::new().file("big.yaml", text);
    let run = folder.run(&["scan", "big.yaml", "-f", "json"]);
    assert_eq!(run.errors(), Vec::<String>::new());
}

#[test]
fn ten_thousand_levels() {
    let expected = "nested more than 250 levels deep";
    is_error(
        "deep.json",
        format!("{{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"spec\": {}1{}}}", "[".repeat(10_000), "]".repeat(10_000)),
        &format!("1:294 {expected}"),
    );
    let block: String = (0..10_000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    let run = beside_a_good_one("deep.yaml", block);
    assert!(run.errors()[0].ends_with(expected), "{run:?}");
}

#[test]
fn the_deepest_object_that_is_read_is_judged() {
    let depth = 248;
    let text = format!(
        "{{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"spec\": {{\"x\": {}1{}}}}}",
        "[".repeat(depth),
        "]".repeat(depth)
    );
    let folder = Folder::new().file("deep.json", text);
    let run = folder.run(&["scan", "deep.json", "-f", "json"]);
    assert_eq!(run.errors(), Vec::<String>::new());
}

#[test]
fn not_utf8() {
    is_error("bad.yaml", b"apiVersion: v1\nkind: \xff\xfe\n", "2:7 not UTF-8, from byte 21 on");
    is_error("wide.yaml", b"\xff\xfea\0p\0i\0", "1:1 not UTF-8, from byte 0 on; it looks like UTF-16");
}

#[test]
fn characters_that_would_hide_what_follows() {
    is_error(
        "bad.yaml",
        "apiVersion: v1\nkind: Pod\0\nspec: {hostNetwork: true}\n",
        "2:10 the character U+0000 is not allowed in YAML",
    );
}

#[test]
fn a_value_in_the_wrong_place_is_not_repeated() {
    let run = beside_a_good_one("bad.yaml", "apiVersion: v1\nkind: Secret\nmetadata: hunter2\n");
    assert_eq!(run.errors(), ["bad.yaml:3:11 metadata must be a map"]);
    assert!(!format!("{run:?}").contains("hunter2"));
}

/// What a scan with this module says on standard error.
fn with_module(wasm: impl AsRef<[u8]>) -> (i32, String) {
    let folder = Folder::new().file("good.yaml", DEPLOYMENT).file("odd.wasm", wasm);
    let run = folder.run(&["scan", "good.yaml", "--policy", "odd.wasm"]);
    assert!(!run.stderr.contains("panicked"), "{run:?}");
    (run.status, run.stderr)
}

#[test]
fn modules_that_are_none() {
    let (status, error) = with_module("#!/bin/sh\n");
    assert_eq!(
        (status, error.as_str()),
        (2, "error: odd.wasm: this is not a WebAssembly module: it does not begin with the bytes \\0asm\n")
    );
    assert_eq!(with_module("").0, 2);
    let (status, error) = with_module(b"\0asm\x01\0\0\0\xff\xff");
    assert_eq!(status, 2);
    assert!(error.starts_with("error: odd.wasm: "), "{error}");
    let folder = Folder::new().file("good.yaml", DEPLOYMENT);
    let run = folder.run(&["scan", "good.yaml", "--policy", "none.wasm"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.starts_with("error: none.wasm: cannot be read: "), "{run:?}");
}

#[test]
fn modules_that_want_other_functions() {
    let wasm = wat::parse_str("(module (import \"env\" \"shell\" (func)) (memory (export \"memory\") 1))").unwrap();
    let (status, error) = with_module(wasm);
    assert_eq!(
        (status, error.as_str()),
        (2, "error: odd.wasm: the module imports what a policy server does not offer: env.shell\n")
    );
}

/// Scans with a module that misbehaves, and one that is good; gives the errors.
fn beside_a_good_module(wasm: Vec<u8>, objects: usize) -> Vec<String> {
    let folder = Folder::new()
        .file("all.yaml", format!("{DEPLOYMENT}---\n").repeat(objects))
        .file("odd.wasm", wasm)
        .module("pods.wasm", &findings(&[("host-network", "deny", "spec.template.spec.hostNetwork", "host network")]));
    let args = ["scan", "all.yaml", "-p", "odd.wasm", "-p", "pods.wasm", "--only", "odd,pods", "-f", "json"];
    // How often a module is asked before it is given up depends on how many ask at once.
    let run = folder.run_with(&args, &[("RAYON_NUM_THREADS", "2")], "");
    assert_eq!((run.status, run.places().len()), (2, objects), "{run:?}");
    assert!(!run.stderr.contains("panicked"), "{run:?}");
    run.errors()
}

#[test]
fn a_module_without_end() {
    let errors = beside_a_good_module(wapc("", "(loop $again (br $again)) (i32.const 1)"), 1);
    assert_eq!(errors, ["all.yaml:1:1 stopped after 2s: the policy takes too long, or never ends"]);
}

#[test]
fn a_module_without_end_is_not_asked_for_ever() {
    let errors = beside_a_good_module(wapc("", "(loop $again (br $again)) (i32.const 1)"), 40);
    let (last, first) = errors.split_last().expect("errors");
    assert!(first.len() < 10, "{errors:?}");
    assert!(first.iter().all(|error| error.contains("stopped after 2s")), "{errors:?}");
    assert!(last.starts_with("odd:null:null ran out of time 3 times, and was not asked about "), "{errors:?}");
}

#[test]
fn a_module_that_wants_all_memory() {
    let body =
        "(loop $again (if (i32.eq (memory.grow (i32.const 64)) (i32.const -1)) (then unreachable)) (br $again)) (i32.const 1)";
    let errors = beside_a_good_module(wapc("", body), 2);
    assert_eq!(errors.len(), 2);
    assert_eq!(errors[0], "all.yaml:1:1 the policy ran out of memory: it may use 256 MiB");
}

#[test]
fn a_module_that_answers_nonsense() {
    let errors = beside_a_good_module(wapc("not json", "(call $response (i32.const 0) (i32.const 8)) (i32.const 1)"), 1);
    assert!(errors[0].contains("the policy's answer cannot be read"), "{errors:?}");
    let outside = beside_a_good_module(wapc("", "(call $response (i32.const -8) (i32.const 100)) (i32.const 1)"), 1);
    assert_eq!(outside.len(), 1);
}
