//! How much of a cycle runs between two stretches of the mutator. When it begins is told by [`growth`](super::growth).
//!
//! *Nursery.* Its size follows from what minor collections have cost lately and the pause that they may take. A program
//! whose objects die young keeps the whole nursery; one that keeps most of them, or that stores into old objects all over
//! the heap, has a shorter one.
//!
//! *Pace.* A fixed amount of work for each slice would never finish in a program that allocates fast enough. So the work is
//! paid in proportion: of what is left to mark, as large a part as the minor collections use up of what is left of the
//! growth. The nursery is filled in so many steps, with a slice after each, that no slice is longer than it should be. The
//! work that is left is that of all phases: bytes to mark, units of weak processing, chunks to sweep. However late a cycle
//! is, it goes on in slices: the shortest step is so short that a slice does many times the work that the step brings.

use super::clock::now_ns;
use super::cycle::Phase;
use super::heap::Heap;
use super::record::{CollectionCause, CollectionKind};
use super::slice::{Slice, UNITS_PER_SLICE};
use super::{ObjectModel, Progress, RootSource};

/// The longest slice.
const SLICE_NS_MAX: u64 = 150_000;
/// Most slices for one filling of the nursery.
const STEPS_MAX: usize = 64;
/// The shortest step. A slice marks many times as much as is promoted of one, so that a cycle ends however late it is.
const STEP_MIN: usize = 4096;
/// The longest where objects are born in the old space.
const DIRECT_STEP_MAX: usize = 256 << 10;
/// Marking speed where nothing was measured: bytes in a microsecond.
const MARK_SPEED: u64 = 1000;

/// What a unit of weak processing takes, in nanoseconds: a miss of the cache or two.
const WEAK_UNIT_NS: u64 = 50;
/// What the sweep of a chunk takes, likewise.
const SWEEP_NS: u64 = 40_000;

/// The nursery before anything was measured: a program may begin with what all survives.
const NURSERY_FIRST: usize = 1 << 20;
/// The shortest nursery that a pause goal leads to.
const NURSERY_MIN: usize = 32 << 10;

/// What was measured.
#[derive(Debug)]
pub(crate) struct Pacer {
    /// Cost of a minor collection for each KiB of the nursery, in nanoseconds, as a moving mean; 0 when nothing was
    /// measured. The second is that while a cycle is under way, whose slices push the nursery out of the cache.
    minor_ns_per_kib: [u64; 2],
    /// Bytes that the heap grows by from one minor collection to the next, as a moving mean.
    pub(crate) promoted: usize,
    /// Bytes of the heap and beside it after the last minor collection.
    size: usize,
    /// Bytes marked in a microsecond, likewise.
    pub(crate) mark_speed: u64,
    /// When the last cycle ended, the bytes of the heap then, and what it has grown by since.
    pub(crate) since_ns: u64,
    pub(crate) kept: usize,
    pub(crate) grown: usize,
    /// Bytes that the mutator may fill before the next slice.
    pub(crate) step: usize,
    /// Bytes that were born in the old space since the last slice.
    pub(crate) since_slice: usize,
    /// Where the heap should be at most when the cycle under way ends.
    pub(crate) goal: usize,
}

impl Pacer {
    pub(crate) fn new() -> Self {
        Self {
            minor_ns_per_kib: [0; 2],
            promoted: 0,
            size: 0,
            mark_speed: MARK_SPEED,
            since_ns: 0,
            kept: 0,
            grown: 0,
            step: usize::MAX,
            since_slice: 0,
            goal: usize::MAX,
        }
    }

    fn note_promoted(&mut self, bytes: usize) {
        self.promoted = (self.promoted * 3 + bytes) / 4;
        self.grown = self.grown.saturating_add(bytes);
    }

    fn note_marked(&mut self, bytes: usize, ns: u64) {
        if ns > 10_000 && bytes > 0 {
            let speed = (bytes as u64).saturating_mul(1000) / ns;
            self.mark_speed = ((self.mark_speed * 3 + speed) / 4).max(1);
        }
    }

    /// How long it takes to mark so many bytes.
    pub(crate) fn marking_ns(&self, bytes: u128) -> u128 {
        bytes * 1000 / u128::from(self.mark_speed)
    }

    /// A minor collection of a nursery with so many bytes took so long; whether slices of a cycle ran while it was filled.
    pub(crate) fn note_minor(&mut self, bytes: usize, ns: u64, in_cycle: bool) {
        let kib = bytes as u64 / 1024;
        if kib >= 16 && ns > 0 {
            let cost = (ns / kib).max(1);
            let before = &mut self.minor_ns_per_kib[usize::from(in_cycle)];
            let mean = if *before == 0 { cost } else { (*before * 3 + cost) / 4 };
            // What is dearer than expected counts at once, since the next collection may be like it.
            *before = mean.max(cost / 2);
        }
    }

    /// The nursery whose collection should take no longer than `goal_ns`, and not more than `most` bytes; whether slices of
    /// a cycle run while it is filled.
    pub(crate) fn nursery(&self, goal_ns: Option<u64>, most: usize, in_cycle: bool) -> usize {
        let Some(goal) = goal_ns else { return most };
        let [without, within] = self.minor_ns_per_kib;
        let cost = if in_cycle { within.max(without) } else { without };
        if cost == 0 {
            return most.min(NURSERY_FIRST);
        }
        let bytes = usize::try_from(goal / cost).unwrap_or(usize::MAX).saturating_mul(1024);
        bytes.max(NURSERY_MIN).min(most)
    }
}

impl<M: ObjectModel> Heap<M> {
    /// A minor collection has moved so many bytes: decides in how many steps the nursery is filled next.
    pub(crate) fn pace<R: RootSource>(&mut self, promoted: usize, roots: &R) {
        self.external.tables = roots.table_bytes();
        let size = self.heap_bytes().saturating_add(self.external.grown());
        let before = core::mem::replace(&mut self.pacer.size, size);
        let grown = size.saturating_sub(before).max(promoted);
        if self.direct {
            // No measure of what a nursery adds.
            self.pacer.grown = self.pacer.grown.saturating_add(grown);
        } else {
            self.pacer.note_promoted(grown);
        }
        if self.cycle.is_idle() || self.cycle.phase == Phase::Defragment {
            self.pacer.step = usize::MAX;
            return;
        }
        if self.direct {
            return self.pace_direct(roots);
        }
        let nursery = self.nursery_limit - self.young.nursery().base;
        let room = self.pacer.goal.saturating_sub(size).max(nursery / 2).max(1);
        let promoted = self.pacer.promoted.max(nursery / 16);
        // A quarter more than the account says, since both sides are estimates.
        let ns = u128::from(self.work_left_ns(roots.weak_units())) * promoted as u128 * 5 / 4 / room as u128;
        let steps = usize::try_from(ns.div_ceil(u128::from(SLICE_NS_MAX))).unwrap_or(STEPS_MAX);
        self.pacer.step = (nursery / steps.clamp(4, STEPS_MAX)).max(STEP_MIN);
    }

    /// The same where small objects are born in the old space: after how many bytes the next slice is due.
    fn pace_direct<R: RootSource>(&mut self, roots: &R) {
        let size = self.heap_bytes().saturating_add(self.external.grown());
        let room = self.pacer.goal.saturating_sub(size).max(STEP_MIN) as u128;
        let work = u128::from(self.work_left_ns(roots.weak_units()).max(1)) * 5 / 4;
        let step = usize::try_from(room * u128::from(SLICE_NS_MAX) / work).unwrap_or(DIRECT_STEP_MAX);
        self.pacer.step = step.clamp(STEP_MIN, DIRECT_STEP_MAX);
    }

    /// What is left to do of the cycle under way, in nanoseconds of the collector, of whose work so many units are
    /// weak processing.
    fn work_left_ns(&self, weak_units: usize) -> u64 {
        let marking =
            |bytes: usize| u64::try_from(self.pacer.marking_ns(bytes as u128)).unwrap_or(u64::MAX / 4);
        let left = self.old.live_bytes.saturating_sub(self.old.marked_bytes()).max(self.old.live_bytes / 16);
        let (left, weak_units, chunks) = match self.cycle.phase {
            Phase::Idle | Phase::Defragment => (0, 0, 0),
            Phase::Roots | Phase::Mark => (left, weak_units, self.old.chunks().len()),
            Phase::Revive => (self.old.live_bytes / 16, weak_units, self.old.chunks().len()),
            Phase::Clear => (0, weak_units / 2, self.old.chunks().len()),
            Phase::Sweep | Phase::Reopen | Phase::Release => (0, 0, self.old.chunks_to_sweep()),
        };
        marking(left) + weak_units as u64 * WEAK_UNIT_NS + chunks as u64 * SWEEP_NS
    }

    /// Runs a slice of the cycle under way, for at most `ns` nanoseconds or so many units of work.
    #[cold]
    #[inline(never)]
    pub(crate) fn run_slice<R: RootSource>(&mut self, ns: u64, units: usize, roots: &mut R) -> Progress {
        let started = now_ns(self.clock);
        let marked = self.old.marked_bytes();
        let mut slice = Slice::until(self.clock, started.saturating_add(ns), units);
        self.sync();
        self.old.note_mutator_births();
        let progress = self.advance(roots, &mut slice);
        self.pacer.since_slice = 0;
        let pause = now_ns(self.clock).saturating_sub(started);
        self.pacer.note_marked(self.old.marked_bytes().saturating_sub(marked), pause);
        if self.cycle.is_idle() {
            self.pacer.step = usize::MAX;
        } else if self.direct {
            self.pace_direct(roots);
        }
        self.open_window();
        self.account_slice(pause, roots);
        progress
    }

    /// The slice that is due after a step of the nursery.
    #[inline]
    pub(crate) fn slice_if_due<R: RootSource>(&mut self, roots: &mut R) {
        let due = !self.is_direct() || {
            self.sync();
            self.pacer.since_slice >= self.pacer.step
        };
        if self.has_slices() && self.enabled && due {
            _ = self.run_slice(SLICE_NS_MAX, UNITS_PER_SLICE, roots);
        }
    }

    /// Whether slices of the cycle under way run as the program allocates. Those that move old objects wait for idle time.
    pub(crate) fn has_slices(&self) -> bool {
        !self.cycle.is_idle() && self.cycle.phase != Phase::Defragment
    }

    /// At the end of a minor collection: begins a cycle if the heap has outgrown its threshold.
    pub(crate) fn cycle_if_grown<R: RootSource>(&mut self, roots: &mut R) {
        self.give_way_if_grown(0);
        if self.cycle.is_idle() && self.has_grown(0) && self.is_still_due() {
            self.begin_cycle(CollectionCause::OldSpaceGrown, roots);
        }
    }

    /// Ends a defragmentation that keeps the next cycle from beginning, which is due with `more` bytes to come.
    pub(crate) fn give_way_if_grown(&mut self, more: usize) {
        if self.cycle.phase == Phase::Defragment && self.has_grown(more) {
            self.end_defragmenting();
        }
    }

    /// Pays for `bytes` that are allocated beside the nursery: with as much of the cycle under way as is due for them.
    pub(crate) fn pay_for<R: RootSource>(&mut self, bytes: usize, roots: &mut R) {
        if !self.has_slices() || !self.enabled {
            return;
        }
        let room = self.pacer.goal.saturating_sub(self.heap_bytes()).max(self.nursery_size) as u128;
        let due = u128::from(self.work_left_ns(roots.weak_units())) * bytes as u128 * 5 / 4 / room;
        // To hand out the memory takes about as long as this at most.
        let most = SLICE_NS_MAX.max(bytes as u64);
        let ns = u64::try_from(due).unwrap_or(most).clamp(SLICE_NS_MAX / 8, most);
        _ = self.run_slice(ns, UNITS_PER_SLICE.saturating_mul(bytes.div_ceil(SLICE_NS_MAX as usize)), roots);
    }

    /// Begins a full collection that runs in slices, after a minor one; does nothing if one is under way. From here on
    /// slices run as the program allocates, and whenever [`step`](Self::step) is called. Without generations it is run
    /// to its end at once.
    pub fn begin_full<R: RootSource>(&mut self, roots: &mut R) {
        if !self.generational {
            return self.collect_quietly(CollectionKind::Full, CollectionCause::Requested, roots);
        }
        if self.cycle.is_idle() {
            self.collect_quietly(CollectionKind::Minor, CollectionCause::Requested, roots);
        }
        if self.cycle.is_idle() {
            self.begin_cycle(CollectionCause::Requested, roots);
            self.pace(0, roots);
            self.open_window();
        }
    }

    /// Does some of the work that is left, in idle time: goes on with a full collection, begins one if enough has
    /// changed since the last, and gives memory back that is not needed. `Done` when nothing is left to do until
    /// the program runs on. Each call is one pause, of at most about `ns` nanoseconds, or of a minor collection.
    pub fn step<R: RootSource>(&mut self, ns: u64, roots: &mut R) -> Progress {
        let begins_anew = self.should_begin_anew::<R>();
        if !self.cycle.is_idle() && !begins_anew && !self.is_kept_from_moving() {
            _ = self.run_slice(ns, usize::MAX, roots);
            return Progress::More;
        }
        self.sync();
        if self.nursery_cursor > self.young.nursery().base || self.has_fresh() {
            self.collect_quietly(CollectionKind::Minor, CollectionCause::Idle, roots);
            return Progress::More;
        }
        if begins_anew {
            self.abort_cycle();
            self.settled_bytes = self.heap_bytes();
            self.begin_idle_cycle(roots);
            return Progress::More;
        }
        let keep = self.reserve_target();
        if self.release_empty_chunk(keep) || self.release_idle_spare_chunks() {
            return Progress::More;
        }
        let bytes = self.heap_bytes();
        if bytes.abs_diff(self.settled_bytes) > self.settled_bytes / 64 {
            self.settled_bytes = bytes;
            if !self.generational {
                self.collect_quietly(CollectionKind::Full, CollectionCause::Idle, roots);
                return Progress::More;
            }
            self.begin_idle_cycle(roots);
            return Progress::More;
        }
        if self.should_defragment_on::<R>() {
            self.begin_idle_cycle(roots);
            return Progress::More;
        }
        Progress::Done
    }

    fn begin_idle_cycle<R: RootSource>(&mut self, roots: &mut R) {
        self.idle_chunks = self.old.chunks().len();
        self.begin_cycle(CollectionCause::Idle, roots);
        self.pace(0, roots);
        self.open_window();
    }

    /// Whether the marking under way should be given up for one that defragments. Not one that was begun in idle time, so that
    /// short stretches of idle time come to an end of it.
    fn should_begin_anew<R: RootSource>(&self) -> bool {
        matches!(self.cycle.phase, Phase::Roots | Phase::Mark)
            && self.cycle.cause != CollectionCause::Idle
            && self.may_defragment::<R>(CollectionCause::Idle)
            && !self.old.candidates.is_tracking()
    }

    /// Whether something young must be collected before old objects can be moved. Not where a collection is of no use, since
    /// references into an arena, or slots that the source remembers, outlast it: nothing can be moved then.
    fn is_kept_from_moving(&mut self) -> bool {
        if self.cycle.phase != Phase::Defragment {
            return false;
        }
        self.sync();
        self.would_moving_wait()
    }

    /// The same by work instead of time: goes on with a full collection that is under way for so many units, each
    /// about one object. For runtimes without a clock, and for tests that must not depend on one.
    pub fn step_units<R: RootSource>(&mut self, units: usize, roots: &mut R) -> Progress {
        if self.cycle.is_idle() {
            return Progress::Done;
        }
        if self.is_kept_from_moving() {
            self.collect_quietly(CollectionKind::Minor, CollectionCause::Requested, roots);
        }
        self.run_slice(u64::MAX, units, roots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nursery_shrinks_when_collections_are_dear_and_grows_again() {
        let mut pacer = Pacer::new();
        let most = 3 << 20;
        assert_eq!(pacer.nursery(Some(500_000), most, false), NURSERY_FIRST);
        assert_eq!(pacer.nursery(None, most, false), most);
        pacer.note_minor(most, 100_000, false);
        assert_eq!(pacer.nursery(Some(500_000), most, false), most);
        pacer.note_minor(most, 8_000_000, false);
        let after_one = pacer.nursery(Some(500_000), most, false);
        assert!(after_one < most / 6, "{after_one}");
        (0..9).for_each(|_| pacer.note_minor(1 << 17, 8_000_000, false));
        assert_eq!(pacer.nursery(Some(500_000), most, false), NURSERY_MIN);
        assert_eq!(pacer.nursery(None, most, false), most);
        (0..40).for_each(|_| pacer.note_minor(1 << 17, 10_000, false));
        assert_eq!(pacer.nursery(Some(500_000), most, false), most);
    }

    #[test]
    fn a_nursery_is_shorter_while_slices_run() {
        let mut pacer = Pacer::new();
        let (goal, most) = (Some(1_000_000), 3 << 20);
        pacer.note_minor(1 << 20, 1 << 20, false);
        let [without, within] = [false, true].map(|in_cycle| pacer.nursery(goal, most, in_cycle));
        assert_eq!(without / 1024, 1_000_000 / 1024, "1024 ns a KiB");
        assert_eq!(within, without, "nothing was measured yet");
        pacer.note_minor(1 << 20, 5 << 20, true);
        assert_eq!(pacer.nursery(goal, most, true) / 1024, 1_000_000 / 1024 / 5);
        assert_eq!(pacer.nursery(goal, most, false), without);
        (0..40).for_each(|_| pacer.note_minor(1 << 20, 1 << 19, true));
        assert_eq!(pacer.nursery(goal, most, true), without, "never longer than without");
    }

    #[test]
    fn measured_speeds_settle() {
        let mut pacer = Pacer::new();
        (0..50).for_each(|_| pacer.note_marked(400_000, 100_000));
        assert!((3990..=4000).contains(&pacer.mark_speed), "{}", pacer.mark_speed);
        pacer.note_marked(1, 1);
        (0..50).for_each(|_| pacer.note_promoted(1000));
        assert!((990..=1000).contains(&pacer.promoted));
    }
}
