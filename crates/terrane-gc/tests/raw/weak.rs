//! Weak references, finalizers and ephemerons on top of the hooks.

use proptest::prelude::*;
use terrane_base::Bytes;
use terrane_gc::raw::{
    CollectionKind, Heap, HeapConfig, Keeper, Liveness, Progress, RootScope, RootSource, Word, WorkBudget,
};

use crate::model::*;

/// Roots, and every kind of weak thing, processed a few entries at a time.
#[derive(Debug, Default)]
struct WeakRoots {
    strong: Vec<Word>,
    frames: usize,
    /// Weak references; `None` once cleared.
    weak: Vec<Option<Word>>,
    /// Objects with a finalizer that has not run.
    registered: Vec<Word>,
    /// Objects whose finalizer is due: strong.
    queue: Vec<Word>,
    /// Key and value: the value is alive as long as the key is.
    ephemerons: Vec<Option<(Word, Word)>>,
    /// Where the next slice goes on.
    next: usize,
    /// Epoch at which the present round of the ephemerons began.
    round: Option<u64>,
    finalizers_done: bool,
}

impl WeakRoots {
    /// Moves what is registered and was not reached to the queue; how much it was.
    fn queue_dead<K: Keeper>(&mut self, keep: &mut K) -> usize {
        let before = self.queue.len();
        let registered = std::mem::take(&mut self.registered);
        // Who died is decided before anything is kept, so that the order does not matter.
        let dead: Vec<bool> = registered.iter().map(|&word| keep.survivor(word).is_none()).collect();
        for (word, dead) in registered.into_iter().zip(dead) {
            let word = keep.keep(word);
            if dead { self.queue.push(word) } else { self.registered.push(word) }
        }
        self.queue.len() - before
    }

    fn keep_values<K: Keeper>(&mut self, keep: &mut K) {
        for (key, value) in self.ephemerons.iter_mut().flatten() {
            if let Some(now) = keep.survivor(*key) {
                (*key, *value) = (now, keep.keep(*value));
            }
        }
    }

    fn keep_all_values<K: Keeper>(&mut self, keep: &mut K) {
        loop {
            let epoch = keep.epoch();
            self.keep_values(keep);
            if keep.epoch() == epoch {
                return;
            }
        }
    }

    fn clear<L: Liveness>(&mut self, live: &L) {
        for weak in &mut self.weak {
            *weak = weak.and_then(|word| live.survivor(word));
        }
        for entry in &mut self.ephemerons {
            *entry = entry.and_then(|(key, value)| {
                let key = live.survivor(key)?;
                Some((key, live.survivor(value).expect("the value of a live key is alive")))
            });
        }
    }
}

// SAFETY: all strong references are visited; the frame region is not used; hooks store what they are told.
unsafe impl RootSource for WeakRoots {
    fn visit_roots<F: FnMut(&mut Word)>(&mut self, _: RootScope, visit: F) {
        self.strong.iter_mut().chain(&mut self.queue).for_each(visit);
    }

    fn frame_top(&self) -> usize {
        self.frames
    }

    fn frames_evacuated(&mut self) {}

    fn collected(&mut self) {}

    fn revive_young<K: Keeper>(&mut self, keep: &mut K) {
        self.keep_all_values(keep);
        if self.queue_dead(keep) > 0 {
            self.keep_all_values(keep);
        }
    }

    fn clear_young<L: Liveness>(&mut self, live: &L) {
        self.clear(live);
    }

    fn revive_old<K: Keeper>(&mut self, keep: &mut K, _: &mut WorkBudget) -> Progress {
        if self.round != Some(keep.epoch()) {
            self.round = Some(keep.epoch());
            self.keep_values(keep);
            return Progress::More;
        }
        if !self.finalizers_done {
            self.finalizers_done = true;
            self.queue_dead(keep);
            return Progress::More;
        }
        (self.round, self.finalizers_done) = (None, false);
        Progress::Done
    }

    fn clear_old<L: Liveness>(&mut self, live: &L, budget: &mut WorkBudget) -> Progress {
        while budget.spend(1) {
            let Some(weak) = self.weak.get_mut(self.next) else {
                self.clear(live);
                self.next = 0;
                return Progress::Done;
            };
            *weak = weak.and_then(|word| live.survivor(word));
            self.next += 1;
        }
        Progress::More
    }
}

struct Machine {
    heap: Heap<Model>,
    roots: WeakRoots,
}

impl Machine {
    fn new() -> Self {
        let config = HeapConfig::new().nursery(Bytes::from_kib(64)).verify(true);
        let heap = Heap::new(config).unwrap();
        let frames = heap.frame_region().0.as_ptr() as usize;
        Self { heap, roots: WeakRoots { frames, ..WeakRoots::default() } }
    }

    /// A pair, without a collection.
    fn pair(&mut self, first: Word, rest: Word) -> Word {
        let word = pair(self.heap.bump(16).expect("room").as_ptr() as usize);
        // SAFETY: fresh room for a pair.
        unsafe {
            *slot(word, 0) = first;
            *slot(word, 1) = rest;
        }
        word
    }

    fn collect(&mut self, kind: CollectionKind) {
        self.heap.collect(kind, &mut self.roots).unwrap();
    }

    /// A full collection in slices of so many units.
    fn collect_in_slices(&mut self, units: usize) {
        self.heap.begin_full(&mut self.roots);
        while self.heap.step_units(units, &mut self.roots) == Progress::More {}
    }

    fn weak_values(&self) -> Vec<Option<u64>> {
        self.roots.weak.iter().map(|weak| weak.map(|word| read(word, 0).0 >> 3)).collect()
    }
}

#[test]
fn weak_references_follow_survivors_and_are_cleared_to_the_dead() {
    for aged in [false, true] {
        let mut machine = Machine::new();
        for i in 0..10 {
            let word = machine.pair(integer(i), integer(0));
            machine.roots.weak.push(Some(word));
            machine.roots.strong.push(word);
        }
        if aged {
            machine.collect(CollectionKind::Minor);
        }
        let mut index = 0;
        machine.roots.strong.retain(|_| {
            index += 1;
            index % 2 == 0
        });
        machine.collect(if aged { CollectionKind::Full } else { CollectionKind::Minor });
        let expected: Vec<Option<u64>> = (0..10).map(|i| (i % 2 == 1).then_some(i)).collect();
        assert_eq!(machine.weak_values(), expected, "{aged}");
    }
}

#[test]
fn a_minor_collection_leaves_weak_references_to_old_objects_alone() {
    let mut machine = Machine::new();
    let word = machine.pair(integer(1), integer(0));
    machine.roots.weak.push(Some(word));
    machine.roots.strong.push(word);
    machine.collect(CollectionKind::Minor);
    machine.roots.strong.clear();
    machine.collect(CollectionKind::Minor);
    assert_eq!(machine.weak_values(), [Some(1)]);
    machine.collect(CollectionKind::Full);
    assert_eq!(machine.weak_values(), [None]);
}

/// A finalizable object is queued once with all that it refers to, and a weak reference to it survives.
#[test]
fn finalizers_keep_what_they_need_once() {
    for aged in [false, true] {
        let kind = if aged { CollectionKind::Full } else { CollectionKind::Minor };
        let mut machine = Machine::new();
        let child = machine.pair(integer(7), integer(0));
        let word = machine.pair(integer(1), child);
        let other = machine.pair(integer(2), integer(0));
        machine.roots.weak.extend([Some(word), Some(child), Some(other)]);
        machine.roots.registered.push(word);
        if aged {
            machine.roots.strong.extend([word, other]);
            machine.collect(CollectionKind::Minor);
            machine.roots.strong.clear();
        }
        machine.collect(kind);
        assert_eq!(machine.weak_values(), [Some(1), Some(7), None], "{aged}");
        assert_eq!((machine.roots.queue.len(), machine.roots.registered.len()), (1, 0));
        machine.roots.queue.clear();
        machine.collect(CollectionKind::Full);
        assert_eq!(machine.weak_values(), [None, None, None]);
    }
}

/// Runs the collection under way until its marking has ended.
fn end_marking(machine: &mut Machine) {
    while machine.heap.is_marking() {
        _ = machine.heap.step_units(3, &mut machine.roots);
    }
}

#[test]
fn a_weak_reference_that_is_read_while_marking_keeps_its_object() {
    for units in [1, 3] {
        let mut machine = Machine::new();
        for i in 0..200 {
            let child = machine.pair(integer(i), integer(0));
            let word = machine.pair(integer(i + 1000), child);
            machine.roots.weak.push(Some(word));
            machine.roots.strong.push(word);
        }
        machine.collect(CollectionKind::Minor);
        machine.roots.strong.drain(..100);
        machine.heap.begin_full(&mut machine.roots);
        _ = machine.heap.step_units(units, &mut machine.roots);
        let word = machine.roots.weak[77].unwrap();
        // SAFETY: the clear hook has not run for this collection.
        let read_now = unsafe { machine.heap.weak_read(word) };
        machine.roots.strong.push(read_now.expect("alive while marking goes on"));
        while machine.heap.step_units(units, &mut machine.roots) == Progress::More {}
        let alive = machine.weak_values().iter().flatten().count();
        assert_eq!(alive, machine.roots.strong.len(), "{units}");
        assert_eq!(read(read(*machine.roots.strong.last().unwrap(), 1), 0), integer(77));
    }
}

/// After marking, and before the hook has come to it, a weak reference to the dead reads as nothing.
#[test]
fn the_dead_cannot_be_read_once_marking_has_ended() {
    let mut machine = Machine::new();
    for i in 0..300 {
        let word = machine.pair(integer(i), integer(0));
        machine.roots.weak.push(Some(word));
        machine.roots.strong.push(word);
    }
    machine.collect(CollectionKind::Minor);
    machine.roots.strong.truncate(1);
    machine.heap.begin_full(&mut machine.roots);
    end_marking(&mut machine);
    let (alive, dead) = (machine.roots.weak[0].unwrap(), machine.roots.weak[299].unwrap());
    // SAFETY: the clear hook has not come to either.
    unsafe {
        assert_eq!(machine.heap.weak_read(alive), Some(alive));
        assert_eq!(machine.heap.weak_read(dead), None);
    }
    assert_eq!(read(dead, 0), integer(299), "the dead can be read until they are swept");
    // What is born now is alive, and does not take the place of the dead.
    let young = machine.pair(integer(5), integer(0));
    machine.roots.strong.push(young);
    machine.roots.weak.push(Some(young));
    machine.collect(CollectionKind::Minor);
    assert_eq!(read(dead, 0), integer(299));
    while machine.heap.step_units(7, &mut machine.roots) == Progress::More {}
    let values: Vec<u64> = machine.weak_values().into_iter().flatten().collect();
    assert_eq!(values, [0, 5]);
}

/// What the graph below says is alive.
fn reachable(edges: &[(usize, usize)], strong: &[usize]) -> Vec<usize> {
    let mut alive: Vec<usize> = strong.to_vec();
    loop {
        let more: Vec<usize> = edges
            .iter()
            .filter(|(key, value)| alive.contains(key) && !alive.contains(value))
            .map(|&(_, value)| value)
            .collect();
        if more.is_empty() {
            alive.sort_unstable();
            alive.dedup();
            return alive;
        }
        alive.extend(more);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Ephemerons keep exactly what a closure over their keys keeps, however they chain and whatever is old.
    #[test]
    fn ephemerons_keep_the_values_of_live_keys(
        edges in prop::collection::vec((0..12_usize, 0..12_usize), 0..24),
        strong in prop::collection::vec(0..12_usize, 0..4),
        old in prop::collection::vec(any::<bool>(), 12),
        kind in prop_oneof![Just(CollectionKind::Minor), Just(CollectionKind::Full)],
        slices in prop::option::of(1_usize..20),
    ) {
        let mut machine = Machine::new();
        for pass in [true, false] {
            for (i, &old) in old.iter().enumerate() {
                if old == pass {
                    let word = machine.pair(integer(i as u64), integer(0));
                    machine.roots.strong.push(word);
                }
            }
            if pass {
                machine.collect(CollectionKind::Minor);
            }
        }
        machine.roots.strong.sort_by_key(|&word| read(word, 0).0);
        let words = machine.roots.strong.clone();
        machine.roots.weak = words.iter().copied().map(Some).collect();
        machine.roots.ephemerons = edges.iter().map(|&(key, value)| Some((words[key], words[value]))).collect();
        machine.roots.strong = strong.iter().map(|&i| words[i]).collect();
        match slices {
            Some(units) if kind == CollectionKind::Full => machine.collect_in_slices(units),
            _ => machine.collect(kind),
        }
        // For a minor collection what is old is alive.
        let mut strong = strong;
        if kind == CollectionKind::Minor {
            strong.extend((0..12).filter(|&i| old[i]));
        }
        let alive = reachable(&edges, &strong);
        let found: Vec<usize> = machine.weak_values().into_iter().flatten().map(|i| i as usize).collect();
        prop_assert_eq!(found, alive);
    }
}
