//! Every format, as users see it.

use serde_json::Value;

use crate::support::{DEPLOYMENT, Folder, accepted, findings, text};

/// Two files with findings, one that is broken, and one that is no manifest.
fn folder() -> Folder {
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";
    Folder::new()
        .file("k8s/web.yaml", DEPLOYMENT)
        .file("k8s/names, 100%.yaml", format!("{namespace}---\nkind: [\n"))
        .file("k8s/docker-compose.yml", "services: {}\n")
        .module(
            "pods.wasm",
            &findings(&[
                ("host-network", "deny", "spec.template.spec.hostNetwork", "the pod runs in the network of its node"),
                ("odd-name", "warn", "metadata.name", "the name tells nothing"),
            ]),
        )
}

fn scan(format: &str) -> crate::support::Run {
    folder().run(&["scan", "k8s", "--policy", "pods.wasm", "--only", "pods", "--format", format])
}

#[test]
fn table() {
    let run = scan("table");
    assert_eq!((run.status, run.stderr.as_str()), (2, ""));
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn json() {
    let run = scan("json");
    assert_eq!(run.status, 2);
    assert_eq!(run.stderr, "error: k8s/names, 100%.yaml:5:8: while parsing a node, did not find expected node content\n");
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn sarif() {
    let run = scan("sarif");
    insta::assert_snapshot!(run.stdout);
    // What code scanning needs beyond the schema.
    let log = run.json();
    let driver = &log["runs"][0]["tool"]["driver"];
    for result in log["runs"][0]["results"].as_array().expect("results") {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("an index");
        assert_eq!(driver["rules"][index]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert!(!text(&place["artifactLocation"], "uri").contains([' ', ',']));
        assert!(place["region"]["startLine"].as_u64() > Some(0));
        assert_eq!(text(&result["partialFingerprints"], "palisade/v1").len(), 16);
    }
    assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], Value::Bool(false));
}

#[test]
fn junit() {
    insta::assert_snapshot!(scan("junit").stdout);
}

#[test]
fn github() {
    insta::assert_snapshot!(scan("github").stdout);
}

#[test]
fn annotations_name_files_from_the_working_directory_on() {
    let folder = folder();
    let here = folder.path().canonicalize().expect("a path").join("k8s/web.yaml");
    for path in ["./k8s/web.yaml", "k8s/../k8s/web.yaml", here.to_str().expect("UTF-8")] {
        let run = folder.run(&["scan", path, "-p", "pods.wasm", "--only", "pods", "-f", "github"]);
        assert!(run.stdout.starts_with("::error file=k8s/web.yaml,line=11,col=20,"), "{run:?}");
    }
    let run = folder.run(&["scan", ".", "-p", "pods.wasm", "--only", "pods", "-f", "json"]);
    assert!(run.places().contains(&"k8s/web.yaml:11:20 spec.template.spec.hostNetwork".to_owned()), "{run:?}");
}

#[test]
fn a_report_can_go_to_a_file() {
    let folder = folder();
    let run = folder.run_with(
        &["scan", "k8s/web.yaml", "-p", "pods.wasm", "--only", "pods", "-o", "report.txt"],
        &[("CLICOLOR_FORCE", "1")],
        "",
    );
    assert_eq!((run.status, run.stdout.as_str()), (1, ""));
    assert_eq!(run.stderr, "1 object in 1 file: 2 findings (1 deny, 1 warn)\n");
    let report = std::fs::read_to_string(folder.path().join("report.txt")).expect("a report");
    assert!(report.starts_with("Deployment shop/web  k8s/web.yaml\n"), "{report}");
    let run = folder.run(&["scan", "k8s/web.yaml", "-o", "no/such/folder/report.txt"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("no/such/folder/report.txt: cannot be written"), "{run:?}");
}

#[test]
fn colours_only_where_they_are_wanted() {
    let folder = folder();
    let args = ["scan", "k8s/web.yaml", "-p", "pods.wasm", "--only", "pods"];
    let styled = |variables: &[(&str, &str)], more: &[&str]| {
        folder.run_with(&[&args[..], more].concat(), variables, "").stdout.contains('\u{1b}')
    };
    assert!(!styled(&[], &[]));
    assert!(styled(&[("CLICOLOR_FORCE", "1")], &[]));
    assert!(!styled(&[("NO_COLOR", "1")], &[]));
    assert!(styled(&[], &["--color", "always"]));
    assert!(!styled(&[("CLICOLOR_FORCE", "1")], &["--color", "never"]));
}

#[test]
fn lines_are_as_wide_as_the_terminal() {
    let message = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen";
    let folder = Folder::new().file("web.yaml", DEPLOYMENT).module("long.wasm", &findings(&[("long", "deny", "", message)]));
    let args = ["scan", "web.yaml", "-p", "long.wasm", "--only", "long"];
    assert!(folder.run(&args).stdout.contains(message));
    let narrow = folder.run_with(&args, &[("CLICOLOR_FORCE", "1"), ("COLUMNS", "50")], "").stdout;
    assert!(narrow.contains("\n        one two three four five six seven eight\n        nine ten"), "{narrow}");
}

#[test]
fn a_clean_scan() {
    let folder = Folder::new().file("web.yaml", DEPLOYMENT).module("kind.wasm", &accepted());
    for (format, expected) in
        [("table", "1 object in 1 file: no findings, in … s\n"), ("github", "1 object in 1 file: no findings\n")]
    {
        let run = folder.run(&["scan", "web.yaml", "-p", "kind.wasm", "--only", "kind", "-f", format]);
        assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, expected, ""));
    }
}
