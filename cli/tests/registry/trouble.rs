//! Registries that are down, busy, something else, or lost half way.

use libtest_mimic::Trial;

use crate::fake::{Cut, Fake, Proxy, answer, unknown};
use crate::publish::check_lock;
use crate::server::{PASSWORD, Publisher, Server, USER, metadata, module};
use crate::{REGISTRY, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("trouble::down", &[], down),
        trial("trouble::no_registry_at_all", &[], no_registry_at_all),
        trial("trouble::redirects", &[], redirects),
        trial("trouble::refusals", &[], refusals),
        trial("trouble::tokens", &[], tokens),
        trial("trouble::answers_that_are_cut", &[], answers_that_are_cut),
        trial("trouble::busy_at_first", &[REGISTRY], busy_at_first),
        trial("trouble::interrupted", &[REGISTRY], interrupted),
        trial("trouble::through_a_proxy", &[], through_a_proxy),
        trial("trouble::destinations", &[], destinations),
    ]
}

/// Publishes a small module to this host; nothing may be written down of it.
fn publish_to(publisher: &Publisher, host: &str, more: &[&str]) -> String {
    publisher.file("a.wasm", module(&metadata("one", "1.0.0")));
    let run = publisher.publish(&[&[&*format!("{host}/ours"), "-p", "a.wasm"], more].concat());
    assert!(publisher.read("palisade.lock").is_none());
    publisher.shown(&run, host)
}

fn down() {
    let publisher = Publisher::new();
    // Nothing listens on the port of a server that is gone.
    let host = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("an address").to_string()
    };
    insta::assert_snapshot!("down", publish_to(&publisher, &host, &[]));
    insta::assert_snapshot!("down_dry_run", publish_to(&publisher, &host, &["--dry-run"]));
}

fn no_registry_at_all() {
    const PAGE: &str = "<!doctype html>\n<title>Welcome</title>\n";
    let publisher = Publisher::new();
    let page = Fake::start(|_, _, _| answer("200 OK", "Content-Type: text/html\r\n", PAGE));
    insta::assert_snapshot!("web_page", publish_to(&publisher, &page.host, &[]));
    let missing = Fake::start(|_, _, _| answer("404 Not Found", "Content-Type: text/html\r\n", PAGE));
    insta::assert_snapshot!("web_page_that_is_not_there", publish_to(&publisher, &missing.host, &[]));
    let json = Fake::start(|_, _, _| answer("200 OK", "Content-Type: application/json\r\n", "{}"));
    insta::assert_snapshot!("json_of_something_else", publish_to(&publisher, &json.host, &[]));
    let digest = format!("Docker-Content-Digest: sha256:{}\r\n", "0a".repeat(32));
    let other = Fake::start(move |_, _, _| answer("200 OK", &digest, r#"{"schemaVersion": 2}"#));
    insta::assert_snapshot!("digest_of_something_else", publish_to(&publisher, &other.host, &[]));
    // A registry that nothing can be uploaded to.
    let empty = Fake::start(|_, line, _| match line.split(' ').next() {
        Some("POST") => answer("202 Accepted", "", ""),
        _ => unknown(),
    });
    insta::assert_snapshot!("no_place_to_upload_to", publish_to(&publisher, &empty.host, &[]));
}

fn redirects() {
    let publisher = Publisher::new();
    let page = Fake::start(|_, line, _| match line {
        "GET /login HTTP/1.1" => answer("200 OK", "Content-Type: text/html\r\n", "<html>Log in</html>"),
        _ => answer("302 Found", "Location: /login\r\n", ""),
    });
    insta::assert_snapshot!("redirect_to_a_web_page", publish_to(&publisher, &page.host, &[]));
    let circle = Fake::start(|_, line, host| {
        let path = line.split(' ').nth(1).unwrap_or_default();
        answer("307 Temporary Redirect", &format!("Location: http://{host}{path}\r\n"), "")
    });
    insta::assert_snapshot!("redirect_to_itself", publish_to(&publisher, &circle.host, &[]));
}

fn refusals() {
    let publisher = Publisher::new();
    let refusing = |status: &'static str, body: &'static str| {
        Fake::start(move |_, line, _| match line {
            "GET /v2/ HTTP/1.1" => answer("200 OK", "", "{}"),
            _ if line.starts_with("GET") => unknown(),
            _ => answer(status, "Content-Type: application/json\r\n", body),
        })
    };
    for (name, status, body) in [
        ("denied", "403 Forbidden", r#"{"errors": [{"code": "DENIED", "message": "requested access is denied"}]}"#),
        (
            "project_is_missing",
            "404 Not Found",
            r#"{"errors": [{"code": "NAME_UNKNOWN", "message": "project ours not found"}]}"#,
        ),
        ("too_many_requests", "429 Too Many Requests", r#"{"errors": [{"code": "TOOMANYREQUESTS", "message": "slow down"}]}"#),
        ("read_only", "405 Method Not Allowed", r#"{"errors": [{"code": "UNSUPPORTED", "message": "read\u001b[31m-only"}]}"#),
        ("out_of_order", "503 Service Unavailable", ""),
        ("refused_without_a_word", "418 I'm a teapot", "hunter2"),
    ] {
        let server = refusing(status, body);
        insta::assert_snapshot!(name, publish_to(&publisher, &server.host, &[]));
        let count = |method: &str| server.heads().iter().filter(|head| head.starts_with(method)).count();
        // What fails for the moment is tried again; what is refused is not.
        let is_temporary = status.starts_with("429") || status.starts_with("503");
        assert_eq!((count("HEAD "), count("POST ")), if is_temporary { (4, 0) } else { (1, 1) }, "{name}");
    }
}

fn tokens() {
    const TOKEN: &str = r#"{"token": "the-token", "expires_in": 300}"#;
    // A registry with a token service, as most public ones are.
    let registry = |token: fn() -> String| {
        Fake::start(move |_, line, host| match line {
            "GET /v2/ HTTP/1.1" => {
                let challenge = format!("WWW-Authenticate: Bearer realm=\"http://{host}/token\",service=\"test\"\r\n");
                answer("401 Unauthorized", &challenge, "")
            }
            _ if line.starts_with("GET /token?") => token(),
            _ => unknown(),
        })
    };
    let publisher = Publisher::new();
    let refusing = registry(|| {
        let body = r#"{"errors": [{"code": "UNAUTHORIZED", "message": "access token has expired"}]}"#;
        answer("401 Unauthorized", "", body)
    });
    insta::assert_snapshot!("no_token", publish_to(&publisher, &refusing.host, &[]));
    publisher.log_in(&refusing.host, USER, PASSWORD);
    insta::assert_snapshot!("no_token_for_a_user", publish_to(&publisher, &refusing.host, &[]));
    let page = registry(|| answer("200 OK", "", "<html>Log in</html>"));
    insta::assert_snapshot!("token_service_that_is_a_web_page", publish_to(&publisher, &page.host, &[]));

    let good = registry(|| answer("200 OK", "", TOKEN));
    publisher.log_in(&good.host, USER, PASSWORD);
    insta::assert_snapshot!("token", publish_to(&publisher, &good.host, &["--dry-run"]));
    let heads = good.heads();
    let find = |beginning: &str| heads.iter().find(|head| head.starts_with(beginning)).expect("a request").to_lowercase();
    // To read as well: a repository that is not there yet is hidden from those who cannot make it.
    assert!(find("GET /token?scope=repository%3Aours%2Fone%3Apull%2Cpush&service=test ").contains("authorization: basic "));
    assert_eq!(heads.iter().filter(|head| head.starts_with("GET /token")).count(), 1);
    assert!(find("GET /v2/ours/one/manifests/v1.0.0 ").contains("authorization: bearer the-token\r\n"));
    assert!(heads.iter().filter(|head| head.starts_with("GET /v2/")).all(|head| !head.contains("Basic ")), "{heads:?}");

    // Nobody in particular asks to read only.
    let public = registry(|| answer("200 OK", "", TOKEN));
    publish_to(&publisher, &public.host, &["--dry-run"]);
    let heads = public.heads();
    assert!(heads.iter().any(|head| head.starts_with("GET /token?scope=repository%3Aours%2Fone%3Apull&")), "{heads:?}");
    assert!(!heads.concat().contains("push"), "{heads:?}");
}

fn answers_that_are_cut() {
    let publisher = Publisher::new();
    let cut = Fake::start(|_, _, _| "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_owned());
    insta::assert_snapshot!("cut", publish_to(&publisher, &cut.host, &[]));
}

fn busy_at_first() {
    let (server, publisher) = (Server::start(), Publisher::new());
    // The question what it takes to be let in, each time.
    let proxy = Proxy::start(&server.host, 3, Cut::Never);
    publisher.file("a.wasm", module(&metadata("one", "1.0.0")));
    let run = publisher.publish(&[&format!("{}/ours", proxy.host), "-p", "a.wasm"]);
    insta::assert_snapshot!("busy_at_first", publisher.shown(&run, &proxy.host));
    assert_eq!(check_lock(&server, &publisher.read("palisade.lock").expect("a lock file")), 1);
}

fn interrupted() {
    const POLICIES: [&str; 3] = ["one", "two", "three"];
    // With 100 kB in each module: before anything is sent, within the first, between two; and when only manifests are left.
    for (cut, expected_tags) in [
        (Cut::AfterBytes(100), 0),
        (Cut::AfterBytes(50_000), 0),
        (Cut::AfterBytes(110_000), 0),
        (Cut::AfterBytes(250_000), 0),
        (Cut::AfterManifests(0), 0),
        (Cut::AfterManifests(2), 2),
    ] {
        let (server, publisher) = (Server::start(), Publisher::new());
        for policy in POLICIES {
            let padding = format!("{{\"padding\": \"{}\",", "x".repeat(100_000));
            publisher.file(&format!("{policy}.wasm"), module(&metadata(policy, "1.0.0").replacen('{', &padding, 1)));
        }
        let proxy = Proxy::start(&server.host, 0, cut);
        let destination = format!("{}/ours", proxy.host);
        let publish = || publisher.publish(&[&destination, "-p", "one.wasm,two.wasm,three.wasm", "--format", "json"]);
        let run = publish();
        assert_eq!(run.status, 2, "{cut:?}: {run:?}");
        assert!(run.stderr.contains("the connection was cut") || run.stderr.contains("no connection"), "{cut:?}: {run:?}");
        // A tag that is there leads to everything, and is in the lock file.
        let tags = POLICIES.iter().filter(|policy| server.get(&format!("/v2/ours/{policy}/manifests/v1.0.0")).0 == 200).count();
        let locked = publisher.read("palisade.lock").map_or(0, |lock| check_lock(&server, &lock));
        assert_eq!((tags, locked), (expected_tags, expected_tags), "{cut:?}: {run:?}");

        proxy.mend();
        let run = publish();
        assert_eq!((run.status, &*run.stderr), (0, ""), "{cut:?}: {run:?}");
        assert_eq!(check_lock(&server, &publisher.read("palisade.lock").expect("a lock file")), POLICIES.len());
    }
}

fn through_a_proxy() {
    let publisher = Publisher::new();
    let proxy = Fake::start(|_, line, _| match line {
        "GET http://registry.example.com/v2/ HTTP/1.1" => answer("200 OK", "", "{}"),
        "GET http://registry.example.com/v2/ours/one/manifests/v1.0.0 HTTP/1.1" => unknown(),
        _ => answer("502 Bad Gateway", "", ""),
    });
    publisher.set("HTTP_PROXY", &format!("http://{}", proxy.host));
    insta::assert_snapshot!("proxy", publish_to(&publisher, "registry.example.com", &["--plain-http", "--dry-run"]));
    let count = proxy.heads().len();
    assert_ne!(count, 0);

    // This machine is no matter for a proxy.
    let here = Fake::start(|_, line, _| if line == "GET /v2/ HTTP/1.1" { answer("200 OK", "", "{}") } else { unknown() });
    let shown = publish_to(&publisher, &here.host, &["--dry-run"]);
    assert!(shown.contains("to be pushed"), "{shown}");
    assert_eq!(proxy.heads().len(), count);

    publisher.set("HTTP_PROXY", "http://user:hunter2@[");
    let shown = publish_to(&publisher, "registry.example.com", &["--plain-http"]);
    assert!(!shown.contains("hunter2"), "{shown}");
    insta::assert_snapshot!("proxy_that_is_none", shown);
}

fn destinations() {
    let publisher = Publisher::new();
    let errors: Vec<String> = [
        "policies/ours",
        "https://registry.example.com/policies",
        "registry.example.com/policies:v1",
        "robot:hunter2@registry.example.com/policies",
    ]
    .iter()
    .map(|destination| {
        let run = publisher.publish(&[destination]);
        assert_eq!((run.status, &*run.stdout), (2, ""), "{run:?}");
        run.stderr
    })
    .collect();
    assert!(!errors.concat().contains("hunter2"));
    insta::assert_snapshot!("destinations", errors.concat());
}
