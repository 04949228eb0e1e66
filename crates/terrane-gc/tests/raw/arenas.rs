//! Arenas: lifetime, survivors, identifiers.

use std::num::NonZeroU64;

use terrane_base::Bytes;
use terrane_gc::raw::{ArenaError, ArenaId, CollectionKind, HeapConfig, Pretenuring};

use crate::machine::Machine;
use crate::model::*;

fn machine() -> Machine {
    Machine::new(HeapConfig::new().nursery(Bytes::from_kib(64)).young_range(Bytes::from_mib(64)).verify(true))
}

#[test]
fn what_is_not_referenced_dies_with_the_arena() {
    let mut machine = machine();
    let arena = machine.heap.arena_create(Bytes::new(1024)).unwrap();
    machine.heap.arena_enter(arena).unwrap();
    machine.roots.push(integer(0));
    machine.grow_list(0, 10_000).unwrap();
    machine.heap.arena_leave();
    assert_eq!(machine.heap.stats().arenas.bytes_now, 160_000);
    for kind in CollectionKind::ALL {
        machine.collect(kind);
    }
    assert_eq!(machine.heap.stats().old.bytes_now, 0, "arena objects do not move while the arena lives");
    // The tail of the list lives on.
    let mut word = machine.roots.words[0];
    for _ in 0..9_000 {
        word = read(word, 1);
    }
    machine.roots.set(0, word);
    let summary = machine.heap.arena_destroy(arena, &mut machine.roots).unwrap();
    assert_eq!((summary.survivors, summary.survivor_bytes, summary.bytes_freed), (1000, 16_000, 144_000));
    assert_eq!(machine.list_len(0), 1000);
    let stats = machine.heap.stats();
    assert_eq!((stats.arena_survivors, stats.arenas.bytes_now, stats.old.bytes_now), (1000, 0, 16_000));
}

/// An object that was born since the last collection may be written without the barrier, also where it was born in the
/// old space before the arena was made.
#[test]
fn a_pretenured_object_may_be_initialised_with_what_is_in_the_first_arena() {
    let config = HeapConfig::new().nursery(Bytes::from_kib(64)).young_range(Bytes::from_mib(64)).verify(true);
    let mut machine = Machine::new(config.pretenuring(Pretenuring::Always));
    machine.collect(CollectionKind::Minor);
    let holder = machine.pair(integer(1), integer(2)).unwrap();
    assert!(!machine.heap.young_range().contains(&(slot(holder, 0) as usize)), "born in the old space");
    machine.roots.push(holder);
    let arena = machine.heap.arena_create(Bytes::ZERO).unwrap();
    machine.heap.arena_enter(arena).unwrap();
    let held = machine.pair(integer(7), integer(8)).unwrap();
    machine.heap.arena_leave();
    // SAFETY: a slot of an object that no collection has seen.
    unsafe { *slot(holder, 0) = held };
    machine.heap.verify(&mut machine.roots).unwrap();
    let summary = machine.heap.arena_destroy(arena, &mut machine.roots).unwrap();
    assert_eq!(summary.survivors, 1);
    assert_eq!(read(read(machine.roots.words[0], 0), 1), integer(8));
    let next = machine.pair(integer(1), integer(2)).unwrap();
    assert!(machine.heap.young_range().contains(&(slot(next, 0) as usize)), "born in the nursery again");
}

#[test]
fn survivors_are_found_through_every_zone() {
    let mut machine = machine();
    let old = machine.vector(3).unwrap();
    machine.roots.push(old);
    let large = machine.vector(5000).unwrap();
    machine.roots.push(large);
    machine.collect(CollectionKind::Minor);
    let other = machine.heap.arena_create(Bytes::ZERO).unwrap();
    machine.heap.arena_enter(other).unwrap();
    let neighbour = machine.pair(integer(0), integer(0)).unwrap();
    machine.roots.push(neighbour);
    let arena = machine.heap.arena_create(Bytes::ZERO).unwrap();
    machine.heap.arena_enter(arena).unwrap();
    let inside: Vec<_> = (0..5).map(|i| machine.pair(integer(i), integer(i)).unwrap()).collect();
    machine.heap.arena_leave();
    machine.heap.arena_leave();
    let (old, large) = (machine.roots.words[0], machine.roots.words[1]);
    machine.write(old, 0, inside[0]);
    machine.write(large, 4000, inside[1]);
    machine.write(neighbour, 0, inside[2]);
    let young = machine.pair(inside[3], integer(0)).unwrap();
    machine.roots.push(young);
    // The edges outlive other collections.
    for kind in CollectionKind::ALL {
        machine.collect(kind);
    }
    let summary = machine.heap.arena_destroy(arena, &mut machine.roots).unwrap();
    assert_eq!(summary.survivors, 4);
    let word = |index: usize| machine.roots.words[index];
    assert_eq!(read(read(word(0), 0), 1), integer(0));
    assert_eq!(read(read(word(1), 4000), 1), integer(1));
    assert_eq!(read(read(word(2), 0), 1), integer(2));
    assert_eq!(read(read(word(3), 0), 1), integer(3));
    machine.heap.verify(&mut machine.roots).unwrap();
}

#[test]
fn identifiers_of_destroyed_arenas_stay_dead() {
    let mut machine = machine();
    let first = machine.heap.arena_create(Bytes::from_kib(1)).unwrap();
    assert!(machine.heap.arena_live(first));
    machine.heap.arena_destroy(first, &mut machine.roots).unwrap();
    let second = machine.heap.arena_create(Bytes::from_kib(1)).unwrap();
    assert!(!machine.heap.arena_live(first));
    assert!(machine.heap.arena_live(second));
    assert_ne!(first, second);
    assert_eq!(machine.heap.arena_enter(first), Err(ArenaError::Destroyed));
    assert_eq!(machine.heap.arena_destroy(first, &mut machine.roots).unwrap_err(), ArenaError::Destroyed);
    assert!(machine.heap.arena_live(ArenaId::from_bits(second.to_bits())));
    for bits in [0, 1, !0, 1 << 32, second.to_bits() + (1 << 32)] {
        assert!(!machine.heap.arena_live(ArenaId::from_bits(bits)), "{bits:#x}");
    }
}

#[test]
fn an_arena_in_use_is_not_destroyed() {
    let mut machine = machine();
    let arena = machine.heap.arena_create(Bytes::from_kib(1)).unwrap();
    machine.heap.arena_enter(arena).unwrap();
    machine.heap.arena_enter(arena).unwrap();
    machine.heap.arena_leave();
    assert_eq!(machine.heap.arena_destroy(arena, &mut machine.roots).unwrap_err(), ArenaError::Entered);
    machine.heap.arena_leave();
    machine.heap.arena_destroy(arena, &mut machine.roots).unwrap();
    machine.heap.arena_leave();
    assert!(machine.pair(integer(0), integer(0)).is_ok());
}

#[test]
fn many_short_arenas_cost_no_more_memory_than_one() {
    let mut machine = Machine::new(
        HeapConfig::new().young_range(Bytes::from_mib(64)).stress(NonZeroU64::new(1001)).verify(false),
    );
    machine.roots.push(integer(0));
    for kib in 0..2000 {
        let arena = machine.heap.arena_create(Bytes::from_kib(kib % 700)).unwrap();
        machine.heap.arena_enter(arena).unwrap();
        machine.roots.set(0, integer(0));
        machine.grow_list(0, 100).unwrap();
        machine.heap.arena_leave();
        machine.roots.set(0, integer(0));
        machine.heap.arena_destroy(arena, &mut machine.roots).unwrap();
    }
    let stats = machine.heap.stats();
    assert_eq!((stats.arenas_created, stats.arenas_destroyed), (2000, 2000));
    assert_eq!(stats.arenas.bytes_total, 2000 * 1600);
    assert!(stats.committed_bytes < 40 << 20, "{stats:?}");
}

/// Large objects made while an arena is entered do not belong to it.
#[test]
fn large_objects_are_not_in_the_arena() {
    let mut machine = machine();
    let arena = machine.heap.arena_create(Bytes::ZERO).unwrap();
    machine.heap.arena_enter(arena).unwrap();
    let vector = machine.vector(5000).unwrap();
    machine.roots.push(vector);
    machine.heap.arena_leave();
    let summary = machine.heap.arena_destroy(arena, &mut machine.roots).unwrap();
    assert_eq!(summary.survivors, 0);
    assert_eq!(machine.roots.words, [vector]);
    assert_eq!(machine.heap.stats().large.bytes_now, 40_008);
}
