//! Objects that stay where they are.

use alloc::sync::Arc;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;

use super::{InvariantType, RootSlot};

/// Keeps an object alive and at its address, for code outside the runtime that holds the address.
///
/// Made by [`Mutator::pin`](crate::Mutator::pin). When it and all its clones are dropped, the object may move again: from
/// the next collection, or the next call of `pin`, on. `T` is the type with `'static` for both lifetimes.
///
/// ```
/// # let mut heap = terrane_gc::Heap::new()?;
/// let pinned = heap.enter(|mu| {
///     let buffer = mu.alloc_local(|_| [7_u8; 64]);
///     mu.pin(buffer)
/// })?;
/// heap.collect_full();
/// // SAFETY: nobody writes to the buffer, and it is pinned.
/// assert_eq!(unsafe { pinned.as_ptr().as_ref()[63] }, 7);
/// # Ok::<(), terrane_base::MemoryError>(())
/// ```
pub struct Pinned<T> {
    pub(crate) slot: Arc<RootSlot>,
    address: usize,
    target: InvariantType<T>,
}

impl<T> Pinned<T> {
    /// # Safety
    ///
    /// A `T` is pinned at the address, which is not null, for as long as the slot is shared.
    pub(crate) unsafe fn new(slot: Arc<RootSlot>, address: usize) -> Self {
        Self { slot, address, target: PhantomData }
    }

    /// Where the value is. Good as long as this handle and the heap are.
    #[must_use]
    pub fn as_ptr(&self) -> NonNull<T> {
        // SAFETY: by the promise of `new`.
        unsafe { NonNull::new_unchecked(core::ptr::with_exposed_provenance_mut(self.address)) }
    }
}

impl<T> Clone for Pinned<T> {
    fn clone(&self) -> Self {
        Self { slot: Arc::clone(&self.slot), address: self.address, target: PhantomData }
    }
}

impl<T> fmt::Debug for Pinned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pinned").field("address", &self.address).finish_non_exhaustive()
    }
}
