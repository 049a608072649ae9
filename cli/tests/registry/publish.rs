//! `palisade publish` and a registry that is as it should be.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use libtest_mimic::Trial;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::server::{Identity, PASSWORD, Publisher, Server, USER, metadata, module};
use crate::support::text;
use crate::{REGISTRY, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("publish::everything_and_only_once", &[REGISTRY], everything_and_only_once),
        trial("publish::what_a_tag_holds_is_not_replaced_unasked", &[REGISTRY], what_a_tag_holds_is_not_replaced_unasked),
        trial("publish::a_dry_run_changes_nothing", &[REGISTRY], a_dry_run_changes_nothing),
        trial("publish::the_lock_file_keeps_what_is_not_published_again", &[REGISTRY], the_lock_file_keeps_others),
        trial("publish::other_modules", &[REGISTRY], other_modules),
        trial("publish::without_a_path", &[REGISTRY], without_a_path),
        trial("publish::users", &[REGISTRY], users),
        trial("publish::credential_helpers", &[REGISTRY, "sh"], credential_helpers),
        trial("publish::authority_of_ones_own", &[REGISTRY], authority_of_ones_own),
        trial("publish::certificates_that_are_not_valid", &[REGISTRY], certificates_that_are_not_valid),
        trial("publish::plain_http_to_a_registry_with_tls", &[REGISTRY], plain_http_to_a_registry_with_tls),
        trial("publish::plain_http_only_where_it_is_meant", &[REGISTRY], plain_http_only_where_it_is_meant),
        trial("publish::as_kwctl_does", &[REGISTRY, "kwctl"], as_kwctl_does),
    ]
}

/// What the registry has under each tag of a lock file, down to the module.
pub fn check_lock(server: &Server, lock: &str) -> usize {
    let lock: Value = serde_json::from_str(lock).expect("JSON");
    let policies = lock["policies"].as_object().expect("a map");
    for locked in policies.values() {
        let (_, name) = text(locked, "reference").split_once('/').expect("a host");
        let (repository, tag) = name.rsplit_once(':').expect("a tag");
        let (status, manifest) = server.get(&format!("/v2/{repository}/manifests/{tag}"));
        assert_eq!(status, 200, "{name}");
        assert_eq!(sha256(&manifest), text(locked, "digest"), "{name}");
        let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
        // What policy-server looks for.
        let layer = &manifest["layers"][0];
        assert_eq!(text(layer, "mediaType"), "application/vnd.wasm.content.layer.v1+wasm");
        let (status, module) = server.get(&format!("/v2/{repository}/blobs/{}", text(layer, "digest")));
        assert_eq!(status, 200, "{name}");
        assert_eq!(sha256(&module), format!("sha256:{}", text(&locked["module"], "sha256")), "{name}");
        assert_eq!(module.len() as u64, locked["module"]["size"].as_u64().expect("a number"));
        let (status, config) = server.get(&format!("/v2/{repository}/blobs/{}", text(&manifest["config"], "digest")));
        assert_eq!((status, &*config), (200, &b"{}"[..]), "{name}");
    }
    policies.len()
}

fn sha256(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// The state of each policy, by name.
fn states(json: &Value) -> Vec<(&str, &str)> {
    json["policies"].as_array().expect("a list").iter().map(|policy| (text(policy, "name"), text(policy, "state"))).collect()
}

fn everything_and_only_once() {
    let (server, publisher) = (Server::start(), Publisher::new());
    let destination = format!("registry://{}/ours", server.host);
    let listed = publisher.run(&["policies", "--format", "json"]).json();
    let names: Vec<&str> = listed.as_array().expect("policies").iter().map(|policy| text(policy, "name")).collect();
    let all = |state: &'static str| names.iter().map(|name| (*name, state)).collect::<Vec<_>>();

    let run = publisher.publish(&[&destination, "--format", "json"]);
    assert_eq!((run.status, &*run.stderr), (0, ""), "{run:?}");
    assert_eq!(states(&run.json()), all("pushed"));
    let lock = publisher.read("palisade.lock").expect("a lock file");
    assert_eq!(check_lock(&server, &lock), names.len());

    let before = server.requests();
    let run = publisher.publish(&[&destination, "--format", "json"]);
    assert_eq!(states(&run.json()), all("unchanged"));
    assert_eq!(publisher.read("palisade.lock").as_ref(), Some(&lock));
    let methods: BTreeSet<String> =
        server.requests()[before.len()..].iter().filter_map(|request| request.split(' ').next().map(str::to_owned)).collect();
    assert_eq!(methods, BTreeSet::from(["GET".to_owned()]), "nothing is sent twice");

    // The same modules elsewhere, by another publisher: the same lock file but for the host.
    let (other_server, other) = (Server::start(), Publisher::new());
    let run = other.publish(&[&format!("{}/ours/", other_server.host)]);
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(other.read("palisade.lock").map(|text| text.replace(&other_server.host, &server.host)), Some(lock));
}

fn what_a_tag_holds_is_not_replaced_unasked() {
    let (server, publisher) = (Server::start(), Publisher::new());
    let destination = format!("{}/ours", server.host);
    publisher.file("a.wasm", module(&metadata("one", "1.0.0")));
    publisher.file("b.wasm", module(&metadata("two", "1.0.0")));
    assert_eq!(publisher.publish(&[&destination, "-p", "a.wasm"]).status, 0);
    let lock = publisher.read("palisade.lock");

    publisher.file("a.wasm", module(&metadata("one", "1.0.0").replace("pods", "services")));
    let run = publisher.publish(&[&destination, "-p", "b.wasm", "-p", "a.wasm"]);
    insta::assert_snapshot!("conflict", publisher.shown(&run, &server.host));
    assert_eq!(publisher.read("palisade.lock"), lock);
    assert_eq!(server.get("/v2/ours/two/manifests/v1.0.0").0, 404, "nothing else is pushed either");

    let run = publisher.publish(&[&destination, "-p", "b.wasm,a.wasm", "--dry-run", "--force"]);
    insta::assert_snapshot!("conflict_dry_run", publisher.shown(&run, &server.host));
    let run = publisher.publish(&[&destination, "-p", "b.wasm,a.wasm", "--force", "--format", "json"]);
    assert_eq!(run.status, 0, "{run:?}");
    let json = run.json();
    assert_eq!(states(&json), [("two", "pushed"), ("one", "replaced")]);
    let old: Value = serde_json::from_str(&lock.expect("a lock file")).expect("JSON");
    assert_eq!(json["policies"][1]["previous"], old["policies"]["one"]["digest"]);
    assert_eq!(check_lock(&server, &publisher.read("palisade.lock").expect("a lock file")), 2);

    // Another tag is no conflict.
    publisher.file("a.wasm", module(&metadata("one", "1.0.0").replace("pods", "secrets")));
    let run = publisher.publish(&[&destination, "-p", "a.wasm", "--tag", "v1.0.0-rc.1"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(check_lock(&server, &publisher.read("palisade.lock").expect("a lock file")), 2);
}

fn a_dry_run_changes_nothing() {
    let (server, publisher) = (Server::start(), Publisher::new());
    let destination = format!("{}/ours", server.host);
    publisher.file("a.wasm", module(&metadata("one", "1.0.0")));
    let run = publisher.publish(&[&destination, "-p", "a.wasm", "--dry-run"]);
    insta::assert_snapshot!("dry_run", publisher.shown(&run, &server.host));
    assert!(publisher.read("palisade.lock").is_none());
    assert!(server.requests().iter().all(|request| request.starts_with("GET ")), "{:?}", server.requests());
    let json = publisher.publish(&[&destination, "-p", "a.wasm", "-n", "-f", "json"]).json();
    assert_eq!((states(&json), &json["dryRun"]), (vec![("one", "pending")], &Value::Bool(true)));
}

fn the_lock_file_keeps_others() {
    let (server, publisher) = (Server::start(), Publisher::new());
    let destination = format!("{}/ours", server.host);
    publisher.file("a.wasm", module(&metadata("one", "1.0.0")));
    publisher.file("b.wasm", module(&metadata("two", "1.0.0")));
    for file in ["a.wasm", "b.wasm"] {
        assert_eq!(publisher.publish(&[&destination, "-p", file, "--lock", "our.lock"]).status, 0);
    }
    let lock = publisher.read("our.lock").expect("a lock file");
    assert_eq!(check_lock(&server, &lock), 2);
    insta::assert_snapshot!("lock", lock.replace(&server.host, "HOST"));

    let run = publisher.publish(&[&format!("{}/theirs", server.host), "-p", "a.wasm", "--lock", "our.lock"]);
    insta::assert_snapshot!("lock_of_another_destination", publisher.shown(&run, &server.host));
    publisher.file("our.lock", "policies: {}\n");
    let run = publisher.publish(&[&destination, "-p", "a.wasm", "--lock", "our.lock"]);
    insta::assert_snapshot!("lock_that_is_none", publisher.shown(&run, &server.host));
    let run = publisher.publish(&[&destination, "-p", "a.wasm", "--lock", "none/our.lock"]);
    insta::assert_snapshot!("lock_that_cannot_be_written", publisher.shown(&run, &server.host));
}

fn other_modules() {
    let (server, publisher) = (Server::start(), Publisher::new());
    let destination = format!("{}/ours", server.host);
    let host = &server.host;
    // Modules of other modes are policies too, that only Kubewarden runs.
    publisher.file("some/rego.wasm", module(&metadata("", "v2.0.0").replace("kubewarden-wapc", "gatekeeper")));
    let run = publisher.publish(&[&destination, "-p", "some/rego.wasm,rbac-least-privilege"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(server.get("/v2/ours/rego/manifests/v2.0.0").0, 200);

    publisher.file("plain.wasm", wat::parse_str("(module)").expect("a module"));
    publisher.file("text.wasm", "(module)");
    publisher.file("none.wasm", "");
    publisher.file("No Name.wasm", module(&metadata("A Title", "1.0.0")));
    publisher.file("no-version.wasm", module(&metadata("a", "")));
    publisher.file("copy.wasm", module(&metadata("rbac-least-privilege", "0.1.0")));
    publisher.file("tab.wasm", module(&metadata("a", "1.0.0").replace("policies ", "\\t.")));
    let failures: Vec<String> = [
        "plain.wasm",
        "text.wasm",
        "none.wasm",
        "No Name.wasm",
        "no-version.wasm",
        "rbac-least-privilege,copy.wasm",
        "tab.wasm",
        "missing.wasm",
        "rbac-least-privileg",
        "some",
    ]
    .iter()
    .map(|policy| {
        let run = publisher.publish(&[&destination, "-p", policy, "--lock", "other.lock"]);
        assert_eq!((run.status, &*run.stdout), (2, ""), "{run:?}");
        run.stderr
    })
    .collect();
    insta::assert_snapshot!("modules_that_cannot_be_published", failures.concat().replace(host, "HOST"));
    let run = publisher.publish(&[&destination, "-p", "no-version.wasm", "--tag", "v1+build"]);
    insta::assert_snapshot!("tag_that_is_none", publisher.shown(&run, host));
    assert!(publisher.read("other.lock").is_none());
}

fn without_a_path() {
    let (server, publisher) = (Server::start(), Publisher::new());
    publisher.file("a.wasm", module(&metadata("one", "1.0.0")));
    let run = publisher.publish(&[&server.host, "-p", "a.wasm"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(check_lock(&server, &publisher.read("palisade.lock").expect("a lock file")), 1);
}

fn users() {
    let (server, publisher) = (Server::with_users(), Publisher::new());
    let (host, destination) = (&*server.host, format!("{}/ours", server.host));
    publisher.file("a.wasm", module(&metadata("one", "1.0.0")));
    let publish = || publisher.publish(&[&destination, "-p", "a.wasm"]);
    insta::assert_snapshot!("no_credentials", publisher.shown(&publish(), host));
    publisher.log_in("registry.example.com", USER, PASSWORD);
    insta::assert_snapshot!("credentials_for_another_host", publisher.shown(&publish(), host));
    publisher.log_in(host, USER, "another one");
    insta::assert_snapshot!("wrong_password", publisher.shown(&publish(), host));
    for (name, config) in [
        ("docker_config_that_is_none", "auths: {}".to_owned()),
        ("auth_that_is_none", format!(r#"{{"auths": {{"{host}": {{"auth": "hunter2"}}}}}}"#)),
        ("identity_token", format!(r#"{{"auths": {{"{host}": {{"identitytoken": "hunter2"}}}}}}"#)),
        ("helper_that_is_not_there", format!(r#"{{"credHelpers": {{"{host}": "of-nobody"}}}}"#)),
    ] {
        publisher.docker(&config);
        let shown = publisher.shown(&publish(), host);
        assert!(!shown.contains("hunter2"), "{shown}");
        insta::assert_snapshot!(name, shown);
    }
    assert!(publisher.read("palisade.lock").is_none());
    publisher.log_in(host, USER, PASSWORD);
    let run = publish();
    assert_eq!((run.status, &*run.stderr), (0, ""), "{run:?}");
    assert_eq!(publish().status, 0);
}

fn credential_helpers() {
    let (server, publisher) = (Server::with_users(), Publisher::new());
    let (host, destination) = (&*server.host, format!("{}/ours", server.host));
    publisher.file("a.wasm", module(&metadata("one", "1.0.0")));
    let path = std::env::var("PATH").expect("a PATH");
    publisher.set("PATH", &format!("{}:{path}", publisher.folder.path().join("bin").display()));
    publisher.docker(r#"{"credsStore": "test"}"#);
    let publish_with = |script: &str| {
        publisher.file("bin/docker-credential-test", format!("#!/bin/sh\ncat > asked\n{script}\n"));
        let helper = publisher.folder.path().join("bin/docker-credential-test");
        let status = Command::new("chmod").arg("+x").arg(helper).status().expect("chmod runs");
        assert!(status.success());
        publisher.publish(&[&destination, "-p", "a.wasm"])
    };
    for (name, script) in [
        ("helper_that_fails", "echo hunter2; echo hunter2 >&2; exit 1"),
        ("helper_that_answers_something_else", "echo hunter2"),
        ("helper_that_knows_nothing", "echo 'credentials not found in native keychain'; exit 1"),
    ] {
        let shown = publisher.shown(&publish_with(script), host);
        assert!(!shown.contains("hunter2"), "{shown}");
        insta::assert_snapshot!(name, shown);
    }
    let run = publish_with(&format!(r#"echo '{{"ServerURL": "x", "Username": "{USER}", "Secret": "{PASSWORD}"}}'"#));
    assert_eq!((run.status, &*run.stderr), (0, ""), "{run:?}");
    assert_eq!(publisher.read("asked").as_deref(), Some(host));
}

fn authority_of_ones_own() {
    let identity = Identity::new("127.0.0.1", 2100);
    let (server, publisher) = (Server::with_tls(&identity), Publisher::new());
    let destination = format!("{}/ours", server.host);
    publisher.file("a.wasm", module(&metadata("one", "1.0.0")));
    publisher.file("ca.pem", &identity.authority);
    publisher.file("other.pem", &Identity::new("127.0.0.1", 2100).authority);
    publisher.file("key.pem", &identity.key);
    let publish = |more: &[&str]| publisher.publish(&[&[&*destination, "-p", "a.wasm"], more].concat());
    let shown = |more: &[&str]| publisher.shown(&publish(more), &server.host);
    insta::assert_snapshot!("unknown_authority", shown(&[]));
    insta::assert_snapshot!("another_authority", shown(&["--ca-file", "other.pem"]));
    insta::assert_snapshot!("key_instead_of_certificate", shown(&["--ca-file", "key.pem"]));
    for (name, content) in [("certificate_of_nonsense", "aGVsbG8="), ("certificate_that_is_no_base64", "hello!")] {
        publisher.file("bad.pem", format!("-----BEGIN CERTIFICATE-----\n{content}\n-----END CERTIFICATE-----\n"));
        insta::assert_snapshot!(name, shown(&["--ca-file", "bad.pem"]));
    }
    insta::assert_snapshot!("no_such_file_of_certificates", shown(&["--ca-file", "none.pem"]));

    let run = publish(&["--ca-file", "ca.pem"]);
    assert_eq!((run.status, &*run.stderr), (0, ""), "{run:?}");
    // Several in one file, and the file by the variable.
    publisher.file("all.pem", [publisher.read("other.pem"), publisher.read("ca.pem")].map(Option::unwrap).concat());
    publisher.set("PALISADE_CA_FILE", "all.pem");
    let run = publish(&["--format", "json"]);
    assert_eq!(states(&run.json()), [("one", "unchanged")]);
}

fn certificates_that_are_not_valid() {
    for (name, identity) in [
        ("expired_certificate", Identity::new("127.0.0.1", 2021)),
        ("certificate_of_another_host", Identity::new("registry.example.com", 2100)),
    ] {
        let (server, publisher) = (Server::with_tls(&identity), Publisher::new());
        publisher.file("a.wasm", module(&metadata("one", "1.0.0")));
        publisher.file("ca.pem", &identity.authority);
        let run = publisher.publish(&[&format!("{}/ours", server.host), "-p", "a.wasm", "--ca-file", "ca.pem"]);
        insta::assert_snapshot!(name, publisher.shown(&run, &server.host));
    }
}

fn plain_http_to_a_registry_with_tls() {
    let (server, publisher) = (Server::with_tls(&Identity::new("127.0.0.1", 2100)), Publisher::new());
    publisher.file("a.wasm", module(&metadata("one", "1.0.0")));
    let run = publisher.publish(&[&format!("{}/ours", server.host), "-p", "a.wasm", "--plain-http"]);
    insta::assert_snapshot!("plain_http_to_tls", publisher.shown(&run, &server.host));
}

fn plain_http_only_where_it_is_meant() {
    let (server, publisher) = (Server::start(), Publisher::new());
    publisher.file("a.wasm", module(&metadata("one", "1.0.0")));
    // The same machine, by an address that does not say so.
    let destination = format!("{}/ours", server.host.replace("127.0.0.1", "0.0.0.0"));
    let run = publisher.publish(&[&destination, "-p", "a.wasm"]);
    insta::assert_snapshot!("tls_to_plain_http", publisher.shown(&run, &server.host));
    let run = publisher.publish(&[&destination, "-p", "a.wasm", "--plain-http"]);
    assert_eq!((run.status, &*run.stderr), (0, ""), "{run:?}");
}

fn as_kwctl_does() {
    let (server, publisher) = (Server::start(), Publisher::new());
    let folder = publisher.folder.path();
    publisher.file("one.wasm", module(&metadata("one", "1.0.0")));
    publisher.file("none.wasm", module(&metadata("none", "1.0.0").replace("io.kubewarden.policy.", "com.example.")));
    publisher.file("sources.yaml", format!("insecure_sources: [\"{}\"]\n", server.host));
    let kwctl = |args: &[&str]| {
        let output = Command::new("kwctl")
            .args(args)
            .args(["--sources-path", "sources.yaml"])
            .current_dir(folder)
            .env("DOCKER_CONFIG", folder.join("docker"))
            .env("XDG_CACHE_HOME", folder.join("cache"))
            .env("HOME", folder)
            .output()
            .expect("kwctl runs");
        assert!(output.status.success(), "{output:?}");
    };
    for name in ["one", "none"] {
        let theirs = format!("registry://{}/theirs/{name}:v1.0.0", server.host);
        kwctl(&["push", &format!("{name}.wasm"), &theirs]);
        let file = format!("{name}.wasm");
        let run = publisher.publish(&[
            &format!("{}/theirs", server.host),
            "-p",
            &file,
            "--tag",
            "v1.0.0",
            "--lock",
            "theirs.lock",
            "-f",
            "json",
        ]);
        assert_eq!(states(&run.json()), [(name, "unchanged")], "what kwctl pushed is what would be pushed");

        let run = publisher.publish(&[&format!("{}/ours", server.host), "-p", &file, "--tag", "v1.0.0"]);
        assert_eq!(run.status, 0, "{run:?}");
        let pulled = format!("{name}-pulled.wasm");
        kwctl(&["pull", &format!("registry://{}/ours/{name}:v1.0.0", server.host), "--output-path", &pulled]);
        assert_eq!(fs::read(folder.join(pulled)).ok(), fs::read(folder.join(file)).ok());
    }
}
