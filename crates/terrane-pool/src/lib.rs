//! Object pools.
//!
//! | Pool | for | an acquisition is |
//! |---|---|---|
//! | [`ObjectPool`] | one owner | a comparison and a step in a row |
//! | [`LocalPool`] | one thread, with guards that own a share | the same |
//! | `ThreadSafePool` | many threads | a step in a magazine of the thread's own, without an atomic exchange |
//!
//! What an object has to know is [`Poolable`]; how many there are and when they are looked at says a [`PoolStrategy`].
//! What is in use is a [`PoolGuard`], whose end gives it back.
#![no_std]

extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

mod buffers;
mod builder;
mod guard;
mod idle;
mod local_pool;
mod maker;
mod node;
mod object_pool;
mod poolable;
mod single;
mod stats;
mod strategy;
#[cfg(feature = "std")]
mod sync;
#[cfg(feature = "std")]
mod thread_safe;
#[cfg(feature = "std")]
mod thread_slots;

pub use buffers::{Buffer, BufferPoolBuilder, LocalBufferPool};
#[cfg(feature = "std")]
pub use buffers::{BufferPool, PooledBuffer};
pub use builder::PoolBuilder;
pub use guard::PoolGuard;
pub use local_pool::LocalPool;
pub use object_pool::ObjectPool;
pub use poolable::Poolable;
pub use stats::PoolStats;
pub use strategy::{EvictionPolicy, PoolStrategy, Reuse, StrategyError, ValidationPolicy};
pub use terrane_base::{Budget, Bytes, Clock, MemoryError};
#[cfg(feature = "std")]
pub use thread_safe::ThreadSafePool;
