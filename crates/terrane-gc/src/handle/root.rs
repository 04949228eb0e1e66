//! Handles without a lifetime: for `'static` storage, foreign code, and across `await`.

use alloc::sync::Arc;
use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicU64, Ordering};

use super::InvariantType;

/// Tells heaps apart for as long as the program runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct HeapId(u64);

impl HeapId {
    /// An id that no other heap has.
    pub(crate) fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// What a [`Root`] and its heap share. The heap releases the entry when it alone is left.
#[derive(Debug)]
pub(crate) struct RootSlot {
    pub(crate) heap: HeapId,
    pub(crate) index: usize,
}

/// Why a [`Root`] could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum RootError {
    /// The root belongs to another heap, which may have been dropped.
    OtherHeap,
}

impl fmt::Display for RootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherHeap => f.write_str("the root belongs to another heap, or to one that was dropped"),
        }
    }
}

impl core::error::Error for RootError {}

/// A handle that keeps its object alive for as long as it, or a clone of it, lives.
///
/// It may be stored anywhere, sent to another thread and dropped there; the object is reachable through a
/// [`Mutator`](crate::Mutator) of its heap only. Let go, the object is collected by the next full collection. `T` is the
/// type with `'static` for both lifetimes.
///
/// ```
/// use terrane_gc::{Heap, Root};
///
/// let mut heap = Heap::new()?;
/// let kept: Root<i64> = heap.enter(|mu| {
///     let number = mu.alloc(7_i64);
///     mu.persist(number)
/// });
/// heap.collect_full();
/// assert_eq!(heap.enter(|mu| *mu.load(&kept).unwrap()), 7);
///
/// let mut other = Heap::new()?;
/// assert!(other.enter(|mu| mu.load(&kept).is_err()));
/// # Ok::<(), terrane_base::MemoryError>(())
/// ```
pub struct Root<T> {
    pub(crate) slot: Arc<RootSlot>,
    target: InvariantType<T>,
}

impl<T> Root<T> {
    /// # Safety
    ///
    /// The slot's heap has an entry of this index that refers to a `T` for as long as the slot is shared.
    pub(crate) unsafe fn new(slot: Arc<RootSlot>) -> Self {
        Self { slot, target: PhantomData }
    }
}

impl<T> Clone for Root<T> {
    fn clone(&self) -> Self {
        Self { slot: Arc::clone(&self.slot), target: PhantomData }
    }
}

impl<T> fmt::Debug for Root<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Root").field("index", &self.slot.index).finish_non_exhaustive()
    }
}
