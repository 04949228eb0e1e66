//! The cache that many threads share.
//!
//! | File | Concept |
//! |---|---|
//! | `cache` | looking up, putting in, taking out |
//! | `builder` | what can be chosen |
//! | `whole` | the whole cache at once: size, iteration, expiry |
//! | `contents`, `lifetime` | what is in one shard, and until when |
//! | `departure` | entries on their way out, and who is told |
//! | `shard`, `lending` | a part of the cache behind a lock, which it lends to readers |
//! | `sampling` | what the tuner sees |
//! | `compute`, `compute_async`, `polled`, `flight`, `waits` | values that are computed, once for all who want them |
//! | `account` | the budget that entries are charged to, and giving memory up |
//! | `counters` | counting what is rare |
//! | `thread_number` | a small number for each thread |

mod account;
mod builder;
mod cache;
mod compute;
#[cfg(feature = "async")]
mod compute_async;
mod contents;
mod counters;
mod departure;
mod flight;
#[cfg_attr(not(loom), expect(unreachable_pub, reason = "public for the tests with loom"))]
mod lending;
mod lifetime;
#[cfg(feature = "async")]
mod polled;
mod sampling;
mod shard;
mod thread_number;
mod waits;
mod whole;

pub use builder::{CacheBuilder, EvictionPolicy};
pub use cache::Cache;
pub use departure::RemovalCause;
#[cfg(loom)]
pub use lending::{Lending, Reads};
