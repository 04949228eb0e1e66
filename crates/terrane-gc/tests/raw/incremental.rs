//! Full collections in slices, with the mutator running in between.

use std::cell::Cell;
use std::rc::Rc;

use terrane_base::Bytes;
use terrane_gc::raw::{
    CollectionKind, CorruptionKind, Heap, HeapConfig, Progress, RootScope, RootSource, Word, WorkBudget,
};

use crate::machine::Machine;
use crate::model::*;

fn machine(verify: bool) -> Machine {
    Machine::new(HeapConfig::new().nursery(Bytes::from_kib(64)).verify(verify))
}

/// A machine with an old list of `len` as its only root, in the middle of marking.
fn marking(len: u64, verify: bool) -> Machine {
    let mut machine = machine(verify);
    machine.roots.push(integer(0));
    machine.grow_list(0, len).unwrap();
    machine.heap.begin_full(&mut machine.roots);
    assert!(machine.heap.is_marking());
    assert_eq!(machine.heap.step_units(20, &mut machine.roots), Progress::More);
    machine
}

fn finish(machine: &mut Machine) {
    while machine.heap.step_units(50, &mut machine.roots) == Progress::More {}
}

/// The pair `index` of the list that is root 0.
fn nth(machine: &Machine, index: usize) -> Word {
    (0..index).fold(machine.roots.words[0], |word, _| read(word, 1))
}

fn plain_store(parent: Word, index: usize, value: Word) {
    // SAFETY: tests pass live objects and slots in them.
    unsafe { *slot(parent, index) = value };
}

/// What was cut off from where the marker has not been yet, and is held by a root now, is still marked.
#[test]
fn an_object_cannot_be_hidden_from_the_marker() {
    let mut machine = marking(2000, true);
    let (before, cut) = (nth(&machine, 1500), nth(&machine, 1501));
    machine.roots.push(cut);
    machine.write(before, 1, integer(0));
    finish(&mut machine);
    assert_eq!((machine.list_len(0), machine.list_len(1)), (1501, 499));
    machine.heap.verify(&mut machine.roots).unwrap();
    machine.collect(CollectionKind::Full);
    assert_eq!((machine.list_len(0), machine.list_len(1)), (1501, 499));
}

#[test]
fn without_the_barrier_it_is_found_missing() {
    let mut machine = marking(2000, false);
    let (before, cut) = (nth(&machine, 1500), nth(&machine, 1501));
    machine.roots.push(cut);
    plain_store(before, 1, integer(0));
    while machine.heap.is_marking() {
        _ = machine.heap.step_units(50, &mut machine.roots);
    }
    let finding = machine.heap.verify(&mut machine.roots).unwrap_err();
    assert_eq!(finding.kind, CorruptionKind::DanglingOld);
}

/// A cycle that has found what lives is brought to its end by a full collection, and reported like any other.
#[test]
fn a_cycle_that_a_full_collection_ends_is_reported() {
    let mut ended = 0;
    for units in 1.. {
        let mut machine = marking(200, true);
        let full = Rc::new(Cell::new(0));
        let (seen, mut sequence) = (Rc::clone(&full), None);
        machine.heap.set_observer(Box::new(move |record| {
            assert!(sequence.is_none_or(|before| record.sequence == before + 1));
            sequence = Some(record.sequence);
            seen.set(seen.get() + u32::from(record.kind == CollectionKind::Full));
        }));
        if machine.heap.step_units(units, &mut machine.roots) == Progress::Done {
            break;
        }
        let marking = machine.heap.is_marking();
        machine.collect(CollectionKind::Full);
        // One that still marks is given up instead, unless all is marked.
        assert!(full.get() == 2 || marking && full.get() == 1, "{} after {units} units", full.get());
        assert_eq!(u64::from(full.get()), machine.heap.stats().collections_of(CollectionKind::Full).count);
        ended += u32::from(!marking);
    }
    assert!(ended > 0);
}

/// A soft limit makes the same program do with less memory, and refuses nothing.
#[test]
fn a_soft_limit_brings_collections_nearer() {
    let peak = |soft: Bytes| {
        let config = HeapConfig::new().nursery(Bytes::from_kib(64)).frame_region(Bytes::from_kib(64));
        let mut machine = Machine::new(config.soft_limit(soft));
        machine.roots.push(integer(0));
        for _ in 0..60 {
            machine.roots.set(0, integer(0));
            machine.grow_list(0, 100_000).unwrap();
        }
        machine.heap.stats().old.bytes_peak
    };
    let (without, with) = (peak(Bytes::new(u64::MAX)), peak(Bytes::from_mib(12)));
    assert!(with < without / 2, "{with} and {without}");
}

/// The difference between the snapshot and the marks shows it even when nothing refers to the object any more.
#[test]
#[should_panic(expected = "an object that a marking has missed")]
fn without_the_barrier_the_snapshot_differs() {
    let mut machine = marking(2000, true);
    plain_store(nth(&machine, 1500), 1, integer(0));
    finish(&mut machine);
}

/// Each card of a long object has a snapshot of its own, and slots in side blocks have one too.
#[test]
fn cards_and_side_blocks_keep_the_snapshot() {
    for words in [100, 5000, 600_000] {
        let mut machine = machine(true);
        let mut block = vec![integer(0); 5].into_boxed_slice();
        machine.roots.push(integer(0));
        let owner = machine.side_owner(words, &mut block).unwrap();
        machine.roots.push(owner);
        for index in 2..words.min(300) {
            let word = machine.pair(integer(index as u64), integer(0)).unwrap();
            machine.write(machine.roots.words[1], index, word);
        }
        let word = machine.pair(integer(7), integer(0)).unwrap();
        // SAFETY: the owner is live, and the slot a hidden one.
        unsafe { machine.heap.record(machine.roots.words[1], &raw mut block[2], word) };
        block[2] = word;
        // A list in front, so that the marker is busy when the stores come.
        machine.grow_list(0, 3000).unwrap();
        machine.roots.words.swap(0, 1);
        machine.heap.begin_full(&mut machine.roots);
        _ = machine.heap.step_units(5, &mut machine.roots);
        let owner = machine.roots.words[0];
        for index in 2..words.min(300) {
            machine.roots.push(read(owner, index));
            machine.write(owner, index, integer(0));
        }
        machine.roots.push(block[2]);
        // SAFETY: as above.
        unsafe { machine.heap.record(owner, &raw mut block[2], integer(0)) };
        block[2] = integer(0);
        finish(&mut machine);
        machine.heap.verify(&mut machine.roots).unwrap();
        for (i, &word) in machine.roots.words[2..].iter().enumerate() {
            let expected = if i + 2 == words.min(300) { 7 } else { i as u64 + 2 };
            assert_eq!(read(word, 0), integer(expected), "{words}");
        }
    }
}

/// Promoted, large and pinned objects that come to be during the cycle outlive it, whichever phase they were born in.
#[test]
fn what_is_born_during_a_cycle_outlives_it() {
    for slices_before in 0..12 {
        let mut machine = marking(3000, true);
        (0..slices_before).for_each(|_| _ = machine.heap.step_units(400, &mut machine.roots));
        machine.roots.push(integer(0));
        machine.grow_list(1, 500).unwrap();
        let vector = machine.vector(3000).unwrap();
        machine.roots.push(vector);
        let pinned = machine.heap.alloc_pinned(16, &mut machine.roots).unwrap();
        let pinned = pair(pinned.as_ptr() as usize);
        plain_store(pinned, 0, machine.roots.words[1]);
        plain_store(pinned, 1, integer(3));
        machine.roots.push(pinned);
        machine.write(machine.roots.words[2], 2999, pinned);
        machine.collect(CollectionKind::Minor);
        finish(&mut machine);
        machine.heap.verify(&mut machine.roots).unwrap();
        assert_eq!((machine.list_len(0), machine.list_len(1)), (3000, 500), "{slices_before}");
        assert_eq!(read(read(machine.roots.words[2], 2999), 0), machine.roots.words[1]);
    }
}

/// A large object that was born while a cycle marked, with no minor collection before the cycle's end, takes part in the
/// next one like any other: it is not taken for marked, and its first store is not taken for a later one.
#[test]
fn a_large_object_born_in_one_cycle_is_marked_from_in_the_next() {
    for words in [3000, 600_000] {
        let mut machine = marking(30_000, true);
        let mut block = vec![integer(0); 5].into_boxed_slice();
        let owner = machine.side_owner(words, &mut block).unwrap();
        assert!(machine.heap.is_marking());
        machine.roots.push(owner);
        // An old list that only the owner has from now on, and another in its side block.
        let (list, rest) = (nth(&machine, 0), nth(&machine, 20_000));
        machine.write(owner, 2, list);
        // SAFETY: the owner is live, and the slot a hidden one.
        unsafe { machine.heap.record(owner, &raw mut block[2], rest) };
        block[2] = rest;
        machine.write(nth(&machine, 19_999), 1, integer(0));
        machine.roots.set(0, integer(0));
        finish(&mut machine);
        // A list in front, so that the marker is busy when the stores come.
        machine.roots.words.swap(0, 1);
        machine.grow_list(1, 3000).unwrap();
        machine.heap.begin_full(&mut machine.roots);
        _ = machine.heap.step_units(5, &mut machine.roots);
        machine.roots.push(block[2]);
        // SAFETY: as above.
        unsafe { machine.heap.record(owner, &raw mut block[2], integer(0)) };
        block[2] = integer(0);
        finish(&mut machine);
        machine.heap.verify(&mut machine.roots).unwrap();
        machine.roots.set(1, read(owner, 2));
        assert_eq!((machine.list_len(1), machine.list_len(2)), (20_000, 10_000), "{words}");
    }
}

/// What is dead stays remembered as long as hooks may read it, and minor collections keep its references up to date: the
/// verifier does not complain of that, wherever in the cycle it runs.
#[test]
fn a_dead_object_may_be_remembered_until_the_sweep() {
    let mut machine = machine(true);
    machine.roots.push(integer(0));
    machine.grow_list(0, 2).unwrap();
    machine.collect(CollectionKind::Minor);
    let arena = machine.heap.arena_create(Bytes::from_kib(16)).unwrap();
    machine.heap.arena_enter(arena).unwrap();
    let inside = machine.pair(integer(1), integer(2)).unwrap();
    machine.heap.arena_leave();
    machine.write(machine.roots.words[0], 0, inside);
    machine.roots.set(0, integer(0));
    machine.heap.begin_full(&mut machine.roots);
    while machine.heap.step_units(1, &mut machine.roots) == Progress::More {
        machine.heap.verify(&mut machine.roots).unwrap();
        machine.collect(CollectionKind::Minor);
    }
    machine.heap.verify(&mut machine.roots).unwrap();
    assert_eq!(machine.heap.stats().old.bytes_now, 0);
}

/// A cycle that ends in the slice before a large allocation, which calls for the next one at once: the nursery is
/// emptied first, since what it holds is held by nothing else in the snapshot.
#[test]
fn a_cycle_never_begins_with_objects_in_the_nursery() {
    let config = HeapConfig::new().nursery(Bytes::from_kib(64)).growth_min(Bytes::from_mib(2));
    let mut machine = Machine::new(config.clock(|| 0).verify(true));
    machine.roots.push(integer(0));
    machine.grow_list(0, 1000).unwrap();
    machine.heap.begin_full(&mut machine.roots);
    assert!(machine.heap.is_marking());
    let young = machine.pair(integer(7), machine.roots.words[0]).unwrap();
    machine.roots.set(0, young);
    let minor = machine.heap.stats().collections_of(CollectionKind::Minor).count;
    let vector = machine.vector(600_000).unwrap();
    machine.roots.push(vector);
    let stats = machine.heap.stats();
    assert_eq!(stats.collections_of(CollectionKind::Full).count, 1, "the cycle has ended");
    assert_eq!(stats.collections_of(CollectionKind::Minor).count, minor + 1);
    // What has come to be there calls for the next cycle.
    machine.collect(CollectionKind::Minor);
    assert!(machine.heap.is_marking());
    finish(&mut machine);
    assert_eq!(machine.list_len(0), 1001);
}

/// What was born large or pinned, and was not scanned yet, is no reason to begin a cycle without a minor collection.
#[test]
fn an_idle_step_settles_what_is_fresh_before_a_cycle_begins() {
    let mut machine = machine(true);
    machine.roots.push(integer(0));
    machine.grow_list(0, 10_000).unwrap();
    machine.collect(CollectionKind::Full);
    machine.grow_list(0, 10_000).unwrap();
    machine.collect(CollectionKind::Minor);
    for _ in 0..200 {
        let pinned = pair(machine.heap.alloc_pinned(16, &mut machine.roots).unwrap().as_ptr() as usize);
        plain_store(pinned, 0, machine.roots.words[0]);
        plain_store(pinned, 1, integer(0));
    }
    let before = machine.heap.stats().collections_of(CollectionKind::Minor).count;
    assert_eq!(machine.heap.step(1, &mut machine.roots), Progress::More);
    assert_eq!(machine.heap.stats().collections_of(CollectionKind::Minor).count, before + 1);
    while machine.heap.step(1_000_000, &mut machine.roots) == Progress::More {}
    machine.collect(CollectionKind::Minor);
    assert_eq!(machine.list_len(0), 20_000);
}

/// A source with a deep stack, which delivers some roots at a time, from the top down.
struct DeepStack {
    words: Vec<Word>,
    /// Roots below were not delivered yet.
    undelivered: usize,
    frames: usize,
    parts: usize,
}

// SAFETY: all references are in `words`; those not delivered are kept by the test before it changes them.
unsafe impl RootSource for DeepStack {
    fn visit_roots<F: FnMut(&mut Word)>(&mut self, _: RootScope, visit: F) {
        self.words.iter_mut().for_each(visit);
    }

    fn snapshot_roots<F: FnMut(Word)>(
        &mut self,
        first: bool,
        budget: &mut WorkBudget,
        mut visit: F,
    ) -> Progress {
        if first {
            self.undelivered = self.words.len();
        }
        self.parts += 1;
        while self.undelivered > 0 {
            if !budget.spend(1) {
                return Progress::More;
            }
            self.undelivered -= 1;
            visit(self.words[self.undelivered]);
        }
        Progress::Done
    }

    fn frame_top(&self) -> usize {
        self.frames
    }

    fn frames_evacuated(&mut self) {}

    fn collected(&mut self) {}
}

#[test]
fn a_deep_stack_is_delivered_in_parts() {
    let mut heap = Heap::<Model>::new(HeapConfig::new().verify(true)).unwrap();
    let frames = heap.frame_region().0.as_ptr() as usize;
    let mut roots = DeepStack { words: Vec::new(), undelivered: 0, frames, parts: 0 };
    for i in 0..20_000 {
        let word = pair(heap.bump(16).expect("room").as_ptr() as usize);
        plain_store(word, 0, integer(i));
        plain_store(word, 1, integer(0));
        roots.words.push(word);
    }
    heap.begin_full(&mut roots);
    let mut lost = None;
    while heap.step_units(100, &mut roots) == Progress::More {
        // Control returns to the deepest frame of all, far from being delivered, and drops what it holds.
        if lost.is_none() && roots.parts > 3 && roots.undelivered > 100 {
            // SAFETY: a root.
            unsafe { heap.keep_root(roots.words[50]) };
            lost = Some(std::mem::replace(&mut roots.words[50], integer(0)));
        }
        heap.verify(&mut roots).unwrap();
    }
    assert!(roots.parts > 50, "{}", roots.parts);
    assert_eq!(read(lost.expect("dropped half-way"), 0), integer(50), "kept through this cycle");
    assert!((0..20_000).all(|i| i == 50 || read(roots.words[i], 0) == integer(i as u64)));
}

/// A program that replaces what lives keeps its size, by slices alone.
#[test]
fn slices_keep_up_with_a_program_that_allocates() {
    // However fast it is filled, such a heap grows by twice the least at most: 32 MiB.
    let config = HeapConfig::new().nursery(Bytes::from_kib(256)).growth_min(Bytes::from_mib(16));
    let mut machine = Machine::new(config);
    let (lists, len) = (64, 8000);
    (0..lists).for_each(|_| machine.roots.push(integer(0)));
    for round in 0..lists * 12 {
        let root = round * 7 % lists;
        machine.roots.set(root, integer(0));
        machine.grow_list(root, len).unwrap();
    }
    let stats = machine.heap.stats();
    let live = lists as u64 * len * 16;
    assert!(stats.slices > 20, "{stats:?}");
    assert!(stats.collections_of(CollectionKind::Full).count >= 2, "{stats:?}");
    assert!(stats.old.bytes_peak < live + (40 << 20), "{stats:?}");
    assert!((0..lists).all(|root| machine.list_len(root) == len));
    machine.heap.verify(&mut machine.roots).unwrap();
    assert_eq!(stats.pauses.count(), stats.slices + stats.collections_of(CollectionKind::Minor).count);
}

#[test]
fn idle_steps_end_and_give_memory_back() {
    let mut machine = Machine::new(HeapConfig::new());
    machine.roots.push(integer(0));
    machine.grow_list(0, 3_000_000).unwrap();
    machine.roots.set(0, integer(0));
    machine.grow_list(0, 100).unwrap();
    let before = machine.heap.stats().committed_bytes;
    let mut steps = 0;
    while machine.heap.step(1_000_000, &mut machine.roots) == Progress::More {
        steps += 1;
        assert!(steps < 100_000);
    }
    let stats = machine.heap.stats();
    assert!(stats.committed_bytes + (40 << 20) < before, "{before} {stats:?}");
    assert_eq!((machine.list_len(0), stats.old.bytes_now), (100, 1600));
}

#[test]
fn a_heap_without_generations_moves_nothing_and_uses_the_memory_of_the_dead() {
    let mut machine = Machine::new(HeapConfig::new().generational(false).growth_min(Bytes::from_mib(8)));
    machine.roots.push(integer(0));
    machine.grow_list(0, 100_000).unwrap();
    let before = machine.roots.words[0];
    for _ in 0..40 {
        machine.roots.push(integer(0));
        machine.grow_list(1, 100_000).unwrap();
        machine.roots.words.truncate(1);
    }
    let stats = machine.heap.stats();
    assert_eq!((machine.roots.words[0], machine.list_len(0)), (before, 100_000));
    assert!(stats.collections_of(CollectionKind::Full).count >= 4, "{stats:?}");
    assert_eq!((stats.nursery.bytes_total, stats.bytes_copied, stats.slices), (0, 0, 0));
    assert_eq!(stats.old.bytes_total, 41 * 100_000 * 16);
    assert!(stats.committed_bytes < 48 << 20, "{stats:?}");
    machine.heap.verify(&mut machine.roots).unwrap();
    let error = machine.heap.reserve(1 << 20, &mut machine.roots).unwrap_err();
    assert!(matches!(error, terrane_base::MemoryError::AllocationTooLarge { .. }), "{error}");
    machine.heap.reserve(65_536, &mut machine.roots).unwrap();
    assert!(machine.heap.bump(8192).is_some());
}

#[test]
fn a_heap_without_increments_runs_no_slices() {
    let mut machine = Machine::new(HeapConfig::new().incremental(false));
    machine.roots.push(integer(0));
    for _ in 0..4 {
        machine.grow_list(0, 2_000_000).unwrap();
        machine.roots.set(0, integer(0));
    }
    let stats = machine.heap.stats();
    assert!(stats.collections_of(CollectionKind::Full).count > 0);
    assert_eq!(stats.slices, 0);
}

/// A slice ends when the mark stack is full and a long vector, of which a part was scanned, has just been taken from it: the
/// vector finds no place any more, and is scanned from its beginning in the next cycle.
#[test]
fn what_is_dropped_in_its_midst_is_scanned_from_its_beginning_later() {
    const SLOTS: usize = 8192;
    const CHILDREN: usize = 1000;
    let config = HeapConfig::new().nursery(Bytes::from_mib(1)).mark_stack(Bytes::new(1));
    for units in 1..40 {
        let mut machine = Machine::new(config.clone());
        for word in [machine.vector(SLOTS).unwrap(), integer(0)] {
            machine.roots.push(word);
        }
        // At the beginning of each part of the long vector is one whose children fill the stack, and a pair.
        let full = |index: &usize| (index + 1) % 2048 < 2;
        for index in (0..SLOTS).filter(full) {
            let children = machine.vector(CHILDREN).unwrap();
            machine.roots.set(1, children);
            for child in 0..CHILDREN {
                let pair = machine.pair(integer(child as u64), integer(index as u64)).unwrap();
                machine.write(machine.roots.words[1], child, pair);
            }
            machine.write(machine.roots.words[0], index, machine.roots.words[1]);
            let pair = machine.pair(integer(1), integer(2)).unwrap();
            machine.write(machine.roots.words[0], (index + 10) % SLOTS, pair);
        }
        machine.roots.set(1, integer(0));
        let cycle = |machine: &mut Machine| {
            machine.heap.begin_full(&mut machine.roots);
            while machine.heap.step_units(units, &mut machine.roots) == Progress::More {}
            machine.heap.verify(&mut machine.roots).unwrap();
        };
        cycle(&mut machine);
        (0..SLOTS).filter(full).for_each(|index| machine.write(machine.roots.words[0], index, integer(0)));
        // Nothing fills the stack now, so nothing is scanned twice.
        cycle(&mut machine);
    }
}
