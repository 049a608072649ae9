//! Signatures, bills of materials, and `palisade verify`.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Output};

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::server::{Identity, PASSWORD, Publisher, Server, USER, metadata, module};
use crate::support::{Run, text};
use crate::{REGISTRY, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("signing::everything_is_signed_and_verified", &[REGISTRY], everything_is_signed_and_verified),
        trial("signing::signed_before_a_tag_leads_to_it", &[REGISTRY], signed_before_a_tag_leads_to_it),
        trial("signing::what_was_published_unsigned_is_signed_later", &[REGISTRY], unsigned_at_first),
        trial("signing::signatures_of_others_are_kept", &[REGISTRY], signatures_of_others_are_kept),
        trial("signing::a_tag_that_was_moved", &[REGISTRY], a_tag_that_was_moved),
        trial("signing::another_policy_by_the_same_hand", &[REGISTRY], another_policy_by_the_same_hand),
        trial("signing::signatures_that_are_none", &[REGISTRY], signatures_that_are_none),
        trial("signing::modules_that_are_damaged", &[REGISTRY], modules_that_are_damaged),
        trial("signing::bills_of_materials", &[REGISTRY], bills_of_materials),
        trial("signing::which_policies", &[REGISTRY], which_policies),
        trial("signing::with_credentials_and_tls", &[REGISTRY], with_credentials_and_tls),
        trial("signing::registries_that_are_down", &[], registries_that_are_down),
        trial("signing::as_cosign_does", &[REGISTRY, "cosign"], as_cosign_does),
        trial("signing::kwctl_verifies", &[REGISTRY, "kwctl"], kwctl_verifies),
    ]
}

/// A policy that is built in, and so has a bill of materials.
pub const POLICY: &str = "rbac-least-privilege";

/// Somebody with two key pairs, `release` and `other`, of one password.
pub fn signer() -> Publisher {
    let publisher = Publisher::new();
    publisher.set("COSIGN_PASSWORD", PASSWORD);
    for name in ["release", "other"] {
        assert_eq!(publisher.run(&["generate-key-pair", name]).status, 0);
    }
    publisher.file("a.wasm", module(&metadata("one", "1.0.0")));
    publisher
}

impl Publisher {
    /// Publishes with the key `release`.
    pub fn sign(&self, destination: &str, more: &[&str]) -> Run {
        let run = self.publish(&[&[destination, "--sign-key", "release.key"], more].concat());
        assert_eq!((run.status, &*run.stderr), (0, ""), "{run:?}");
        run
    }

    pub fn verify(&self, destination: &str, more: &[&str]) -> Run {
        self.run(&[&["verify", destination, "--key", "release.pub"], more].concat())
    }

    /// What is found of the only policy: how each check went, in order, but for those that went well.
    pub fn verdict(&self, destination: &str, more: &[&str]) -> Vec<(String, String)> {
        let run = self.verify(destination, &[&["--format", "json"], more].concat());
        let json = run.json();
        let policies = json["policies"].as_array().expect("a list");
        assert_eq!(policies.len(), 1, "{run:?}");
        let checks = policies[0]["checks"].as_object().expect("a map");
        let states = |wanted: &str| checks.values().any(|check| check["state"] == wanted);
        assert_eq!(run.status, if states("unknown") { 2 } else { i32::from(states("wrong")) }, "{run:?}");
        checks
            .iter()
            .filter(|(_, check)| check["state"] != "good")
            .map(|(name, check)| {
                let words = ["problem", "reason"].iter().find_map(|key| check[key].as_str()).expect("words");
                (name.clone(), format!("{}: {words}", text(check, "state")))
            })
            .collect()
    }
}

/// The parts of a registry that a publisher has no business with.
impl Server {
    /// Sends a request as anybody could; gives the status, the place that the answer names, and the body.
    fn send(&self, method: &str, path: &str, media_type: &str, body: &[u8]) -> (u16, String, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.host).expect("a connection");
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n\r\n",
            self.host
        )
        .and_then(|()| stream.write_all(body))
        .expect("a request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8_lossy(&answer[..end]);
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let location = head.lines().find_map(|line| line.strip_prefix("Location: ")).unwrap_or_default();
        (status, location.replace(&format!("http://{}", self.host), ""), answer[end + 4..].to_vec())
    }

    /// Pushes a blob, and gives its descriptor.
    pub fn push_blob(&self, repository: &str, media_type: &str, bytes: &[u8]) -> Value {
        let digest = crate::publish::sha256(bytes);
        let (status, place, _) = self.send("POST", &format!("/v2/{repository}/blobs/uploads/"), "text/plain", b"");
        assert_eq!(status, 202);
        let path = format!("{place}&digest={digest}");
        assert_eq!(self.send("PUT", &path, "application/octet-stream", bytes).0, 201);
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    /// Puts a manifest behind a tag or a digest.
    pub fn put(&self, repository: &str, tag: &str, bytes: &[u8]) {
        let manifest: Value = serde_json::from_slice(bytes).expect("JSON");
        let path = format!("/v2/{repository}/manifests/{tag}");
        let media_type = manifest["mediaType"].as_str().unwrap_or("application/vnd.oci.image.manifest.v1+json");
        let (status, _, body) = self.send("PUT", &path, media_type, bytes);
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&body));
    }

    /// The bytes of a manifest that is there.
    pub fn manifest(&self, repository: &str, tag: &str) -> Vec<u8> {
        let (status, manifest) = self.get(&format!("/v2/{repository}/manifests/{tag}"));
        assert_eq!(status, 200, "{repository}:{tag}");
        manifest
    }

    /// The same, as JSON.
    pub fn manifest_json(&self, repository: &str, tag: &str) -> Value {
        serde_json::from_slice(&self.manifest(repository, tag)).expect("JSON")
    }

    /// Copies a manifest with what it names from one repository to another.
    fn copy(&self, from: &str, tag: &str, to: &str, to_tag: &str) {
        let manifest = self.manifest_json(from, tag);
        for descriptor in manifest["layers"].as_array().expect("layers").iter().chain([&manifest["config"]]) {
            let (status, blob) = self.get(&format!("/v2/{from}/blobs/{}", text(descriptor, "digest")));
            assert_eq!(status, 200);
            self.push_blob(to, "", &blob);
        }
        self.put(to, to_tag, &self.manifest(from, tag));
    }

    /// The tag of the signatures of what is behind a tag.
    pub fn signature_tag(&self, repository: &str, tag: &str) -> String {
        format!("{}.sig", self.subject_tag(repository, tag))
    }

    /// The tag of the list of what refers to what is behind a tag.
    pub fn subject_tag(&self, repository: &str, tag: &str) -> String {
        crate::publish::sha256(&self.manifest(repository, tag)).replace(':', "-")
    }
}

fn everything_is_signed_and_verified() {
    let (server, publisher) = (Server::start(), signer());
    let destination = format!("registry://{}/ours", server.host);
    let run = publisher.sign(&destination, &["--format", "json"]);
    let published = run.json();
    let policies = published["policies"].as_array().expect("a list");
    assert!(policies.iter().all(|policy| policy["signature"] == "added"), "{run:?}");
    assert!(policies.iter().all(|policy| policy["sbom"]["state"] == "added" && policy["sbom"]["signature"] == "added"));

    let run = publisher.verify(&destination, &["--format", "json"]);
    assert_eq!((run.status, &*run.stderr), (0, ""), "{run:?}");
    let json = run.json();
    assert_eq!(json["summary"], json!({"policies": policies.len(), "good": policies.len(), "wrong": 0, "unknown": 0}));
    for (verified, published) in json["policies"].as_array().expect("a list").iter().zip(policies) {
        assert_eq!((&verified["policy"], &verified["digest"]), (&published["name"], &published["digest"]));
        assert_eq!(verified["builtIn"], "same");
        assert!(verified["checks"].as_object().expect("a map").values().all(|check| check["state"] == "good"), "{verified}");
    }
    assert_eq!(publisher.verify(&destination, &[]).status, 0);

    // Nothing is sent twice.
    let before = server.requests().len();
    let run = publisher.sign(&destination, &["--format", "json"]);
    let json = run.json();
    for policy in json["policies"].as_array().expect("a list") {
        assert_eq!((&policy["signature"], &policy["sbom"]["state"]), (&json!("unchanged"), &json!("unchanged")), "{policy}");
        assert_eq!(policy["sbom"]["signature"], "unchanged");
    }
    let requests = server.requests().split_off(before);
    assert!(!requests.is_empty() && requests.iter().all(|request| request.starts_with("GET ")), "{requests:?}");
}

fn signed_before_a_tag_leads_to_it() {
    let (server, publisher) = (Server::start(), signer());
    publisher.sign(&format!("{}/ours", server.host), &["-p", "a.wasm"]);
    let requests = server.requests();
    let put = |end: &str| {
        let is_it = |request: &&String| request.starts_with("PUT /v2/ours/one/manifests/") && request.contains(end);
        let place = requests.iter().position(|request| is_it(&request));
        place.unwrap_or_else(|| panic!("{end}: {requests:?}"))
    };
    assert!(put(".sig ") < put("/v1.0.0 "));
}

fn unsigned_at_first() {
    let (server, publisher) = (Server::start(), signer());
    let destination = format!("{}/ours", server.host);
    assert_eq!(publisher.publish(&[&destination, "-p", POLICY]).status, 0);
    let run = publisher.verify(&destination, &[]);
    insta::assert_snapshot!("unsigned", hidden(&publisher.shown(&run, &server.host)));
    assert_eq!(run.status, 1);

    let run = publisher.sign(&destination, &["-p", POLICY]);
    assert!(run.stdout.ends_with("\n1 bill of materials, 0 new\n2 signatures, 2 new\n"), "{run:?}");
    assert_eq!(publisher.verdict(&destination, &[]), []);
}

/// Without digests.
fn hidden(shown: &str) -> String {
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let mut text = String::new();
    for (index, part) in shown.split_inclusive(|c| !is_hex(c)).enumerate() {
        let digits = part.trim_end_matches(|c| !is_hex(c));
        if digits.len() >= 12 && index > 0 {
            text.push_str("DIGEST");
            text.push_str(&part[digits.len()..]);
        } else {
            text.push_str(part);
        }
    }
    text
}

fn signatures_of_others_are_kept() {
    let (server, publisher) = (Server::start(), signer());
    let destination = format!("{}/ours", server.host);
    let tag = || server.signature_tag("ours/one", "v1.0.0");
    publisher.sign(&destination, &["-p", "a.wasm"]);
    let alone = server.manifest_json("ours/one", &tag());
    for expected in ["added", "unchanged"] {
        let run = publisher.publish(&[&destination, "-p", "a.wasm", "--sign-key", "other.key", "--format", "json"]);
        assert_eq!(run.json()["policies"][0]["signature"], expected);
    }
    publisher.sign(&destination, &["-p", "a.wasm"]);
    let both = server.manifest_json("ours/one", &tag());
    assert_eq!(both["layers"].as_array().map(Vec::len), Some(2));
    assert_eq!(both["layers"][0], alone["layers"][0]);
    assert_eq!(publisher.verdict(&destination, &["--no-sbom"]), [skipped("sbom", "--no-sbom")]);
    assert_eq!(publisher.verdict(&destination, &["--no-sbom", "--key", "other.pub"]), [skipped("sbom", "--no-sbom")]);
}

pub fn skipped(check: &str, reason: &str) -> (String, String) {
    (check.to_owned(), format!("skipped: {reason}"))
}

pub fn wrong(check: &str, problem: &str) -> (String, String) {
    (check.to_owned(), format!("wrong: {problem}"))
}

pub const NOT_BUILT_IN: &str = "there is none, as this policy is not built in";

fn a_tag_that_was_moved() {
    let (server, publisher) = (Server::start(), signer());
    let destination = format!("{}/ours", server.host);
    publisher.sign(&destination, &["-p", "a.wasm"]);
    let old = server.signature_tag("ours/one", "v1.0.0");

    // Somebody else puts another module there.
    publisher.file("a.wasm", module(&metadata("one", "1.0.0").replace("pods", "services")));
    assert_eq!(publisher.publish(&[&destination, "-p", "a.wasm", "--force", "--lock", "theirs.lock"]).status, 0);
    let run = publisher.verify(&destination, &[]);
    insta::assert_snapshot!("moved", hidden(&publisher.shown(&run, &server.host)));
    assert_eq!(run.status, 1);

    // With the signatures of what was there before.
    let new = server.signature_tag("ours/one", "v1.0.0");
    server.put("ours/one", &new, &server.manifest("ours/one", &old));
    let found = publisher.verdict(&destination, &["--lock", "theirs.lock"]);
    let of = old.trim_end_matches(".sig").replacen('-', ":", 1);
    let problem = format!("release.pub signed nothing of it; there is a signature by this key, but of {of}");
    assert_eq!(found, [skipped("sbom", NOT_BUILT_IN), wrong("signature", &problem)]);

    // With a signature of their own.
    let theirs = ["-p", "a.wasm", "--sign-key", "other.key", "--lock", "theirs.lock"];
    assert_eq!(publisher.publish(&[&[&*destination], &theirs[..]].concat()).status, 0);
    let found = publisher.verdict(&destination, &["--lock", "theirs.lock"]);
    let problem = format!(
        "release.pub signed nothing of it; there is a signature by this key, but of {of}; a signature that is not by this key"
    );
    assert_eq!(found, [skipped("sbom", NOT_BUILT_IN), wrong("signature", &problem)]);
    // By digest, what was published first is still what it was.
    assert_eq!(publisher.verdict(&format!("{destination}/one@{of}"), &[]), [skipped("sbom", NOT_BUILT_IN)]);
}

fn another_policy_by_the_same_hand() {
    let (server, publisher) = (Server::start(), signer());
    let destination = format!("{}/ours", server.host);
    publisher.file("b.wasm", module(&metadata("two", "1.0.0")));
    publisher.sign(&destination, &["-p", "a.wasm,b.wasm"]);
    // All that belongs to it, under the name of the other one.
    let signatures = server.signature_tag("ours/two", "v1.0.0");
    server.copy("ours/two", "v1.0.0", "ours/one", "v1.0.0");
    server.copy("ours/two", &signatures, "ours/one", &signatures);
    publisher.file("elsewhere/README", "");
    let found = publisher.verdict(&format!("{destination}/one:v1.0.0"), &[]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].0 == "lock" && found[0].1.starts_with("wrong: it is sha256:"), "{found:?}");
    assert_eq!(found[1..], [wrong("metadata", "the module is the policy two"), skipped("sbom", NOT_BUILT_IN)]);
}

fn signatures_that_are_none() {
    const LAYER: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
    let (server, publisher) = (Server::start(), signer());
    let destination = format!("{}/ours", server.host);
    publisher.sign(&destination, &["-p", "a.wasm"]);
    let tag = server.signature_tag("ours/one", "v1.0.0");
    let good = server.manifest_json("ours/one", &tag);
    let garbage = server.push_blob("ours/one", LAYER, b"garbage");
    let with_signature = |mut layer: Value, signature: &Value| {
        layer["annotations"] = json!({"dev.cosignproject.cosign/signature": signature});
        layer
    };
    let signature = &good["layers"][0]["annotations"]["dev.cosignproject.cosign/signature"];
    let large = server.push_blob("ours/one", LAYER, &[b' '; 100_000]);
    let other = server.push_blob("ours/one", "text/plain", b"hello");
    let layers = [
        with_signature(garbage.clone(), signature),
        with_signature(garbage.clone(), &json!("%%%")),
        garbage,
        with_signature(large, signature),
        with_signature(other, signature),
        with_signature(good["layers"][0].clone(), &json!("AAAA")),
    ];
    let mut manifest = good.clone();
    manifest["layers"] = json!(layers);
    server.put("ours/one", &tag, manifest.to_string().as_bytes());
    let run = publisher.verify(&destination, &[]);
    insta::assert_snapshot!("garbage", hidden(&publisher.shown(&run, &server.host)));

    // One that is good is enough, and a good one is added to those that are not.
    publisher.sign(&destination, &["-p", "a.wasm"]);
    assert_eq!(server.manifest_json("ours/one", &tag)["layers"].as_array().map(Vec::len), Some(layers.len() + 1));
    assert_eq!(publisher.verdict(&destination, &[]), [skipped("sbom", NOT_BUILT_IN)]);

    // The tag is somebody's index.
    let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []});
    server.put("ours/one", &tag, index.to_string().as_bytes());
    let run = publisher.verify(&destination, &[]);
    insta::assert_snapshot!("index_instead_of_signatures", hidden(&publisher.shown(&run, &server.host)));
    let run = publisher.publish(&[&destination, "-p", "a.wasm", "--sign-key", "release.key"]);
    insta::assert_snapshot!("signing_where_an_index_is", hidden(&publisher.shown(&run, &server.host)));
}

fn modules_that_are_damaged() {
    const WASM: &str = "application/vnd.wasm.content.layer.v1+wasm";
    let (server, publisher) = (Server::start(), signer());
    let destination = format!("{}/ours", server.host);
    publisher.sign(&destination, &["-p", "a.wasm"]);
    let manifest = server.manifest_json("ours/one", "v1.0.0");
    let layer = &manifest["layers"][0];
    let path = format!("/v2/ours/one/blobs/{}", text(layer, "digest"));
    assert_eq!(server.send("DELETE", &path, "text/plain", b"").0, 202);
    let run = publisher.verify(&destination, &[]);
    insta::assert_snapshot!("module_is_gone", hidden(&publisher.shown(&run, &server.host)));

    let plain = wat::parse_str("(module)").expect("a module");
    let layers = [
        ("two modules", json!([server.push_blob("ours/one", WASM, &plain), server.push_blob("ours/one", WASM, b"x")])),
        ("no module", json!([server.push_blob("ours/one", "text/plain", b"x")])),
        ("no WebAssembly", json!([server.push_blob("ours/one", WASM, b"hello")])),
        ("no metadata", json!([server.push_blob("ours/one", WASM, &plain)])),
        ("odd metadata", json!([server.push_blob("ours/one", WASM, &module("hello"))])),
    ];
    let mut said = String::new();
    for (name, layers) in layers {
        let mut manifest = manifest.clone();
        manifest["layers"] = layers;
        server.put("ours/one", "v1.0.0", manifest.to_string().as_bytes());
        for (check, words) in publisher.verdict(&destination, &[]) {
            if ["module", "metadata"].contains(&&*check) {
                said.push_str(&format!("{name}: {check}: {words}\n"));
            }
        }
    }
    insta::assert_snapshot!("modules_that_are_none", said);
}

fn bills_of_materials() {
    let (server, publisher) = (Server::start(), signer());
    let destination = format!("{}/ours", server.host);
    let repository = format!("ours/{POLICY}");
    publisher.sign(&destination, &["-p", POLICY]);
    publisher.sign(&destination, &["-p", POLICY]);
    let subject = crate::publish::sha256(&server.manifest(&repository, "v0.1.0"));
    let list = server.subject_tag(&repository, "v0.1.0");
    let index = server.manifest_json(&repository, &list);
    let entries = index["manifests"].as_array().expect("a list");
    assert_eq!(entries.len(), 1, "attached once");
    assert_eq!(text(&entries[0], "artifactType"), "application/vnd.cyclonedx+json");
    let own = text(&entries[0], "digest");
    let manifest = server.manifest_json(&repository, own);
    assert_eq!(text(&manifest["subject"], "digest"), subject);
    let (status, document) = server.get(&format!("/v2/{repository}/blobs/{}", text(&manifest["layers"][0], "digest")));
    assert_eq!(status, 200);
    // It is the one that `palisade export` writes.
    assert_eq!(publisher.run(&["export", "out", "--only", POLICY, "--sbom"]).status, 0);
    assert_eq!(Some(document), publisher.read(&format!("out/{POLICY}.cdx.json")).map(String::into_bytes));

    // Listed, but of another manifest; about another module; no such document; listed and not there.
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut manifest = manifest.clone();
        change(&mut manifest);
        let bytes = manifest.to_string().into_bytes();
        let digest = crate::publish::sha256(&bytes);
        server.put(&repository, &digest, &bytes);
        let mut entry = entries[0].clone();
        (entry["digest"], entry["size"]) = (json!(digest), json!(bytes.len()));
        entry
    };
    let media_type = "application/vnd.cyclonedx+json";
    let about = |hash: &str| {
        json!({
            "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
            "metadata": {"component": {"type": "application", "name": "x", "hashes": [{"alg": "SHA-256", "content": hash}]}},
        })
        .to_string()
    };
    let bad = [
        changed(&|manifest| manifest["subject"]["digest"] = manifest["config"]["digest"].clone()),
        changed(&|manifest| drop(manifest.as_object_mut().map(|manifest| manifest.remove("subject")))),
        changed(&|manifest| {
            manifest["layers"] = json!([server.push_blob(&repository, media_type, about(&"0a".repeat(32)).as_bytes())]);
        }),
        changed(&|manifest| manifest["layers"] = json!([server.push_blob(&repository, media_type, b"{}")])),
        changed(&|manifest| manifest["layers"] = json!([server.push_blob(&repository, "text/plain", b"hello")])),
        // Good, but for the annotation, which makes it another one that nobody signed.
        changed(&|manifest| manifest["annotations"] = json!({"by": "somebody"})),
    ];
    let with_entries = |entries: &[Value]| {
        let mut index = index.clone();
        index["manifests"] = json!(entries);
        server.put(&repository, &list, index.to_string().as_bytes());
    };
    with_entries(&bad);
    let run = publisher.verify(&destination, &[]);
    insta::assert_snapshot!("bills_that_are_wrong", hidden(&publisher.shown(&run, &server.host)));
    assert_eq!(run.status, 1);
    // Publishing again adds the right one to them, which is enough.
    publisher.sign(&destination, &["-p", POLICY]);
    let index = server.manifest_json(&repository, &list);
    assert_eq!(index["manifests"].as_array().map(Vec::len), Some(bad.len() + 1));
    assert_eq!(publisher.verdict(&destination, &[]), []);

    with_entries(&[]);
    assert_eq!(publisher.verdict(&destination, &[]), [wrong("sbom", "there is none")]);
    let run = publisher.publish(&[&destination, "-p", POLICY, "--no-sbom", "--format", "json"]);
    assert_eq!(run.json()["policies"][0]["sbom"], Value::Null);
    assert_eq!(publisher.verdict(&destination, &[]), [wrong("sbom", "there is none")]);
    assert_eq!(publisher.verdict(&destination, &["--no-sbom"]), [skipped("sbom", "--no-sbom")]);
}

fn which_policies() {
    let (server, publisher) = (Server::start(), signer());
    let destination = format!("{}/ours", server.host);
    publisher.sign(&destination, &["-p", "a.wasm", "--tag", "stable"]);
    publisher.sign(&destination, &["-p", POLICY]);
    let names = |more: &[&str]| -> Vec<String> {
        let run = publisher.verify(&destination, &[&["--format", "json"], more].concat());
        let json = run.json();
        json["policies"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|policy| text(policy, "reference").replace(&destination, ""))
            .collect()
    };
    // By the lock file, under the tags that stand there.
    assert_eq!(names(&[]), ["/one:stable", "/rbac-least-privilege:v0.1.0"]);
    assert_eq!(names(&["--policy", "one"]), ["/one:stable"]);
    assert_eq!(names(&["--policy", "one", "--tag", "v9"]), ["/one:v9"]);
    // Another tag than that of the lock file is no business of the lock file.
    let found = publisher.verdict(&destination, &["--policy", POLICY, "--tag", "v9"]);
    assert_eq!(found.last(), Some(&wrong("tag", "there is no such policy")));
    // The lock file is about another destination.
    let copy = format!("{}/copy", server.host);
    server.copy("ours/one", "stable", "copy/one", "stable");
    let signatures = server.signature_tag("ours/one", "stable");
    server.copy("ours/one", &signatures, "copy/one", &signatures);
    let found = publisher.verdict(&format!("{copy}/one:stable"), &[]);
    let reason = format!("palisade.lock says nothing of {copy}/one");
    assert_eq!(found, [skipped("lock", &reason), skipped("sbom", NOT_BUILT_IN)]);
    let found = publisher.verdict(&copy, &["--policy", "one", "--tag", "stable"]);
    assert_eq!(found[0], skipped("lock", &format!("palisade.lock is of {destination}")));
    // It is about this one, but was changed by hand.
    let lock = publisher.read("palisade.lock").expect("a lock file");
    let mut changed: Value = serde_json::from_str(&lock).expect("JSON");
    changed["policies"]["one"]["module"]["sha256"] = json!("0a".repeat(32));
    publisher.file("changed.lock", changed.to_string());
    let found = publisher.verdict(&destination, &["--policy", "one", "--lock", "changed.lock"]);
    assert!(found[0].0 == "lock" && found[0].1.starts_with("wrong: the module is sha256:"), "{found:?}");
    // The whole repository is not known to it.
    changed["policies"].as_object_mut().expect("a map").remove("one");
    publisher.file("changed.lock", changed.to_string());
    let found = publisher.verdict(&destination, &["--policy", "one", "--tag", "stable", "--lock", "changed.lock"]);
    assert_eq!(found[0], wrong("lock", "changed.lock does not name this policy"));

    // Without a lock file: all that are built in.
    let listed = publisher.run(&["policies", "--format", "json"]).json();
    let elsewhere = Publisher::new();
    elsewhere.file("release.pub", publisher.read("release.pub").expect("a key"));
    let run = elsewhere.verify(&destination, &["--format", "json"]);
    let json = run.json();
    assert_eq!((run.status, json["policies"].as_array().map(Vec::len)), (1, listed.as_array().map(Vec::len)));
    assert_eq!(json["summary"]["good"], 1, "{json}");
}

fn with_credentials_and_tls() {
    let identity = Identity::new("127.0.0.1", 2100);
    for (server, credentials) in [(Server::with_users(), true), (Server::with_tls(&identity), false)] {
        let publisher = signer();
        let destination = format!("{}/ours", server.host);
        publisher.file("ca.pem", &identity.authority);
        let unknown = publisher.verdict(&destination, &["--policy", POLICY]);
        assert!(unknown.iter().any(|(check, words)| check == "tag" && words.starts_with("unknown: ")), "{unknown:?}");
        if credentials {
            publisher.log_in(&server.host, USER, PASSWORD);
        }
        let more: &[&str] = if credentials { &[] } else { &["--ca-file", "ca.pem"] };
        publisher.sign(&destination, &[&["-p", POLICY], more].concat());
        assert_eq!(publisher.verdict(&destination, more), []);
    }
}

fn registries_that_are_down() {
    let publisher = signer();
    // Nothing listens on the port of a server that is gone.
    let host = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("an address").to_string()
    };
    let run = publisher.verify(&format!("{host}/ours"), &["--policy", "require-ingress-tls,restrict-secret-access"]);
    assert_eq!(run.status, 2);
    insta::assert_snapshot!("verifying_at_a_registry_that_is_down", publisher.shown(&run, &host));
}

/// Runs a program in the publisher's folder, with the publisher's password and nothing else of the user's.
fn program(publisher: &Publisher, name: &str, args: &[&str]) -> Output {
    let folder = publisher.folder.path();
    Command::new(name)
        .args(args)
        .current_dir(folder)
        .env("HOME", folder)
        .env("DOCKER_CONFIG", folder.join("docker"))
        .env("COSIGN_PASSWORD", PASSWORD)
        .output()
        .expect("it runs")
}

fn as_cosign_does() {
    let (server, publisher) = (Server::start(), signer());
    let destination = format!("{}/ours", server.host);
    let cosign = |args: &[&str]| program(&publisher, "cosign", args);
    let verified = |key: &str, name: &str| {
        let image = format!("{destination}/{name}");
        cosign(&["verify", "--key", key, "--insecure-ignore-tlog=true", "--allow-http-registry", &image]).status.success()
    };
    publisher.sign(&destination, &["-p", POLICY]);
    let image = format!("{POLICY}:v0.1.0");
    assert!(verified("release.pub", &image));
    assert!(!verified("other.pub", &image));
    let list = server.subject_tag(&format!("ours/{POLICY}"), "v0.1.0");
    let index = server.manifest_json(&format!("ours/{POLICY}"), &list);
    let bill = format!("{POLICY}@{}", text(&index["manifests"][0], "digest"));
    assert!(verified("release.pub", &bill));

    // The other way round, with its own key and with ours, beside what is signed already.
    let generated = cosign(&["generate-key-pair"]);
    assert!(generated.status.success(), "{generated:?}");
    for key in ["cosign", "other"] {
        let signed = cosign(&[
            "sign",
            "--yes",
            "--tlog-upload=false",
            "--new-bundle-format=false",
            "--use-signing-config=false",
            "--allow-http-registry",
            "--key",
            &format!("{key}.key"),
            &format!("{destination}/{image}"),
        ]);
        assert!(signed.status.success(), "{signed:?}");
        let key = format!("{key}.pub");
        assert!(verified(&key, &image));
        assert_eq!(publisher.verdict(&destination, &["--key", &key]), []);
    }
    // And its key with our command; what cosign signed is not signed again.
    let run = publisher.publish(&[&destination, "-p", POLICY, "--sign-key", "cosign.key", "--format", "json"]);
    assert_eq!(run.json()["policies"][0]["signature"], "unchanged");
    assert!(["release.pub", "other.pub", "cosign.pub"].iter().all(|key| verified(key, &image)));
}

fn kwctl_verifies() {
    let (server, publisher) = (Server::start(), signer());
    let destination = format!("{}/ours", server.host);
    publisher.sign(&destination, &["-p", POLICY]);
    publisher.file("sources.yaml", format!("insecure_sources: [\"{}\"]\n", server.host));
    // Else it fetches that of the public Sigstore. It must have an authority, which is asked nothing where a key is.
    let certificate = Identity::new("127.0.0.1", 2100).authority;
    let der: String = certificate.lines().filter(|line| !line.starts_with("-----")).collect();
    let trust = json!({
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "certificateAuthorities": [{"certChain": {"certificates": [{"rawBytes": der}]}, "validFor": {"start": "2020-01-01T00:00:00Z"}}],
        },
    });
    publisher.file("trust.json", trust.to_string());
    let image = format!("registry://{destination}/{POLICY}:v0.1.0");
    let kwctl = |args: &[&str]| {
        let common = ["verify", "--sources-path", "sources.yaml", "--sigstore-trust-config", "trust.json"];
        program(&publisher, "kwctl", &[&common, args, &[&*image]].concat())
    };
    let verified = kwctl(&["-k", "release.pub"]);
    assert!(verified.status.success(), "{verified:?}");
    let refused = kwctl(&["-k", "other.pub"]);
    assert!(!refused.status.success(), "{refused:?}");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("missing signatures"), "{said}");

    // The verification config of policy-server, as the documentation has it.
    let public = publisher.read("release.pub").expect("a key");
    let indented = public.lines().map(|line| format!("      {line}\n")).collect::<String>();
    let config = format!("apiVersion: v1\nallOf:\n  - kind: pubKey\n    owner: platform team\n    key: |\n{indented}");
    publisher.file("verification.yaml", &config);
    let verified = kwctl(&["--verification-config-path", "verification.yaml"]);
    assert!(verified.status.success(), "{verified:?}");
}
