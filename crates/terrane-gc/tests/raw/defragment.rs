//! Old objects that are moved in idle time, so that memory is given back.

use terrane_base::Bytes;
use terrane_gc::raw::{CollectionKind, HeapConfig, Pretenuring, Progress, Word};

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
