//! Object pools.
//!
//! | Pool | for | an acquisition is |
//! |---|---|---|
//! | [`ObjectPool`] | one owner | a comparison and a step in a row |
//! | [`LocalPool`] | one thread, with guards that own a share of the pool | the same |
//! | `ThreadSafePool` | many threads, and the one to begin with | a step in a magazine of the thread's own, without an atomic exchange |
//! | `LockFreePool` | threads that must not wait for each other | an atomic exchange on a word of the thread's own; a release is a store |
//! | `WorkStealingPool` | the same without a bound; threads that use many objects at once, or acquire for others | the same, and behind it a deque of the thread's own |
//! | [`LocalBufferPool`], `BufferPool` | buffers of bytes with reserved capacity, by size class | that of `ObjectPool`, `ThreadSafePool` |
//!
//! What an object has to know is [`Poolable`]; how many there are and when they are looked at says a [`PoolStrategy`]. What is in use
//! is a [`PoolGuard`], whose end gives it back; the guard owns the object, so nothing can be given back twice. Objects are made one by
//! one, stay at their address, and are charged to a [`Budget`] while they exist, in use or idle; when that is short, idle ones are
//! given up.
//!
//! The guide `docs/pools.md` of the repository puts all of this together for a server.
//!
//! # When not to use a pool
//!
//! A pool pays for objects that are costly to make, that keep something worth keeping (capacity, a connection, a table), of which
//! there may be so many and no more, or whose memory should keep its address. For small plain bytes that need no construction, a good
//! allocator has pools of its own, one for each size and thread: there this crate gains little over `mimalloc`, and it never gives
//! memory of one type to another.
//!
//! # Bad input
//!
//! A capacity of 0 is a pool that refuses; one of 1 works. A minimum above a maximum is an error when the pool is built, as is an option
//! that a kind of pool does not have. A timeout of zero does not wait; a timeout without end waits without end, also for the objects that
//! the waiting thread itself holds. A growth factor below 1 counts as 1.
//!
//! # Features
//!
//! Without default features the crate is `no_std` (with `alloc`) and depends on nothing outside of Terrane: [`ObjectPool`], [`LocalPool`],
//! [`LocalBufferPool`], and `LockFreePool` where there are atomics of 64 bits. `std` brings the pools that know threads. `os`, on by
//! default, lets threads reach what idles with others (Linux); without it a `ThreadSafePool` with a `max_total` goes through its lock
//! each time, and trimming does not reach what idles with other threads.
#![no_std]

extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

mod buffers;
mod builder;
#[cfg(target_has_atomic = "64")]
mod counts;
#[cfg(loom)]
#[doc(hidden)]
pub mod for_loom;
mod guard;
#[cfg(target_has_atomic = "64")]
mod handle;
mod held;
mod idle;
mod local_pool;
#[cfg(target_has_atomic = "64")]
mod lock_free;
#[cfg(feature = "std")]
mod locks;
mod maker;
mod node;
mod object_pool;
mod poolable;
mod single;
mod stats;
#[cfg(target_has_atomic = "64")]
mod store;
mod strategy;
#[cfg(target_has_atomic = "64")]
mod sync;
#[cfg(target_has_atomic = "64")]
mod thread_cache;
#[cfg(feature = "std")]
mod thread_safe;
#[cfg(feature = "std")]
mod thread_slots;
#[cfg(target_has_atomic = "64")]
mod unlocked;
#[cfg(feature = "std")]
mod work_stealing;

pub use buffers::{Buffer, BufferPoolBuilder, LocalBufferPool};
#[cfg(feature = "std")]
pub use buffers::{BufferPool, PooledBuffer};
pub use builder::PoolBuilder;
pub use guard::{Home, PoolGuard};
pub use local_pool::LocalPool;
#[cfg(target_has_atomic = "64")]
pub use lock_free::LockFreePool;
pub use node::Node;
pub use object_pool::ObjectPool;
pub use poolable::Poolable;
pub use stats::PoolStats;
pub use strategy::{EvictionPolicy, PoolStrategy, Reuse, StrategyError, ValidationPolicy};
pub use terrane_base::{Budget, Bytes, Clock, MemoryError};
#[cfg(feature = "std")]
pub use thread_safe::ThreadSafePool;
#[cfg(feature = "std")]
pub use work_stealing::WorkStealingPool;

/// The guide is compiled and run as a test.
#[cfg(all(doctest, feature = "std"))]
mod guide {
    #[doc = include_str!("../../../docs/pools.md")]
    mod pools {}
}
