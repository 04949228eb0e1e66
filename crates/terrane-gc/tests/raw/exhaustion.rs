//! The limit, and pages that are refused: always an error, never damage.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use terrane_base::{Bytes, MemoryError};
use terrane_gc::raw::{CollectionKind, HeapConfig, LARGE_OBJECT_MAX};
use terrane_pages::{FaultyPages, HeapPages, system_pages};

use crate::machine::Machine;
use crate::model::*;
use crate::properties::op;
use crate::shadow::{Op, Shadow};

fn limited(limit: Bytes) -> Machine {
    Machine::new(HeapConfig::new().limit(limit).verify(true))
}

#[test]
fn a_heap_that_is_full_says_so_and_goes_on_afterwards() {
    let mut machine = limited(Bytes::from_mib(16));
    machine.roots.push(integer(0));
    let mut lengths = Vec::new();
    for _ in 0..3 {
        let error = machine.grow_list(0, u64::MAX).unwrap_err();
        assert!(
            matches!(error, MemoryError::OutOfMemory { requested, .. } if requested == Bytes::new(16)),
            "{error}"
        );
        let len = machine.list_len(0);
        lengths.push(len);
        // What lives is at least a third of the limit; the rest is the young range and the copy reserve.
        assert!(len * 16 > 5 << 20, "{len}");
        // A rest of the nursery is left for whoever handles the error; then it is full again.
        assert!(machine.grow_list(0, 20_000).is_err());
        assert!(machine.heap.stats().charged_bytes <= 16 << 20);
        machine.heap.verify(&mut machine.roots).unwrap();
        machine.roots.set(0, integer(0));
    }
    // Nothing is lost from one time to the next, but for blocks that are partly filled.
    assert!(lengths.iter().all(|&len| len.abs_diff(lengths[0]) < lengths[0] / 16), "{lengths:?}");
    machine.grow_list(0, 1000).unwrap();
}

#[test]
fn large_objects_count_against_the_limit() {
    let mut machine = limited(Bytes::from_mib(64));
    let mut vectors = 0;
    let error = loop {
        match machine.vector(130_000) {
            Ok(vector) => machine.roots.push(vector),
            Err(error) => break error,
        }
        vectors += 1;
    };
    assert!(
        matches!(error, MemoryError::OutOfMemory { requested, available }
        if requested == Bytes::new(1_040_008) && available < requested),
        "{error}"
    );
    assert!((35..64).contains(&vectors), "{vectors}");
    machine.roots.swap_remove(0);
    machine.vector(130_000).unwrap();
    machine.roots.clear();
    machine.vector(3_000_000).unwrap();
}

#[test]
fn what_can_never_fit_is_told_apart() {
    let mut machine = limited(Bytes::from_mib(64));
    for size in [65 << 20, usize::MAX & !7, LARGE_OBJECT_MAX + 8] {
        let error = machine.heap.alloc(size, &mut machine.roots).unwrap_err();
        assert!(matches!(error, MemoryError::AllocationTooLarge { .. }), "{error}");
    }
    let error = machine.heap.reserve(usize::MAX / 2, &mut machine.roots).unwrap_err();
    assert!(matches!(error, MemoryError::AllocationTooLarge { .. }), "{error}");
    assert_eq!(machine.heap.stats().collections_of(CollectionKind::Full).count, 0);
}

#[test]
fn a_limit_below_the_least_heap_is_refused() {
    for kib in [0, 1, 64, 256, 700] {
        let made = Machine::try_new(HeapConfig::new().limit(Bytes::from_kib(kib)));
        assert!(matches!(made.err(), Some(MemoryError::OutOfMemory { .. })), "{kib}");
    }
    Machine::new(HeapConfig::new().limit(Bytes::from_mib(2)));
}

#[test]
fn no_configuration_panics() {
    let sizes = [Bytes::ZERO, Bytes::new(1), Bytes::from_mib(8), Bytes::from_gib(1 << 20), Bytes::MAX];
    for size in sizes {
        let small = size.min(Bytes::from_mib(8));
        for config in [
            HeapConfig::new().nursery(size),
            HeapConfig::new().frame_region(size),
            HeapConfig::new().young_range(size),
            HeapConfig::new().remembered_set(size),
            HeapConfig::new().mark_stack(small),
            HeapConfig::new().nursery(size).frame_region(size).young_range(size).limit(size),
            HeapConfig::new().limit(Bytes::MAX).young_range(size),
        ] {
            if let Ok(mut machine) = Machine::try_new(config) {
                machine.roots.push(integer(0));
                machine.grow_list(0, 3000).unwrap();
                machine.collect(CollectionKind::Full);
                assert_eq!(machine.list_len(0), 3000);
            }
        }
    }
}

#[test]
fn pages_of_any_size_make_a_heap_or_an_error() {
    for shift in 4..usize::BITS {
        let pages = HeapPages::with_page_size(1 << shift).unwrap();
        let config = HeapConfig::new().nursery(Bytes::from_kib(16)).limit(Bytes::from_mib(16)).verify(true);
        if let Ok(mut machine) = Machine::try_new(config.pages(Arc::new(pages))) {
            machine.roots.push(integer(0));
            machine.grow_list(0, 3000).unwrap();
            let arena = machine.heap.arena_create(Bytes::from_kib(100)).unwrap();
            machine.heap.arena_enter(arena).unwrap();
            machine.grow_list(0, 3000).unwrap();
            machine.heap.arena_leave();
            machine.heap.arena_destroy(arena, &mut machine.roots).unwrap();
            machine.collect(CollectionKind::Full);
            assert_eq!(machine.list_len(0), 6000);
        } else {
            assert!(shift > 16, "pages of {} bytes", 1_u64 << shift);
        }
    }
}

/// Frames full of live objects, with no room to move them: an error, and the frames are as they were.
#[test]
fn an_evacuation_without_room_moves_nothing() {
    let mut machine = limited(Bytes::from_mib(16));
    machine.roots.push(integer(0));
    machine.grow_list(0, u64::MAX).unwrap_err();
    machine.roots.push(integer(0));
    let mut moved = 0;
    // Each round fills the frame region with a live list and evacuates it, until the heap is full.
    let full = loop {
        while machine.roots.frame_top + 16 <= machine.roots.frame_end {
            let word = pair(machine.roots.frame_top);
            // SAFETY: room in the frame region.
            unsafe {
                *slot(word, 0) = integer(1);
                *slot(word, 1) = machine.roots.words[1];
            }
            machine.roots.frame_top += 16;
            machine.roots.set(1, word);
        }
        let before = machine.roots.words.clone();
        match machine.heap.collect(CollectionKind::Evacuate, &mut machine.roots) {
            Ok(_) => moved += 1,
            Err(error) => {
                assert_eq!(machine.roots.words, before);
                break error;
            }
        }
    };
    assert!(matches!(full, MemoryError::OutOfMemory { .. }), "{full}");
    let frame_pairs = (machine.roots.frame_end - machine.roots.frame_base) as u64 / 16;
    assert_eq!(machine.list_len(1), (moved + 1) * frame_pairs);
    machine.heap.verify(&mut machine.roots).unwrap();
    machine.roots.set(0, integer(0));
    machine.collect(CollectionKind::Full);
    machine.collect(CollectionKind::Evacuate);
    assert_eq!(machine.list_len(1), (moved + 1) * frame_pairs);
}

/// Large objects must not take the blocks that are held for what may survive in the frame region.
#[test]
fn large_objects_leave_the_copy_reserve_alone() {
    let mut machine = limited(Bytes::from_mib(16));
    machine.roots.push(integer(0));
    while machine.roots.frame_top + 16 <= machine.roots.frame_end {
        let word = pair(machine.roots.frame_top);
        // SAFETY: room in the frame region.
        unsafe {
            *slot(word, 0) = integer(1);
            *slot(word, 1) = machine.roots.words[0];
        }
        machine.roots.frame_top += 16;
        machine.roots.set(0, word);
    }
    let len = machine.list_len(0);
    while let Ok(vector) = machine.vector(2000) {
        machine.roots.push(vector);
    }
    assert_eq!(machine.list_len(0), len);
    assert_eq!(machine.roots.frame_top, machine.roots.frame_base, "the ladder moved the frames");
}

/// A program that allocates in every zone, always the same.
fn fixed_program() -> Vec<Op> {
    let mut runner = TestRunner::deterministic();
    prop::collection::vec(op(), 250).new_tree(&mut runner).expect("a program").current()
}

fn faulty_config(pages: Arc<dyn terrane_pages::PageSource>) -> HeapConfig {
    HeapConfig::new()
        .nursery(Bytes::from_kib(16))
        .frame_region(Bytes::from_kib(64))
        .young_range(Bytes::from_mib(16))
        .limit(Bytes::from_mib(64))
        .remembered_set(Bytes::from_kib(64))
        .mark_stack(Bytes::from_kib(64))
        .pages(pages)
        .verify(true)
}

fn fails_in_turn<P: terrane_pages::PageSource + 'static>(make: impl Fn() -> P) {
    let program = fixed_program();
    let pages = Arc::new(FaultyPages::new(make()));
    let mut shadow = Shadow::new(faulty_config(pages.clone())).expect("a heap");
    shadow.run(&program);
    let requests = pages.requests();
    assert!(requests > 10, "{requests}");
    for n in 1..=requests {
        for on in [false, true] {
            let pages = Arc::new(FaultyPages::new(make()));
            if on {
                pages.fail_from(n)
            } else {
                pages.fail_nth(n)
            };
            // Not having a heap at all is an error like others.
            if let Ok(mut shadow) = Shadow::new(faulty_config(pages.clone())) {
                shadow.run(&program);
                pages.fail_none();
                shadow.run(&program);
            }
        }
    }
}

#[test]
fn every_page_request_may_fail() {
    fails_in_turn(system_pages);
}

#[test]
fn every_page_request_may_fail_on_the_global_allocator() {
    fails_in_turn(HeapPages::new);
}
