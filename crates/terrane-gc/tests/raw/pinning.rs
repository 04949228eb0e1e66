//! Pinning, bytes outside the heap, the switch, and slots in side blocks.

use terrane_base::{Bytes, MemoryError};
use terrane_gc::raw::{CollectionCause, CollectionKind, CorruptionKind, HeapConfig, Pretenuring, Word};

use crate::machine::Machine;
use crate::model::*;

fn machine() -> Machine {
    Machine::new(HeapConfig::new().nursery(Bytes::from_kib(64)).verify(true))
}

fn pin(machine: &mut Machine, word: Word) -> Word {
    // SAFETY: the tests pin live objects.
    unsafe { machine.heap.pin(word, &mut machine.roots) }.unwrap()
}

#[test]
fn a_pinned_object_lives_and_stays_until_it_was_unpinned_as_often() {
    let mut machine = machine();
    let young = machine.pair(integer(1), integer(2)).unwrap();
    let pinned = pin(&mut machine, young);
    assert_ne!(pinned, young);
    assert_eq!(pin(&mut machine, pinned), pinned, "an old object is pinned where it is");
    assert_eq!((machine.heap.pin_count(pinned), machine.heap.pinned_objects()), (2, 1));
    machine.roots.push(pinned);
    machine.roots.clear();
    for _ in 0..2 {
        assert_eq!(machine.collect(CollectionKind::Full).live_bytes, 16);
        assert_eq!((read(pinned, 0), read(pinned, 1)), (integer(1), integer(2)));
        assert!(machine.heap.unpin(pinned));
    }
    assert!(!machine.heap.unpin(pinned));
    assert_eq!(machine.collect(CollectionKind::Full).live_bytes, 0);
    assert_eq!(machine.heap.pin_count(pinned), 0);
    assert_eq!(pin(&mut machine, integer(3)), integer(3));
}

#[test]
fn the_verifier_follows_what_only_a_pin_holds() {
    let mut machine = machine();
    let object = machine.pair(integer(1), integer(2)).unwrap();
    let pinned = pin(&mut machine, object);
    let young = machine.pair(integer(3), integer(4)).unwrap();
    machine.heap.verify(&mut machine.roots).unwrap();
    for (wrong, kind) in [(young, CorruptionKind::NotRemembered), (pair(1 << 20), CorruptionKind::Foreign)] {
        // SAFETY: a slot of a live object. Nothing is collected while the reference is wrong.
        unsafe { *slot(pinned, 1) = wrong };
        let found = machine.heap.verify(&mut machine.roots).unwrap_err();
        assert_eq!(found.kind, kind, "{found}");
        // SAFETY: as above.
        unsafe { *slot(pinned, 1) = integer(2) };
    }
    machine.collect(CollectionKind::Full);
    machine.heap.verify(&mut machine.roots).unwrap();
}

#[test]
fn an_object_in_a_frame_is_evacuated_and_one_in_an_arena_refused() {
    let mut machine = machine();
    let frame = pair(machine.roots.frame_top);
    // SAFETY: room in the frame region.
    unsafe { (*slot(frame, 0), *slot(frame, 1)) = (integer(4), integer(5)) };
    machine.roots.frame_top += 16;
    let pinned = pin(&mut machine, frame);
    assert_eq!((read(pinned, 1), machine.roots.evacuations), (integer(5), 1));
    let arena = machine.heap.arena_create(Bytes::from_kib(64)).unwrap();
    machine.heap.arena_enter(arena).unwrap();
    let word = machine.pair(integer(1), integer(2)).unwrap();
    // SAFETY: the object is live.
    let refused = unsafe { machine.heap.pin(word, &mut machine.roots) };
    assert!(matches!(refused, Err(MemoryError::InvalidObject { .. })), "{refused:?}");
}

#[test]
fn objects_born_pinned_may_refer_to_young_ones_and_die_when_nothing_refers_to_them() {
    let mut machine = machine();
    let mut addresses = Vec::new();
    for i in 0..3000_u64 {
        let young = machine.pair(integer(i), integer(0)).unwrap();
        machine.roots.push(young);
        let size = headered_size(3);
        let room = machine.heap.alloc_pinned(size, &mut machine.roots).unwrap();
        let vector = headered(room.as_ptr() as usize);
        // SAFETY: fresh room for a vector of three slots, which came cleared.
        unsafe {
            assert_eq!(room.cast::<[u64; 4]>().read(), [0; 4]);
            *(room.as_ptr().cast::<Word>()) = vector_header(3);
            *slot(vector, 0) = *machine.roots.words.last().unwrap();
        }
        let last = machine.roots.words.len() - 1;
        machine.roots.set(last, vector);
        addresses.push(vector);
    }
    machine.collect(CollectionKind::Minor);
    machine.collect(CollectionKind::Full);
    assert_eq!(machine.roots.words, addresses);
    for (i, &vector) in addresses.iter().enumerate() {
        assert_eq!(read(read(vector, 0), 0), integer(i as u64));
    }
    machine.roots.clear();
    assert_eq!(machine.collect(CollectionKind::Full).live_bytes, 0);
}

#[test]
fn pinned_births_end_at_the_limit_in_an_error() {
    let mut machine = Machine::new(HeapConfig::new().limit(Bytes::from_mib(16)).verify(true));
    let error = loop {
        match machine.heap.alloc_pinned(headered_size(1000), &mut machine.roots) {
            Ok(room) => {
                // SAFETY: fresh room.
                unsafe { *room.as_ptr().cast::<Word>() = vector_header(1000) };
                machine.roots.push(headered(room.as_ptr() as usize));
            }
            Err(error) => break error,
        }
    };
    assert!(matches!(error, MemoryError::OutOfMemory { .. }), "{error}");
    assert!(machine.roots.words.len() > 400, "{}", machine.roots.words.len());
    machine.roots.clear();
    machine
        .heap
        .alloc_pinned(headered_size(1), &mut machine.roots)
        .map(|room| {
            // SAFETY: fresh room.
            unsafe { *room.as_ptr().cast::<Word>() = vector_header(1) };
        })
        .unwrap();
    machine.collect(CollectionKind::Full);
}

/// Small objects that keep much alive outside bring collections about long before the nursery is full.
#[test]
fn external_bytes_bring_collections_about_and_count_against_the_limit() {
    let mut machine = Machine::new(HeapConfig::new().limit(Bytes::from_mib(256)));
    machine.roots.push(integer(0));
    for _ in 0..100 {
        machine.grow_list(0, 1).unwrap();
        machine.heap.charge_external(1 << 20);
    }
    assert!(machine.heap.stats().collections_of(CollectionKind::Minor).count > 2);
    assert!(machine.heap.stats().collections_of(CollectionKind::Full).count > 0);
    machine.heap.charge_external(1 << 30);
    let error = machine.grow_list(0, 100_000).unwrap_err();
    assert!(matches!(error, MemoryError::OutOfMemory { .. }), "{error}");
    machine.heap.charge_external(-(1 << 30));
    let before = machine.list_len(0);
    machine.grow_list(0, 100_000).unwrap();
    assert_eq!(machine.list_len(0), before + 100_000);
    assert_eq!(machine.heap.external_bytes(), 100 << 20);
}

#[test]
fn switched_off_the_heap_grows_until_it_must_collect() {
    let config = HeapConfig::new().limit(Bytes::from_mib(64)).pretenuring(Pretenuring::Off);
    let mut machine = Machine::new(config.verify(true));
    machine.heap.set_enabled(false);
    machine.roots.push(integer(0));
    // Eight nurseries, and nothing moves.
    machine.grow_list(0, 1).unwrap();
    let first = machine.roots.words[0];
    machine.grow_list(0, (8 << 20) / 16).unwrap();
    assert_eq!(machine.heap.stats().collections.map(|kind| kind.count), [0; 3]);
    assert_eq!((read(first, 1), machine.list_len(0)), (integer(0), (8 << 20) / 16 + 1));
    machine.heap.set_enabled(true);
    machine.roots.set(0, integer(0));
    machine.grow_list(0, 1 << 20).unwrap();
    assert!(machine.heap.stats().collections_of(CollectionKind::Minor).count > 4);
    machine.heap.set_enabled(false);
    let error = machine.grow_list(0, u64::MAX).unwrap_err();
    assert!(matches!(error, MemoryError::OutOfMemory { .. }), "{error}");
    machine.roots.set(0, integer(0));
    machine.grow_list(0, 1 << 18).unwrap();
}

/// Slots in a side block are visited and remembered wherever their owner lies.
#[test]
fn hidden_slots_are_slots() {
    for words in [2, 100, 600_000] {
        let mut machine = machine();
        let mut buffer = vec![integer(0); 50].into_boxed_slice();
        let owner = machine.side_owner(words, &mut buffer).unwrap();
        machine.roots.push(owner);
        for round in 0..4_u64 {
            let young = machine.pair(integer(round), integer(9)).unwrap();
            let owner = machine.roots.words[0];
            // SAFETY: the owner is live, and the slot one of its hidden ones.
            unsafe { machine.heap.record(owner, &raw mut buffer[33], young) };
            buffer[33] = young;
            machine.collect(if round == 2 { CollectionKind::Full } else { CollectionKind::Minor });
            assert_eq!(read(buffer[33], 0), integer(round), "{words}");
        }
        let expected = if words > 1000 { integer(0) } else { machine.roots.words[0] };
        assert_eq!(buffer[49], expected, "the model was told of the move; large objects do not move");
    }
}

#[test]
fn a_store_into_a_hidden_slot_of_a_scanned_arena_object_is_logged() {
    let mut machine = machine();
    let mut buffer = vec![integer(0); 50].into_boxed_slice();
    let arena = machine.heap.arena_create(Bytes::from_kib(64)).unwrap();
    machine.heap.arena_enter(arena).unwrap();
    let owner = machine.side_owner(2, &mut buffer).unwrap();
    machine.roots.push(owner);
    machine.heap.arena_leave();
    machine.collect(CollectionKind::Minor);
    let young = machine.pair(integer(3), integer(9)).unwrap();
    // SAFETY: the owner is live, and the slot one of its hidden ones.
    unsafe { machine.heap.record(owner, &raw mut buffer[0], young) };
    buffer[0] = young;
    // The owner may give its side block another place before the next collection.
    let mut larger = buffer.clone();
    // SAFETY: the first payload word of the owner is its side block's address.
    unsafe { *slot(owner, 0) = Word(larger.as_mut_ptr() as u64) };
    machine.heap.verify(&mut machine.roots).unwrap();
    machine.collect(CollectionKind::Minor);
    assert_eq!(read(larger[0], 0), integer(3));
    assert_eq!(buffer[0], young, "nothing writes where the slots were");
    let record = machine.collect(CollectionKind::Minor);
    assert_eq!(record.cause, CollectionCause::Requested);
}
