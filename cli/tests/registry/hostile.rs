//! Registries that lie, and files that were tampered with: nothing of it may be taken for good, and nothing secret may get away.

use std::sync::{Arc, Mutex};

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fake::{ENDLESS, Fake, answer, unknown};
use crate::publish::sha256;
use crate::server::{PASSWORD, Publisher, Server, USER, metadata, module};
use crate::signing::{NOT_BUILT_IN, POLICY, signer, skipped};
use crate::{REGISTRY, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("hostile::other_bytes", &[REGISTRY], other_bytes),
        trial("hostile::answers_without_end", &[REGISTRY], answers_without_end),
        trial("hostile::manifests_that_can_be_read_in_two_ways", &[REGISTRY], ambiguous_manifests),
        trial("hostile::a_module_beside_something_else", &[REGISTRY], a_module_beside_something_else),
        trial("hostile::many_signatures", &[REGISTRY], many_signatures),
        trial("hostile::many_bills_of_materials", &[REGISTRY], many_bills),
        trial("hostile::descriptors_that_are_none", &[REGISTRY], descriptors_that_are_none),
        trial("hostile::a_title_that_names_nothing", &[REGISTRY], a_title_that_names_nothing),
        trial("hostile::lock_files_that_were_edited", &[REGISTRY], lock_files_that_were_edited),
        trial("hostile::token_services_elsewhere", &[], token_services_elsewhere),
        trial("hostile::tokens_that_are_none", &[], tokens_that_are_none),
        trial("hostile::redirects_to_another_host", &[], redirects_to_another_host),
        trial("hostile::registries_that_repeat_secrets", &[], registries_that_repeat_secrets),
        trial("hostile::passwords_in_names", &[], passwords_in_names),
        trial("hostile::lock_files_that_cannot_be_written", &[REGISTRY], lock_files_that_cannot_be_written),
        trial("hostile::another_publisher_at_the_same_time", &[REGISTRY, "sh"], another_publisher),
        trial("hostile::registries_that_take_no_bills", &[], registries_that_take_no_bills),
    ]
}

const BILL: &str = "application/vnd.cyclonedx+json";
const LIST: &str = "application/vnd.oci.image.index.v1+json";

/// What a registry says instead of the truth: `None` for the truth. It gets the path, and what is there.
type Lie = Box<dyn Fn(&str, &[u8]) -> Option<Vec<u8>> + Send>;

/// Stands before a registry, and lies. It can only be read.
fn liar(server: &Server, lie: Lie) -> Fake {
    let real = server.reader();
    Fake::start(move |_, line, _| -> Vec<u8> {
        let path = line.split(' ').nth(1).unwrap_or_default();
        let (status, body) = real.get(path);
        lie(path, &body).unwrap_or_else(|| if status == 200 { whole("", &body) } else { unknown().into_bytes() })
    })
}

/// An answer with this body.
fn whole(headers: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes =
        format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len()).into_bytes();
    bytes.extend(body);
    bytes
}

/// A registry with a signed policy of our own, and who signed it.
fn published() -> (Server, Publisher) {
    let (server, publisher) = (Server::start(), signer());
    publisher.sign(&format!("{}/ours", server.host), &["-p", "a.wasm"]);
    (server, publisher)
}

/// What is found of it where a registry lies: only what the signature and the registry tell, without a lock file.
fn found(publisher: &Publisher, host: &str, reference: &str) -> Vec<(String, String)> {
    let destination = format!("{host}/ours/one{reference}");
    publisher.verdict(&destination, &[]).into_iter().filter(|(check, _)| check != "lock").collect()
}

/// Whether something of it is not good.
fn is_noticed(found: &[(String, String)]) -> bool {
    found.iter().any(|(_, words)| words.starts_with("wrong: ") || words.starts_with("unknown: "))
}

fn other_bytes() {
    let (server, publisher) = published();
    let manifest = server.manifest("ours/one", "v1.0.0");
    let digest = sha256(&manifest);
    let changed = String::from_utf8(manifest).expect("JSON").replace("1.0.0", "1.0.1").into_bytes();

    // The truth, through the same machinery.
    let honest = liar(&server, Box::new(|_, _| None));
    assert_eq!(found(&publisher, &honest.host, ":v1.0.0"), [skipped("sbom", NOT_BUILT_IN)]);

    let other = changed.clone();
    let fake = liar(&server, Box::new(move |path, _| path.ends_with("one/manifests/v1.0.0").then(|| whole("", &other))));
    assert!(is_noticed(&found(&publisher, &fake.host, ":v1.0.0")));
    let other = changed.clone();
    let fake = liar(&server, Box::new(move |path, _| path.contains("/manifests/sha256:").then(|| whole("", &other))));
    let by_digest = found(&publisher, &fake.host, &format!("@{digest}"));
    let tag = by_digest.iter().find(|(check, _)| check == "tag").expect("nothing is found of what is another manifest");
    assert!(tag.1.starts_with("wrong: ") && tag.1.contains(&sha256(&changed)), "{by_digest:?}");

    // The right bytes, and a header that says they are others; the other way round.
    let header = format!("Docker-Content-Digest: {}\r\n", sha256(b"another"));
    let fake = liar(&server, Box::new(move |path, body| path.ends_with("one/manifests/v1.0.0").then(|| whole(&header, body))));
    assert!(is_noticed(&found(&publisher, &fake.host, ":v1.0.0")));
    let header = format!("Docker-Content-Digest: {digest}\r\n");
    let other = changed.clone();
    let fake = liar(&server, Box::new(move |path, _| path.ends_with("one/manifests/v1.0.0").then(|| whole(&header, &other))));
    assert!(is_noticed(&found(&publisher, &fake.host, ":v1.0.0")));

    // Another module of the same length.
    let other = module(&metadata("one", "1.0.0").replace("pods", "jobs"));
    let module_digest = sha256(&module(&metadata("one", "1.0.0")));
    let path_of_module = format!("/blobs/{module_digest}");
    let header = format!("Docker-Content-Digest: {}\r\n", sha256(&other));
    for headers in [String::new(), header] {
        let (other, end) = (other.clone(), path_of_module.clone());
        let fake = liar(&server, Box::new(move |path, _| path.ends_with(&end).then(|| whole(&headers, &other))));
        let found = found(&publisher, &fake.host, ":v1.0.0");
        assert!(found.iter().any(|(check, words)| check == "module" && words.starts_with("wrong: ")), "{found:?}");
    }
    // The manifest of signatures is a truncated one, or none.
    for body in ["", "{", "[]", "null", "{}"] {
        let fake = liar(&server, Box::new(move |path, _| path.ends_with(".sig").then(|| whole("", body.as_bytes()))));
        assert!(is_noticed(&found(&publisher, &fake.host, ":v1.0.0")), "{body}");
    }
}

fn answers_without_end() {
    let (server, publisher) = published();
    // With a length that nobody would wait for, and without one.
    for length in ["Content-Length: 2147483648000\r\n", ""] {
        for end in [".sig", "/manifests/v1.0.0", "/blobs/", "/referrers/", "/v2/"] {
            let fake = liar(
                &server,
                Box::new(move |path, _| {
                    let is_it = if end == "/v2/" { path == end } else { path.contains(end) };
                    let head = format!("HTTP/1.1 200 OK\r\n{length}Connection: close\r\n\r\n");
                    is_it.then(|| [head.as_bytes(), ENDLESS].concat())
                }),
            );
            let found = found(&publisher, &fake.host, ":v1.0.0");
            // What the first answer says beside its status is of no interest.
            assert_eq!(is_noticed(&found), end != "/v2/", "{end}: {found:?}");
        }
    }
}

fn ambiguous_manifests() {
    let (server, publisher) = published();
    let manifest = server.manifest_json("ours/one", "v1.0.0");
    type Change = fn(&mut Value);
    let cases: [(&str, Change); 5] = [
        ("both", |json| json["manifests"] = json!([])),
        ("an index by its type", |json| json["mediaType"] = json!(LIST)),
        ("something else by its type", |json| json["mediaType"] = json!("application/json")),
        ("of another version", |json| json["schemaVersion"] = json!(1)),
        ("an index", |json| *json = json!({"schemaVersion": 2, "mediaType": LIST, "manifests": []})),
    ];
    for (name, change) in cases {
        let mut json = manifest.clone();
        change(&mut json);
        let body = json.to_string().into_bytes();
        let fake = liar(&server, Box::new(move |path, _| path.ends_with("one/manifests/v1.0.0").then(|| whole("", &body))));
        let found = found(&publisher, &fake.host, ":v1.0.0");
        let about_module = found.iter().any(|(check, words)| {
            // Not only because nobody signed it.
            (check == "tag" || check == "module") && (words.starts_with("wrong: ") || words.starts_with("unknown: "))
        });
        assert!(about_module, "{name}: {found:?}");
    }
    // Twice the same key: who reads it differently reads another module.
    let twice = String::from_utf8(server.manifest("ours/one", "v1.0.0")).expect("JSON").replacen('{', "{\"layers\":[],", 1);
    let fake =
        liar(&server, Box::new(move |path, _| path.ends_with("one/manifests/v1.0.0").then(|| whole("", twice.as_bytes()))));
    let found = found(&publisher, &fake.host, ":v1.0.0");
    assert!(found.iter().any(|(check, words)| check == "tag" && words.ends_with("is this an OCI registry?")), "{found:?}");
}

fn a_module_beside_something_else() {
    let (server, publisher) = published();
    let manifest = server.manifest_json("ours/one", "v1.0.0");
    let other = server.push_blob("ours/one", "text/plain", b"hello");
    for layers in [json!([other, manifest["layers"][0]]), json!([manifest["layers"][0], other])] {
        let mut json = manifest.clone();
        json["layers"] = layers;
        server.put("ours/one", "beside", json.to_string().as_bytes());
        let found = found(&publisher, &server.host, ":beside");
        assert!(found.iter().any(|(check, words)| check == "module" && words.contains("2 layers")), "{found:?}");
    }
    // A size that is not the module's.
    for size in [json!(-1), json!(1), json!(1_000_000), json!(i64::MAX)] {
        let mut json = manifest.clone();
        json["layers"][0]["size"] = size.clone();
        let body = json.to_string().into_bytes();
        let fake = liar(&server, Box::new(move |path, _| path.ends_with("one/manifests/v1.0.0").then(|| whole("", &body))));
        let found = found(&publisher, &fake.host, ":v1.0.0");
        assert!(found.iter().any(|(check, words)| check == "module" && words.starts_with("wrong: ")), "{size}: {found:?}");
    }
}

fn many_signatures() {
    let (server, publisher) = published();
    let tag = server.signature_tag("ours/one", "v1.0.0");
    let good = server.manifest_json("ours/one", &tag);
    let with_layers = |layers: Vec<Value>| {
        let mut json = good.clone();
        json["layers"] = json!(layers);
        let body = json.to_string().into_bytes();
        liar(&server, Box::new(move |path, _| path.ends_with(".sig").then(|| whole("", &body))))
    };
    let absent = |number: usize| {
        let mut layer = good["layers"][0].clone();
        layer["digest"] = json!(sha256(&number.to_le_bytes()));
        layer
    };
    // None at all.
    assert!(is_noticed(&found(&publisher, &with_layers(Vec::new()).host, ":v1.0.0")));
    // So many that nobody made them for a good reason.
    let fake = with_layers((0..10_000).map(absent).collect());
    let result = found(&publisher, &fake.host, ":v1.0.0");
    assert!(result.iter().any(|(check, words)| check == "signature" && words.contains("10000")), "{result:?}");
    assert!(fake.heads().len() < 100, "{}", fake.heads().len());
    // The same one again and again is asked for once.
    let mut layers = vec![absent(0); 90];
    layers.push(good["layers"][0].clone());
    let fake = with_layers(layers);
    assert_eq!(found(&publisher, &fake.host, ":v1.0.0"), [skipped("sbom", NOT_BUILT_IN)]);
    assert_eq!(fake.heads().iter().filter(|head| head.contains(&sha256(&0_usize.to_le_bytes()))).count(), 1);
    // A payload that is declared short.
    let mut layer = good["layers"][0].clone();
    layer["size"] = json!(-1);
    assert!(is_noticed(&found(&publisher, &with_layers(vec![layer]).host, ":v1.0.0")));
}

fn many_bills() {
    let (server, publisher) = (Server::start(), signer());
    publisher.sign(&format!("{}/ours", server.host), &["-p", POLICY]);
    let entry = |number: usize| json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": sha256(&number.to_le_bytes()), "size": 1, "artifactType": BILL});
    let list = json!({"schemaVersion": 2, "mediaType": LIST, "manifests": (0..5_000).map(entry).collect::<Vec<_>>()});
    let body = list.to_string().into_bytes();
    let fake = liar(&server, Box::new(move |path, _| path.contains("/referrers/").then(|| whole("", &body))));
    let found = publisher.verdict(&format!("{}/ours/{POLICY}:v0.1.0", fake.host), &[]);
    // The right one is under the tag, behind all these.
    assert!(found.iter().any(|(check, words)| check == "sbom" && words.starts_with("wrong: ")), "{found:?}");
    assert!(fake.heads().len() < 200, "{}", fake.heads().len());
}

fn descriptors_that_are_none() {
    let (server, publisher) = (Server::start(), signer());
    publisher.sign(&format!("{}/ours", server.host), &["-p", POLICY]);
    let hostile = [
        "",
        "sha256",
        "sha256:",
        "md5:d41d8cd98f00b204e9800998ecf8427e",
        "../../../secret/manifests/v1",
        "sha256:../../x",
        "v0.1.0",
        "sha256:ABC",
        "http://registry.example.com/x",
        "sha512:00",
        "sha256:0?a=b",
        "sha256:\u{1b}[31m",
    ];
    let entry = |digest: &str| json!({"mediaType": "x", "digest": digest, "size": -5, "artifactType": BILL});
    let list = json!({"schemaVersion": 2, "manifests": hostile.iter().map(|digest| entry(digest)).collect::<Vec<_>>()});
    let body = list.to_string().into_bytes();
    let fake = liar(&server, Box::new(move |path, _| path.contains("/referrers/").then(|| whole("", &body))));
    let destination = format!("{}/ours/{POLICY}:v0.1.0", fake.host);
    // They are no obstacle to the right one, which is under the tag.
    let found: Vec<_> = publisher.verdict(&destination, &[]).into_iter().filter(|(check, _)| check != "lock").collect();
    assert_eq!(found, []);
    assert!(!fake.heads().concat().contains("secret"), "{:?}", fake.heads());

    // The module's own.
    let (server, publisher) = published();
    let manifest = server.manifest_json("ours/one", "v1.0.0");
    for digest in hostile {
        let mut json = manifest.clone();
        json["layers"][0]["digest"] = json!(digest);
        let body = json.to_string().into_bytes();
        let fake = liar(&server, Box::new(move |path, _| path.ends_with("one/manifests/v1.0.0").then(|| whole("", &body))));
        let run = publisher.verify(&format!("{}/ours/one:v1.0.0", fake.host), &[]);
        assert!(run.status == 1 && run.stdout.contains("module  the bytes of"), "{digest:?}: {run:?}");
        assert!(!fake.heads().concat().contains("secret"), "{:?}", fake.heads());
        assert!(!run.stdout.contains('\u{1b}'), "{run:?}");
    }
}

fn a_title_that_names_nothing() {
    let (server, publisher) = (Server::start(), signer());
    let destination = format!("{}/ours", server.host);
    // By the same hand, and signed: a policy that has no name, below that of one that is built in.
    for (number, title) in ["", "Some Policy", "A", "rbac-least-privilege "].into_iter().enumerate() {
        publisher.file(&format!("{POLICY}.wasm"), module(&metadata(title, "1.0.0")));
        let lock = format!("{number}.lock");
        let file = format!("{POLICY}.wasm");
        publisher.sign(&destination, &["-p", &file, "--tag", "v1", "--force", "--lock", &lock]);
        let found = publisher.verdict(&format!("{destination}/{POLICY}:v1"), &["--lock", &lock, "--no-sbom"]);
        let is_wrong = found.iter().any(|(check, words)| check == "metadata" && words.starts_with("wrong: "));
        assert_eq!(is_wrong, title.trim() != POLICY, "{title:?}: {found:?}");
    }
}

fn lock_files_that_were_edited() {
    let (server, publisher) = published();
    let destination = format!("{}/ours", server.host);
    let lock = publisher.read("palisade.lock").expect("a lock file");
    let host = server.host.clone();
    let elsewhere =
        |text: &str| lock.replace(&format!("\"reference\": \"{host}/ours/one"), &format!("\"reference\": \"{text}"));
    let twice = lock.replacen(
        "\"policies\": {",
        "\"policies\": {\"one\": {\"reference\": \"\", \"digest\": \"\", \"module\": {\"sha256\": \"\", \"size\": 0}},",
        1,
    );
    let cases = [
        ("another repository", elsewhere(&format!("{host}/ours/two"))),
        ("another host", elsewhere("registry.example.com/ours/one")),
        ("no reference", elsewhere("!")),
        ("the same policy twice", twice),
        ("a hash that is none", lock.replace("\"sha256\": \"", "\"sha256\": \"x")),
        ("another version", lock.replace("\"schemaVersion\": 1", "\"schemaVersion\": 2")),
        ("more after it", format!("{lock}{{}}")),
        ("a key twice", lock.replacen("\"schemaVersion\": 1,", "\"schemaVersion\": 1, \"schemaVersion\": 1,", 1)),
    ];
    let mut said = String::new();
    for (name, text) in cases {
        assert_ne!(text, lock, "{name}");
        publisher.file("palisade.lock", &text);
        let run = publisher.verify(&destination, &[]);
        assert_eq!((run.status, &*run.stdout), (2, ""), "{name}: {run:?}");
        said.push_str(&format!("{name}: {}", run.stderr.replace(&host, "127.0.0.1:PORT")));
    }
    insta::assert_snapshot!("lock_files_that_were_edited", said);
    // A size that is not the module's.
    let size = module(&metadata("one", "1.0.0")).len();
    publisher.file("palisade.lock", lock.replace(&format!("\"size\": {size}"), "\"size\": 1"));
    let found = publisher.verdict(&destination, &[]);
    assert!(found[0].0 == "lock" && found[0].1.starts_with("wrong: "), "{found:?}");
}

/// A registry that sends everybody to a token service.
fn with_token_service(realm: String) -> Fake {
    Fake::start(move |_, line, _| match line {
        "GET /v2/ HTTP/1.1" => {
            answer("401 Unauthorized", &format!("WWW-Authenticate: Bearer realm=\"{realm}\",service=\"test\"\r\n"), "")
        }
        _ => unknown(),
    })
}

/// A dry run; what was printed.
fn ask(publisher: &Publisher, host: &str, more: &[&str]) -> String {
    publisher.file("a.wasm", module(&metadata("one", "1.0.0")));
    let run = publisher.publish(&[&[&*format!("{host}/ours"), "-p", "a.wasm", "--dry-run"], more].concat());
    assert_ne!(run.status, 101, "{run:?}");
    publisher.shown(&run, host)
}

fn token_services_elsewhere() {
    let publisher = Publisher::new();
    // Over plain HTTP, on another machine; the proxy would tell whether something was sent there.
    let proxy = Fake::start(|_, _, _| answer("200 OK", "", r#"{"token": "the-token"}"#));
    publisher.set("HTTP_PROXY", &format!("http://{}", proxy.host));
    let fake = with_token_service("http://tokens.example.com/token".to_owned());
    publisher.log_in(&fake.host, USER, PASSWORD);
    insta::assert_snapshot!("token_service_without_tls", ask(&publisher, &fake.host, &[]));
    assert_eq!(proxy.heads(), [""; 0]);
    for realm in ["", "nonsense", "file:///etc/passwd", "ftp://tokens.example.com/"] {
        let fake = with_token_service(realm.to_owned());
        publisher.log_in(&fake.host, USER, PASSWORD);
        let shown = ask(&publisher, &fake.host, &[]);
        assert!(shown.starts_with("exit status: 2\n") && shown.contains("token service"), "{realm}: {shown}");
    }
    assert_eq!(proxy.heads(), [""; 0]);
}

fn tokens_that_are_none() {
    let publisher = Publisher::new();
    for body in [r#"{"token": "a\nb: c"}"#, r#"{"token": ""}"#, r#"{"token": "Größe"}"#, r#"{"token": null}"#, "[]", ""] {
        let fake = Fake::start(move |_, line, host| match line {
            "GET /v2/ HTTP/1.1" => {
                answer("401 Unauthorized", &format!("WWW-Authenticate: Bearer realm=\"http://{host}/token\"\r\n"), "")
            }
            _ if line.starts_with("GET /token") => answer("200 OK", "", body),
            _ => unknown(),
        });
        publisher.log_in(&fake.host, USER, PASSWORD);
        let shown = ask(&publisher, &fake.host, &[]);
        assert!(shown.starts_with("exit status: 2\n") && shown.contains("did not answer with a token"), "{body}: {shown}");
    }
    let endless = Fake::start(move |_, line, host| match line {
        "GET /v2/ HTTP/1.1" => {
            answer("401 Unauthorized", &format!("WWW-Authenticate: Bearer realm=\"http://{host}/token\"\r\n"), "").into_bytes()
        }
        _ => [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", ENDLESS].concat(),
    });
    publisher.log_in(&endless.host, USER, PASSWORD);
    assert!(ask(&publisher, &endless.host, &[]).starts_with("exit status: 2\n"));
}

fn redirects_to_another_host() {
    let publisher = Publisher::new();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let other = Fake::start(|_, line, _| match line {
        "GET /v2/ HTTP/1.1" => answer("401 Unauthorized", "WWW-Authenticate: Basic realm=\"mine\"\r\n", ""),
        _ => unknown(),
    });
    // By a challenge of its own, it sends all elsewhere; and so does one that others' challenges reach by a redirect.
    let target = other.host.clone();
    let first = Fake::start(move |_, line, _| {
        let path = line.split(' ').nth(1).unwrap_or_default();
        match path {
            "/v2/" => answer("401 Unauthorized", "WWW-Authenticate: Basic realm=\"test\"\r\n", ""),
            _ => answer("307 Temporary Redirect", &format!("Location: http://{target}{path}\r\n"), ""),
        }
    });
    let target = other.host.clone();
    let second = Fake::start(move |_, line, _| {
        let path = line.split(' ').nth(1).unwrap_or_default();
        answer("307 Temporary Redirect", &format!("Location: http://{target}{path}\r\n"), "")
    });
    for fake in [&first, &second] {
        publisher.log_in(&fake.host, USER, PASSWORD);
        ask(&publisher, &fake.host, &[]);
        seen.lock().expect("no panic").extend(other.heads());
    }
    let seen = seen.lock().expect("no panic").concat().to_lowercase();
    assert!(seen.contains("get /v2/ours/one/") && !seen.contains("authorization"), "{seen}");
    assert!(first.heads().concat().to_lowercase().contains("authorization: basic "), "{:?}", first.heads());
}

fn registries_that_repeat_secrets() {
    let publisher = Publisher::new();
    let fake = Fake::start(|_, line, _| {
        let body = json!({"errors": [{"code": "DENIED", "message": format!("no {PASSWORD} and Basic cm9ib3Q6YSBwYXNzIHdvcmQ= here")}]});
        match line {
            "GET /v2/ HTTP/1.1" => answer("401 Unauthorized", "WWW-Authenticate: Basic realm=\"test\"\r\n", ""),
            _ => answer("403 Forbidden", "", &body.to_string()),
        }
    });
    publisher.log_in(&fake.host, USER, PASSWORD);
    // `Publisher::run` looks for the password itself.
    let shown = ask(&publisher, &fake.host, &[]);
    assert!(shown.contains("and Basic") && !shown.contains("cm9ib3Q6YSBwYXNzIHdvcmQ="), "{shown}");
}

fn passwords_in_names() {
    let publisher = signer();
    let digest = "0a".repeat(32);
    for name in [
        "robot:hunter2@registry.example.com/a@sha256:12".to_owned(),
        format!("robot:hunter2@registry.example.com/a@sha256:{digest}"),
        format!("https://robot:hunter2@registry.example.com/a:v1@sha256:{digest}"),
        "registry://robot:hunter2@registry.example.com/a".to_owned(),
    ] {
        for run in [publisher.verify(&name, &[]), publisher.publish(&[&name])] {
            assert_eq!(run.status, 2, "{name}: {run:?}");
            assert!(!format!("{run:?}").contains("hunter2"), "{run:?}");
        }
    }
}

fn lock_files_that_cannot_be_written() {
    let (server, publisher) = published();
    let destination = format!("{}/ours", server.host);
    let lock = publisher.read("palisade.lock").expect("a lock file");
    let path = publisher.folder.path().join("palisade.lock");
    let permissions = std::fs::metadata(&path).expect("a file").permissions();
    let mut read_only = permissions.clone();
    read_only.set_readonly(true);
    std::fs::set_permissions(&path, read_only).expect("it is ours");
    let before = server.requests().len();
    let read_only = publisher.publish(&[&destination, "-p", POLICY]);
    // Where nobody can make files; and what never ends.
    let nowhere = publisher.publish(&[&destination, "-p", POLICY, "--lock", "/proc/palisade.lock"]);
    let device = publisher.publish(&[&destination, "-p", POLICY, "--lock", "/dev/zero"]);
    assert_eq!(server.requests().len(), before, "all of it is found out before anybody is asked");
    let said = [read_only, nowhere, device].map(|run| {
        assert_eq!((run.status, &*run.stdout), (2, ""), "{run:?}");
        run.stderr
    });
    insta::assert_snapshot!("lock_files_that_cannot_be_written", said.concat());
    assert_eq!(publisher.read("palisade.lock"), Some(lock.clone()));
    // What is only looked at is not written.
    assert_eq!(publisher.publish(&[&destination, "-p", POLICY, "--dry-run"]).status, 0);
    std::fs::set_permissions(&path, permissions).expect("it is ours");

    // A link stays one.
    publisher.file("shared/palisade.lock", &lock);
    std::fs::remove_file(&path).expect("it is ours");
    std::os::unix::fs::symlink("shared/palisade.lock", &path).expect("files can be made");
    assert_eq!(publisher.publish(&[&destination, "-p", POLICY]).status, 0);
    assert!(path.is_symlink());
    let shared = publisher.read("shared/palisade.lock").expect("a lock file");
    assert!(shared.contains(POLICY) && shared.contains("\"one\""), "{shared}");
}

fn another_publisher() {
    use std::os::unix::fs::PermissionsExt as _;
    let (server, publisher) = published();
    let destination = format!("{}/ours", server.host);
    publisher.file("b.wasm", module(&metadata("two", "1.0.0")));
    assert_eq!(publisher.publish(&[&destination, "-p", "b.wasm", "--lock", "theirs.lock"]).status, 0);
    // Who is asked for the credentials when the lock file was read already: then somebody else writes it.
    let helper = "#!/bin/sh\ncp theirs.lock palisade.lock\necho credentials not found\nexit 1\n";
    publisher.file("bin/docker-credential-test", helper);
    let path = publisher.folder.path().join("bin/docker-credential-test");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    publisher.docker(r#"{"credsStore": "test"}"#);
    let path = std::env::var("PATH").expect("a path");
    publisher.set("PATH", &format!("{}:{path}", publisher.folder.path().join("bin").display()));
    let run = publisher.publish(&[&destination, "-p", POLICY]);
    assert_eq!((run.status, &*run.stderr), (0, ""), "{run:?}");
    let lock: Value = serde_json::from_str(&publisher.read("palisade.lock").expect("a lock file")).expect("JSON");
    let names: Vec<&String> = lock["policies"].as_object().expect("a map").keys().collect();
    assert_eq!(names, [POLICY, "two"]);
}

fn registries_that_take_no_bills() {
    let publisher = Publisher::new();
    let fake = Fake::start(|_, line, _| {
        let mut words = line.split(' ');
        match (words.next().unwrap_or_default(), words.next().unwrap_or_default()) {
            (_, "/v2/") => answer("200 OK", "", "{}"),
            ("HEAD", _) => answer("200 OK", "", ""),
            ("PUT", path) if path.contains("/manifests/sha256:") => {
                let body = r#"{"errors": [{"code": "MANIFEST_INVALID", "message": "manifest invalid"}]}"#;
                answer("400 Bad Request", "Content-Type: application/json\r\n", body)
            }
            ("PUT", _) => answer("201 Created", "Location: /there\r\n", ""),
            _ => unknown(),
        }
    });
    let destination = format!("{}/ours", fake.host);
    let run = publisher.publish(&[&destination, "-p", POLICY]);
    assert_eq!(run.status, 2, "{run:?}");
    insta::assert_snapshot!("registries_that_take_no_bills", run.stderr.replace(&fake.host, "127.0.0.1:PORT"));
    // The policy itself is there, and the lock file says so.
    assert!(publisher.read("palisade.lock").is_some_and(|lock| lock.contains(POLICY)));
    assert_eq!(publisher.publish(&[&destination, "-p", POLICY, "--no-sbom"]).status, 0);
}
