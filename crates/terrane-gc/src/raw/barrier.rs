//! The write barrier.
//!
//! The questions are asked in the order of their cost: is the value young, in registers; is the parent in the
//! nursery, likewise; only then is anything loaded. (Testing the parent's log bit first would load it at every
//! store.)

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
        // SAFETY: the caller's promise.
        unsafe { slot.write(value) };
        if let Some(target) = M::address(value)
            && self.young.all.contains(target)
        {
            // SAFETY: the caller's promise.
            unsafe { self.remember(parent, slot as usize) };
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
        if !self.is_scanned(slot) || self.young_log.push(slot) {
            return;
        }
        self.rescan_young();
    }

    /// Whether a slot in the frame region or in an arena lies below the watermark.
    pub(crate) fn is_scanned(&self, slot: usize) -> bool {
        if self.young.frames.contains(slot) {
            return slot < self.frame_watermark;
        }
        self.arenas.segment_at(slot).is_some_and(|segment| slot < segment.scanned)
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
