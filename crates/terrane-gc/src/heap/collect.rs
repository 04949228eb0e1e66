//! When collections run, as the mutator sees it.

use terrane_base::Bytes;

use crate::raw::{CollectionKind, CollectionRecord, Progress};

use super::Mutator;
use super::state::State;

impl State {
    pub(crate) fn collect(&mut self, kind: CollectionKind) -> Option<CollectionRecord> {
        (self.due, self.exhausted) = (false, false);
        self.release_pins();
        // Only an evacuation of frames can fail, and there are none.
        self.raw.collect(kind, &mut self.roots).ok()
    }

    /// A full collection that the program asks for frees what roots that were dropped by then have held: the table finds
    /// them out in the course of each full collection, for the next one.
    pub(crate) fn collect_full(&mut self) -> Bytes {
        // A cycle that has not delivered its roots yet will be given up.
        self.roots.persistent.abort_snapshot();
        self.roots.persistent.release();
        self.collect_and_count(CollectionKind::Full)
    }

    pub(crate) fn collect_and_count(&mut self, kind: CollectionKind) -> Bytes {
        Bytes::new(self.collect(kind).map_or(0, |record| record.freed_bytes))
    }

    pub(crate) fn step(&mut self, ns: u64) -> bool {
        self.release_pins();
        self.raw.step(ns, &mut self.roots) == Progress::More
    }

    #[inline(always)]
    pub(crate) fn is_due(&self) -> bool {
        (self.due || self.raw.nursery_is_low()) && self.raw.enabled()
    }

    #[cold]
    #[inline(never)]
    fn collect_due(&mut self) {
        self.due = false;
        if core::mem::take(&mut self.exhausted) {
            self.collect(CollectionKind::Full);
        } else {
            self.raw.poll(&mut self.roots);
        }
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

    /// Begins a full collection that runs in slices, after a minor one; does nothing if one is under way. Slices run at
    /// safepoints as the program allocates, and by [`step`](Self::step).
    pub fn begin_full(&mut self) {
        let state = self.state_mut();
        state.release_pins();
        state.raw.begin_full(&mut state.roots);
    }

    /// Does some of the work of the collector that is left, in one pause of at most about `ns` nanoseconds or of a minor
    /// collection: for idle time. Answers whether there is more to do.
    ///
    /// ```
    /// # let mut heap = terrane_gc::Heap::new()?;
    /// heap.enter(|mu| {
    ///     mu.alloc([0_u8; 1000]);
    ///     while mu.step(100_000) {} // until the next event comes in, say
    ///     assert_eq!(mu.stats().old.bytes_now, 0);
    /// });
    /// # Ok::<(), terrane_base::MemoryError>(())
    /// ```
    pub fn step(&mut self, ns: u64) -> bool {
        self.state_mut().step(ns)
    }

    /// The same by work instead of time, about one object a unit, and only for a full collection that is under way: for
    /// tests, and where there is no clock.
    pub fn step_units(&mut self, units: usize) -> bool {
        let state = self.state_mut();
        state.raw.step_units(units, &mut state.roots) == Progress::More
    }

    /// Collects the young objects now; answers how many bytes of them were dead.
    pub fn collect_minor(&mut self) -> Bytes {
        self.state_mut().collect_and_count(CollectionKind::Minor)
    }

    /// Collects all objects now; answers how many bytes were freed. O(live objects + roots).
    pub fn collect_full(&mut self) -> Bytes {
        self.state_mut().collect_full()
    }
}
