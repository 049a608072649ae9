//! Loading a module, and calling it.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use wasmtime::InstancePre;

use crate::engine::Engine;
use crate::metadata::Metadata;
use crate::request::AdmissionRequest;
use crate::response::{Description, Response, SettingsVerdict};
use crate::wapc::{self, Call, Failure};
use crate::world::World;

/// Why a module cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The bytes are something else.
    #[error("this is not a WebAssembly module: it does not begin with the bytes \\0asm")]
    NotWasm,
    /// A component of the component model.
    #[error("this is a WebAssembly component; Kubewarden policies are core modules that speak waPC")]
    Component,
    /// A policy that runs in another way.
    #[error("this policy runs in the execution mode {0}; only kubewarden-wapc is supported")]
    ExecutionMode(String),
    /// It has no entry point.
    #[error("the module exports no {0}: it is not a waPC policy")]
    MissingExport(&'static str),
    /// It wants functions that no policy host has.
    #[error("the module imports what a policy server does not offer: {}", .0.join(", "))]
    UnknownImports(Vec<String>),
    /// The module is damaged, or needs what wasmtime does not have.
    #[error("the module does not compile: {0}")]
    Compile(String),
    /// Its metadata cannot be read.
    #[error("{0}")]
    Metadata(String),
}

/// Why an evaluation has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// It took too long.
    #[error("stopped after {0:?}: the policy takes too long, or never ends")]
    Deadline(Duration),
    /// It wanted more memory than these bytes.
    #[error("the policy ran out of memory: it may use {} MiB", .0 >> 20)]
    Memory(usize),
    /// The module crashed, and what the engine says of it. A Rust module does so when it panics.
    #[error("the policy crashed: {0}")]
    Trap(String),
    /// The module reports an error of its own.
    #[error("the policy failed: {0}")]
    Guest(String),
    /// The answer is not as Kubewarden defines it.
    #[error("the policy's answer cannot be read: {0}")]
    BadResponse(String),
}

/// A policy that is ready to run: compiled and linked. Cheap to clone, and to use from many threads at once.
#[derive(Clone)]
pub struct Policy {
    name: Arc<str>,
    metadata: Option<Arc<Metadata>>,
    engine: Engine,
    pre: InstancePre<Call>,
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Policy {
    /// Compiles a module, or takes it from the cache, and links it.
    ///
    /// # Errors
    /// When it is not a waPC policy that can run here.
    pub fn load(engine: &Engine, name: &str, wasm: &[u8]) -> Result<Self, LoadError> {
        match wasm {
            [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => {}
            [0, b'a', b's', b'm', _, _, 1, 0, ..] => return Err(LoadError::Component),
            _ => return Err(LoadError::NotWasm),
        }
        let metadata = Metadata::of_module(wasm).map_err(LoadError::Metadata)?;
        if let Some(metadata) = &metadata
            && !matches!(metadata.execution_mode.as_str(), "" | "kubewarden-wapc")
        {
            return Err(LoadError::ExecutionMode(metadata.execution_mode.clone()));
        }
        let module = wasmtime::Module::new(&engine.inner, wasm).map_err(|error| LoadError::Compile(format!("{error:#}")))?;
        let unknown = wapc::unknown_imports(&module);
        if !unknown.is_empty() {
            return Err(LoadError::UnknownImports(unknown));
        }
        for export in ["__guest_call", "memory"] {
            if module.get_export(export).is_none() {
                return Err(LoadError::MissingExport(export));
            }
        }
        let pre = wapc::link(engine, &module).map_err(|error| LoadError::UnknownImports(vec![error.to_string()]))?;
        Ok(Self { name: name.into(), metadata: metadata.map(Arc::new), engine: engine.clone(), pre })
    }

    /// The name that it was loaded under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the module says of itself.
    pub fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_deref()
    }

    /// Whether the policy is for this request. Without metadata it is for all.
    pub fn watches(&self, request: &AdmissionRequest) -> bool {
        self.metadata.as_ref().is_none_or(|metadata| metadata.watches(request))
    }

    /// Judges a request.
    ///
    /// # Errors
    /// When the policy does not come to a result.
    pub fn validate(&self, request: &AdmissionRequest, settings: &Value, world: &Arc<World>) -> Result<Response, EvalError> {
        self.validate_raw(&request.payload(settings), world)
    }

    /// Judges a payload that was made elsewhere: `{"request": …, "settings": …}`.
    ///
    /// # Errors
    /// When the policy does not come to a result.
    pub fn validate_raw(&self, payload: &[u8], world: &Arc<World>) -> Result<Response, EvalError> {
        let answer = self.call("validate", payload, world)?;
        Response::read(&answer).map_err(EvalError::BadResponse)
    }

    /// Whether the policy takes these settings.
    ///
    /// # Errors
    /// When the policy does not come to a result.
    pub fn validate_settings(&self, settings: &Value) -> Result<SettingsVerdict, EvalError> {
        let payload = serde_json::to_vec(settings).map_err(|error| EvalError::BadResponse(error.to_string()))?;
        let answer = self.call("validate_settings", &payload, &Arc::new(World::default()))?;
        serde_json::from_slice(&answer).map_err(|error| EvalError::BadResponse(error.to_string()))
    }

    /// The version of the protocol that the policy speaks: `v1`.
    ///
    /// # Errors
    /// When the policy does not come to a result.
    pub fn protocol_version(&self) -> Result<String, EvalError> {
        let answer = self.call("protocol_version", b"", &Arc::new(World::default()))?;
        serde_json::from_slice(&answer).map_err(|error| EvalError::BadResponse(error.to_string()))
    }

    /// The rules and settings of a Palisade policy; `None` for others, which do not know this operation.
    ///
    /// # Errors
    /// When the policy crashes, or its answer cannot be read.
    pub fn describe(&self) -> Result<Option<Description>, EvalError> {
        match self.call("describe", b"", &Arc::new(World::default())) {
            Ok(answer) => serde_json::from_slice(&answer).map(Some).map_err(|error| EvalError::BadResponse(error.to_string())),
            Err(EvalError::Guest(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// One call, in an instance of its own.
    fn call(&self, operation: &str, payload: &[u8], world: &Arc<World>) -> Result<Vec<u8>, EvalError> {
        loop {
            let call = Call::new(operation, payload, world, self.metadata.as_ref());
            return Err(match call.make(&self.engine, &self.pre) {
                Ok(answer) => return Ok(answer),
                // Each place is free again after its deadline at the latest.
                Err(Failure::NoPlace) => {
                    thread::sleep(Duration::from_micros(500));
                    continue;
                }
                Err(Failure::Deadline) => EvalError::Deadline(self.engine.limits.deadline),
                Err(Failure::Memory) => EvalError::Memory(self.engine.limits.memory_bytes),
                Err(Failure::Trap(reason)) => EvalError::Trap(reason),
                Err(Failure::Guest(message)) => EvalError::Guest(message),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Cache, Limits};

    #[test]
    fn threads_wait_for_a_place() {
        // Counts for some milliseconds, then accepts.
        let wat = r#"(module
            (import "wapc" "__guest_response" (func $response (param i32 i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "{\"accepted\":true}")
            (func (export "__guest_call") (param i32 i32) (result i32)
                (local $i i32)
                (loop $more
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br_if $more (i32.lt_u (local.get $i) (i32.const 20000000))))
                (call $response (i32.const 0) (i32.const 17))
                (i32.const 1)))"#;
        let limits = Limits { deadline: Duration::from_secs(60), ..Limits::default() };
        let engine = Engine::with_places(limits, Cache::Off, 1).unwrap();
        let policy = Policy::load(&engine, "test", &wat::parse_str(wat).unwrap()).unwrap();
        let barrier = std::sync::Barrier::new(4);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    barrier.wait();
                    assert!(policy.validate_raw(b"{}", &Arc::new(World::default())).unwrap().accepted);
                });
            }
        });
    }
}
