//! Keys of cosign, of openssl and our own. All were made for these tests, and sign nothing else.

use super::*;

/// A private key that `cosign generate-key-pair` made, by the password `pw`.
const COSIGN_KEY: &str = "\
-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6
OCwicCI6MX0sInNhbHQiOiJtQ05nTm1nN0J3RjJDVU9Rbk9QblFMTXg4OWFycGF1
bTJFQzZMZlZWZzFNPSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94
Iiwibm9uY2UiOiJUNlFDSVExN2QwRVpHMkJRVGhVTjQyaDNUZnlpaXEyVCJ9LCJj
aXBoZXJ0ZXh0IjoidWZ0VTIzNzM4eE5QWXlneHNBcVkyQ2lqNjQvUUJnUGxFbU5J
ZmNwZlJRZjBaZUVyc1Q5akFRVDhVUFgrNkRjRXdQWEErc1h0VXF5MjRocitTc2I0
bG5vaWtLOGw1UVpXanBMbWtZM20vRzBZUFZGWXpscW84YS9xS2lscXNka2MwMm16
b3J1R1F1SHFKMmtrNmExMXZXdWZGdDVCVXpYZm1PMkdzSHRjRXhVRTRNSFVMczBs
b0pJOGQrVW5MR3B6bHh3dHluOExBUnR2bGc9PSJ9
-----END ENCRYPTED SIGSTORE PRIVATE KEY-----
";

/// Its public key.
pub const COSIGN_PUB: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEURs1mc5LuL61YDy43E8fGY35Y1hw
Iv4GJIWRsRFSyuRYyDVGVP2gY/2TPTyK0FxCdk8LB9YlHPUDux2XlQSoJA==
-----END PUBLIC KEY-----
";

const ED25519: &str = "\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJFIzzAGMKuRUSsyTndgrCMxKTl6aH+RjnEB3PUKV9n7
-----END PRIVATE KEY-----
";

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Reads a private key from a file of this text.
fn private(text: &str, password: Option<&str>) -> Result<SigningKey, String> {
    let folder = folder();
    let path = folder.path().join("some.key");
    fs::write(&path, text).expect("a file");
    SigningKey::read_with(&path, password.map(OsStr::new)).map_err(|error| named(&error, folder.path()))
}

/// Reads a public key from a file of this text.
pub fn public(text: &str) -> Result<VerificationKey, String> {
    let folder = folder();
    let path = folder.path().join("some.key");
    fs::write(&path, text).expect("a file");
    VerificationKey::read(&path).map_err(|error| named(&error, folder.path()))
}

fn named(error: &KeyError, folder: &Path) -> String {
    error.to_string().replace(&format!("{}/", folder.display()), "")
}

/// A new key pair.
pub fn pair() -> SigningKey {
    SigningKey::new(SigningScheme::ECDSA_P256_SHA256_ASN1.create_signer().expect("a key")).expect("a public key")
}

#[test]
fn what_is_signed_is_verified() {
    let message = b"a message";
    let folder = folder();
    let [key, public_file] = generate_with(&folder.path().join("own"), OsStr::new("correct horse")).expect("a key pair");
    let own = SigningKey::read_with(&key, Some(OsStr::new("correct horse"))).expect("the key");
    for (key, public) in [
        (own, VerificationKey::read(&public_file).expect("the public key")),
        (private(COSIGN_KEY, Some("pw")).expect("cosign's key"), public(COSIGN_PUB).expect("its public key")),
    ] {
        let signature = key.sign(message).expect("a signature");
        assert!(public.verifies(message, &signature) && key.public().verifies(message, &signature));
        assert!(!public.verifies(b"another message", &signature));
        assert!(!public.verifies(message, "") && !public.verifies(message, "%%") && !public.verifies(message, "AAAA"));
        assert!(!pair().public().verifies(message, &signature));
    }
    // What openssl writes needs no password.
    let key = private(ED25519, None).expect("a key");
    assert!(key.public().verifies(message, &key.sign(message).expect("a signature")));
}

#[test]
fn a_key_may_have_an_empty_password() {
    let folder = folder();
    let [key, _] = generate_with(&folder.path().join("open"), OsStr::new("")).expect("a key pair");
    assert!(SigningKey::read_with(&key, Some(OsStr::new(""))).is_ok());
    assert!(matches!(SigningKey::read_with(&key, None), Err(KeyError::NoPassword { .. })));
}

#[test]
fn private_keys_that_cannot_be_used() {
    let nonce = STANDARD.encode(r#"{"kdf": {}, "cipher": {"name": "nacl/secretbox", "nonce": "AAAA"}, "ciphertext": ""}"#);
    let short = format!("-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\n{nonce}\n-----END ENCRYPTED COSIGN PRIVATE KEY-----\n");
    // Too costly to be cosign's: the password would be tried for minutes.
    let costly = STANDARD.encode(
        serde_json::json!({
            "kdf": {"name": "scrypt", "params": {"N": 1_073_741_824, "r": 8, "p": 1}, "salt": STANDARD.encode([0; 32])},
            "cipher": {"name": "nacl/secretbox", "nonce": STANDARD.encode([0; 24])},
            "ciphertext": "AAAA",
        })
        .to_string(),
    );
    let costly =
        format!("-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\n{costly}\n-----END ENCRYPTED COSIGN PRIVATE KEY-----\n");
    let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let odd = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let said: Vec<String> = [
        (COSIGN_KEY, None),
        (COSIGN_KEY, Some("hunter2")),
        (COSIGN_PUB, Some("pw")),
        (certificate, None),
        (odd, None),
        (&short, Some("pw")),
        (&costly, Some("pw")),
        ("", None),
        ("not a key", None),
        (&"x".repeat(100_000), None),
    ]
    .into_iter()
    .map(|(text, password)| private(text, password).err().expect("an error"))
    .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn public_keys_that_cannot_be_used() {
    let odd = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    let said: Vec<String> =
        [COSIGN_KEY, ED25519, odd, "", "not a key"].into_iter().map(|text| public(text).err().expect("an error")).collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn nothing_is_overwritten_and_nothing_is_left_half_made() {
    let folder = folder();
    let prefix = folder.path().join("release.v1");
    fs::write(folder.path().join("release.v1.pub"), "mine").expect("a file");
    let error = generate_with(&prefix, OsStr::new("pw")).expect_err("an error");
    assert!(matches!(error, KeyError::Exists { .. }), "{error}");
    assert!(!folder.path().join("release.v1.key").exists());
    assert_eq!(fs::read(folder.path().join("release.v1.pub")).expect("a file"), b"mine");
    let error = generate_with(&folder.path().join("no/such/folder"), OsStr::new("pw")).expect_err("an error");
    assert!(matches!(error, KeyError::Unwritable { .. }), "{error}");
}
