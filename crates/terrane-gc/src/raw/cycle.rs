//! The full collection as a cycle of phases, run in slices.
//!
//! ```text
//! Idle → Roots → Mark → Revive → Clear → Sweep → (Defragment →) Reopen → Release → Idle
//!        └── the barrier keeps the snapshot ──┘
//! ```
//!
//! Marking is *snapshot at the beginning* (Yuasa, *Real-time garbage collection on general-purpose machines*, J. Systems
//! and Software 1990): everything that was reachable when the cycle began is marked, whatever the mutator does
//! meanwhile. It can hide an object from the marker only by overwriting a reference that the marker has not seen, so
//! before the first write of the cycle to an old object the barrier marks from all its slots as they are, the snapshot;
//! in an object too long for that, from each slot that is about to be overwritten. What is born during the cycle is born marked and never scanned, since it can only refer to
//! what is in the snapshot or was born after it.
//!
//! A cycle begins at the end of a minor collection: the nursery is empty, so the snapshot consists of old objects, the
//! frame region and the arenas (which are scanned then and there) and the roots (which may be delivered in parts, see
//! [`RootSource::snapshot_roots`]). Minor collections go on between slices. Phases end when their work is done; *Mark*
//! ends when the mark stack is empty, since whatever the snapshot holds and is not marked now is reachable no more.
//!
//! The same phases without a limit make up a full collection that stops the mutator: the oracle in tests, the last
//! resort when memory is short, and what [`Heap::collect`] runs when it is asked for a full collection.

use core::marker::PhantomData;

use super::arena::Arenas;
use super::clock::now_ns;
use super::heap::Heap;
use super::large::LargeSpace;
use super::mark::{Marking, forget_dead};
use super::old_space::State;
use super::old_space::block::BLOCK_SIZE;
use super::pin::Pins;
use super::record::{CollectionCause, CollectionKind, CollectionRecord};
use super::remembered::{Scope, begin_snapshot};
use super::slice::Slice;
use super::weak::{self, old::Marked};
use super::{ObjectModel, Progress, RootSource, Word, WorkBudget};

/// Units that the sweep of a chunk counts.
pub(crate) const CHUNK_UNITS: usize = 512;
/// Units that giving a chunk back to the system counts: a whole slice.
const RELEASE_UNITS: usize = usize::MAX / 2;

/// How far the cycle is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    Idle,
    /// The source delivers its roots.
    Roots,
    /// Objects are marked.
    Mark,
    /// The source may keep objects that were not reached.
    Revive,
    /// The source clears weak references.
    Clear,
    Sweep,
    /// What lives in the candidates is moved elsewhere.
    Defragment,
    /// The candidates are put at promotion's disposal again.
    Reopen,
    /// Chunks that hold nothing go back to the system.
    Release,
}

/// The cycle under way.
#[derive(Debug)]
pub(crate) struct Cycle {
    pub(crate) phase: Phase,
    /// The barrier must keep the snapshot.
    pub(crate) snapshotting: bool,
    /// The barrier must see every store: it keeps the snapshot, or what is referred to in its place.
    pub(crate) watching: bool,
    /// No part of the roots was asked for yet.
    first_part: bool,
    /// Objects marked, by all cycles.
    pub(crate) objects: u64,
    /// The same, when this cycle began.
    objects_before: u64,
    pub(crate) cause: CollectionCause,
    /// Pauses of the cycle together, and the longest.
    pause_ns_total: u64,
    pause_ns_max: u64,
    slices: u64,
    /// Bytes outside the young range when sweeping began, dead ones included.
    bytes_before: usize,
    freed_bytes: usize,
}

impl Cycle {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Idle,
            snapshotting: false,
            watching: false,
            first_part: false,
            objects: 0,
            objects_before: 0,
            cause: CollectionCause::Requested,
            pause_ns_total: 0,
            pause_ns_max: 0,
            slices: 0,
            bytes_before: 0,
            freed_bytes: 0,
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.phase == Phase::Idle
    }

    /// Adds a pause to the cycle's account.
    fn add_pause(&mut self, ns: u64) {
        self.slices += 1;
        self.pause_ns_total = self.pause_ns_total.saturating_add(ns);
        self.pause_ns_max = self.pause_ns_max.max(ns);
    }
}

/// The parts of a heap that a marking starts from and does not change.
struct Sources<'h> {
    /// Start of the frame region.
    frames: usize,
    arenas: &'h Arenas,
    pins: &'h Pins,
    large: &'h LargeSpace,
}

impl<M: ObjectModel> Heap<M> {
    pub(crate) fn marking(&mut self) -> Marking<'_, M> {
        self.marking_and_sources().0
    }

    fn marking_and_sources(&mut self) -> (Marking<'_, M>, Sources<'_>) {
        let marking = Marking {
            young: self.young.all,
            table: self.old.birth_table(),
            old: &mut self.old,
            stack: &mut self.mark_stack,
            objects: &mut self.cycle.objects,
            model: PhantomData,
        };
        let frames = self.young.frames.base;
        (marking, Sources { frames, arenas: &self.arenas, pins: &self.pins, large: &self.large })
    }

    /// Begins a cycle: takes the snapshot. The nursery is empty, nothing is fresh, and no cycle is under way. The mutator's
    /// cursor was taken note of.
    pub(crate) fn begin_cycle<R: RootSource>(&mut self, cause: CollectionCause, roots: &mut R) {
        debug_assert!(self.cycle.is_idle());
        debug_assert_eq!(
            self.nursery_cursor,
            self.young.nursery().base,
            "the nursery belongs to the snapshot"
        );
        debug_assert!(!self.has_fresh(), "what is fresh cannot be swept");
        // The mutator's hole is retired, and with it what would tell of births in it.
        self.old.note_mutator_births();
        self.cycle = Cycle {
            phase: Phase::Roots,
            snapshotting: true,
            watching: true,
            first_part: true,
            objects: self.cycle.objects,
            objects_before: self.cycle.objects,
            cause,
            ..Cycle::new()
        };
        self.note_snapshot(roots);
        self.choose_candidates::<R>();
        self.old.begin_mark();
        let (mut marking, sources) = self.marking_and_sources();
        marking.scan_dense(sources.frames, roots.frame_top());
        for segment in sources.arenas.live_segments() {
            marking.scan_dense(segment.span.base, segment.top);
        }
        marking.scan_words(sources.pins.words());
        // What the mutator may change without the heap's knowledge is delivered before it runs on.
        _ = self.deliver_roots(roots, &mut WorkBudget::new(0));
    }

    /// Where the verifier is to run: writes down what this marking must reach.
    fn note_snapshot<R: RootSource>(&mut self, roots: &mut R) {
        self.snapshot = None;
        if self.verify_always {
            // SAFETY: what was promoted was initialised before.
            unsafe { self.old.set_start_bits_of_runs::<M>() };
            match self.take_snapshot(roots) {
                Ok(snapshot) => self.snapshot = Some(snapshot),
                Err(corruption) => panic!("heap corrupt when marking began: {corruption}"),
            }
        }
    }

    fn deliver_roots<R: RootSource>(&mut self, roots: &mut R, budget: &mut WorkBudget) -> Progress {
        let first = core::mem::take(&mut self.cycle.first_part);
        let mut marking = self.marking();
        // SAFETY: roots are valid words.
        let progress = roots.snapshot_roots(first, budget, |root| unsafe { marking.enqueue(root) });
        if progress == Progress::Done {
            self.cycle.phase = Phase::Mark;
        }
        progress
    }

    /// Goes on with the cycle, as far as the slice allows. `Done` when no cycle is under way any more.
    pub(crate) fn advance<R: RootSource>(&mut self, roots: &mut R, slice: &mut Slice) -> Progress {
        while !slice.is_over() {
            match self.cycle.phase {
                Phase::Idle => return Progress::Done,
                Phase::Roots => {
                    let mut budget = slice.budget();
                    _ = self.deliver_roots(roots, &mut budget);
                    slice.settle(&budget);
                }
                Phase::Mark => {
                    let (mut marking, sources) = self.marking_and_sources();
                    if marking.drain(sources.large, slice) == Progress::Done {
                        self.cycle.phase = Phase::Revive;
                    }
                }
                Phase::Revive => {
                    let (mut marking, sources) = self.marking_and_sources();
                    if weak::old::revive(&mut marking, sources.large, roots, slice) == Progress::Done {
                        self.finish_marking();
                    }
                }
                Phase::Clear => {
                    let live =
                        Marked { young: self.young.all, table: self.old.live_table(), model: PhantomData };
                    if weak::old::clear::<M, R>(&live, roots, slice) == Progress::Done {
                        self.begin_sweep();
                    }
                }
                Phase::Sweep => self.sweep_slice(slice),
                Phase::Defragment => self.defragment_slice(roots, slice),
                Phase::Reopen => self.reopen_slice(slice),
                Phase::Release => self.release_slice(slice),
            }
        }
        if self.cycle.is_idle() { Progress::Done } else { Progress::More }
    }

    /// What is not marked now is dead.
    fn finish_marking(&mut self) {
        if let Err(corruption) = self.check_snapshot() {
            panic!("heap corrupt when marking ended: {corruption}");
        }
        self.cycle.snapshotting = false;
        self.cycle.watching = self.old.candidates.is_tracking();
        self.cycle.bytes_before = self.heap_bytes();
        self.old.finish_mark(self.cycle.objects - self.cycle.objects_before);
        self.cycle.phase = Phase::Clear;
    }

    /// Nobody reads the dead any more.
    fn begin_sweep(&mut self) {
        forget_dead::<M>(&mut self.remembered, self.old.live_table());
        self.cycle.freed_bytes = self.cycle.bytes_before.saturating_sub(self.heap_bytes());
        self.old.begin_sweep();
        self.large.begin_sweep();
        self.cycle.phase = Phase::Sweep;
    }

    fn sweep_slice(&mut self, slice: &mut Slice) {
        let poison = self.poison();
        let large = self.large.live_bytes;
        let more = match slice.batch() {
            0 => return,
            units => {
                let live = self.old.live_table();
                let objects =
                    (0..units.min(64)).take_while(|_| self.large.sweep_next(&mut self.chunks, live, poison));
                if objects.count() > 0 { true } else { self.old.sweep_next(poison) }
            }
        };
        self.cycle.freed_bytes += large - self.large.live_bytes;
        slice.spend(CHUNK_UNITS);
        if !more {
            self.external.settle();
            self.set_threshold();
            self.begin_defragmenting();
        }
    }

    fn release_slice(&mut self, slice: &mut Slice) {
        // What will be filled before the next cycle is kept.
        let growth = self.full_threshold.saturating_sub(self.heap_bytes());
        let keep = self.reserve_target() + growth.div_ceil(BLOCK_SIZE);
        if self.release_empty_chunk(keep) {
            slice.spend(RELEASE_UNITS);
        } else {
            self.cycle.phase = Phase::Idle;
        }
    }

    /// Runs a whole cycle with the mutator stopped; the nursery is empty. One that is under way and has not found all
    /// that lives is given up, since it would keep what died after its beginning; a later one is brought to its end
    /// first, and what there is to report of it is the answer.
    pub(crate) fn run_cycle<R: RootSource>(
        &mut self,
        cause: CollectionCause,
        roots: &mut R,
    ) -> Option<CollectionRecord> {
        let ended = match self.cycle.phase {
            Phase::Idle => None,
            Phase::Roots | Phase::Mark => {
                self.abort_cycle();
                None
            }
            _ => {
                let started = now_ns(self.clock);
                self.finish_cycle(roots);
                self.cycle.add_pause(now_ns(self.clock).saturating_sub(started));
                Some(self.cycle_record())
            }
        };
        self.begin_cycle(cause, roots);
        self.finish_cycle(roots);
        ended
    }

    /// Brings the cycle under way, if any, to its end.
    pub(crate) fn finish_cycle<R: RootSource>(&mut self, roots: &mut R) {
        while self.advance(roots, &mut Slice::unlimited(self.clock)) == Progress::More {}
    }

    pub(crate) fn abort_cycle(&mut self) {
        debug_assert_eq!(self.old.state(), State::Marking);
        self.old.abort_mark(&mut self.chunks);
        self.large.abort_mark(self.old.live_table());
        self.mark_stack.clear();
        self.cycle.phase = Phase::Idle;
        (self.cycle.snapshotting, self.cycle.watching) = (false, false);
        self.snapshot = None;
    }

    /// Adds a pause to the cycle's account; when the cycle has ended, reports it.
    pub(crate) fn account_slice<R: RootSource>(&mut self, pause_ns: u64, roots: &mut R) {
        self.cycle.add_pause(pause_ns);
        self.stats.pauses.record(pause_ns);
        self.stats.slices += 1;
        if self.cycle.is_idle() {
            if self.cycle.cause == CollectionCause::Idle {
                self.settled_bytes = self.heap_bytes();
            }
            let record = self.cycle_record();
            self.finish(&record, roots);
        }
    }

    /// What there is to report of the cycle, which has ended.
    fn cycle_record(&mut self) -> CollectionRecord {
        self.sequence += 1;
        CollectionRecord {
            sequence: self.sequence,
            kind: CollectionKind::Full,
            cause: self.cycle.cause,
            pause_ns: self.cycle.pause_ns_max,
            slices: self.cycle.slices,
            pause_ns_total: self.cycle.pause_ns_total,
            promoted_bytes: 0,
            freed_bytes: self.cycle.freed_bytes as u64,
            live_bytes: (self.heap_bytes() + self.arenas.used_bytes()) as u64,
        }
    }

    /// Keeps the snapshot before a write: marks from the object's slots, or from this one.
    ///
    /// # Safety
    ///
    /// As for [`write`](Self::write); the store was not done yet.
    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn keep_snapshot(&mut self, parent: Word, slot: usize) {
        let Some(address) = M::address(parent) else { return };
        if self.young.all.contains(address) {
            return;
        }
        // SAFETY: the caller's promise: the parent is old or large.
        unsafe {
            let Some(scope) = begin_snapshot::<M>(parent, address, slot) else { return };
            let mut marking = self.marking();
            let mut mark = |slot: *mut Word| marking.enqueue(*slot);
            match scope {
                Scope::Whole => M::visit_slots(parent, mark),
                Scope::Slot(slot) => mark(slot as *mut Word),
                Scope::Card(start, end) => M::visit_slots_within(parent, start, end, mark),
            }
        }
    }

    /// Keeps an object alive through the cycle under way, if it is marking: for a root that the source has not
    /// delivered yet and is about to change or to forget ([`RootSource::snapshot_roots`]). O(1).
    ///
    /// # Safety
    ///
    /// `word` is an immediate, or refers to an object of this heap.
    #[inline]
    pub unsafe fn keep_root(&mut self, word: Word) {
        if self.cycle.snapshotting {
            // SAFETY: the caller's promise.
            unsafe { self.marking().enqueue(word) };
        }
    }

    /// Reads a weak reference, whose word the caller keeps outside the heap's knowledge: `None` if its object is
    /// dead, though the clear hook has not come to this reference yet. While a marking is under way this keeps the
    /// object alive for this cycle, since it may come to be held by what was marked before. The values of a weak
    /// map are read in the same way. O(1).
    ///
    /// # Safety
    ///
    /// `word` is an immediate, or refers to an object of this heap that was not yet found dead by a clear hook, at
    /// the address that the hooks last told.
    #[inline]
    pub unsafe fn weak_read(&mut self, word: Word) -> Option<Word> {
        if self.cycle.snapshotting {
            // SAFETY: the caller's promise.
            unsafe { self.marking().enqueue(word) };
        } else if self.cycle.phase == Phase::Clear {
            if self.is_direct() && M::address(word).is_some_and(|address| self.is_new_birth(address)) {
                return Some(word);
            }
            let live =
                Marked::<M> { young: self.young.all, table: self.old.live_table(), model: PhantomData };
            return super::Liveness::survivor(&live, word);
        }
        Some(word)
    }

    /// Whether the object at `address` was bumped in the old space since the last slice.
    fn is_new_birth(&mut self, address: usize) -> bool {
        self.sync();
        self.old.is_unnoted_birth(address)
    }

    /// Whether a marking of the old space is under way between two calls, or a defragmentation that it has prepared. The
    /// barrier then has more to do, so code that has it inline calls [`write`](Self::write) for every store as long as this is so.
    #[inline(always)]
    #[must_use]
    pub fn is_marking(&self) -> bool {
        self.cycle.watching
    }
}
