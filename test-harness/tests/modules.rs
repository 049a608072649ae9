//! Modules that are broken, hostile, or someone else's: each gives a clear error or a result, and none brings the harness down.

use std::sync::Arc;
use std::time::Duration;

use palisade_harness::{AdmissionRequest, Cache, Engine, EvalError, Limits, LoadError, Policy, World};
use serde_json::json;

const MEMORY: usize = 16 << 20;

fn engine() -> Engine {
    Engine::new(Limits { deadline: Duration::from_millis(200), memory_bytes: MEMORY }, Cache::Off).unwrap()
}

fn load(wat: &str) -> Result<Policy, LoadError> {
    Policy::load(&engine(), "test", &wat::parse_str(wat).unwrap())
}

/// A module whose `__guest_call` is `body`; `$op` and `$len` are the lengths of operation and payload.
fn module(body: &str) -> String {
    format!(
        r#"(module
            (import "wapc" "__guest_request" (func $request (param i32 i32)))
            (import "wapc" "__guest_response" (func $response (param i32 i32)))
            (import "wapc" "__guest_error" (func $error (param i32 i32)))
            (import "wapc" "__host_call" (func $host (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "{{\"accepted\":true}}")
            (data (i32.const 100) "no, thanks")
            (func $deep (param i32) (result i32) (i32.add (i32.const 1) (call $deep (local.get 0))))
            (func (export "__guest_call") (param $op i32) (param $len i32) (result i32) {body}))"#
    )
}

fn validate(body: &str) -> Result<palisade_harness::Response, EvalError> {
    let policy = load(&module(body)).unwrap();
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": []}});
    policy.validate(&AdmissionRequest::create(pod, "default").unwrap(), &json!({}), &Arc::new(World::default()))
}

#[test]
fn an_answer_comes_back() {
    let response = validate("(call $response (i32.const 0) (i32.const 17)) (i32.const 1)").unwrap();
    assert!(response.accepted && response.findings.is_empty());
}

#[test]
fn what_is_no_policy_is_refused_with_the_reason() {
    let refuse = |bytes: &[u8]| Policy::load(&engine(), "test", bytes).unwrap_err();
    assert!(matches!(refuse(b""), LoadError::NotWasm));
    assert!(matches!(refuse(b"apiVersion: v1"), LoadError::NotWasm));
    assert!(matches!(refuse(&wat::parse_str("(component)").unwrap()), LoadError::Component));
    let truncated = &wat::parse_str(module("(i32.const 1)")).unwrap()[..40];
    assert!(!refuse(truncated).to_string().is_empty());
    assert!(matches!(load("(module (memory (export \"memory\") 1))"), Err(LoadError::MissingExport("__guest_call"))));
    assert!(matches!(
        load("(module (func (export \"__guest_call\") (param i32 i32) (result i32) (i32.const 1)))"),
        Err(LoadError::MissingExport("memory"))
    ));
    let error = load("(module (import \"env\" \"launch\" (func)) (memory (export \"memory\") 1))").unwrap_err();
    assert_eq!(error.to_string(), "the module imports what a policy server does not offer: env.launch");
    let error = load(
        "(module (import \"wapc\" \"__launch\" (func)) (memory (export \"memory\") 1)
            (func (export \"__guest_call\") (param i32 i32) (result i32) (i32.const 1)))",
    )
    .unwrap_err();
    assert!(error.to_string().contains("__launch"), "{error}");
}

#[test]
fn metadata_that_cannot_be_read_is_an_error() {
    let module = module("(i32.const 1)");
    let module = module.strip_suffix(')').unwrap();
    let error = load(&format!("{module} (@custom \"io.kubewarden.metadata\" \"{{\"))")).unwrap_err();
    assert!(error.to_string().contains("io.kubewarden.metadata cannot be read"), "{error}");
}

#[test]
fn other_execution_modes_are_named() {
    let mut wasm = wat::parse_str(module("(i32.const 1)")).unwrap();
    let metadata = br#"{"rules":[],"mutating":false,"executionMode":"opa"}"#;
    let name = b"io.kubewarden.metadata";
    wasm.push(0);
    wasm.push(u8::try_from(1 + name.len() + metadata.len()).unwrap());
    wasm.push(u8::try_from(name.len()).unwrap());
    wasm.extend_from_slice(name);
    wasm.extend_from_slice(metadata);
    let error = Policy::load(&engine(), "test", &wasm).unwrap_err();
    assert!(error.to_string().contains("execution mode opa"), "{error}");
}

#[test]
fn an_endless_loop_is_stopped() {
    let error = validate("(loop $again (br $again)) (i32.const 1)").unwrap_err();
    assert_eq!(error, EvalError::Deadline(Duration::from_millis(200)));
}

#[test]
fn memory_has_an_end() {
    // Asks for 64 KiB until there is no more, then crashes as a Rust module does.
    let error =
        validate("(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (unreachable)").unwrap_err();
    assert_eq!(error, EvalError::Memory(MEMORY));
    assert!(error.to_string().contains("16 MiB"), "{error}");
}

#[test]
fn memory_reaches_its_limit_and_no_further() {
    // Grows page by page; accepts if the last page was the one that ends at the limit, else crashes.
    let body = format!(
        "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
         (if (i32.ne (memory.size) (i32.const {})) (then (unreachable)))
         (call $response (i32.const 0) (i32.const 17)) (i32.const 1)",
        MEMORY >> 16
    );
    assert!(validate(&body).unwrap().accepted);
    // A module that begins with more than it may have does not even load.
    let error = load(&module("(i32.const 1)").replace("\"memory\") 1)", "\"memory\") 300)")).unwrap_err();
    assert!(matches!(error, LoadError::Compile(_)), "{error}");
}

#[test]
fn recursion_has_an_end() {
    let error = validate("(call $deep (i32.const 1))").unwrap_err();
    assert!(matches!(&error, EvalError::Trap(reason) if reason.contains("stack")), "{error}");
}

#[test]
fn addresses_outside_of_memory_are_a_crash_of_the_module() {
    for body in [
        "(call $response (i32.const 65000) (i32.const 65000)) (i32.const 1)",
        "(call $response (i32.const -1) (i32.const 10)) (i32.const 1)",
        "(call $response (i32.const 10) (i32.const -5)) (i32.const 1)",
        "(call $request (i32.const -5) (i32.const -5)) (i32.const 1)",
        "(call $host (i32.const 0) (i32.const -1) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1))",
    ] {
        assert!(matches!(validate(body), Err(EvalError::Trap(_))), "{body}");
    }
}

#[test]
fn a_crash_names_its_cause() {
    let error = validate("(unreachable)").unwrap_err();
    assert!(error.to_string().contains("unreachable"), "{error}");
    let error = validate("(i32.load (i32.const -1))").unwrap_err();
    assert!(error.to_string().contains("out of bounds"), "{error}");
}

#[test]
fn a_failure_of_the_module_is_in_its_own_words() {
    let error = validate("(call $error (i32.const 100) (i32.const 10)) (i32.const 0)").unwrap_err();
    assert_eq!(error, EvalError::Guest("no, thanks".to_owned()));
}

#[test]
fn an_answer_that_is_none_is_an_error() {
    for body in [
        "(call $response (i32.const 100) (i32.const 10)) (i32.const 1)",
        "(i32.const 1)",
        "(call $response (i32.const 0) (i32.const 0)) (i32.const 1)",
        // No UTF-8, and JSON that is no response.
        "(i32.store8 (i32.const 1) (i32.const 255)) (call $response (i32.const 0) (i32.const 17)) (i32.const 1)",
        "(i32.store8 (i32.const 2) (i32.const 90)) (call $response (i32.const 0) (i32.const 17)) (i32.const 1)",
    ] {
        let error = validate(body).unwrap_err();
        assert!(matches!(error, EvalError::BadResponse(_) | EvalError::Guest(_)), "{error}");
    }
}

#[test]
fn a_new_instance_for_each_evaluation() {
    // Counts its calls in memory and crashes on the second.
    let policy = load(&module(
        "(if (i32.load (i32.const 500)) (then (unreachable)))
         (i32.store (i32.const 500) (i32.const 1))
         (call $response (i32.const 0) (i32.const 17)) (i32.const 1)",
    ))
    .unwrap();
    for _ in 0..3 {
        assert!(policy.validate_raw(b"{}", &Arc::new(World::default())).unwrap().accepted);
    }
}

#[test]
fn initialisation_is_held_to_the_same_limits() {
    let policy = |body: &str| {
        let answer = "(call $response (i32.const 0) (i32.const 17)) (i32.const 1)";
        let module = module(answer);
        let module = module.strip_suffix(')').unwrap();
        load(&format!("{module} (func (export \"wapc_init\") {body}))")).unwrap()
    };
    let run = |body: &str| policy(body).validate_raw(b"{}", &Arc::new(World::default()));
    assert!(run("").unwrap().accepted);
    assert_eq!(run("(loop $again (br $again))").unwrap_err(), EvalError::Deadline(Duration::from_millis(200)));
    let error = run("(unreachable)").unwrap_err();
    assert!(matches!(&error, EvalError::Trap(reason) if reason.contains("unreachable")), "{error}");
    let error = run("(call $response (i32.const -1) (i32.const 10))").unwrap_err();
    assert!(matches!(error, EvalError::Trap(_)), "{error}");
}

#[test]
fn a_policy_makes_only_the_calls_that_its_metadata_declares() {
    // Looks a host name up, and hands on what the host says, answer or error.
    let wat = |metadata: &str| {
        format!(
            r#"(module
                (import "wapc" "__guest_error" (func $error (param i32 i32)))
                (import "wapc" "__guest_response" (func $response (param i32 i32)))
                (import "wapc" "__host_call" (func $host (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
                (import "wapc" "__host_error" (func $host_error (param i32)))
                (import "wapc" "__host_error_len" (func $host_error_length (result i32)))
                (memory (export "memory") 1)
                (data (i32.const 0) "kubewardennetv1/dns_lookup_host\"db\"{{\"accepted\":true}}")
                (@custom "io.kubewarden.metadata" "{metadata}")
                (func (export "__guest_call") (param i32 i32) (result i32)
                    (if (call $host (i32.const 0) (i32.const 10) (i32.const 10) (i32.const 3) (i32.const 13) (i32.const 18) (i32.const 31) (i32.const 4))
                        (then (call $response (i32.const 35) (i32.const 17)) (return (i32.const 1))))
                    (call $host_error (i32.const 1000))
                    (call $error (i32.const 1000) (call $host_error_length))
                    (i32.const 0)))"#,
            metadata = metadata.replace('"', "\\\""),
        )
    };
    let mut world = World::default();
    world.set_dns([("db".to_owned(), vec!["192.0.2.7".to_owned()])].into());
    let world = Arc::new(world);
    let run = |metadata: &str| load(&wat(metadata)).unwrap().validate_raw(b"{}", &world);
    assert!(run(r#"{"hostCapabilities": ["net/v1/dns_lookup_host"]}"#).unwrap().accepted);
    // Modules from before there was such a list say nothing, and may call.
    assert!(run("{}").unwrap().accepted);
    let error = run(r#"{"hostCapabilities": ["oci/*"]}"#).unwrap_err();
    assert!(error.to_string().contains("net/v1/dns_lookup_host, which hostCapabilities"), "{error}");
}

#[test]
fn many_threads_share_a_policy() {
    let policy = load(&module("(call $response (i32.const 0) (i32.const 17)) (i32.const 1)")).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert!(policy.validate_raw(b"{}", &Arc::new(World::default())).unwrap().accepted);
                }
            });
        }
    });
}

#[test]
fn a_second_start_does_not_compile() {
    let dir = tempfile::tempdir().unwrap();
    let wasm = wat::parse_str(module("(call $response (i32.const 0) (i32.const 17)) (i32.const 1)")).unwrap();
    let start = || {
        let engine = Engine::new(Limits::default(), Cache::Dir(dir.path().to_owned())).unwrap();
        Policy::load(&engine, "test", &wasm).unwrap();
        engine.cache_use().unwrap()
    };
    assert_eq!(start(), (0, 1));
    assert_eq!(start(), (1, 0));
}

#[test]
fn without_a_folder_for_the_cache_it_still_works() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let engine = Engine::new(Limits::default(), Cache::Dir(file.join("cache"))).unwrap();
    assert_eq!(engine.cache_use(), None);
    let wasm = wat::parse_str(module("(call $response (i32.const 0) (i32.const 17)) (i32.const 1)")).unwrap();
    assert!(Policy::load(&engine, "test", &wasm).is_ok());
}

#[test]
fn the_clock_is_the_worlds() {
    // Accepts if the clock says 2026-11-24T12:00:00Z, and crashes else.
    let wat = r#"(module
        (import "wapc" "__guest_response" (func $response (param i32 i32)))
        (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "{\"accepted\":true}")
        (func (export "__guest_call") (param i32 i32) (result i32)
            (if (call $clock (i32.const 0) (i64.const 1) (i32.const 104)) (then unreachable))
            (if (i64.ne (i64.load (i32.const 104)) (i64.const 1795521600000000000)) (then unreachable))
            (call $response (i32.const 0) (i32.const 17))
            (i32.const 1)))"#;
    let policy = load(wat).unwrap();
    let mut world = World::default();
    world.set_now(Duration::from_secs(1_795_521_600));
    assert!(policy.validate_raw(b"{}", &Arc::new(world)).unwrap().accepted);
    // Without, it is the time that it is.
    assert!(matches!(policy.validate_raw(b"{}", &Arc::new(World::default())), Err(EvalError::Trap(_))));
}

/// Writes to standard output from within, in a process of its own: that of the test named here.
#[test]
fn a_module_cannot_write_to_the_terminal() {
    const INSIDE: &str = "PALISADE_TEST_WRITES_FROM_A_MODULE";
    if std::env::var_os(INSIDE).is_some() {
        let wat = r#"(module
            (import "wapc" "__guest_response" (func $response (param i32 i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "{\"accepted\":true}")
            (data (i32.const 100) "\78\00\00\00\0b\00\00\00")
            (data (i32.const 120) "smuggled in")
            (func (export "__guest_call") (param i32 i32) (result i32)
                (drop (call $write (i32.const 1) (i32.const 100) (i32.const 1) (i32.const 200)))
                (drop (call $write (i32.const 2) (i32.const 100) (i32.const 1) (i32.const 200)))
                (call $response (i32.const 0) (i32.const 17))
                (i32.const 1)))"#;
        assert!(load(wat).unwrap().validate_raw(b"{}", &Arc::new(World::default())).unwrap().accepted);
        return;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_module_cannot_write_to_the_terminal", "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    assert!(!text.contains("smuggled"), "{text}");
}
