//! Allocation that never collects: for callers who hold plain references meanwhile.

use core::ptr::NonNull;

use terrane_base::MemoryError;

use super::exhaustion::Request;
use super::heap::Heap;
use super::large::check_size;
use super::mark_sweep::RESERVE_MAX;
use super::old_space::block::SMALL_OBJECT_MAX;
use super::record::CollectionCause;
use super::{ObjectModel, RootSource, errors};

/// A safepoint collects when less than this part of the nursery is left.
const ROOM_PART_MIN: usize = 16;
/// By so many bytes a window is lengthened.
const STEP_MORE: usize = 4096;

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
            self.lengthen_step();
            return Ok(room);
        }
        check_size(size, self.limit)?;
        if size <= SMALL_OBJECT_MAX
            && M::INITIALISED_AT_ONCE
            && self.is_direct()
            && let Some(room) = self.take_in_next_hole(size)
        {
            return Ok(room);
        }
        if self.has_grown(size) {
            self.request_collection();
        }
        if size <= SMALL_OBJECT_MAX {
            return self.try_pinned(size)?.ok_or(errors::out_of_memory(size, self.available()));
        }
        if !self.room_for_large(size) {
            return Err(errors::out_of_memory(size, self.available()));
        }
        let object = self.large.allocate(size, &self.old, &mut self.chunks, self.owner)?;
        Ok(self.count_large(object, size))
    }

    /// Room in the next hole of the old space, where small objects are born there.
    fn take_in_next_hole(&mut self, size: usize) -> Option<NonNull<u8>> {
        self.sync();
        self.old.note_mutator_births();
        if !self.grant_direct(size) {
            return None;
        }
        let room = self.take(size);
        self.lengthen_step();
        room
    }

    /// The window ended before the nursery does, for a slice that the caller cannot run now: goes on for a little.
    fn lengthen_step(&mut self) {
        if self.stress.is_none() {
            self.window.limit = self.window_end.min(self.window.cursor + STEP_MORE);
        }
    }

    /// Does what is due: the collection that was asked for, a minor one if less than a part of the nursery is left, a
    /// slice of the cycle under way otherwise. For a runtime whose safepoints are apart from its allocations. When memory
    /// runs out the next allocation says so.
    pub fn poll<R: RootSource>(&mut self, roots: &mut R) {
        self.stress_tick(roots);
        self.collect_if_due(roots);
        if self.is_direct() && self.generational {
            self.sync();
            if self.is_direct_over() {
                _ = self.refill_pretenured(0, roots);
            } else {
                self.slice_if_due(roots);
            }
        } else if self.nursery_is_low() {
            let bytes = (self.nursery_bytes() / 2).min(RESERVE_MAX);
            _ = self.satisfy(Request::Window(bytes), CollectionCause::NurseryFull, roots);
        } else {
            self.slice_if_due(roots);
        }
    }

    /// Whether so little of the nursery is left that it is time to collect.
    #[inline(always)]
    #[must_use]
    pub fn nursery_is_low(&self) -> bool {
        self.window_end - self.window.cursor < self.nursery_bytes() / ROOM_PART_MIN
    }

    /// Makes room for one object up to [`SMALL_OBJECT_MAX`], after what is due: a collection, or a slice of the cycle under
    /// way. Until the next allocation [`bump`](Self::bump) grants it, and more where there is more.
    ///
    /// # Errors
    ///
    /// As for [`alloc`](Self::alloc).
    pub fn reserve_small<R: RootSource>(&mut self, size: usize, roots: &mut R) -> Result<(), MemoryError> {
        check_size(size, self.limit)?;
        self.stress_tick(roots);
        self.collect_if_due(roots);
        if self.window_end - self.window.cursor >= size {
            // The end of a step, not of the window.
            self.slice_if_due(roots);
        }
        if self.window_end - self.window.cursor < size {
            self.satisfy(Request::Window(size), CollectionCause::NurseryFull, roots)?;
        }
        self.window.limit = self.window.limit.max(self.window.cursor + size);
        Ok(())
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
        self.make_way_for_large(size, roots);
        if self.room_for_large(size) {
            return Ok(());
        }
        self.satisfy(Request::Large(size), CollectionCause::Exhaustion, roots)
    }

    /// Bytes that [`bump`](Self::bump) has left.
    #[inline(always)]
    #[must_use]
    pub fn room(&self) -> usize {
        self.window.limit.saturating_sub(self.window.cursor)
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
