//! What each kind of collection frees, moves and reports.

use std::cell::RefCell;
use std::num::NonZeroU64;
use std::rc::Rc;

use terrane_base::Bytes;
use terrane_gc::raw::{CollectionCause, CollectionKind, HeapConfig, LARGE_OBJECT_MIN, Pretenuring};

use crate::machine::Machine;
use crate::model::*;

fn small() -> HeapConfig {
    HeapConfig::new().nursery(Bytes::from_kib(64)).verify(true)
}

#[test]
fn a_list_longer_than_many_nurseries_survives() {
    let mut machine = Machine::new(small().pretenuring(Pretenuring::Off));
    machine.roots.push(integer(0));
    for round in 0..10 {
        machine.grow_list(0, 10_000).unwrap();
        machine.collect(CollectionKind::ALL[round % 3]);
    }
    assert_eq!(machine.list_len(0), 100_000);
    let stats = machine.heap.stats();
    assert!(stats.collections_of(CollectionKind::Minor).count > 20, "{stats:?}");
    assert_eq!(stats.old.bytes_now, 100_000 * 16);
    machine.roots.clear();
    let record = machine.collect(CollectionKind::Full);
    assert_eq!((record.freed_bytes, record.live_bytes), (100_000 * 16, 0));
}

#[test]
fn a_heap_of_a_few_bytes_is_collected_although_it_need_not_grow() {
    let mut machine = Machine::new(HeapConfig::new().growth_min(Bytes::ZERO).verify(true));
    machine.roots.push(integer(0));
    for len in 0..40 {
        machine.roots.set(0, integer(0));
        machine.grow_list(0, len).unwrap();
        machine.collect(CollectionKind::Full);
        assert_eq!(machine.list_len(0), len);
    }
}

#[test]
fn memory_of_the_dead_is_used_again() {
    // What is filled fast may grow by twice that.
    let mut machine =
        Machine::new(small().verify(false).growth_min(Bytes::from_mib(8)).populate_ahead(false));
    machine.roots.push(integer(0));
    for _ in 0..50 {
        machine.roots.set(0, integer(0));
        machine.grow_list(0, 100_000).unwrap();
    }
    let stats = machine.heap.stats();
    assert!(stats.old.bytes_total > 60_000_000, "{stats:?}");
    assert!(stats.committed_bytes < 40_000_000, "{stats:?}");
}

#[test]
fn lines_between_the_living_are_used_again() {
    let mut machine = Machine::new(small());
    // One of 64 pairs lives on: all blocks stay in use, most lines are free.
    for i in 0..200_000 {
        let word = machine.pair(integer(i), integer(i)).unwrap();
        machine.roots.push(word);
    }
    machine.collect(CollectionKind::Full);
    let mut index = 0;
    machine.roots.words.retain(|_| {
        index += 1;
        index % 64 == 0
    });
    machine.roots.watermark = 0;
    machine.collect(CollectionKind::Full);
    let before = machine.heap.stats();
    machine.roots.push(integer(0));
    let root = machine.roots.words.len() - 1;
    machine.grow_list(root, 100_000).unwrap();
    let after = machine.heap.stats();
    assert_eq!(before.committed_bytes, after.committed_bytes);
    assert_eq!(machine.list_len(root), 100_000);
    for (i, &word) in machine.roots.words[..root].iter().enumerate() {
        assert_eq!(read(word, 0), integer(i as u64 * 64 + 63));
    }
}

#[test]
fn large_objects_stay_in_place_and_are_freed_when_dead() {
    let mut machine = Machine::new(small());
    let slots = (LARGE_OBJECT_MIN - 8) / 8;
    for slots in [slots, slots + 1, 100_000, 262_000, 270_000, 700_000] {
        let vector = machine.vector(slots).unwrap();
        machine.roots.push(vector);
        let kept = machine.pair(integer(1), integer(slots as u64)).unwrap();
        let vector = *machine.roots.words.last().unwrap();
        machine.write(vector, slots - 1, kept);
    }
    let before = machine.roots.words.clone();
    for kind in CollectionKind::ALL {
        machine.collect(kind);
    }
    assert_eq!(machine.roots.words, before);
    for &vector in &before {
        // SAFETY: a live vector starts with its header.
        let slots = unsafe { *((vector.0 & !7) as *const u64) >> 8 } as usize;
        assert_eq!(read(read(vector, slots - 1), 1), integer(slots as u64));
    }
    machine.roots.clear();
    machine.collect(CollectionKind::Full);
    let stats = machine.heap.stats();
    assert_eq!((stats.large.bytes_now, stats.old.bytes_now), (0, 0));
}

#[test]
fn large_objects_come_zeroed_even_from_used_memory() {
    let mut machine = Machine::new(small().stress(NonZeroU64::new(1000)));
    for _ in 0..20 {
        let room = machine.heap.alloc(20_000, &mut machine.roots).unwrap();
        let word = headered(room.as_ptr() as usize);
        // SAFETY: fresh room of that size.
        unsafe {
            assert!((0..2500).all(|i| *(room.as_ptr() as *const u64).add(i) == 0));
            *(room.as_ptr() as *mut _) = bytes_header(2499);
            (0..2499).for_each(|i| *slot(word, i) = integer(!0 >> 4));
        }
        machine.collect(CollectionKind::Full);
    }
    assert_eq!(machine.heap.stats().large_objects_total, 20);
}

#[test]
fn an_evacuation_empties_the_frame_region() {
    let mut machine = Machine::new(small());
    let base = machine.roots.frame_top;
    machine.roots.marks.push(base);
    for i in 0..100 {
        let word = pair(machine.roots.frame_top);
        // SAFETY: room in the frame region.
        unsafe {
            *slot(word, 0) = integer(i);
            *slot(word, 1) = if i == 0 { integer(0) } else { machine.roots.words[0] };
        }
        machine.roots.frame_top += 16;
        machine.roots.clear();
        machine.roots.push(word);
    }
    machine.collect(CollectionKind::Minor);
    assert_eq!(machine.list_len(0), 100);
    assert!(
        machine.roots.words[0].0 as usize & !7 < machine.roots.frame_end,
        "a minor collection moves no frame"
    );
    let record = machine.collect(CollectionKind::Evacuate);
    assert_eq!(record.promoted_bytes, 1600);
    assert_eq!((machine.roots.frame_top, machine.list_len(0)), (base, 100));
}

#[test]
fn reserved_room_can_be_bumped_even_beyond_the_nursery() {
    for stress in [None, NonZeroU64::new(1)] {
        let mut machine = Machine::new(small().stress(stress));
        machine.roots.push(integer(0));
        machine.grow_list(0, 100).unwrap();
        for bytes in [160, 16 * 1024, 64 * 1024, 300_000, 1 << 20] {
            machine.heap.reserve(bytes, &mut machine.roots).unwrap();
            for _ in 0..bytes / 16 {
                let word = pair(machine.heap.bump(16).expect("reserved").as_ptr() as usize);
                // SAFETY: fresh room for a pair.
                unsafe {
                    *slot(word, 0) = integer(7);
                    *slot(word, 1) = machine.roots.words[0];
                }
                machine.roots.set(0, word);
            }
        }
        machine.collect(CollectionKind::Minor);
        let len = 100 + (160 + 16 * 1024 + 64 * 1024 + 300_000 + (1 << 20)) / 16;
        assert_eq!(machine.list_len(0), len);
    }
}

#[test]
fn the_observer_sees_every_collection_in_order() {
    let mut machine = Machine::new(small());
    let lines = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&lines);
    machine.heap.set_observer(Box::new(move |record| seen.borrow_mut().push(*record)));
    machine.roots.push(integer(0));
    machine.grow_list(0, 20_000).unwrap();
    machine.collect(CollectionKind::Full);
    let lines = lines.borrow();
    assert!(lines.iter().enumerate().all(|(i, record)| record.sequence == i as u64 + 1));
    assert_eq!(lines[0].cause, CollectionCause::NurseryFull);
    let last = lines.last().unwrap();
    assert_eq!((last.kind, last.cause), (CollectionKind::Full, CollectionCause::Requested));
    let promoted: u64 = lines.iter().map(|record| record.promoted_bytes).sum();
    assert_eq!(promoted, machine.heap.stats().bytes_copied);
    assert_eq!(machine.roots.collections, lines.len());
}

#[test]
fn statistics_add_up() {
    let mut machine = Machine::new(small().pretenuring(Pretenuring::Off));
    machine.roots.push(integer(0));
    machine.grow_list(0, 50_000).unwrap();
    let stats = machine.heap.stats();
    assert_eq!(stats.nursery.bytes_total, 50_000 * 16);
    assert_eq!(stats.old.bytes_now + stats.nursery.bytes_now, 50_000 * 16);
    assert_eq!(stats.old.bytes_total, stats.bytes_copied);
    assert!(stats.charged_bytes <= stats.limit_bytes);
    assert!(stats.metadata_bytes < stats.committed_bytes);
    let pauses = stats.collections_of(CollectionKind::Minor);
    assert!(pauses.pause_ns_max <= pauses.pause_ns_total);
}

/// A mark stack of one page, and vectors with more references than it holds: what was dropped is found again,
/// by copying and by marking, and no survivor is counted twice.
#[test]
fn the_mark_stack_may_overflow() {
    let mut machine = Machine::new(small().mark_stack(Bytes::new(1)));
    machine.roots.push(integer(0));
    for round in 0..8 {
        let vector = machine.vector(1000).unwrap();
        machine.roots.push(vector);
        machine.heap.reserve(32_000, &mut machine.roots).unwrap();
        let vector = machine.roots.words[1];
        for index in 0..1000 {
            let mut list = integer(index);
            for _ in 0..2 {
                let word = pair(machine.heap.bump(16).expect("reserved").as_ptr() as usize);
                // SAFETY: fresh room for a pair.
                unsafe {
                    *slot(word, 0) = integer(round);
                    *slot(word, 1) = list;
                }
                list = word;
            }
            machine.write(vector, index as usize, list);
        }
        let head = machine.pair(machine.roots.words[1], machine.roots.words[0]).unwrap();
        machine.roots.clear();
        machine.roots.push(head);
        machine.collect(CollectionKind::ALL[round as usize % 3]);
    }
    machine.collect(CollectionKind::Full);
    assert_eq!(machine.heap.stats().old.bytes_now, 8 * (8008 + 32_000 + 16));
    let mut word = machine.roots.words[0];
    for round in (0..8).rev() {
        let vector = read(word, 0);
        for index in 0..1000 {
            let list = read(vector, index);
            assert_eq!((read(list, 0), read(read(list, 1), 1)), (integer(round), integer(index as u64)));
        }
        word = read(word, 1);
    }
}

/// In stress mode a reference that was missed leads to poison, and not to the next object that happens to lie there.
#[test]
fn stress_mode_poisons_what_was_emptied() {
    let mut machine = Machine::new(small().stress(NonZeroU64::new(1000)));
    let before = machine.pair(integer(1), integer(2)).unwrap();
    machine.roots.push(before);
    machine.collect(CollectionKind::Minor);
    let after = machine.pair(integer(3), integer(4)).unwrap();
    assert_ne!(before, after);
    assert_eq!((read(before, 0).0, read(before, 1).0), (0xDBDB_DBDB_DBDB_DBDB, 0xDBDB_DBDB_DBDB_DBDB));
    machine.collect(CollectionKind::Full);
    assert_eq!(read(after, 0).0, 0xDBDB_DBDB_DBDB_DBDB);
}
