//! What refers to a manifest, in a registry that lists it and in one that does not.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use oci_client::manifest::OciDescriptor;

use super::*;

type Manifests = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// A registry of manifests, by tag and digest, of one repository; it lists what refers to a manifest, or does not.
struct Memory {
    host: String,
    manifests: Manifests,
}

impl Memory {
    fn start(lists_referrers: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let manifests = Manifests::default();
        let shared = Arc::clone(&manifests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let _ = serve(stream.unwrap(), &shared, lists_referrers);
            }
        });
        Self { host, manifests }
    }

    fn connect(&self) -> Registry {
        Registry::connect(&self.host, &Options::default()).unwrap()
    }

    fn image(&self) -> Reference {
        reference::parse(&format!("{}/ours/a:v1", self.host)).unwrap()
    }

    fn tags(&self) -> Vec<String> {
        self.manifests.lock().unwrap().keys().filter(|name| !name.contains(':')).cloned().collect()
    }
}

fn serve(mut stream: TcpStream, manifests: &Manifests, lists_referrers: bool) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut request, mut length) = (String::new(), 0);
    reader.read_line(&mut request)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut manifests = manifests.lock().unwrap();
    let (status, answer) = if path == "/v2/" {
        ("200 OK", b"{}".to_vec())
    } else if let Some(name) = path.strip_prefix("/v2/ours/a/manifests/") {
        if method == "PUT" {
            manifests.insert(digest(&body), body.clone());
            manifests.insert(name.to_owned(), body);
            ("201 Created", Vec::new())
        } else {
            manifests.get(name).map_or(("404 Not Found", Vec::new()), |manifest| ("200 OK", manifest.clone()))
        }
    } else if let Some(subject) = path.strip_prefix("/v2/ours/a/referrers/").filter(|_| lists_referrers) {
        let refers = |manifest: &Value| manifest["subject"]["digest"] == *subject;
        let entries: Vec<Value> = manifests
            .iter()
            .filter(|(name, bytes)| name.contains(':') && serde_json::from_slice(bytes).is_ok_and(|json| refers(&json)))
            .map(|(name, bytes)| json!({"mediaType": OCI_IMAGE_MEDIA_TYPE, "digest": name, "size": bytes.len()}))
            .collect();
        ("200 OK", json!({"schemaVersion": 2, "manifests": entries}).to_string().into_bytes())
    } else if path.starts_with("/v2/ours/a/blobs/") {
        ("200 OK", b"blob".to_vec())
    } else {
        ("404 Not Found", Vec::new())
    };
    // What PUT answers lacks its Location, as that of some registries does.
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len())?;
    stream.write_all(&answer)
}

/// A manifest that refers to another one.
fn referrer(subject: &Manifest, artifact_type: &str) -> OciImageManifest {
    OciImageManifest {
        artifact_type: Some(artifact_type.to_owned()),
        subject: Some(OciDescriptor {
            media_type: OCI_IMAGE_MEDIA_TYPE.to_owned(),
            digest: subject.digest.clone(),
            size: subject.bytes.len() as i64,
            ..OciDescriptor::default()
        }),
        annotations: Some(BTreeMap::from([("a".to_owned(), "b".to_owned())])),
        ..OciImageManifest::default()
    }
}

/// Pushes something to refer to.
fn subject(memory: &Memory, registry: &Registry) -> (Reference, Manifest) {
    let image = memory.image();
    registry.push_manifest(&image, &canonical(&OciImageManifest::default()), OCI_IMAGE_MEDIA_TYPE).unwrap();
    let manifest = registry.manifest(&image).unwrap().unwrap();
    (by_digest(&image, &manifest.digest), manifest)
}

fn digests(entries: &[ImageIndexEntry]) -> Vec<&str> {
    entries.iter().map(|entry| &*entry.digest).collect()
}

#[test]
fn a_registry_that_does_not_list() {
    let memory = Memory::start(false);
    let registry = memory.connect();
    let (image, manifest) = subject(&memory, &registry);
    assert!(registry.referrers(&image).unwrap().is_empty());

    let first = registry.push_referrer(&image, &referrer(&manifest, "first")).unwrap();
    // Pushed again, it is the same and listed once.
    assert_eq!(registry.push_referrer(&image, &referrer(&manifest, "first")).unwrap(), first);
    // What others have written into the list stays.
    let tag = referrers_tag(&manifest.digest);
    let mut index: Value = serde_json::from_slice(&memory.manifests.lock().unwrap()[&tag]).unwrap();
    index["manifests"][0]["later"] = json!(true);
    memory.manifests.lock().unwrap().insert(tag.clone(), index.to_string().into_bytes());
    let second = registry.push_referrer(&image, &referrer(&manifest, "second")).unwrap();
    let index: Value = serde_json::from_slice(&memory.manifests.lock().unwrap()[&tag]).unwrap();
    assert_eq!(index["manifests"][0]["later"], true);

    let entries = registry.referrers(&image).unwrap();
    assert_eq!(digests(&entries), [&*first, &*second]);
    assert_eq!(entries[1].artifact_type.as_deref(), Some("second"));
    assert_eq!(entries[1].annotations, Some(BTreeMap::from([("a".to_owned(), "b".to_owned())])));
    assert_eq!(memory.tags(), [&*tag, "v1"]);
}

#[test]
fn a_registry_that_lists() {
    let memory = Memory::start(true);
    let registry = memory.connect();
    let (image, manifest) = subject(&memory, &registry);
    let first = registry.push_referrer(&image, &referrer(&manifest, "first")).unwrap();
    assert_eq!(digests(&registry.referrers(&image).unwrap()), [&*first]);
    assert_eq!(memory.tags(), ["v1"], "no list beside the registry's own");
}

#[test]
fn a_tag_that_is_no_list() {
    let memory = Memory::start(false);
    let registry = memory.connect();
    let (image, manifest) = subject(&memory, &registry);
    memory.manifests.lock().unwrap().insert(referrers_tag(&manifest.digest), manifest.bytes.clone());
    let error = registry.push_referrer(&image, &referrer(&manifest, "first")).unwrap_err().to_string();
    assert!(error.ends_with("the tag is there already, and is no list of what refers to a manifest"), "{error}");
}

#[test]
fn without_a_digest_nothing_refers_to_it() {
    let memory = Memory::start(true);
    assert!(memory.connect().referrers(&memory.image()).is_err());
}

/// A descriptor of this blob, with this size.
fn descriptor(blob: &[u8], size: i64) -> OciDescriptor {
    OciDescriptor { digest: digest(blob), size, ..OciDescriptor::default() }
}

#[test]
fn a_blob_is_what_its_descriptor_says() {
    let memory = Memory::start(true);
    let (registry, image) = (memory.connect(), memory.image());
    let read = |descriptor: &OciDescriptor| registry.blob(&image, descriptor, 100).unwrap();
    assert_eq!(read(&descriptor(b"blob", 4)), Ok(b"blob".to_vec()));
    let mut other = descriptor(b"blob", 4);
    other.digest = "../../../etc".to_owned();
    let problems: Vec<String> = [
        descriptor(b"another", 4),
        descriptor(b"blob", 3),
        descriptor(b"blob", 5),
        descriptor(b"blob", -1),
        descriptor(b"blob", 101),
        other,
    ]
    .iter()
    .map(|descriptor| read(descriptor).unwrap_err())
    .collect();
    insta::assert_snapshot!(problems.join("\n"));
}

#[test]
fn manifests_that_can_be_read_in_two_ways() {
    let image = r#""config": {"mediaType": "a", "digest": "b", "size": 1}, "layers": []"#;
    for text in [format!(r#"{{"schemaVersion": 2, {image}}}"#), r#"{"schemaVersion": 2, "manifests": []}"#.to_owned()] {
        assert!(parse_manifest(text.as_bytes()).is_ok(), "{text}");
    }
    let faults: Vec<String> = [
        format!(r#"{{"schemaVersion": 2, {image}, "manifests": []}}"#),
        format!(r#"{{"schemaVersion": 2, {image}, "layers": []}}"#),
        format!(r#"{{"schemaVersion": 1, {image}}}"#),
        format!(r#"{{"schemaVersion": 2, "mediaType": "{OCI_IMAGE_INDEX_MEDIA_TYPE}", {image}}}"#),
        format!(r#"{{"schemaVersion": 2, "mediaType": "{OCI_IMAGE_MEDIA_TYPE}", "manifests": []}}"#),
        format!(r#"{{"schemaVersion": 2, "mediaType": "\u001b[31m", {image}}}"#),
        format!(r#"{{"schemaVersion": 2, {image}}} and more"#),
    ]
    .iter()
    .map(|text| parse_manifest(text.as_bytes()).unwrap_err().to_string())
    .collect();
    insta::assert_snapshot!(faults.join("\n"));
}
