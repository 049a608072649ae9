//! The other commands, and what each says of itself.

use crate::support::{DEPLOYMENT, Folder, findings, text};

#[test]
fn help() {
    let folder = Folder::new();
    let all = folder.run(&["--help"]);
    assert_eq!(all.status, 0);
    insta::assert_snapshot!("help", all.stdout);
    // Alone, it says the same, but asks for a command.
    let alone = folder.run(&[]);
    assert_eq!(alone.status, 2);
    assert!(alone.stderr.contains("Usage: palisade"), "{alone:?}");
    for command in ["scan", "rbac", "net", "test", "policies", "bench", "export", "publish", "completions"] {
        let run = folder.run(&[command, "--help"]);
        assert_eq!(run.status, 0);
        insta::assert_snapshot!(format!("help_{command}"), run.stdout);
    }
    insta::assert_snapshot!("help_bench_secrets", folder.run(&["bench", "secrets", "--help"]).stdout);
}

#[test]
fn wrong_use() {
    let folder = Folder::new().file("web.yaml", DEPLOYMENT);
    for args in [&["scan"][..], &["scan", "web.yaml", "--format", "xml"], &["sacn"], &["scan", "web.yaml", "--what"]] {
        let run = folder.run(args);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{args:?}");
        assert!(run.stderr.starts_with("error: "), "{run:?}");
    }
}

#[test]
fn completions() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = folder.run(&["completions", shell]);
        assert_eq!(run.status, 0);
        assert!(run.stdout.contains("fail-on"), "{shell}: {run:?}");
    }
}

fn with_fixtures() -> Folder {
    let fixture = |expect: &str| format!("expect:\n{expect}object:\n  apiVersion: v1\n  kind: Pod\n  metadata: {{name: a}}\n");
    Folder::new()
        .module("pods.wasm", &findings(&[("odd", "deny", "metadata.name", "an odd name")]))
        .file("good/holds.yaml", fixture("  denied:\n    - {rule: odd, path: metadata.name}\n"))
        .file("bad/holds.yaml", fixture("  denied:\n    - {rule: odd, path: metadata.name}\n"))
        .file("bad/differs.yaml", fixture("  denied:\n    - {rule: even, path: metadata.name}\n"))
        .file("broken/broken.yaml", "expect: [\n")
        .file("empty/README.md", "")
}

#[test]
fn fixtures_that_hold() {
    let run = with_fixtures().run(&["test", "pods.wasm", "good"]);
    assert_eq!(run.status, 0, "{run:?}");
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn fixtures_that_do_not() {
    let folder = with_fixtures();
    let run = folder.run(&["test", "pods.wasm", "bad"]);
    assert_eq!(run.status, 1, "{run:?}");
    insta::assert_snapshot!(run.stdout);
    let one = folder.run(&["test", "pods.wasm", "bad", "--filter", "hold"]);
    assert_eq!(one.status, 0, "{one:?}");
}

#[test]
fn fixtures_that_cannot_be_run() {
    let folder = with_fixtures();
    let run = folder.run(&["test", "pods.wasm", "broken"]);
    assert_eq!(run.status, 2);
    assert!(run.stdout.contains("1 cannot be read"), "{run:?}");
    for args in [
        &["test", "pods.wasm", "empty"][..],
        &["test", "pods.wasm", "none"],
        &["test", "pods.wasm"],
        &["test", "none.wasm", "good"],
    ] {
        let run = folder.run(args);
        assert_eq!(run.status, 2, "{args:?}");
        assert!(run.stderr.starts_with("error: "), "{run:?}");
    }
}

#[test]
fn fixtures_of_a_policy_that_is_built_in() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/require-network-policy/fixtures");
    let run = Folder::new().run(&["test", "require-network-policy", dir]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stdout.contains(" 0 failed"), "{run:?}");
}

#[test]
fn policies_are_listed() {
    let folder = Folder::new();
    let table = folder.run(&["policies"]);
    let json = folder.run(&["policies", "--format", "json"]).json();
    let entries = json.as_array().expect("a list");
    assert!(!entries.is_empty());
    for entry in entries {
        assert!(table.stdout.contains(text(entry, "name")), "{table:?}");
        assert!(!text(entry, "description").is_empty() && !text(entry, "practice").is_empty(), "{entry}");
    }
}

#[test]
fn a_policy_is_explained() {
    let folder = Folder::new();
    let table = folder.run(&["policies", "require-network-policy"]);
    assert_eq!(table.status, 0);
    let json = folder.run(&["policies", "require-network-policy", "-f", "json"]).json();
    let rules = json["rules"].as_array().expect("rules");
    assert!(rules.iter().any(|rule| rule["id"] == "host-network" && rule["severity"] == "deny"));
    for rule in rules {
        for part in ["id", "summary", "remedy", "source"] {
            assert!(table.stdout.contains(text(rule, part)), "{part} of {rule}");
        }
    }
    for setting in json["settings"].as_array().expect("settings") {
        assert!(table.stdout.contains(text(setting, "key")), "{setting}");
    }
}

#[test]
fn a_module_that_does_not_explain_itself() {
    let folder = with_fixtures();
    let run = folder.run(&["policies", "pods.wasm"]);
    assert_eq!(run.status, 0);
    assert!(run.stdout.contains("does not describe its rules and settings"), "{run:?}");
    let run = folder.run(&["policies", "no-such-policy"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.starts_with("error: there is no policy named no-such-policy; there are "), "{run:?}");
}

#[test]
fn figures_are_printed() {
    let run = Folder::new().run(&["bench", "--iterations", "3", "--objects", "60"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stdout.contains("require-network-policy"), "{run:?}");
    assert!(run.stdout.contains("objects/s"), "{run:?}");
}

#[test]
fn modules_are_exported() {
    let folder = Folder::new();
    let run = folder.run(&["export", "out/modules", "--only", "require-network-policy"]);
    assert_eq!(run.status, 0, "{run:?}");
    let files: Vec<_> = std::fs::read_dir(folder.path().join("out/modules")).expect("a folder").collect();
    assert_eq!(files.len(), 1);
    // What was written is the policy: its own fixtures hold.
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/require-network-policy/fixtures");
    let run = folder.run(&["test", "out/modules/require-network-policy.wasm", dir]);
    assert!(run.status == 0 && run.stdout.contains(" 0 failed"), "{run:?}");
    assert_eq!(folder.run(&["export", "out", "--only", "no-such-policy"]).status, 2);
    let run = folder.file("file", "").run(&["export", "file/modules"]);
    assert!(run.status == 2 && run.stderr.contains("cannot be written"), "{run:?}");
}

/// The READMEs, the catalogue and what else is generated say what rules, settings, metadata and fixtures say.
#[test]
fn generated_files_are_up_to_date() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let run = Folder::new().run(&["generate", "--check", "--root", root]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
}
