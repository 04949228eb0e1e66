//! The write barrier.
//!
//! The questions are asked in the order of their cost: is the value young, in registers; is the parent in the
//! nursery, likewise; only then is anything loaded. (Testing the parent's log bit first would load it at every
//! store.)
//!
//! While a full collection marks, one flag, tested first, sends every store the slow way: the slots of the parent are
//! marked from as they were, before the first store to it ([`cycle`](super::cycle)).

use super::heap::Heap;
use super::{ObjectModel, Word};

impl<M: ObjectModel> Heap<M> {
    /// Stores `value` in `slot` of the object `parent` and tells the collector of it.
    ///
    /// # Safety
    ///
    /// `parent` refers to an initialised object of this heap, `slot` is one of its slots, and `value` is an
    /// immediate or refers to an object of this heap. Neither is stale.
    #[inline(always)]
    pub unsafe fn write(&mut self, parent: Word, slot: *mut Word, value: Word) {
        if self.cycle.watching {
            // SAFETY: the caller's promise.
            unsafe { self.note_store(parent, slot as usize, value) };
        }
        // SAFETY: the caller's promise.
        unsafe { slot.write(value) };
        if let Some(target) = M::address(value)
            && self.young.all.contains(target)
        {
            // SAFETY: the caller's promise.
            unsafe { self.remember(parent, slot as usize) };
        }
    }

    /// What [`write`](Self::write) does except the store itself, for slots that the embedder writes in ways of its
    /// own: hidden slots in a side block ([`ObjectModel::moved`]), or many at once. To be called *before* the
    /// store, whatever `value` is, also when it is an immediate that overwrites or removes a reference.
    ///
    /// `slot` may be a hidden slot. The parent is then logged whole, or, where it is longer than
    /// [`WHOLE_LOG_MAX`](super::WHOLE_LOG_MAX), by a card of its own, for each of which the model visits the
    /// hidden slots.
    ///
    /// # Safety
    ///
    /// `parent` refers to an initialised object of this heap; `slot` is one of its slots, hidden or not, and
    /// will hold `value` before the next call that may collect, or what it held before. `value` is an immediate or
    /// refers to an object of this heap. None is stale.
    #[inline(always)]
    pub unsafe fn record(&mut self, parent: Word, slot: *mut Word, value: Word) {
        if self.cycle.watching {
            // SAFETY: the caller's promise.
            unsafe { self.note_store(parent, slot as usize, value) };
        }
        if let Some(target) = M::address(value)
            && self.young.all.contains(target)
        {
            // SAFETY: the caller's promise.
            unsafe { self.remember(parent, slot as usize) };
        }
    }

    /// What a full collection under way must know of a store that is about to be done.
    ///
    /// # Safety
    ///
    /// As for [`write`](Self::write).
    #[cold]
    #[inline(never)]
    unsafe fn note_store(&mut self, parent: Word, slot: usize, value: Word) {
        // SAFETY: the caller's promise.
        unsafe {
            if self.cycle.snapshotting {
                self.keep_snapshot(parent, slot);
            }
            self.keep_in_place(value);
        }
    }

    /// What `value` refers to is not moved by the cycle under way, since it was stored where the cycle may have been
    /// before. To be called for every store while the heap [is marking](Self::is_marking) that goes not through
    /// [`write`](Self::write) or [`record`](Self::record). O(1).
    ///
    /// # Safety
    ///
    /// `value` is an immediate or refers to an object of this heap.
    pub(crate) unsafe fn keep_in_place(&mut self, value: Word) {
        if let Some(address) = M::address(value)
            && !self.young.all.contains(address)
        {
            // SAFETY: the caller's promise: the old space or a large object.
            unsafe { self.old.candidates.keep_in_place(address) };
        }
    }

    /// Notes that `slot` of `parent` now holds a reference into the young range.
    ///
    /// # Safety
    ///
    /// As for [`write`](Self::write).
    #[inline(never)]
    unsafe fn remember(&mut self, parent: Word, slot: usize) {
        let Some(address) = M::address(parent) else { return };
        if self.young.nursery_area.contains(address) {
            return;
        }
        if !self.young.all.contains(address) {
            // SAFETY: the parent is not young, hence old or large.
            return unsafe { self.remembered.log::<M>(parent, address, slot) };
        }
        if !self.is_scanned(address) {
            return;
        }
        // SAFETY: the caller's promise.
        let hidden = slot.wrapping_sub(address) >= unsafe { M::size(parent) };
        let logged = if hidden { self.young_log.push_object(address) } else { self.young_log.push(slot) };
        if !logged {
            self.rescan_young();
        }
    }

    /// Whether an object, or a slot in one, in the frame region or in an arena lies below the watermark, which
    /// never lies inside an object.
    pub(crate) fn is_scanned(&self, address: usize) -> bool {
        if self.young.frames.contains(address) {
            return address < self.frame_watermark;
        }
        self.arenas.segment_at(address).is_some_and(|segment| address < segment.scanned)
    }

    /// Lets the next collection scan all frame and arena objects.
    #[cold]
    fn rescan_young(&mut self) {
        self.young_log.clear();
        self.frame_watermark = self.young.frames.base;
        for segment in self.arenas.live_segments_mut() {
            segment.scanned = segment.span.base;
        }
    }

    /// Tells that the frame stack was cut back to `top`: what will be allocated above is new. To be called
    /// before anything is.
    ///
    /// ```compile_fail,E0133
    /// # use terrane_gc::raw::{Heap, ObjectModel};
    /// fn cut_back<M: ObjectModel>(heap: &mut Heap<M>) {
    ///     heap.frames_left(1); // no object ends there
    /// }
    /// ```
    ///
    /// # Safety
    ///
    /// `top` is the end of what is in use of the frame region now: its base, or the end of an object in it.
    /// (The next minor collection reads objects from there on.)
    #[inline(always)]
    pub unsafe fn frames_left(&mut self, top: usize) {
        self.frame_watermark = self.frame_watermark.min(top);
    }
}
