//! Atomics and locks, which `loom` replaces to try all orders (`RUSTFLAGS="--cfg loom" cargo test -p terrane-pool --test loom --release`).

#[cfg(not(loom))]
pub(crate) use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize};
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize};

/// A cell that is accessed by whoever has the right to, one at a time.
pub(crate) struct Slot<T> {
    #[cfg(not(loom))]
    value: core::cell::UnsafeCell<T>,
    #[cfg(loom)]
    value: loom::cell::UnsafeCell<T>,
}

impl<T> Slot<T> {
    #[cfg(not(loom))]
    pub(crate) const fn new(value: T) -> Self {
        Self { value: core::cell::UnsafeCell::new(value) }
    }

    #[cfg(loom)]
    pub(crate) fn new(value: T) -> Self {
        Self { value: loom::cell::UnsafeCell::new(value) }
    }

    /// The value, for whoever has the right to it.
    #[cfg(not(loom))]
    #[inline(always)]
    pub(crate) fn get(&self) -> *mut T {
        self.value.get()
    }

    /// The value, for whoever has the right to it. `loom` notices when two have it at once.
    #[cfg(loom)]
    pub(crate) fn get(&self) -> *mut T {
        self.value.with_mut(|value| value)
    }
}

/// Alone on its cache lines. Prefetchers fetch two lines of 64 bytes.
#[repr(align(128))]
pub(crate) struct Padded<V>(pub(crate) V);
