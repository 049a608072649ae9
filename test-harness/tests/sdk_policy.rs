//! Runs a policy that was built with the published Kubewarden SDK, its default features and WASI, as the official ones are.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use palisade_harness::{AdmissionRequest, Cache, Engine, Limits, Policy, Severity, World};
use serde_json::{Value, json};

const TARGET: &str = "wasm32-wasip1";

/// Builds the policy beside the other build results, so that it is built once.
fn build() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk-policy");
    let target_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("sdk-policy");
    let rustup = Command::new("rustup").args(["target", "add", TARGET]).output();
    if !rustup.is_ok_and(|output| output.status.success()) {
        eprintln!("rustup did not add the target {TARGET}; if the build fails, run: rustup target add {TARGET}");
    }
    let status = Command::new(env!("CARGO"))
        .current_dir(&source)
        .args(["build", "--release", "--locked", "--target", TARGET, "--target-dir"])
        .arg(&target_dir)
        // What the outer cargo was told is not for this one.
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTFLAGS")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .status()
        .unwrap();
    assert!(status.success(), "the policy did not compile; it needs: rustup target add {TARGET}");
    target_dir.join(TARGET).join("release/sdk_policy.wasm")
}

fn annotate(mut wasm: Vec<u8>) -> Vec<u8> {
    let metadata = json!({
        "protocolVersion": "v1", "mutating": true, "executionMode": "kubewarden-wapc",
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}],
        "contextAwareResources": [{"apiVersion": "v1", "kind": "ConfigMap"}],
    })
    .to_string();
    let section = wasm_encoder::CustomSection { name: "io.kubewarden.metadata".into(), data: metadata.as_bytes().into() };
    wasm_encoder::Encode::encode(&wasm_encoder::SectionId::Custom, &mut wasm);
    wasm_encoder::Encode::encode(&section, &mut wasm);
    wasm
}

#[test]
fn official_policies_run() {
    let engine = Engine::new(Limits::default(), Cache::Off).unwrap();
    let wasm = annotate(std::fs::read(build()).unwrap());
    let policy = Policy::load(&engine, "sdk-policy", &wasm).unwrap();
    let world = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "taken", "namespace": "shop"}});
    let world = Arc::new(World::of_objects([world], "default").unwrap());
    let request = |name: &str, host_network: bool| {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"hostNetwork": host_network, "containers": [{"name": "c", "image": "i"}]},
        });
        AdmissionRequest::create(pod, "shop").unwrap()
    };
    let validate =
        |name, host_network, settings: Value| policy.validate(&request(name, host_network), &settings, &world).unwrap();

    assert_eq!(policy.protocol_version().unwrap(), "v1");
    assert!(policy.watches(&request("web", false)));
    assert!(policy.describe().unwrap().is_none());
    assert!(policy.validate_settings(&json!({"label": "yes"})).unwrap().valid);
    let refused = policy.validate_settings(&json!({"label": ""})).unwrap();
    assert_eq!((refused.valid, refused.message.as_deref()), (false, Some("label is empty")));

    let accepted = validate("web", false, json!({}));
    assert!(accepted.accepted && accepted.findings.is_empty());

    let rejected = validate("web", true, json!({}));
    assert!(!rejected.accepted);
    assert_eq!(rejected.code, Some(403));
    let severities: Vec<Severity> = rejected.findings.iter().map(|finding| finding.severity).collect();
    assert_eq!(severities, [Severity::Deny, Severity::Warn]);

    // Through the host: a list of the namespace's ConfigMaps.
    let rejected = validate("taken", false, json!({}));
    assert_eq!(rejected.message.as_deref(), Some("the name taken is taken"));

    let mutated = validate("web", false, json!({"label": "by-us"})).mutated_object.unwrap();
    assert_eq!(mutated["metadata"]["labels"]["reviewed"], "by-us");
}
