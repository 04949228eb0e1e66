//! Locks and atomics of what is tried in all orders of threads with loom
//! (`RUSTFLAGS="--cfg loom" cargo test -p terrane-cache --test loom --release`).

#[cfg(loom)]
use std::ops::Deref;

#[cfg(loom)]
pub(crate) use loom::sync::{Arc, RwLockReadGuard, atomic::AtomicBool};
#[cfg(not(loom))]
pub(crate) use parking_lot::{MappedRwLockReadGuard, RwLock, RwLockReadGuard};
#[cfg(not(loom))]
pub(crate) use std::sync::{Arc, atomic::AtomicBool};

/// A part of what is locked; the guard itself where there is none.
#[cfg(not(loom))]
#[inline]
pub(crate) fn project<'a, T, U>(
    guard: RwLockReadGuard<'a, T>,
    part: fn(&T) -> Option<&U>,
) -> Result<MappedRwLockReadGuard<'a, U>, RwLockReadGuard<'a, T>> {
    RwLockReadGuard::try_map(guard, part)
}

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

#[cfg(loom)]
pub(crate) fn project<'a, T, U>(
    guard: RwLockReadGuard<'a, T>,
    part: fn(&T) -> Option<&U>,
) -> Result<MappedRwLockReadGuard<'a, U>, RwLockReadGuard<'a, T>> {
    if part(&guard).is_none() {
        return Err(guard);
    }
    Ok(MappedRwLockReadGuard(Box::new(Projected { guard, part })))
}

/// As that of the other lock.
#[cfg(loom)]
pub struct MappedRwLockReadGuard<'a, U>(Box<dyn Deref<Target = U> + 'a>);

#[cfg(loom)]
impl<U> Deref for MappedRwLockReadGuard<'_, U> {
    type Target = U;

    fn deref(&self) -> &U {
        &self.0
    }
}

#[cfg(loom)]
struct Projected<'a, T, U> {
    guard: RwLockReadGuard<'a, T>,
    part: fn(&T) -> Option<&U>,
}

#[cfg(loom)]
impl<T, U> Deref for Projected<'_, T, U> {
    type Target = U;

    fn deref(&self) -> &U {
        (self.part)(&self.guard).expect("it was there when it was locked")
    }
}
