//! Objects as large as the API server takes them, made to cost a policy as much as they can. Each is judged, without a trap, in the
//! memory that the policy server's instances have. The deadline is not the policy server's, since machines that run tests are
//! busy; work that is not linear would run into it all the same.

use std::time::Duration;

use palisade_harness::{AdmissionRequest, Cache, Engine, Limits, Policy, RequestParts, World};
use serde_json::{Value, json};

/// The largest ConfigMap that the API server stores.
const LARGEST: usize = 1 << 20;

fn policy(name: &str) -> Policy {
    let limits = Limits { deadline: Duration::from_secs(60), ..Limits::default() };
    let engine = Engine::new(limits, Cache::Default).unwrap();
    let module = palisade_policies::find(name).unwrap();
    Policy::load(&engine, name, module.wasm).unwrap()
}

/// Whether the policy accepts the object. It must judge it.
fn accepts(policy: &Policy, object: Value) -> bool {
    let request = AdmissionRequest::new(RequestParts { object: Some(object), ..RequestParts::default() }).unwrap();
    policy.validate(&request, &json!({}), &World::default().into()).unwrap().accepted
}

fn filled(unit: &str) -> String {
    unit.repeat(LARGEST / unit.len())
}

fn base64(text: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in text.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit)) & 63;
            encoded.push(if digit <= chunk.len() { DIGITS[value as usize] as char } else { '=' });
        }
    }
    encoded
}

#[test]
fn config_maps_of_a_mebibyte() {
    let policy = policy("no-secrets-in-configmaps");
    let config_map = |key: &str, value: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop"}, "data": {(key): value}});
    // One line, a million commas, a million lines, deep nesting, quotes that do not close.
    for unit in [
        "a", ",", "\n", "a\n", "a=\n", " a:\n", "[", "{\"a\":", "'", "\"", "\\'", "\"\"\"", "<a ", "<!--", "/*", "- ", "://",
        "@", "=", "%41", "$(",
    ] {
        let text = filled(unit);
        for key in ["a.yaml", "a.py", "a.json", "a.xml", "a.sh", "a", "DB_PASSWORD"] {
            accepts(&policy, config_map(key, &text));
        }
    }
    // As many secrets as fit in.
    for unit in [
        "password=a1b2c3\n",
        "password: \"x1y2z3\",",
        "AKIAQNOTISSUED234567 ",
        "postgres://a:b1c2d3@e ",
        "curl -u a:b1c2d3\n",
        "eyJ",
        "password_is_unset=",
    ] {
        let text = filled(unit);
        for key in ["a.yaml", "a.py", "a.sh", "a"] {
            let accepted = accepts(&policy, config_map(key, &text));
            assert!(!accepted || unit.ends_with(['J', '=']) || key == "a.py", "{key}: {unit}");
        }
    }
    // Base64 of base64, down to a password.
    let mut nested = "password=kestrel91\n".to_owned();
    while nested.len() < LARGEST / 2 {
        nested = base64(nested.as_bytes());
    }
    accepts(&policy, config_map("a", &nested));
    // Bytes that are no text, and text with bytes that are none.
    let noise: Vec<u8> = (0..700_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mixed: Vec<u8> = b"DB_PASSWORD=kestrel91\n\xff\xfe\n".repeat(28_000);
    for (content, accepted) in [(&noise, true), (&mixed, false)] {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop"}, "binaryData": {"blob": base64(content)}});
        assert_eq!(accepts(&policy, object), accepted);
    }
}
