//! Caches, each with a bound, for one owner and for many threads.
//!
//! | Concept | Types |
//! |---|---|
//! | many threads; adapts to its use; time, weight, budget, computing | [`Cache`], [`CacheBuilder`], [`EvictionPolicy`], [`RemovalCause`] |
//! | one owner; an exact order | [`LruCache`], [`FifoCache`], [`LfuCache`] ([`ExactCache`]) |
//! | what happened | [`CacheStats`] |
//! | what went wrong | [`ComputeError`], [`Reentrant`], [`MemoryError`] |
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
#![forbid(unsafe_code)]

mod error;
mod exact;
mod index;
mod list;
mod order;
mod policy;
mod shared;
mod slots;
mod stats;

pub use error::{ComputeError, Reentrant};
pub use exact::{ExactCache, FifoCache, LfuCache, LruCache};
pub use order::{Fifo, Lfu, Lru, Order};
pub use shared::{Cache, CacheBuilder, EvictionPolicy, RemovalCause};
pub use stats::CacheStats;
pub use terrane_base::{Budget, Bytes, MemoryError};
