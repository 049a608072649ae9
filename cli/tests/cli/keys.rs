//! Key pairs and bills of materials: what needs no registry.

use std::fs;

use crate::support::Folder;

const PASSWORD: (&str, &str) = ("COSIGN_PASSWORD", "correct horse battery staple");

#[test]
fn help_generate_key_pair() {
    let run = Folder::new().run(&["generate-key-pair", "--help"]);
    assert_eq!(run.status, 0);
    insta::assert_snapshot!(run.stdout);
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
