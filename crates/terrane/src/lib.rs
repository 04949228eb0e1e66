//! A memory system under one budget.
#![forbid(unsafe_code)]

mod allocation;
mod arenas;
mod builder;
mod caches;
mod component;
mod config;
mod counters;
mod event;
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
#[cfg(feature = "tracing")]
mod tracing_logger;

pub use allocation::Allocation;
pub use arenas::{ArenaLease, ArenaManager, NamedArenaStats};
pub use builder::{BuildError, MemorySystemBuilder};
pub use caches::{CacheManager, CacheSource, ManagedCache};
pub use component::{MemoryComponent, MemoryLevel};
pub use config::{
    ConfigError, ConfigLayer, ConfigOption, ConfigProblem, EffectiveValue, LARGE_THRESHOLD, MemoryConfig,
    OPTIONS, OptionKind, Origin, ResolvedConfig, SMALL_THRESHOLD, explain_option, reference_page,
};
pub use event::{AllocationEvent, DeallocationEvent, ObserverFailure, SystemId};
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

pub use terrane_arena::{Arena, ArenaStrategy, StackArena};
pub use terrane_base::{
    Budget, Bytes, MemoryError, MemorySerializable, PressureLevel, ReclaimCost, Reclaimer, Reservation,
    StateError,
};
pub use terrane_cache::{
    Cache, CacheBuilder, CacheStats, EvictionPolicy, FifoCache, LfuCache, LruCache, RemovalCause,
};
pub use terrane_gc::{Heap, HeapConfig, HeapStats};
pub use terrane_pool::{
    LocalPool, ObjectPool, PoolBuilder, PoolGuard, PoolStats, PoolStrategy, Poolable, ThreadSafePool,
    ValidationPolicy,
};

/// What a budget refuses, or a system lacks.
pub type Result<T, E = MemoryError> = core::result::Result<T, E>;

/// The limit of a system, and what is used of it: [`Budget`] by the name that fits beside [`MemorySystem`].
pub type MemoryBudget = Budget;
