//! What is charged: a small trait, and ours and the atomic behind it.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use terrane_base::{Budget, Bytes, LocalLeaf, SharedLeaf};

/// The size of each charge in bytes.
pub(super) const CHARGE: usize = 64;

/// The limit of those that have one: never met.
pub(super) const LIMIT: usize = 1 << 40;

/// Something that memory can be charged to.
pub(super) trait Account: Sized {
    /// What one thread charges through.
    type Handle;

    /// An account with nothing charged.
    fn open() -> Self;

    /// A handle for a thread.
    fn handle(&self) -> Self::Handle;

    /// Charges so much; whether that was granted.
    fn charge(handle: &Self::Handle, size: usize) -> bool;

    /// Takes so much back.
    fn discharge(handle: &Self::Handle, size: usize);

    /// What is charged in all, seen from a handle.
    fn charged(&self, handle: &Self::Handle) -> usize;
}

/// A leaf for each thread.
pub(super) struct Local(Budget);

impl Account for Local {
    type Handle = LocalLeaf;

    fn open() -> Self {
        Self(Budget::root(Bytes::from_usize(LIMIT)).child("part").max(Bytes::from_usize(LIMIT / 2)))
    }

    fn handle(&self) -> LocalLeaf {
        self.0.local_leaf()
    }

    #[inline(always)]
    fn charge(leaf: &LocalLeaf, size: usize) -> bool {
        leaf.try_charge(Bytes::from_usize(size)).is_ok()
    }

    #[inline(always)]
    fn discharge(leaf: &LocalLeaf, size: usize) {
        leaf.discharge(Bytes::from_usize(size));
    }

    fn charged(&self, leaf: &LocalLeaf) -> usize {
        assert!(self.0.used() >= leaf.charged(), "the budget knows of every charge");
        leaf.charged().as_usize()
    }
}

/// One leaf for all threads.
pub(super) struct Shared(SharedLeaf);

impl Account for Shared {
    type Handle = SharedLeaf;

    fn open() -> Self {
        Self(Local::open().0.shared_leaf())
    }

    fn handle(&self) -> SharedLeaf {
        self.0.clone()
    }

    #[inline(always)]
    fn charge(leaf: &SharedLeaf, size: usize) -> bool {
        leaf.try_charge(Bytes::from_usize(size)).is_ok()
    }

    #[inline(always)]
    fn discharge(leaf: &SharedLeaf, size: usize) {
        leaf.discharge(Bytes::from_usize(size));
    }

    fn charged(&self, leaf: &SharedLeaf) -> usize {
        leaf.charged().as_usize()
    }
}

/// A number, alone on its cache lines.
#[repr(align(128))]
pub(super) struct Number(AtomicUsize);

/// One number for all threads.
pub(super) struct Atomic(std::sync::Arc<Number>);

impl Account for Atomic {
    type Handle = std::sync::Arc<Number>;

    fn open() -> Self {
        Self(std::sync::Arc::new(Number(AtomicUsize::new(0))))
    }

    fn handle(&self) -> Self::Handle {
        self.0.clone()
    }

    #[inline(always)]
    fn charge(number: &Self::Handle, size: usize) -> bool {
        number.0.fetch_add(size, Relaxed);
        true
    }

    #[inline(always)]
    fn discharge(number: &Self::Handle, size: usize) {
        number.0.fetch_sub(size, Relaxed);
    }

    fn charged(&self, number: &Self::Handle) -> usize {
        number.0.load(Relaxed)
    }
}
