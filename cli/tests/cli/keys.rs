//! Key pairs and bills of materials: what needs no registry.

use std::fs;

use crate::support::Folder;

const PASSWORD: (&str, &str) = ("COSIGN_PASSWORD", "correct horse battery staple");

/// Where no registry is: what is asked of it would take long, and fail otherwise.
const NOWHERE: &str = "127.0.0.1:1/policies";

#[test]
fn help() {
    for command in ["generate-key-pair", "verify"] {
        let run = Folder::new().run(&[command, "--help"]);
        assert_eq!(run.status, 0);
        insta::assert_snapshot!(format!("help_{command}"), run.stdout);
    }
}

#[test]
fn a_key_pair_is_made_once() {
    let folder = Folder::new();
    let run = folder.run_with(&["generate-key-pair", "release"], &[PASSWORD], "");
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(run.stdout, @r"
    private key  release.key
    public key   release.pub
    ");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("a file");
    let (private, public) = (read("release.key"), read("release.pub"));
    assert!(private.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"));
    assert!(public.starts_with("-----BEGIN PUBLIC KEY-----\n"), "{public}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(folder.path().join("release.key")).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = folder.run_with(&["generate-key-pair", "release"], &[PASSWORD], "");
    assert_eq!((again.status, again.stdout.as_str()), (2, ""));
    insta::assert_snapshot!(again.stderr, @"error: release.key: there is such a file already, and keys are never overwritten; move it away, or choose another name");
    assert_eq!((read("release.key"), read("release.pub")), (private, public));
}

#[test]
fn a_key_pair_needs_a_password() {
    let folder = Folder::new();
    let run = folder.run(&["generate-key-pair"]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    insta::assert_snapshot!(run.stderr, @"error: the private key is to be encrypted: set COSIGN_PASSWORD to a password for it (empty for none)");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[test]
fn bills_of_materials_are_exported() {
    let folder = Folder::new();
    let run = folder.run(&["export", "out", "--only", "require-network-policy", "--sbom"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    let names: Vec<&str> = run.stdout.lines().filter_map(|line| line.split("  ").next()).collect();
    assert_eq!(names, ["out/require-network-policy.wasm", "out/require-network-policy.cdx.json"]);
    let text = fs::read(folder.path().join("out/require-network-policy.cdx.json")).expect("a file");
    let bom: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    assert_eq!(
        (&bom["bomFormat"], &bom["metadata"]["component"]["name"]),
        (&"CycloneDX".into(), &"require-network-policy".into())
    );
    // Byte for byte the same the next time.
    folder.run(&["export", "again", "--only", "require-network-policy", "--sbom"]);
    assert_eq!(fs::read(folder.path().join("again/require-network-policy.cdx.json")).expect("a file"), text);
}

/// The files of a key pair, and some that are none.
fn with_keys() -> Folder {
    let folder = Folder::new().file("note.txt", "not a key\n");
    let run = folder.run_with(&["generate-key-pair", "release"], &[PASSWORD], "");
    assert_eq!(run.status, 0, "{run:?}");
    folder
}

/// Nothing is asked of the registry before the key is known to be good.
#[test]
fn publishing_with_a_key_that_cannot_be_used() {
    let folder = with_keys();
    let wrong = ("COSIGN_PASSWORD", "hunter2");
    let said: Vec<String> = [
        ("release.key", &[][..]),
        ("release.key", &[wrong]),
        ("release.pub", &[PASSWORD]),
        ("note.txt", &[PASSWORD]),
        ("none.key", &[PASSWORD]),
    ]
    .into_iter()
    .map(|(key, variables)| {
        let run = folder.run_with(&["publish", NOWHERE, "--sign-key", key], variables, "");
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{run:?}");
        assert!(!run.stderr.contains("hunter2") && !run.stderr.contains(PASSWORD.1));
        run.stderr
    })
    .collect();
    insta::assert_snapshot!(said.concat());
    assert!(!folder.path().join("palisade.lock").exists());
}

#[test]
fn verifying_what_cannot_be_verified() {
    let lock =
        serde_json::json!({"schemaVersion": 1, "destination": "registry.example.com/policies", "policies": {}}).to_string();
    let folder = with_keys().file("elsewhere.lock", &lock).file("broken.lock", "{");
    let digest = format!("{NOWHERE}/a@sha256:{}", "0a".repeat(32));
    let said: Vec<String> = [
        &["--key", "release.key", NOWHERE][..],
        &["--key", "note.txt", NOWHERE],
        &["--key", "none.pub", NOWHERE],
        &["--key", "release.pub", NOWHERE, "--lock", "none.lock"],
        &["--key", "release.pub", NOWHERE, "--lock", "elsewhere.lock"],
        &["--key", "release.pub", NOWHERE, "--lock", "broken.lock"],
        &["--key", "release.pub", "registry.example.com/policies", "--lock", "elsewhere.lock"],
        &["--key", "release.pub", NOWHERE, "--policy", "no-such-policy"],
        &["--key", "release.pub", "https://registry.example.com/policies"],
        &["--key", "release.pub", "127.0.0.1:1/policies/a@sha256:0a"],
        &["--key", "release.pub", &digest, "--tag", "v1.0.0"],
    ]
    .into_iter()
    .map(|args| {
        let run = folder.run(&[&["verify"], args].concat());
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{run:?}");
        run.stderr
    })
    .collect();
    insta::assert_snapshot!(said.concat());
    // Without a key there is nothing to verify by.
    assert!(folder.run(&["verify", NOWHERE]).stderr.contains("--key <FILE>"));
}
