//! Caches, each with a bound, for one owner and for many threads.
//!
//! | Concept | Types |
//! |---|---|
//! | many threads; adapts to its use; time, weight, budget, computing | [`Cache`], [`CacheBuilder`], [`EvictionPolicy`], [`RemovalCause`] |
//! | the same by other names | [`ShardedCache`], [`DashCache`] |
//! | a cache with the function that computes its values; values that know their keys | [`CacheStrategy`], [`ComputingCache`], [`Cacheable`] |
//! | one thread; adapts as well | [`ThreadLocalCache`] |
//! | one owner; an exact order | [`LruCache`], [`FifoCache`], [`LfuCache`] ([`ExactCache`]) |
//! | compressed instead of lost | [`TieredCache`], [`ColdTier`], [`Compressible`] |
//! | what is in a cache, for a warm restart | [`CacheState`], [`Portable`] |
//! | what happened | [`CacheStats`] |
//! | what went wrong | [`InsertError`], [`ComputeError`], [`Reentrant`], [`MemoryError`] |
//!
//! [`Cache`] is the one to take unless there is a reason not to: which entries should stay depends on the work, and it finds out.
//!
//! ```
//! use terrane_cache::Cache;
//!
//! let lengths = Cache::new(10_000);
//! let length = lengths.get_or_compute("some text", |text| text.len())?;
//! assert_eq!(length, 9);
//! # Ok::<(), terrane_cache::Reentrant>(())
//! ```
//!
//! The guide `docs/caches.md` of the repository puts all of this together for a server.
//!
//! # Features
//!
//! `async` brings computations that are futures, for any executor: `Cache::get_or_compute_async`, `Cache::try_get_or_compute_async`.
#![forbid(unsafe_code)]

mod cacheable;
mod error;
mod exact;
mod index;
mod list;
mod local;
mod order;
mod policy;
mod sharded;
mod shared;
mod slots;
mod state;
mod stats;
mod strategy;
mod sync;
mod tiered;

pub use cacheable::Cacheable;
pub use error::{ComputeError, InsertError, Reentrant};
pub use exact::{ExactCache, FifoCache, LfuCache, LruCache};
pub use local::ThreadLocalCache;
pub use order::{Fifo, Lfu, Lru, Order};
pub use sharded::{DashCache, ShardedCache};
pub use shared::{Cache, CacheBuilder, EvictionPolicy, RemovalCause};
pub use state::{CacheState, Portable};
pub use stats::CacheStats;
pub use strategy::{CacheStrategy, ComputingCache};
pub use terrane_base::{Budget, Bytes, Clock, ManualClock, MemoryError, MemorySerializable};
pub use tiered::{ColdTier, Compressible, TieredCache};

/// The guide is compiled and run as a test.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../../../docs/caches.md")]
    mod caches {}
}

/// What the tests in all orders of threads use.
#[cfg(loom)]
pub mod loom_only {
    pub use crate::shared::{Lending, Reads};
}
