//! Pretenuring: where most objects survive their first collection, they are born in the old space.
//!
//! A nursery pays when few survive: what is dead costs nothing. When most survive, each is copied for nothing. So the
//! cost of minor collections is compared with what it would cost not to have them: the garbage that would then lie in
//! the old space brings the next full collection nearer. As long as copying is dearer, small objects are born in the
//! *holes* of the old space, as in the mark-sweep mode ([`mark_sweep`](super::mark_sweep)), and nothing is young. After
//! some MiB one nursery is filled again as a probe, at growing distances while the answer stays the same. (Blackburn
//! et al., *Pretenuring for Java*, OOPSLA 2001, decide by allocation site; a heap does not know these, but often all
//! sites of a phase behave alike: something is being built.)
//!
//! The mode changes in collections only, when nothing is young: an embedder need not tell of stores into objects that
//! were born since the last one. So it does not go together with arenas, which are young and can come to be at any
//! time: the first arena of a heap ends it for good.
//!
//! While a full collection is under way, what is born is born marked; that is done for all objects in a hole at once, when
//! the next slice begins.

use super::heap::Heap;
use super::old_space::block::BLOCK_SIZE;
use super::record::{CollectionCause, CollectionKind};
use super::{ObjectModel, RootSource};

/// When objects are born in the old space.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum Pretenuring {
    /// While minor collections are seen to cost more than they save.
    #[default]
    Adaptive,
    /// Never.
    Off,
    /// Always, apart from heaps with arenas: for tests.
    Always,
}

/// What allocation in fresh memory costs beside the nursery's, which stays in the cache, in nanoseconds for a KiB: most of
/// it for page faults.
const FRESH_NS_PER_KIB: u64 = 250;
const FRESH_NS_PER_KIB_HUGE: u64 = 80;
/// In a heap that so much lives in, memory between live objects is always used before more is taken.
const LARGE_HEAP: usize = 256 << 20;
/// So many dear minor collections in a row change the mode.
const DEAR_MIN: u32 = 2;
/// What is born in the old space before the first probe, and at most before any.
const SPAN_MIN: usize = 4 << 20;
const SPAN_MAX: usize = 32 << 20;

/// What was seen of minor collections.
#[derive(Debug)]
pub(crate) struct Pretenurer {
    mode: Pretenuring,
    /// Dear minor collections in a row.
    dear: u32,
    /// What is born in the old space until the next probe.
    span: usize,
    /// What is left of it.
    left: usize,
    /// The next collection opens the nursery all the same.
    held_off: bool,
}

impl Pretenurer {
    pub(crate) fn new(mode: Pretenuring) -> Self {
        Self { mode, dear: 0, span: SPAN_MIN, left: 0, held_off: false }
    }

    /// A minor collection of `bytes` took `ns`; without it, `garbage_ns` of full collections would come to be, and each KiB
    /// would take `fresh_ns` more to be filled.
    fn note(&mut self, bytes: usize, ns: u64, garbage_ns: u64, fresh_ns: u64) {
        let kib = bytes as u64 / 1024;
        if kib < 16 {
            return;
        }
        if ns > garbage_ns.saturating_add(kib * fresh_ns) {
            self.dear += 1;
            if self.dear >= DEAR_MIN {
                self.left = self.span;
                self.span = (self.span * 2).min(SPAN_MAX);
            }
        } else {
            (self.dear, self.span) = (0, SPAN_MIN);
        }
    }

    /// So much was born in the old space.
    fn spend(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
    }

    fn wants_direct(&self) -> bool {
        match self.mode {
            Pretenuring::Off => false,
            Pretenuring::Always => true,
            Pretenuring::Adaptive => self.left > 0,
        }
    }

    /// From now on the nursery is used.
    pub(crate) fn end(&mut self) {
        self.mode = Pretenuring::Off;
    }
}

impl<M: ObjectModel> Heap<M> {
    /// Whether small objects are born in the old space now.
    pub(crate) fn is_direct(&self) -> bool {
        self.direct && self.arenas.innermost().is_none()
    }

    /// Takes note of what was bumped in the hole.
    pub(crate) fn sync_direct(&mut self) {
        let bytes = self.old.set_mutator_cursor(self.window.cursor);
        self.stats.old.bytes_total += bytes as u64;
        self.pretenurer.spend(bytes);
        self.pacer.since_slice += bytes;
    }

    /// Takes note of what a minor collection has cost.
    pub(crate) fn note_pretenuring(&mut self, nursery_bytes: usize, promoted: usize, ns: u64) {
        let growth = self.pacer.goal.saturating_sub(self.old.live_bytes).max(self.growth_min) as u128;
        let garbage = nursery_bytes.saturating_sub(promoted) as u128;
        let marking = garbage * self.heap_bytes() as u128 / growth;
        let garbage_ns = u64::try_from(self.pacer.marking_ns(marking)).unwrap_or(u64::MAX);
        let fresh_ns = if self.has_huge_pages { FRESH_NS_PER_KIB_HUGE } else { FRESH_NS_PER_KIB };
        self.pretenurer.note(nursery_bytes, ns, garbage_ns, fresh_ns);
    }

    /// Decides, at the end of a collection, where small objects are born next.
    pub(crate) fn choose_birthplace(&mut self, cause: CollectionCause) {
        if !self.generational {
            return;
        }
        self.direct = self.pretenurer.wants_direct()
            && self.enabled
            && !core::mem::take(&mut self.pretenurer.held_off)
            && cause != CollectionCause::Exhaustion
            && !self.wants_gaps();
        if !self.direct {
            self.old.retire_mutator();
        }
    }

    /// More than a hole holds is wanted at once: only the nursery has it.
    pub(crate) fn hold_off_pretenuring(&mut self, bytes: usize) {
        self.pretenurer.held_off |= bytes > BLOCK_SIZE;
    }

    /// Whether it is time for a collection before the mutator has another hole.
    pub(crate) fn is_direct_over(&mut self) -> bool {
        self.enabled
            && (!self.pretenurer.wants_direct()
                || (!self.has_slices() && self.has_grown(0))
                || self.wants_gaps())
    }

    /// Whether so much of the heap lies dead between live objects that it must be used before more is taken: the gaps of
    /// fragmented blocks, which promotion alone fills, an object at a time.
    fn wants_gaps(&mut self) -> bool {
        let live = self.old.live_bytes;
        let dead = (self.old.used_blocks() * BLOCK_SIZE).saturating_sub(live);
        let is_much = dead > 2 * self.growth_min || live > LARGE_HEAP;
        is_much && self.old.has_fragmented_blocks()
    }

    /// A hole with at least `bytes`, after a collection if that is due. False when limit or page source stand against
    /// it, or objects are born in the nursery now.
    pub(crate) fn refill_pretenured<R: RootSource>(&mut self, bytes: usize, roots: &mut R) -> bool {
        self.sync();
        if bytes > BLOCK_SIZE || self.is_direct_over() {
            self.hold_off_pretenuring(bytes);
            let cause =
                if self.has_grown(0) { CollectionCause::OldSpaceGrown } else { CollectionCause::NurseryFull };
            self.collect_quietly(CollectionKind::Minor, cause, roots);
            self.collect_if_grown(roots);
        } else {
            self.old.note_mutator_births();
            self.slice_if_due(roots);
        }
        self.is_direct() && self.grant_direct(bytes)
    }

    /// An arena is about to be made. What was born in the old space since the last collection may come to refer to it
    /// without a barrier, so the next collection looks at everything.
    pub(crate) fn end_pretenuring(&mut self) {
        self.pretenurer.end();
        if core::mem::take(&mut self.direct) {
            self.rebuild_remembered = true;
            self.open_window();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dear_collections_change_the_mode_and_a_cheap_probe_changes_it_back() {
        let mut pretenurer = Pretenurer::new(Pretenuring::Adaptive);
        let (bytes, dear, cheap) = (1 << 20, 1_000_000, 100_000);
        pretenurer.note(bytes, dear, 0, FRESH_NS_PER_KIB);
        assert!(!pretenurer.wants_direct());
        pretenurer.note(bytes, dear, 0, FRESH_NS_PER_KIB);
        assert!(pretenurer.wants_direct());
        pretenurer.spend(SPAN_MIN);
        assert!(!pretenurer.wants_direct(), "a probe is due");
        pretenurer.note(bytes, dear, 0, FRESH_NS_PER_KIB);
        pretenurer.spend(SPAN_MIN);
        assert!(pretenurer.wants_direct(), "the second span is longer");
        pretenurer.spend(SPAN_MIN);
        pretenurer.note(bytes, cheap, 0, FRESH_NS_PER_KIB);
        assert!(!pretenurer.wants_direct());
        pretenurer.note(bytes, dear, 0, FRESH_NS_PER_KIB);
        assert!(!pretenurer.wants_direct(), "one after another");
        (0..9).for_each(|_| pretenurer.note(bytes, dear, dear, FRESH_NS_PER_KIB));
        assert!(!pretenurer.wants_direct(), "what is dead would cost as much in the old space");
        (0..9).for_each(|_| pretenurer.note(4096, dear, 0, FRESH_NS_PER_KIB));
        assert!(!pretenurer.wants_direct(), "too little to tell");
    }
}
