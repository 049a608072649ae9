//! A root of trust of our own, so that the tools do not ask the network for that of sigstore before they do anything.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, KeyPair};
use serde_json::json;

/// Writes the file for `--sigstore-trust-config`. It vouches for nothing.
pub fn write(dir: &Path) -> Result<PathBuf, String> {
    let key = KeyPair::generate().map_err(|error| error.to_string())?;
    let parameters = CertificateParams::new(vec!["nobody.example.com".to_owned()]).map_err(|error| error.to_string())?;
    let certificate = parameters.self_signed(&key).map_err(|error| error.to_string())?;
    let valid = json!({"start": "2026-01-01T00:00:00Z"});
    let root = json!({
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "tlogs": [{
            "baseUrl": "https://rekor.example.com",
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": base64(&key.public_key_pem()),
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "validFor": valid,
            },
            "logId": {"keyId": "AAAA"},
        }],
        "certificateAuthorities": [{
            "subject": {"organization": "nobody", "commonName": "nobody"},
            "uri": "https://fulcio.example.com",
            "certChain": {"certificates": [{"rawBytes": base64(&certificate.pem())}]},
            "validFor": valid,
        }],
        "ctlogs": [],
        "timestampAuthorities": [],
    });
    let config = json!({
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": root,
        "signingConfig": {},
    });
    let path = dir.join("trust.json");
    fs::write(&path, config.to_string()).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

/// The base64 inside of PEM, on one line.
fn base64(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with("-----")).collect()
}
