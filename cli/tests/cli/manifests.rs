//! `palisade manifests`: what it refuses, and where it writes. What it writes is tested in `tests/deploy`.

use std::fs;

use crate::support::Folder;

/// The last line of what goes wrong.
fn error(folder: &Folder, args: &[&str]) -> String {
    let run = folder.run(&[&["manifests"], args].concat());
    assert_eq!(run.status, 2, "{run:?}");
    assert!(run.stdout.is_empty(), "{run:?}");
    run.stderr.trim_end().strip_prefix("error: ").unwrap_or_else(|| panic!("{run:?}")).to_owned()
}

#[test]
fn says_what_it_does_not_know() {
    let folder = Folder::new();
    assert!(error(&folder, &["--only", "rbac"]).starts_with("there is no policy named rbac; there are network-policy-"));
    assert!(error(&folder, &["--skip", "rbac"]).starts_with("there is no policy named rbac; there are network-policy-"));
    assert_eq!(
        error(&folder, &["--only", "rbac-least-privilege", "--skip", "rbac-least-privilege"]),
        "no policy is left; see --only, --skip, and `enabled` in the configuration"
    );
    assert_eq!(
        error(&folder, &["--exclude-namespace", "Calico"]),
        "the namespace \"Calico\": expected lower-case letters, digits and hyphens, with a letter or digit at both ends"
    );
    assert!(error(&folder, &["--registry", "policies"]).contains("expected a host"));
    assert!(error(&folder, &["--tag", "a b"]).starts_with("\"a b\": is no tag"));
    assert_eq!(
        error(&folder, &["--pin-digests", "--lock", "none.lock"]),
        "none.lock: there is no such file; palisade publish HOST/PATH writes it, and --lock says where it is"
    );
}

#[test]
fn a_configuration_is_held_to_its_lines() {
    let folder = Folder::new()
        .file("unknown.yaml", "policies:\n  rbac: {}\n")
        .file("wrong.yaml", "policies:\n  require-rbac-review:\n    settings:\n      maxReviewInterval: 0\n");
    assert!(error(&folder, &["--config", "unknown.yaml"]).starts_with("unknown.yaml:2:3: there is no policy of this name"));
    let refused = error(&folder, &["--profile", "restricted", "--config", "wrong.yaml"]);
    assert!(refused.starts_with("wrong.yaml:4:26: require-rbac-review: maxReviewInterval: "), "{refused}");
}

#[test]
fn a_configuration_is_laid_over_the_profile() {
    let folder = Folder::new().file(
        "palisade.yaml",
        "policies:
  no-secrets-in-configmaps: {enabled: false}
  require-rbac-review: {settings: {maxReviewInterval: 90}}
  rbac-least-privilege: {rules: {escalate: off}}
exemptions:
  - {policy: rbac-least-privilege, name: deployer, reason: it deploys}
",
    );
    let run = folder.run(&["manifests", "--config", "palisade.yaml"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stderr.starts_with("note: the exemptions of the configuration (1) hold in scans only"), "{run:?}");
    assert!(!run.stdout.contains("name: no-secrets-in-configmaps\n"));
    // A policy that the profile leaves out, and a level beside those of the profile.
    assert!(run.stdout.contains("  settings:\n    maxReviewInterval: 90\n"), "{}", run.stdout);
    assert!(run.stdout.contains("      escalate: 'off'\n") && run.stdout.contains("      wildcard-verb: warn\n"));
    // Without the option the file is not looked for.
    assert!(folder.run(&["manifests"]).stdout.contains("name: no-secrets-in-configmaps\n"));
}

#[test]
fn writes_a_file_or_a_folder() {
    let folder = Folder::new();
    let printed = folder.run(&["manifests"]).stdout;
    let run = folder.run(&["manifests", "--output", "palisade.yaml"]);
    assert_eq!((run.status, run.stdout.as_str()), (0, ""));
    assert_eq!(fs::read_to_string(folder.path().join("palisade.yaml")).unwrap(), printed);
    let run = folder.run(&["manifests", "--output", "out/", "--only", "rbac-least-privilege,restrict-role-bindings"]);
    assert_eq!(
        run.stdout,
        "out/kustomization.yaml\nout/rights.yaml\nout/rbac-least-privilege.yaml\nout/restrict-role-bindings.yaml\n"
    );
    let mut written: Vec<_> =
        fs::read_dir(folder.path().join("out")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    written.sort();
    assert_eq!(written.len(), 4, "{written:?}");
}
