//! Locks and atomics of what is tried in all orders of threads with loom
//! (`RUSTFLAGS="--cfg loom" cargo test -p terrane-cache --test loom --release`).

#[cfg(loom)]
pub(crate) use loom::sync::{Arc, MutexGuard, atomic::AtomicBool};
#[cfg(not(loom))]
pub(crate) use parking_lot::{Mutex, MutexGuard};
#[cfg(not(loom))]
pub(crate) use std::sync::{Arc, atomic::AtomicBool};

/// Loom's lock with the methods of the other one.
#[cfg(loom)]
#[derive(Debug)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

#[cfg(loom)]
impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().expect("no panic under loom")
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok()
    }
}
