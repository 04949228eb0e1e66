//! Allocation that never collects: for callers who hold plain references meanwhile.

use core::ptr::NonNull;

use terrane_base::MemoryError;

use super::exhaustion::Request;
use super::heap::Heap;
use super::large::check_size;
use super::old_space::block::SMALL_OBJECT_MAX;
use super::record::{CollectionCause, CollectionKind};
use super::{ObjectModel, RootSource, errors};

impl<M: ObjectModel> Heap<M> {
    /// Room for an object of `size` bytes (a multiple of 8, at least 16), without a collection: where
    /// [`bump`](Self::bump) has no room, in the old space or among the large objects. The object must be initialised
    /// before the next call that may collect, which scans it whole, wherever it was born.
    ///
    /// # Errors
    ///
    /// When the limit or the page source stands against it. A collection may help then.
    pub fn alloc_directly(&mut self, size: usize) -> Result<NonNull<u8>, MemoryError> {
        if size <= SMALL_OBJECT_MAX
            && let Some(room) = self.take(size)
        {
            return Ok(room);
        }
        check_size(size, self.limit)?;
        if size <= SMALL_OBJECT_MAX {
            return self.try_pinned(size)?.ok_or(errors::out_of_memory(size, self.available()));
        }
        if !self.room_for_large(size) {
            return Err(errors::out_of_memory(size, self.available()));
        }
        let object = self.large.allocate(size, &mut self.chunks, self.owner)?;
        Ok(self.count_large(object, size))
    }

    /// Makes room for one object above [`SMALL_OBJECT_MAX`], after collections if need be: until the next allocation,
    /// [`alloc_directly`](Self::alloc_directly) grants it unless the page source refuses.
    ///
    /// # Errors
    ///
    /// As for [`alloc`](Self::alloc).
    pub fn reserve_large<R: RootSource>(&mut self, size: usize, roots: &mut R) -> Result<(), MemoryError> {
        check_size(size, self.limit)?;
        self.stress_tick(roots);
        if self.has_grown(size) {
            self.collect_quietly(CollectionKind::Full, CollectionCause::OldSpaceGrown, roots);
        }
        if self.room_for_large(size) {
            return Ok(());
        }
        self.satisfy(Request::Large(size), CollectionCause::Exhaustion, roots)
    }

    /// Bytes that [`bump`](Self::bump) has left.
    #[inline(always)]
    #[must_use]
    pub fn room(&self) -> usize {
        self.window.limit - self.window.cursor
    }

    /// Length of the nursery at present.
    #[inline(always)]
    #[must_use]
    pub fn nursery_bytes(&self) -> usize {
        self.nursery_limit - self.young.nursery().base
    }

    /// Whether the address lies in the heap's young range, old space or large objects. O(1) where the chunks come from
    /// one range of addresses.
    #[must_use]
    pub fn owns(&self, address: usize) -> bool {
        self.young.all.contains(address) || self.chunks.owner(address).is_some()
    }
}
