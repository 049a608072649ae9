//! waPC, the protocol between a policy and its host: the host's side.
//!
//! `wasmtime-provider` speaks it too, and policy-server uses that. What it does not let its user do is what a test needs: set the
//! clock, keep a module from writing to the terminal, and tell an address outside of memory from a crash of the host.

use std::sync::Arc;
use std::time::Duration;

use palisade_sdk::Host as _;
use wasmtime::{
    Caller, Extern, InstancePre, Linker, Memory, Module, PoolConcurrencyLimitError, ResourceLimiter, Store, Trap, TypedFunc,
};
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{HostWallClock, I32Exit, WasiCtxBuilder};

use crate::engine::{Engine, TABLE_ELEMENTS};
use crate::metadata::{ContextAwareResource, Metadata};
use crate::world::{CALLS, World};

/// What the host offers to a module.
const WAPC: &str = "wapc";
const WASI: &str = "wasi_snapshot_preview1";
/// WASI as older compilers of Go know it.
const WASI_UNSTABLE: &str = "wasi_unstable";
/// Run before the first call, where a module has them: what compilers put there, and waPC's own.
const STARTS: [&str; 2] = ["_start", "wapc_init"];

/// Why a call has no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// All places for instances are taken.
    NoPlace,
    /// The deadline has passed.
    Deadline,
    /// The module asked for more memory than it may have, and then crashed.
    Memory,
    /// The module crashed.
    Trap(String),
    /// The module says so itself, or does not behave as a waPC module does.
    Guest(String),
}

/// The names of what the module imports and no host has.
pub(crate) fn unknown_imports(module: &Module) -> Vec<String> {
    let known = |import: &wasmtime::ImportType<'_>| matches!(import.module(), WAPC | WASI | WASI_UNSTABLE);
    module.imports().filter(|import| !known(import)).map(|import| format!("{}.{}", import.module(), import.name())).collect()
}

/// Links a module with waPC, and with WASI where it imports that.
///
/// # Errors
/// With what the module imports and the host does not have.
pub(crate) fn link(engine: &Engine, module: &Module) -> wasmtime::Result<InstancePre<Call>> {
    let mut linker = Linker::new(&engine.inner);
    let imports = |name: &str| module.imports().any(|import| import.module() == name);
    if imports(WASI) {
        wasmtime_wasi::p1::add_to_linker_sync(&mut linker, Call::wasi)?;
    }
    if imports(WASI_UNSTABLE) {
        wasmtime_wasi::p0::add_to_linker_sync(&mut linker, Call::wasi)?;
    }
    linker.func_wrap(WAPC, "__guest_request", |mut caller: Caller<'_, Call>, operation: u32, payload: u32| {
        let (memory, call) = split(&mut caller)?;
        write(memory, operation, call.operation.as_bytes())?;
        write(memory, payload, &call.payload)
    })?;
    linker.func_wrap(WAPC, "__guest_response", |mut caller: Caller<'_, Call>, at: u32, length: u32| {
        let (memory, call) = split(&mut caller)?;
        call.response = Some(read(memory, at, length)?.to_vec());
        Ok(())
    })?;
    linker.func_wrap(WAPC, "__guest_error", |mut caller: Caller<'_, Call>, at: u32, length: u32| {
        let (memory, call) = split(&mut caller)?;
        call.error = Some(String::from_utf8_lossy(read(memory, at, length)?).into_owned());
        Ok(())
    })?;
    linker.func_wrap(WAPC, "__host_call", host_call)?;
    linker.func_wrap(WAPC, "__host_response_len", |caller: Caller<'_, Call>| length(&caller.data().host_response))?;
    linker.func_wrap(WAPC, "__host_response", |mut caller: Caller<'_, Call>, at: u32| {
        let (memory, call) = split(&mut caller)?;
        write(memory, at, &call.host_response)
    })?;
    linker.func_wrap(WAPC, "__host_error_len", |caller: Caller<'_, Call>| length(&caller.data().host_error))?;
    linker.func_wrap(WAPC, "__host_error", |mut caller: Caller<'_, Call>, at: u32| {
        let (memory, call) = split(&mut caller)?;
        write(memory, at, &call.host_error)
    })?;
    // Logs of a policy are nobody's findings.
    linker.func_wrap(WAPC, "__console_log", |_: Caller<'_, Call>, _at: u32, _length: u32| {})?;
    linker.instantiate_pre(module)
}

#[allow(clippy::too_many_arguments)]
fn host_call(
    mut caller: Caller<'_, Call>,
    binding: u32,
    binding_length: u32,
    namespace: u32,
    namespace_length: u32,
    operation: u32,
    operation_length: u32,
    payload: u32,
    payload_length: u32,
) -> wasmtime::Result<i32> {
    let (memory, call) = split(&mut caller)?;
    let text = |at, length| read(memory, at, length).map(String::from_utf8_lossy);
    let answer = answer(
        &call.world,
        call.metadata.as_deref(),
        &text(binding, binding_length)?,
        &text(namespace, namespace_length)?,
        &text(operation, operation_length)?,
        read(memory, payload, payload_length)?,
    );
    let succeeded = answer.is_ok();
    (call.host_response, call.host_error) = match answer {
        Ok(response) => (response, Vec::new()),
        Err(problem) => (Vec::new(), problem.into_bytes()),
    };
    Ok(i32::from(succeeded))
}

/// The module's memory, and its call.
fn split<'c>(caller: &'c mut Caller<'_, Call>) -> wasmtime::Result<(&'c mut [u8], &'c mut Call)> {
    let memory: Memory = caller
        .get_export("memory")
        .and_then(Extern::into_memory)
        .ok_or_else(|| wasmtime::format_err!("the module exports no memory"))?;
    Ok(memory.data_and_store_mut(caller))
}

/// The bytes at an address; outside of memory it is the module that crashes.
fn read(memory: &[u8], at: u32, length: u32) -> wasmtime::Result<&[u8]> {
    let (at, length) = (at as usize, length as usize);
    Ok(memory.get(at..at.saturating_add(length)).ok_or(Trap::MemoryOutOfBounds)?)
}

fn write(memory: &mut [u8], at: u32, bytes: &[u8]) -> wasmtime::Result<()> {
    let at = at as usize;
    memory.get_mut(at..at.saturating_add(bytes.len())).ok_or(Trap::MemoryOutOfBounds)?.copy_from_slice(bytes);
    Ok(())
}

fn length(bytes: &[u8]) -> i32 {
    i32::try_from(bytes.len()).unwrap_or(i32::MAX)
}

/// What policy-server does with a host call: it refuses calls, and kinds, that the policy's metadata does not list.
fn answer(
    world: &World,
    metadata: Option<&Metadata>,
    binding: &str,
    namespace: &str,
    operation: &str,
    payload: &[u8],
) -> Result<Vec<u8>, String> {
    if binding != "kubewarden" {
        return Err(format!("unknown binding: {binding}"));
    }
    let call = format!("{namespace}/{operation}");
    if namespace != "tracing" && metadata.is_some_and(|metadata| !metadata.declares_call(&call)) {
        return Err(format!("the policy calls {call}, which hostCapabilities in its metadata does not list"));
    }
    if namespace == "kubernetes" && operation != "can_i" {
        let wanted: ContextAwareResource = wanted_kind(payload)?;
        if metadata.is_none_or(|metadata| !metadata.context_aware_resources.contains(&wanted)) {
            return Err(format!(
                "the policy asks for {}/{}, which contextAwareResources in its metadata does not list",
                wanted.api_version, wanted.kind
            ));
        }
    }
    // Word for word: a policy that tells failures apart has nothing but this text.
    world.call(namespace, operation, payload).map_err(|error| match CALLS.contains(&call.as_str()) {
        true => format!("Callback evaluation failure: {}", error.problem),
        false => error.problem,
    })
}

fn wanted_kind(payload: &[u8]) -> Result<ContextAwareResource, String> {
    #[derive(serde::Deserialize)]
    struct Wanted {
        api_version: String,
        kind: String,
    }
    let wanted: Wanted = serde_json::from_slice(payload).map_err(|error| format!("the request cannot be read: {error}"))?;
    Ok(ContextAwareResource { api_version: wanted.api_version, kind: wanted.kind })
}

/// One call of a module, which is all that its instance lives for.
pub(crate) struct Call {
    operation: String,
    payload: Vec<u8>,
    world: Arc<World>,
    metadata: Option<Arc<Metadata>>,
    response: Option<Vec<u8>>,
    error: Option<String>,
    host_response: Vec<u8>,
    host_error: Vec<u8>,
    memory: MemoryLimit,
    wasi: Option<WasiP1Ctx>,
}

impl Call {
    pub(crate) fn new(operation: &str, payload: &[u8], world: &Arc<World>, metadata: Option<&Arc<Metadata>>) -> Self {
        Self {
            operation: operation.to_owned(),
            payload: payload.to_vec(),
            world: Arc::clone(world),
            metadata: metadata.cloned(),
            response: None,
            error: None,
            host_response: Vec::new(),
            host_error: Vec::new(),
            memory: MemoryLimit { bytes: 0, was_reached: false },
            wasi: None,
        }
    }

    /// WASI for modules that want it: nothing to read, nowhere to write, and the world's clock.
    fn wasi(&mut self) -> &mut WasiP1Ctx {
        self.wasi.get_or_insert_with(|| WasiCtxBuilder::new().wall_clock(WorldClock(Arc::clone(&self.world))).build_p1())
    }

    /// Makes the call, in an instance of its own.
    ///
    /// # Errors
    /// When there is no place for an instance now, or no answer.
    pub(crate) fn make(mut self, engine: &Engine, pre: &InstancePre<Self>) -> Result<Vec<u8>, Failure> {
        self.memory.bytes = engine.limits.memory_bytes;
        let (operation, payload) = (length(self.operation.as_bytes()), length(&self.payload));
        let mut store = Store::new(&engine.inner, self);
        store.limiter(|call| &mut call.memory);
        // Also for what runs when the module is instantiated.
        store.set_epoch_deadline(engine.deadline_ticks());
        let run = |store: &mut Store<Self>| {
            let instance = pre.instantiate(&mut *store)?;
            for start in STARTS {
                if instance.get_func(&mut *store, start).is_some() {
                    let start: TypedFunc<(), ()> = instance.get_typed_func(&mut *store, start)?;
                    store.set_epoch_deadline(engine.deadline_ticks());
                    match start.call(&mut *store, ()) {
                        // TinyGo's `main` ends with it.
                        Err(error) if error.downcast_ref().is_some_and(|exit: &I32Exit| exit.0 == 0) => {}
                        ended => ended?,
                    }
                }
            }
            let guest_call: TypedFunc<(i32, i32), i32> = instance.get_typed_func(&mut *store, "__guest_call")?;
            store.set_epoch_deadline(engine.deadline_ticks());
            guest_call.call(store, (operation, payload))
        };
        let result = run(&mut store);
        let call = store.into_data();
        match result {
            Ok(0) => Err(Failure::Guest(call.error.unwrap_or_else(|| "it does not say why".to_owned()))),
            Ok(_) => match (call.response, call.error) {
                (None, Some(error)) => Err(Failure::Guest(error)),
                (response, _) => Ok(response.unwrap_or_default()),
            },
            Err(error) if error.is::<PoolConcurrencyLimitError>() => Err(Failure::NoPlace),
            Err(error) => Err(match error.downcast_ref::<Trap>() {
                Some(Trap::Interrupt) => Failure::Deadline,
                Some(_) if call.memory.was_reached => Failure::Memory,
                Some(trap) => Failure::Trap(trap.to_string().trim_start_matches("wasm trap: ").to_owned()),
                None => Failure::Guest(error.to_string()),
            }),
        }
    }
}

/// How much memory a module may have, and whether it wanted more.
struct MemoryLimit {
    bytes: usize,
    was_reached: bool,
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = desired <= self.bytes;
        self.was_reached |= !allowed;
        Ok(allowed)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }
}

/// The world's clock.
struct WorldClock(Arc<World>);

impl HostWallClock for WorldClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        self.0.tell_time()
    }
}
