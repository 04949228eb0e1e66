//! Old objects that are moved in idle time, so that memory is given back.

use terrane_base::Bytes;
use terrane_gc::raw::{CollectionKind, HeapConfig, Pretenuring, Progress, RootScope, RootSource, Word};

use crate::machine::Machine;
use crate::model::*;

/// Lists in the slots of a vector, each of so many pairs.
const LISTS: usize = 24_000;
const LIST_LEN: u64 = 120;

/// Only every third list is left of what filled the heap.
fn thinned(config: HeapConfig) -> Machine {
    let mut machine = Machine::new(config);
    let vector = machine.vector(LISTS).unwrap();
    machine.roots.push(vector);
    machine.roots.push(integer(0));
    for index in 0..LISTS {
        machine.roots.set(1, integer(0));
        machine.grow_list(1, LIST_LEN + index as u64 % 7).unwrap();
        let list = machine.roots.words[1];
        machine.write(machine.roots.words[0], index, list);
    }
    machine.roots.set(1, integer(0));
    machine.collect(CollectionKind::Full);
    for index in (0..LISTS).filter(|index| index % 3 != 0) {
        machine.write(machine.roots.words[0], index, integer(0));
    }
    machine
}

fn list_at(machine: &Machine, index: usize) -> Word {
    read(machine.roots.words[0], index)
}

/// Panics where a list is not as it was built.
fn check(machine: &mut Machine) {
    for index in (0..LISTS).step_by(3) {
        let (mut word, mut expected) = (list_at(machine, index), LIST_LEN + index as u64 % 7);
        while is_pair(word) {
            expected -= 1;
            assert_eq!(read(word, 0), integer(expected), "list {index}");
            word = read(word, 1);
        }
        assert_eq!(expected, 0, "list {index}");
    }
    machine.heap.verify(&mut machine.roots).unwrap();
}

fn rest(machine: &mut Machine) {
    while machine.heap.step(200_000, &mut machine.roots) == Progress::More {}
}

#[test]
fn idle_time_gives_back_what_died_in_between() {
    let mut machine = thinned(HeapConfig::new());
    let before = machine.heap.stats();
    rest(&mut machine);
    let after = machine.heap.stats();
    assert!(after.bytes_defragmented > 1 << 20, "{after:?}");
    // A quarter of the chunks at a time, down to where a fifth is unused.
    assert!(after.committed_bytes * 3 < before.committed_bytes * 2, "{before:?} {after:?}");
    check(&mut machine);
    machine.collect(CollectionKind::Full);
    check(&mut machine);
    assert_eq!(machine.heap.step(200_000, &mut machine.roots), Progress::Done);
}

#[test]
fn where_it_is_switched_off_nothing_moves() {
    let mut machine = thinned(HeapConfig::new().defragment(false));
    let list = list_at(&machine, 3);
    rest(&mut machine);
    assert_eq!((machine.heap.stats().bytes_defragmented, list_at(&machine, 3)), (0, list));
}

/// What is new is born in the nursery, also where all survives: births in the old space would end the moving.
fn with_births_in_the_nursery() -> HeapConfig {
    HeapConfig::new().pretenuring(Pretenuring::Off)
}

/// The program stores, allocates, pins and looks between two slices: references come to be where the cycle was before.
#[test]
fn what_the_program_stores_meanwhile_is_found_where_it_is() {
    for (ns, births) in [(40_000, false), (40_000, true), (5_000, false), (5_000, true)] {
        let mut machine = thinned(with_births_in_the_nursery());
        let others = machine.vector(6000).unwrap();
        machine.roots.push(others);
        machine.collect(CollectionKind::Minor);
        let (mut step, mut stored, mut pins) = (0, Vec::new(), Vec::new());
        while machine.heap.step(ns, &mut machine.roots) == Progress::More {
            step += 1;
            // From an old object that may have been scanned, into the middle of a list.
            let index = step * 231 % LISTS / 3 * 3;
            let inner = read(read(list_at(&machine, index), 1), 1);
            machine.write(machine.roots.words[2], step % 6000, inner);
            stored.retain(|&(at, _)| at != step % 6000);
            stored.push((step % 6000, read(inner, 0)));
            if births && step % 64 == 0 {
                // From one that is promoted soon.
                let index = (index + 3000) % LISTS / 3 * 3;
                let inner = read(read(list_at(&machine, index), 1), 1);
                let holder = machine.pair(integer(7), inner).unwrap();
                machine.roots.push(holder);
            }
            if births && step % 16 == 0 {
                let pinned = read(list_at(&machine, (index + 999) % LISTS / 3 * 3), 1);
                // SAFETY: it was just read.
                pins.push(unsafe { machine.heap.pin(pinned, &mut machine.roots) }.unwrap());
            }
        }
        assert!(machine.heap.stats().bytes_defragmented > 1 << 18, "{ns} {births}");
        for word in pins {
            assert!(is_pair(read(word, 1)), "it has not moved");
            assert!(machine.heap.unpin(word));
        }
        check(&mut machine);
        for (at, number) in stored {
            assert_eq!(read(read(machine.roots.words[2], at), 0), number);
        }
        for holder in &machine.roots.words[3..] {
            assert_eq!(read(*holder, 0), integer(7));
            assert!(is_pair(read(*holder, 1)));
        }
    }
}

/// The mark stack cannot hold the vector's lists, so all is scanned again, and what was scanned then is recorded nowhere.
#[test]
fn a_mark_stack_that_overflows_ends_it() {
    let mut machine = thinned(with_births_in_the_nursery().mark_stack(Bytes::new(1)));
    rest(&mut machine);
    check(&mut machine);
    assert_eq!(machine.heap.stats().bytes_defragmented, 0);
}

/// A program that goes on ends it: the next cycle comes when it is due.
#[test]
fn a_program_that_goes_on_is_not_kept_from_its_collections() {
    let mut machine = thinned(HeapConfig::new());
    while machine.heap.stats().bytes_defragmented == 0 {
        assert_eq!(machine.heap.step(1000, &mut machine.roots), Progress::More);
    }
    let full = |machine: &Machine| machine.heap.stats().collections_of(CollectionKind::Full).count;
    let before = full(&machine);
    machine.roots.push(integer(0));
    for _ in 0..60 {
        machine.roots.set(2, integer(0));
        machine.grow_list(2, 200_000).unwrap();
    }
    assert!(full(&machine) > before + 1);
    check(&mut machine);
}

/// Goes on with idle time until something was moved.
fn rest_until_moving(machine: &mut Machine) {
    while machine.heap.stats().bytes_defragmented == 0 {
        assert_eq!(machine.heap.step(1000, &mut machine.roots), Progress::More);
    }
}

#[test]
fn a_program_of_large_objects_is_not_kept_from_its_collections() {
    let mut machine = thinned(HeapConfig::new().limit(Bytes::from_gib(1)));
    rest_until_moving(&mut machine);
    for _ in 0..2000 {
        machine.vector(20_000).unwrap();
    }
    let peak = machine.heap.stats().large.bytes_peak;
    assert!(peak < 150 << 20, "{peak}");
    check(&mut machine);
}

#[test]
fn a_program_of_pretenured_objects_is_not_kept_from_its_collections() {
    let config = HeapConfig::new().limit(Bytes::from_gib(1)).pretenuring(Pretenuring::Always);
    let mut machine = thinned(config);
    rest_until_moving(&mut machine);
    machine.roots.push(integer(0));
    for _ in 0..100 {
        machine.roots.set(2, integer(0));
        machine.grow_list(2, 200_000).unwrap();
    }
    let peak = machine.heap.stats().old.bytes_peak;
    assert!(peak < 150 << 20, "{peak}");
    check(&mut machine);
}

/// What a cycle keeps promotion out of holds nothing, so it is not charged.
#[test]
fn the_limit_holds_while_chunks_are_emptied() {
    let mut machine = thinned(HeapConfig::new().limit(Bytes::from_mib(80)));
    for index in (0..LISTS).filter(|index| index % 300 != 0) {
        machine.write(machine.roots.words[0], index, integer(0));
    }
    machine.collect(CollectionKind::Full);
    while let Ok(word) = machine.vector(60_000) {
        machine.roots.push(word);
    }
    // Enough is let go of for another cycle to begin.
    (0..4).for_each(|_| machine.roots.swap_remove(2));
    while machine.heap.step(20_000, &mut machine.roots) == Progress::More {
        let stats = machine.heap.stats();
        assert!(stats.charged_bytes <= stats.limit_bytes, "{stats:?}");
    }
    assert!(machine.heap.stats().bytes_defragmented > 0);
    machine.heap.verify(&mut machine.roots).unwrap();
}

/// Remembers one slot for ever, as a source may whose global variables lie in the heap.
struct Remembering<'r>(&'r mut Roots, Word);

// SAFETY: the promises of the roots; the slot is that of an object that lives and stays where it is, since it is large.
unsafe impl RootSource for Remembering<'_> {
    const FOLLOWS_OLD_MOVES: bool = true;

    fn visit_roots<F: FnMut(&mut Word)>(&mut self, scope: RootScope, mut visit: F) {
        self.0.visit_roots(scope, &mut visit);
        // SAFETY: as above.
        visit(unsafe { &mut *slot(self.1, 0) });
    }

    fn visit_remembered<F: FnMut(*const Word)>(&mut self, mut visit: F) {
        visit(slot(self.1, 0));
    }

    fn frame_top(&self) -> usize {
        self.0.frame_top()
    }

    fn frames_evacuated(&mut self) {
        self.0.frames_evacuated();
    }

    fn collected(&mut self) {
        self.0.collected();
    }
}

#[test]
fn idle_time_ends_where_a_source_remembers_slots_for_ever() {
    let mut machine = thinned(HeapConfig::new());
    let vector = machine.roots.words[0];
    let mut roots = Remembering(&mut machine.roots, vector);
    // So little time for each that the moving begins with a step of its own.
    let steps = (0..50_000).take_while(|_| machine.heap.step(1, &mut roots) == Progress::More).count();
    assert!(steps < 50_000);
    assert_eq!(machine.heap.stats().bytes_defragmented, 0);
    check(&mut machine);
}

/// To bring all of them up to date would be one long pause, so it stays.
#[test]
fn what_is_referred_to_from_everywhere_stays_where_it_is() {
    let mut machine = thinned(with_births_in_the_nursery());
    let popular = read(read(list_at(&machine, 999), 1), 1);
    machine.roots.push(popular);
    let (vectors, slots) = (20, 500);
    for _ in 0..vectors {
        let vector = machine.vector(slots).unwrap();
        let popular = machine.roots.words[2];
        // SAFETY: the vector is fresh.
        (0..slots).for_each(|index| unsafe { *slot(vector, index) = popular });
        machine.roots.push(vector);
    }
    machine.collect(CollectionKind::Minor);
    let before = machine.roots.words[2];
    rest(&mut machine);
    assert!(machine.heap.stats().bytes_defragmented > 1 << 20);
    for vector in &machine.roots.words[3..] {
        assert!((0..slots).all(|index| read(*vector, index) == machine.roots.words[2]));
    }
    assert_eq!(machine.roots.words[2], before);
    check(&mut machine);
}
