use super::*;
use crate::keys::tests::{COSIGN_PUB, pair, public};

/// What `cosign sign` made of this, by the key of the tests.
const REPOSITORY: &str = "127.0.0.1:5577/p/x";
const DIGEST: &str = "sha256:fa0608d8b51bee6576b5c2f29031e56bbc5ba461ceb3a4fc84df9285e61b0dc1";
const SIGNATURE_BY_COSIGN: &str =
    "MEUCIQCKZvcg0PMM6d7KWaKh9nFdEl1bFF/mA5Cpis5O726ocgIgQ+/hW4S9/kzPYvQQFY2tOsVqPzyLRZ5TcJnASo7eRrM=";
const LAYER_BY_COSIGN: &str = "sha256:7a6b060d10f337c7b13f3bb45b3eb5abf49006f0b1a56dc2ee8622a32a1f521b";
const CONFIG_BY_COSIGN: &str = "sha256:429c3a7eb05bebb8f76cb6204da00d5f9889883ccc35a0058b9da79a7103384c";

fn layer_of(payload: &[u8], signature: &str) -> OciDescriptor {
    append(None, payload, signature.to_owned()).0.layers.remove(0)
}

#[test]
fn payload_layer_and_config_are_those_of_cosign() {
    let payload = payload(REPOSITORY, DIGEST);
    let (manifest, config) = append(None, &payload, SIGNATURE_BY_COSIGN.to_owned());
    assert_eq!(manifest.layers[0].digest, LAYER_BY_COSIGN);
    assert_eq!((manifest.config.digest.as_str(), manifest.config.size), (CONFIG_BY_COSIGN, 233));
    assert_eq!(config.len(), 233);
    let key = public(COSIGN_PUB).expect("a key");
    assert_eq!(check(&manifest.layers[0], &payload, DIGEST, &key), Ok(()));
    assert_eq!(tag(DIGEST), "sha256-fa0608d8b51bee6576b5c2f29031e56bbc5ba461ceb3a4fc84df9285e61b0dc1.sig");
}

#[test]
fn what_is_wrong_is_said() {
    let (key, other) = (pair(), pair());
    let signed = |payload: &[u8]| layer_of(payload, &key.sign(payload).expect("a signature"));
    let payload_of = |digest: &str| payload("registry.example.com/policies/a", digest);
    let good = payload_of(DIGEST);
    assert_eq!(check(&signed(&good), &good, DIGEST, key.public()), Ok(()));
    assert_eq!(check(&signed(&good), &good, DIGEST, other.public()), Err(Flaw::OtherKey));
    assert_eq!(check(&signed(&good), &payload_of("sha256:00"), DIGEST, key.public()), Err(Flaw::OtherKey));
    let elsewhere = payload_of("sha256:00");
    assert_eq!(check(&signed(&elsewhere), &elsewhere, DIGEST, key.public()), Err(Flaw::OtherDigest("sha256:00".to_owned())));
    for garbage in [&b"garbage"[..], b"{}", b""] {
        assert_eq!(check(&signed(garbage), garbage, DIGEST, key.public()), Err(Flaw::Garbage));
    }
    let other_type =
        String::from_utf8(good.clone()).expect("text").replace("cosign container", "atomic container").into_bytes();
    assert_eq!(check(&signed(&other_type), &other_type, DIGEST, key.public()), Err(Flaw::Garbage));
    let bare = OciDescriptor { annotations: None, ..signed(&good) };
    assert_eq!(check(&bare, &good, DIGEST, key.public()), Err(Flaw::Unsigned));
}

/// What one reader takes for this and another for that is nothing, although the key signed it.
#[test]
fn payloads_that_can_be_read_in_two_ways() {
    let key = pair();
    let text = String::from_utf8(payload("r", DIGEST)).expect("text");
    let other = String::from_utf8(payload("r", "sha256:00")).expect("text");
    let twice = |member: &str| {
        let value = &other[other.find(member).expect("a member")..];
        let end = value.find([',', '}']).expect("an end");
        text.replacen(member, &format!("{},{member}", &value[..end]), 1)
    };
    for payload in [
        twice(r#""docker-manifest-digest""#),
        twice(r#""type""#),
        text.replacen('{', &format!("{},", other.trim_end_matches(r#","optional":null}"#)), 1),
        format!("{text}{other}"),
        format!("{other}{text}"),
        format!("{text}\0"),
        format!("[{text}]"),
    ] {
        assert_ne!(payload, text);
        let layer = layer_of(payload.as_bytes(), &key.sign(payload.as_bytes()).expect("a signature"));
        assert_eq!(check(&layer, payload.as_bytes(), DIGEST, key.public()), Err(Flaw::Garbage), "{payload}");
    }
}

/// A payload with annotations, as `cosign sign -a` writes it, is signed as much.
#[test]
fn optional_parts_are_accepted() {
    let key = pair();
    let text = String::from_utf8(payload("r", DIGEST)).expect("text");
    for optional in [r#""optional":{"env":"prod"}"#, r#""optional":{}"#, r#""more":1"#] {
        let payload = text.replace(r#""optional":null"#, optional).into_bytes();
        let layer = layer_of(&payload, &key.sign(&payload).expect("a signature"));
        assert_eq!(check(&layer, &payload, DIGEST, key.public()), Ok(()), "{optional}");
    }
}

#[test]
fn signatures_of_others_are_kept() {
    let (first, _) = append(None, &payload("r", DIGEST), "one".to_owned());
    let mut first = first;
    first.layers[0].annotations.as_mut().expect("annotations").insert("dev.sigstore.cosign/bundle".to_owned(), "{}".to_owned());
    first.annotations = Some(BTreeMap::from([("by".to_owned(), "others".to_owned())]));
    let (both, config) = append(Some(first.clone()), &payload("r", DIGEST), "two".to_owned());
    assert_eq!(both.layers.len(), 2);
    assert_eq!(both.layers[0].annotations, first.layers[0].annotations);
    assert_eq!(both.annotations, first.annotations);
    assert_eq!(both.config.digest, crate::registry::digest(&config));
    let config: Value = serde_json::from_slice(&config).expect("JSON");
    assert_eq!(config["rootfs"]["diff_ids"].as_array().expect("a list").len(), 2);
}
