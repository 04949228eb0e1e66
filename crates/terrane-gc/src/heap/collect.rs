//! When collections run, as the mutator sees it.

use terrane_base::Bytes;

use crate::raw::{CollectionKind, CollectionRecord};

use super::Mutator;
use super::state::State;

/// A safepoint collects when less than this part of the nursery is left.
const ROOM_PART_MIN: usize = 16;

impl State {
    pub(crate) fn collect(&mut self, kind: CollectionKind) -> Option<CollectionRecord> {
        self.crowded = false;
        self.release_pins();
        // Only an evacuation of frames can fail, and there are none.
        self.raw.collect(kind, &mut self.roots).ok()
    }

    pub(crate) fn collect_and_count(&mut self, kind: CollectionKind) -> Bytes {
        Bytes::new(self.collect(kind).map_or(0, |record| record.freed_bytes))
    }

    #[inline(always)]
    pub(crate) fn is_due(&self) -> bool {
        self.crowded || self.raw.gc_due() || self.raw.room() < self.raw.nursery_bytes() / ROOM_PART_MIN
    }

    #[cold]
    #[inline(never)]
    fn collect_due(&mut self) {
        if !self.raw.enabled() {
            return;
        }
        self.crowded = false;
        // What is asked for cannot be there, so the collector does what is due, by its own rules. When memory runs out
        // the next allocation says so.
        _ = self.raw.reserve(self.raw.nursery_bytes() / 2, &mut self.roots);
    }
}

impl Mutator<'_, '_> {
    /// Lets a collection run if one is due: a flag test if not. Every `Gc` ends here.
    ///
    /// Call it where a program comes by often, as at the head of an interpreter's loop or when a function is entered.
    #[inline(always)]
    pub fn safepoint(&mut self) {
        let state = self.state_mut();
        if state.is_due() {
            state.collect_due();
        }
    }

    /// Whether [`safepoint`](Self::safepoint) would collect. A flag test.
    #[inline(always)]
    #[must_use]
    pub fn gc_due(&self) -> bool {
        // SAFETY: nobody else has the state meanwhile.
        unsafe { (*self.state()).is_due() }
    }

    /// Collects the young objects now; answers how many bytes of them were dead.
    pub fn collect_minor(&mut self) -> Bytes {
        self.state_mut().collect_and_count(CollectionKind::Minor)
    }

    /// Collects all objects now; answers how many bytes were freed.
    pub fn collect_full(&mut self) -> Bytes {
        self.state_mut().collect_and_count(CollectionKind::Full)
    }
}
