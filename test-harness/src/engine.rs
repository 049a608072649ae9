//! The WebAssembly engine: limits, and the cache of compiled modules.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use wasmtime::{CacheConfig, Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

/// How often the deadline is looked at.
const TICK: Duration = Duration::from_millis(10);

/// How many functions a module's table may refer to.
pub(crate) const TABLE_ELEMENTS: usize = 100_000;

/// What one evaluation may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The time after which an evaluation is stopped. Policy-server's default is 2 seconds.
    pub deadline: Duration,
    /// The memory of an instance, in bytes. An object of 3 MB takes some 20 MB; modules by Go begin with as much.
    pub memory_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(2), memory_bytes: 256 << 20 }
    }
}

/// Where compiled modules are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cache {
    /// In the folder that `PALISADE_CACHE_DIR` names, else in `palisade` in the user's cache folder (`XDG_CACHE_HOME` or
    /// `~/.cache`; on Windows `LOCALAPPDATA`). Where there is none that can be written, nowhere.
    Default,
    /// In this folder.
    Dir(PathBuf),
    /// Nowhere: each start compiles.
    Off,
}

impl Cache {
    fn dir(self) -> Option<PathBuf> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        match self {
            Self::Off => None,
            Self::Dir(dir) => Some(dir),
            Self::Default => variable("PALISADE_CACHE_DIR").or_else(|| {
                variable("XDG_CACHE_HOME")
                    .or_else(|| variable("LOCALAPPDATA"))
                    .or_else(|| variable("HOME").map(|home| home.join(".cache")))
                    .map(|dir| dir.join("palisade"))
            }),
        }
    }
}

/// The engine could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the WebAssembly engine does not start: {0}")]
pub struct EngineError(String);

/// Compiles and runs modules. Cheap to clone; all clones are one engine.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: wasmtime::Engine,
    pub(crate) limits: Limits,
    cache: Option<wasmtime::Cache>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine with these limits.
    ///
    /// # Errors
    /// When wasmtime does not work on this machine.
    pub fn new(limits: Limits, cache: Cache) -> Result<Self, EngineError> {
        // As many instances as can run at once, with room for callers that bring threads of their own; those beyond wait.
        let places = u32::try_from(thread::available_parallelism().map_or(4, usize::from) * 4).unwrap_or(64).max(32);
        Self::with_places(limits, cache, places)
    }

    /// An engine in which so many instances have room at once.
    pub(crate) fn with_places(limits: Limits, cache: Cache, places: u32) -> Result<Self, EngineError> {
        let cache = cache.dir().and_then(|dir| open_cache(dir).ok());
        let mut config = Config::new();
        config.epoch_interruption(true);
        // Nobody reads the backtrace of a module without symbols.
        config.wasm_backtrace_max_frames(None);
        config.cache(cache.clone());
        let mut problem = String::new();
        for (reservation, strategy) in allocations(limits, places) {
            config.memory_reservation(reservation);
            config.allocation_strategy(strategy);
            match wasmtime::Engine::new(&config) {
                Ok(inner) => {
                    keep_time(&inner);
                    return Ok(Self { inner, limits, cache });
                }
                Err(error) => problem = error.to_string(),
            }
        }
        Err(EngineError(problem))
    }

    /// How many modules were found in the cache, and how many had to be compiled; `None` without a cache.
    pub fn cache_use(&self) -> Option<(usize, usize)> {
        self.cache.as_ref().map(|cache| (cache.cache_hits(), cache.cache_misses()))
    }

    /// The deadline in ticks of the epoch.
    pub(crate) fn deadline_ticks(&self) -> u64 {
        let ticks = self.limits.deadline.as_millis().div_ceil(TICK.as_millis());
        u64::try_from(ticks).unwrap_or(u64::MAX).saturating_add(1)
    }
}

/// How instances get their memory, the best way first: the address space to reserve for each, and the allocator.
///
/// With 4 GiB reserved, compiled code need not check addresses. Where a process may not have so much address space, it gets
/// what it may use, and where not even that, each instance asks the system for its memory.
fn allocations(limits: Limits, places: u32) -> [(u64, InstanceAllocationStrategy); 3] {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_core_instances(places);
    pool.total_memories(places);
    pool.total_tables(places);
    pool.total_stacks(0);
    pool.max_memory_size(limits.memory_bytes);
    pool.table_elements(TABLE_ELEMENTS);
    // Linux can tell which pages an evaluation touched. To clear those by hand takes less than to give them back and to get them
    // again. Without this help they would all be cleared, and most were not touched.
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes);
        pool.linear_memory_keep_resident(2 << 20);
        pool.table_keep_resident(64 << 10);
    }
    let pool = InstanceAllocationStrategy::Pooling(pool);
    let usable = limits.memory_bytes as u64;
    [(1 << 32, pool.clone()), (usable, pool), (usable, InstanceAllocationStrategy::OnDemand)]
}

fn open_cache(dir: PathBuf) -> wasmtime::Result<wasmtime::Cache> {
    let dir = std::path::absolute(dir)?;
    std::fs::create_dir_all(&dir)?;
    let mut config = CacheConfig::new();
    config.with_directory(dir);
    wasmtime::Cache::new(config)
}

/// Moves the epoch on until the engine is gone.
fn keep_time(engine: &wasmtime::Engine) {
    let engine = engine.weak();
    thread::spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    });
}
