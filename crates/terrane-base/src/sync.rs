//! Atomics and locks, which `loom` replaces to try all orders
//! (`RUSTFLAGS="--cfg loom" cargo test -p terrane-base --test loom --release`).
//!
//! Replaced is what the order of threads decides: usage counters, the unused part of shared leaves, the count of waiters,
//! and locks. Limits, names and peaks stay plain atomics, so that there are not more orders than can be tried.

#[cfg(not(loom))]
pub(crate) use core::sync::atomic::{AtomicIsize, AtomicUsize};
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicIsize, AtomicUsize};

#[cfg(all(feature = "std", not(loom)))]
pub(crate) use core::sync::atomic::fence;
#[cfg(all(feature = "std", loom))]
pub(crate) use loom::sync::atomic::fence;

#[cfg(all(feature = "std", loom))]
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
#[cfg(all(feature = "std", not(loom)))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};

/// Takes a lock. No lock here is ever held while foreign code runs, so whatever a panic left behind is whole.
#[cfg(feature = "std")]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    match mutex.lock() {
        Ok(guard) => guard,
        Err(poisoned) => poisoned.into_inner(),
    }
}

/// Alone on its cache lines: what many threads write is not beside what they read. Prefetchers fetch two lines of 64 bytes.
#[repr(align(128))]
pub(crate) struct Padded<T>(pub(crate) T);

impl<T> core::ops::Deref for Padded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
