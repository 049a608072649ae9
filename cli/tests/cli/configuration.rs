//! `palisade.yaml`, and the choice of policies on the command line.

use serde_json::json;

use crate::support::{DEPLOYMENT, Folder, Run, accepted, findings, text};

fn folder() -> Folder {
    Folder::new().file("web.yaml", DEPLOYMENT).module(
        "pods.wasm",
        &findings(&[("host-network", "deny", "spec.template.spec.hostNetwork", "host network"), ("odd", "warn", "", "odd")]),
    )
}

fn scan(folder: &Folder, more: &[&str]) -> Run {
    folder.run(&[&["scan", "web.yaml", "--policy", "pods.wasm", "--only", "pods", "-f", "json"], more].concat())
}

fn error(configuration: &str) -> String {
    let run = scan(&folder().file("palisade.yaml", configuration), &[]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{run:?}");
    run.stderr
}

#[test]
fn unknown_keys() {
    assert_eq!(
        error("polices: {}\n"),
        "error: palisade.yaml:1:1: unknown key `polices`, expected `policies` or `exemptions`\n"
    );
    assert_eq!(
        error("policies:\n  pods:\n    setings: {}\n"),
        "error: palisade.yaml:3:5: unknown key `setings`, expected one of `enabled`, `settings`, `rules`\n"
    );
    assert!(
        error("policies:\n  podz: {}\n").starts_with("error: palisade.yaml:2:3: there is no policy of this name; there are ")
    );
    assert!(error("policies: [\n").starts_with("error: palisade.yaml:"));
}

#[test]
fn unknown_settings_of_a_policy() {
    let configuration = "policies:\n  require-network-policy:\n    settings:\n      allowEverything: true\n";
    let folder = Folder::new().file("web.yaml", DEPLOYMENT).file("palisade.yaml", configuration);
    let run = folder.run(&["scan", "web.yaml"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.starts_with("error: palisade.yaml:4:24: require-network-policy: "), "{run:?}");
    assert!(run.stderr.contains("allowEverything"), "{run:?}");
}

#[test]
fn unknown_rules_of_a_policy() {
    let configuration = "policies:\n  require-network-policy:\n    rules:\n      no-such-rule: off\n";
    let folder = Folder::new().file("web.yaml", DEPLOYMENT).file("palisade.yaml", configuration);
    let run = folder.run(&["scan", "web.yaml"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.starts_with("error: palisade.yaml:4:21: require-network-policy: rules.no-such-rule: "), "{run:?}");
}

#[test]
fn levels_of_rules() {
    let scan = |configuration: &str| {
        let folder = Folder::new().file("web.yaml", DEPLOYMENT).file("palisade.yaml", configuration);
        let run = folder.run(&["scan", "web.yaml", "--only", "require-network-policy", "-f", "json"]);
        let json = run.json();
        let findings = json["findings"].as_array().unwrap();
        let found = findings.iter().find(|finding| finding["rule"] == "host-network");
        found.map(|finding| text(finding, "severity").to_owned())
    };
    assert_eq!(scan("").as_deref(), Some("deny"));
    assert_eq!(scan("policies: {require-network-policy: {rules: {host-network: warn}}}").as_deref(), Some("warn"));
    assert_eq!(scan("policies: {require-network-policy: {rules: {host-network: off}}}"), None);
}

#[test]
fn a_module_from_elsewhere_has_no_levels() {
    let folder = Folder::new()
        .file("web.yaml", DEPLOYMENT)
        .module("other.wasm", &json!({"accepted": true, "valid": true}))
        .file("palisade.yaml", "policies:\n  other:\n    rules: {x: off}\n");
    let run = folder.run(&["scan", "web.yaml", "-p", "other.wasm"]);
    assert_eq!(run.status, 2);
    assert_eq!(
        run.stderr,
        "error: palisade.yaml:3:5: other: not one of Palisade's policies: the levels of its rules cannot be set; it takes `settings` only\n"
    );
}

#[test]
fn settings_that_a_module_refuses() {
    let folder = Folder::new()
        .file("web.yaml", DEPLOYMENT)
        .module("other.wasm", &json!({"accepted": true, "valid": false, "message": "level is too low"}))
        .file("palisade.yaml", "policies:\n  other:\n    settings: {level: 1}\n");
    let run = folder.run(&["scan", "web.yaml", "-p", "other.wasm"]);
    assert_eq!((run.status, run.stderr.as_str()), (2, "error: palisade.yaml:3:5: other: level is too low\n"));
}

#[test]
fn exemptions() {
    let folder = folder().file(
        "palisade.yaml",
        "exemptions:\n  - {rule: host-*, namespace: sh?p, kind: Deployment, name: web, reason: a node agent, expires: 9999-12-31}\n  - rule: odd\n    reason: was fine\n    expires: 2001-01-31\n  - namespace: other\n    reason: never\n",
    );
    let run = scan(&folder, &[]);
    let json = run.json();
    assert_eq!(run.status, 1);
    assert_eq!(json["summary"], json!({"files": 1, "objects": 1, "deny": 0, "warn": 1, "exempt": 1, "errors": 0}));
    assert_eq!(json["findings"][0]["exemption"], json!({"reason": "a node agent", "expires": "9999-12-31"}));
    assert_eq!(
        run.notes(),
        [
            "palisade.yaml this exemption expired on 2001-01-31: it no longer covers 1 finding",
            "palisade.yaml this exemption covers nothing in this scan",
        ]
    );
    assert_eq!((json["notes"][0]["line"].clone(), json["notes"][1]["line"].clone()), (json!(3), json!(6)));
    let table = folder.run(&["scan", "web.yaml", "-p", "pods.wasm", "--only", "pods"]).stdout;
    assert!(!table.contains("host-network"), "{table}");
    assert!(table.contains("1 finding (0 deny, 1 warn), 1 exempt"), "{table}");
}

#[test]
fn is_found_above_the_working_directory() {
    let folder = folder().file("palisade.yaml", "policies: {pods: {enabled: false}}\n").file("deep/er/web.yaml", DEPLOYMENT);
    let here = folder.path().join("deep/er");
    let run = folder.run(&["scan", "web.yaml", "-p", "pods.wasm", "-f", "json"]);
    assert!(!run.stdout.contains("\"policy\": \"pods\""), "{run:?}");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_palisade"))
        .args(["scan", "web.yaml", "-p", "../../pods.wasm", "-f", "json"])
        .current_dir(here)
        .output()
        .unwrap();
    assert!(!String::from_utf8_lossy(&output.stdout).contains("\"policy\": \"pods\""), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"objects\": 1"), "{output:?}");
}

#[test]
fn can_be_named() {
    let folder =
        folder().file("other.yaml", "exemptions: [{kind: '*', reason: all of it}]\n").file("palisade.yaml", "broken: [\n");
    let run = scan(&folder, &["--config", "other.yaml"]);
    assert_eq!((run.status, run.json()["summary"]["exempt"].clone()), (0, json!(2)));
    let run = scan(&folder, &["--config", "none.yaml"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.starts_with("error: none.yaml: "), "{run:?}");
}

#[test]
fn the_command_line_chooses() {
    let folder = folder().file("palisade.yaml", "policies: {pods: {enabled: false}}\n").module("more.wasm", &accepted());
    // What is named is used, even if the file disables it.
    assert_eq!(scan(&folder, &[]).places().len(), 2);
    let run = folder.run(&[
        "scan",
        "web.yaml",
        "-p",
        "pods.wasm",
        "-p",
        "more.wasm",
        "--only",
        "pods,more",
        "--skip",
        "pods",
        "-f",
        "json",
    ]);
    assert_eq!((run.status, run.places().len()), (0, 0));
    let run = folder.run(&["scan", "web.yaml", "-p", "pods.wasm", "--skip", "podz"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.starts_with("error: there is no policy named podz; there are "), "{run:?}");
}

#[test]
fn two_policies_of_one_name() {
    let folder = folder().module("copy/pods.wasm", &accepted());
    let run = folder.run(&["scan", "web.yaml", "-p", "pods.wasm", "-p", "copy/pods.wasm"]);
    assert_eq!(
        (run.status, run.stderr.as_str()),
        (2, "error: copy/pods.wasm: there is a policy named pods already; rename the file\n")
    );
}
