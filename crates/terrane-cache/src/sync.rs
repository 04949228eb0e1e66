//! Locks and atomics of what is tried in all orders of threads with loom
//! (`RUSTFLAGS="--cfg loom" cargo test -p terrane-cache --test loom --release`).

#[cfg(loom)]
pub(crate) use loom::sync::{Arc, RwLockReadGuard, atomic::AtomicBool};
#[cfg(not(loom))]
pub(crate) use parking_lot::{RwLock, RwLockReadGuard};
#[cfg(not(loom))]
pub(crate) use std::sync::{Arc, atomic::AtomicBool};

/// Loom's lock with the methods of the other one.
#[cfg(loom)]
#[derive(Debug)]
pub(crate) struct RwLock<T>(loom::sync::RwLock<T>);

#[cfg(loom)]
impl<T> RwLock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::RwLock::new(value))
    }

    pub(crate) fn read(&self) -> loom::sync::RwLockReadGuard<'_, T> {
        self.0.read().expect("no panic under loom")
    }

    pub(crate) fn write(&self) -> loom::sync::RwLockWriteGuard<'_, T> {
        self.0.write().expect("no panic under loom")
    }

    pub(crate) fn try_write(&self) -> Option<loom::sync::RwLockWriteGuard<'_, T>> {
        self.0.try_write().ok()
    }
}
