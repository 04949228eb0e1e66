//! A memory system under one budget.
//!
//! | Concept | Types |
//! |---|---|
//! | the whole | [`MemorySystem`], [`MemorySystemBuilder`], [`SystemStats`] |
//! | plain memory, from the level that fits its size | [`Allocation`], [`MemoryHierarchy`], [`Route`], [`MemoryComponent`] |
//! | by name: pools, arenas, caches, collected heaps | [`PoolManager`], [`ArenaManager`], [`CacheManager`], [`Heaps`] |
//! | settings from code, environment and file | [`MemoryConfig`], [`ConfigLayer`], [`OPTIONS`] |
//! | what a program adds | [`MemoryPlugin`], [`MemoryLogger`], [`MemoryMetrics`] |
//! | what outlives a restart | [`SystemState`], [`MemorySerializable`] |
//!
//! A request is served like this; each step that needs memory charges its part of the budget first, and a budget that is full asks
//! everybody who can give something up before it refuses.
//!
//! ```text
//!                   ┌ below small_threshold ─→ pools: a buffer that is idle, or a new one
//! allocate(size) ───┼ below large_threshold ─→ arenas: a share of a block
//!                   └ otherwise ─────────────→ system: pages
//! ```
//!
//! ```
//! use terrane::{Arena, Bytes, Cache, MemoryConfig, MemorySystem, ThreadSafePool};
//!
//! let config = MemoryConfig { max_memory: 64 << 20, ..MemoryConfig::DEFAULT };
//! let system = MemorySystem::builder()
//!     .with_config(config)
//!     .with_named_pool("packets", ThreadSafePool::<Vec<u8>>::builder())
//!     .with_named_arena("request", Arena::new())
//!     .with_named_cache("pages", Cache::<String, String>::builder().capacity(1000))
//!     .build()?;
//!
//! let pages = system.caches().find::<Cache<String, String>>("pages").unwrap();
//! let page = pages.get_or_compute("/".to_owned(), |_| {
//!     let arena = system.arenas().lend("request").expect("an arena");
//!     let words = arena.alloc_slice_fill_with(3, |_| "welcome");
//!     words.join(" ")
//! })?;
//! assert_eq!(page, "welcome welcome welcome");
//!
//! // Less memory from now on: caches shrink, pools trim, heaps are asked to collect.
//! system.set_limit(Bytes::from_mib(32))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Collected heaps need 64-bit addresses; without them everything else is there.
//!
//! Features: `tracing` brings `TracingLogger`, `metrics` brings `MetricsRecorder`.
#![forbid(unsafe_code)]

mod allocation;
mod arenas;
mod builder;
mod caches;
mod component;
mod config;
mod counters;
mod event;
#[cfg(target_pointer_width = "64")]
mod heaps;
mod hierarchy;
#[cfg(feature = "metrics")]
mod metrics_recorder;
mod observers;
mod owned;
mod plugin;
mod pools;
mod pressure;
mod registry;
mod route;
mod sites;
mod small;
mod stack;
mod state;
mod stats;
mod system;
mod thread_slot;
#[cfg(feature = "tracing")]
mod tracing_logger;

pub use allocation::Allocation;
pub use arenas::{ArenaLease, ArenaManager, NamedArenaStats};
pub use builder::{BuildError, MemorySystemBuilder};
pub use caches::{CacheManager, CacheSource, ManagedCache};
pub use component::{MemoryComponent, MemoryLevel};
pub use config::{
    ConfigError, ConfigLayer, ConfigOption, ConfigProblem, EffectiveValue, LARGE_THRESHOLD, MemoryConfig,
    OPTIONS, OptionKind, Origin, ResolvedConfig, SMALL_THRESHOLD, explain_option, nearest_name,
    reference_page,
};
pub use event::{AllocationEvent, DeallocationEvent, ObserverFailure, SystemId};
#[cfg(target_pointer_width = "64")]
pub use heaps::{HeapLease, Heaps, NamedHeapStats};
pub use hierarchy::MemoryHierarchy;
#[cfg(feature = "metrics")]
pub use metrics_recorder::MetricsRecorder;
pub use owned::{OneOwner, Owned, Ownership};
pub use plugin::{MemoryLogger, MemoryMetrics, MemoryPlugin};
pub use pools::{ManagedPool, PoolManager, PoolSource};
pub use registry::DEFAULT_NAME;
pub use route::Route;
pub use sites::CallSite;
pub use state::SystemState;
pub use stats::{MemoryStats, Reconcile, SystemStats};
pub use system::MemorySystem;
#[cfg(feature = "tracing")]
pub use tracing_logger::TracingLogger;

pub use terrane_arena::{Arena, ArenaStrategy, Growth, Overflow, StackArena};
pub use terrane_base::{
    Budget, Bytes, MemoryError, MemorySerializable, PressureLevel, ReclaimCost, Reclaimer, Reservation,
    StateError, StateReader, StateWriter,
};
pub use terrane_cache::{
    Cache, CacheBuilder, CacheState, CacheStats, CacheStrategy, Cacheable, ComputingCache, DashCache,
    EvictionPolicy, FifoCache, LfuCache, LruCache, RemovalCause, ShardedCache, ThreadLocalCache, TieredCache,
};
#[cfg(target_pointer_width = "64")]
pub use terrane_gc::Heap;
pub use terrane_gc::{HeapConfig, HeapStats};
#[cfg(target_has_atomic = "64")]
pub use terrane_pool::LockFreePool;
pub use terrane_pool::{
    BufferPool, BufferPoolBuilder, EvictionPolicy as PoolEvictionPolicy, LocalPool, ObjectPool, PoolBuilder,
    PoolGuard, PoolStats, PoolStrategy, Poolable, ThreadSafePool, ValidationPolicy, WorkStealingPool,
};

#[doc = include_str!("../docs/listings.md")]
pub mod listings {}

/// The page of the documentation, so that its example is a test.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/configuration.md")]
struct ConfigurationPage;

pub use terrane_arena as arena;
pub use terrane_base as base;
pub use terrane_cache as cache;
pub use terrane_gc as gc;
pub use terrane_pages as pages;
pub use terrane_pool as pool;

/// What a budget refuses, or a system lacks.
pub type Result<T, E = MemoryError> = core::result::Result<T, E>;

/// The limit of a system, and what is used of it: [`Budget`] by the name that fits beside [`MemorySystem`].
pub type MemoryBudget = Budget;
