//! Fixtures against a small module that rejects whatever it is shown, but for what the host tells it.

use std::fs;
use std::path::Path;

use palisade_harness::fixture::{self, Fixture, FixtureError};
use palisade_harness::{Cache, Engine, Limits, Policy};

/// Asks for the addresses of `db`: where there are some, the object is accepted with a warning, else it is rejected.
const MODULE: &str = r#"(module
    (import "wapc" "__guest_request" (func $request (param i32 i32)))
    (import "wapc" "__guest_response" (func $response (param i32 i32)))
    (import "wapc" "__host_call" (func $host (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 2)
    (data (i32.const 0) "kubewardennetv1/dns_lookup_host\"db\"")
    (data (i32.const 100) "{\"valid\":true}")
    (data (i32.const 200) "{\"accepted\":false,\"message\":\"no database\"}")
    (data (i32.const 300) "{\"accepted\":true,\"warnings\":[\"careful\"]}")
    (@custom "io.kubewarden.metadata" "{\"rules\":[{\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"resources\":[\"pods\"],\"operations\":[\"CREATE\"]}]}")
    (func (export "__guest_call") (param $operation i32) (param $length i32) (result i32)
        (call $request (i32.const 1000) (i32.const 2000))
        ;; `validate_settings` is longer than `validate`.
        (if (i32.gt_u (local.get $operation) (i32.const 8))
            (then (call $response (i32.const 100) (i32.const 14)) (return (i32.const 1))))
        (if (call $host (i32.const 0) (i32.const 10) (i32.const 10) (i32.const 3) (i32.const 13) (i32.const 18) (i32.const 31) (i32.const 4))
            (then (call $response (i32.const 300) (i32.const 40)) (return (i32.const 1))))
        (call $response (i32.const 200) (i32.const 42))
        (i32.const 1)))"#;

fn policy() -> Policy {
    let engine = Engine::new(Limits::default(), Cache::Off).unwrap();
    Policy::load(&engine, "no-database", &wat::parse_str(MODULE).unwrap()).unwrap()
}

fn run(text: &str) -> Result<(), String> {
    Fixture::parse("case", text).unwrap().run(&policy()).map_err(|mismatch| mismatch.to_string())
}

const POD: &str = "object: {apiVersion: v1, kind: Pod, metadata: {name: web}}";

#[test]
fn policies_without_rules_are_held_to_what_they_say() {
    assert_eq!(run(&format!("expect: {{denied: true}}\n{POD}")), Ok(()));
    assert_eq!(run(&format!("expect: {{message: database}}\n{POD}")), Ok(()));
    assert_eq!(run(&format!("expect: {{denied: [{{rule: rejected, message: no data}}]}}\n{POD}")), Ok(()));
    assert_eq!(
        run(&format!("expect: {{warned: [{{rule: warning, message: care}}]}}\n{POD}\ndns: {{db: [192.0.2.7]}}")),
        Ok(())
    );
    assert_eq!(
        run(&format!("expect: {{message: cache}}\n{POD}")).unwrap_err(),
        "- message with \"cache\"\n+ message \"no database\""
    );
    assert_eq!(run(&format!("expect: {{allowed: true}}\n{POD}")).unwrap_err(), "+ deny rejected at the object: no database");
    assert_eq!(
        run(&format!("expect: {{settingsError: colour}}\n{POD}")).unwrap_err(),
        "- settings refused with \"colour\"\n+ settings accepted"
    );
}

#[test]
fn a_request_that_no_rule_covers_finds_nothing() {
    let service = "object: {apiVersion: v1, kind: Service, metadata: {name: web}}";
    assert_eq!(
        run(&format!("expect: {{denied: true}}\n{service}")).unwrap_err(),
        "no rule in the policy's metadata covers CREATE of services in \"\" v1"
    );
    assert_eq!(
        run(&format!("expect: {{denied: true}}\n{POD}\noperation: UPDATE\nsubResource: ephemeralcontainers")).unwrap_err(),
        "no rule in the policy's metadata covers UPDATE of pods/ephemeralcontainers in \"\" v1"
    );
}

#[test]
fn recorded_sessions_answer() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    write(
        "session.yml",
        "- type: Exchange\n  request: |\n    !DNSLookupHost\n    host: db\n  response:\n    type: Success\n    payload: '{\"ips\": [\"192.0.2.7\"]}'\n",
    );
    write("broken.yml", "- type: Exchange\n  request: 3\n");
    let fixture =
        |session: &str| write("case.yaml", &format!("expect: {{warned: [{{rule: warning}}]}}\n{POD}\nsession: {session}\n"));
    let read = |path: &Path| Fixture::read(path).map_err(|error| error.to_string());

    let case = read(&fixture("session.yml")).unwrap();
    let policy = policy();
    assert_eq!(case.run(&policy), Ok(()));
    assert_eq!(case.run(&policy), Ok(()), "each run hears the session from its beginning");
    assert!(read(&fixture("missing.yml")).unwrap_err().contains("missing.yml"));
    assert!(
        read(&fixture("broken.yml")).unwrap_err().contains("broken.yml: line 2, column 12"),
        "{:?}",
        read(&fixture("broken.yml"))
    );
}

#[test]
fn fixtures_are_found_by_name() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(fixture::discover(dir.path()), Err(FixtureError::Malformed { .. })));
    for name in ["b.yaml", "a.yml", "c.json", "notes.txt"] {
        fs::write(dir.path().join(name), "").unwrap();
    }
    let names: Vec<_> =
        fixture::discover(dir.path()).unwrap().iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["a.yml", "b.yaml", "c.json"]);
    assert!(matches!(fixture::discover(&dir.path().join("none")), Err(FixtureError::File { .. })));
}

/// Accepts at noon of 2026-11-24 in UTC, and crashes at any other time.
const CLOCK: &str = r#"(module
    (import "wapc" "__guest_response" (func $response (param i32 i32)))
    (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "{\"valid\":true}")
    (data (i32.const 100) "{\"accepted\":true}")
    (func (export "__guest_call") (param $operation i32) (param $length i32) (result i32)
        (if (i32.gt_u (local.get $operation) (i32.const 8))
            (then (call $response (i32.const 0) (i32.const 14)) (return (i32.const 1))))
        (drop (call $clock (i32.const 0) (i64.const 1) (i32.const 200)))
        (if (i64.ne (i64.load (i32.const 200)) (i64.const 1795521600000000000)) (then unreachable))
        (call $response (i32.const 100) (i32.const 17))
        (i32.const 1)))"#;

#[test]
fn the_clock_says_what_the_fixture_says() {
    let engine = Engine::new(Limits::default(), Cache::Off).unwrap();
    let policy = Policy::load(&engine, "clock", &wat::parse_str(CLOCK).unwrap()).unwrap();
    let run = |today: &str| {
        let fixture = Fixture::parse("case", &format!("expect: {{allowed: true}}\n{today}\n{POD}")).unwrap();
        fixture.run(&policy).map_err(|mismatch| mismatch.to_string())
    };
    assert_eq!(run("today: 2026-11-24"), Ok(()));
    assert!(run("today: 2026-11-25").unwrap_err().contains("crashed"));
    // It would hold on one day, and not on the next.
    let without = run("").unwrap_err();
    assert_eq!(without, "the policy reads the clock: say which day it is, for example `today: 2026-11-24`");
    // Whoever does not look needs no day.
    assert_eq!(self::run(&format!("expect: {{denied: true}}\n{POD}")), Ok(()));
}
