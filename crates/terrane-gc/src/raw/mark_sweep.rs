//! Without generations: a plain mark-sweep collector.
//!
//! With [`HeapConfig::generational`](super::HeapConfig::generational) off, objects are born in the holes of the old space:
//! the window is a hole, the nursery stays empty, nothing but frame and arena objects ever moves, and every collection that
//! frees anything is a full one that stops the mutator. What the mutator bumps lies dense in its hole, so it is a run like
//! those of promotion.
//!
//! The write barrier still logs stores of references into arenas. But objects are initialised by plain stores, so the log
//! is not complete, and an evacuation scans every old object instead.
//!
//! The mode is there to be compared with: by tests, as an oracle that depends on no remembered set and no watermark, and by
//! whoever wants to know what generations bring to a program.

use super::heap::Heap;
use super::old_space::block::BLOCK_SIZE;
use super::{ObjectModel, RootSource};
use crate::raw::record::{CollectionCause, CollectionKind};

/// The most that can be reserved at a time.
pub(crate) const RESERVE_MAX: usize = BLOCK_SIZE;

impl<M: ObjectModel> Heap<M> {
    /// A hole with at least `bytes`, after a full collection if the heap has grown enough for one. False when limit or
    /// page source stand against it.
    pub(crate) fn refill_direct<R: RootSource>(&mut self, bytes: usize, roots: &mut R) -> bool {
        if self.generational {
            return self.refill_pretenured(bytes, roots);
        }
        self.sync();
        if self.has_grown(0) {
            self.collect_quietly(CollectionKind::Full, CollectionCause::OldSpaceGrown, roots);
        }
        self.grant_direct(bytes)
    }

    /// The same without a collection.
    pub(crate) fn grant_direct(&mut self, bytes: usize) -> bool {
        self.sync();
        let granted = bytes <= RESERVE_MAX && {
            let with_free_block = self.grow_to(self.reserve_target() + 1).is_ok();
            self.old.refill_mutator(bytes, with_free_block)
        };
        self.open_window();
        granted
    }
}
