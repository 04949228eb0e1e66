//! Growing and shrinking in place, and where they must not.

use std::alloc::Layout;
use std::ptr::NonNull;
use terrane_arena::{Arena, ArenaStrategy};

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).expect("a small layout")
}

/// Memory with a pattern.
fn filled(arena: &Arena, size: usize) -> NonNull<u8> {
    let place = arena.alloc_layout(layout(size));
    for i in 0..size {
        // SAFETY: `size` bytes were just taken.
        unsafe { place.add(i).write(i as u8) };
    }
    place
}

fn assert_pattern(place: NonNull<u8>, size: usize) {
    // SAFETY: the callers have at least `size` bytes there, all written.
    assert!((0..size).all(|i| unsafe { place.add(i).read() } == i as u8));
}

#[test]
fn the_last_value_grows_and_shrinks_without_waste() {
    let arena = Arena::new();
    let place = filled(&arena, 24);
    // SAFETY: the place has this layout and is used through the result only; so below.
    let place = unsafe { arena.grow(place, layout(24), layout(200)) };
    assert_pattern(place, 24);
    assert_eq!(arena.used_bytes(), 200);
    // SAFETY: as above.
    let place = unsafe { arena.shrink(place, layout(200), layout(16)) };
    assert_pattern(place, 16);
    assert_eq!((arena.used_bytes(), arena.peak_bytes()), (16, 200));
}

#[test]
fn a_value_that_is_not_the_last_moves() {
    let arena = Arena::new();
    let place = filled(&arena, 24);
    let last = arena.alloc(7u64);
    // SAFETY: the place has this layout and is used through the result only.
    let grown = unsafe { arena.grow(place, layout(24), layout(48)) };
    assert_pattern(grown, 24);
    assert_eq!((*last, arena.used_bytes()), (7, 24 + 8 + 48));
}

#[test]
fn nothing_written_after_a_checkpoint_survives_a_rewind_by_growing_an_older_value_beyond_it() {
    let mut arena = Arena::new();
    let place = filled(&arena, 24);
    let checkpoint = arena.checkpoint();
    // SAFETY: the place has this layout and is used through the result only.
    let grown = unsafe { arena.grow(place, layout(24), layout(48)) };
    assert_ne!(grown.addr().get() + 48, place.addr().get() + 24, "not in place");
    assert_eq!(arena.used_bytes(), 24 + 48);
    arena.rewind(checkpoint).expect("a good checkpoint");
    assert_eq!(arena.used_bytes(), 24, "the old place is there still, the new one is not");
    assert_pattern(place, 24);
}

#[test]
fn a_value_of_before_a_checkpoint_does_not_give_back_what_the_checkpoint_stands_on() {
    let mut arena = Arena::new();
    let vec = {
        let mut vec = arena.vec();
        vec.push(1u64);
        vec
    };
    let checkpoint = arena.checkpoint();
    drop(vec);
    arena.alloc(2u64);
    arena.rewind(checkpoint).expect("a good checkpoint");
    arena.alloc(3u64);
    assert_eq!(arena.used_bytes(), 64 + 8);
}

#[test]
fn values_of_an_outer_frame_are_not_grown_into_an_inner_one() {
    let mut arena = Arena::new();
    let mut guard = arena.enter();
    let mut outer = guard.frame();
    let kept = outer.alloc_slice_copy(&[1u64, 2, 3]);
    outer.scope(|inner| {
        let mut vec = inner.vec();
        (0..100u64).for_each(|i| vec.push(i));
        assert_eq!(vec.into_slice().len(), 100);
    });
    outer.alloc([9u64; 4]);
    assert_eq!(kept, [1, 2, 3]);
}

#[test]
fn zeroed_memory_is_zero_where_values_were() {
    let mut arena = Arena::with_strategy(ArenaStrategy::new().poison(true));
    for _ in 0..3 {
        filled(&arena, 500);
        arena.reset();
        let place = arena.alloc_zeroed(layout(500));
        // SAFETY: 500 bytes were taken and written.
        assert!((0..500).all(|i| unsafe { place.add(i).read() } == 0));
        arena.reset();
    }
}

#[test]
fn layouts_at_the_end_of_the_address_space_are_refused_everywhere() {
    let mut arena = Arena::new();
    arena.alloc(1u64);
    let huge = Layout::from_size_align(isize::MAX as usize - 7, 8).expect("the largest");
    let aligned = Layout::from_size_align(isize::MAX as usize - 4095, 4096).expect("the largest");
    assert!(arena.try_alloc_layout(huge).is_err() && arena.try_alloc_zeroed(aligned).is_err());
    let place = filled(&arena, 24);
    // SAFETY: the place has this layout; the growth fails.
    assert!(unsafe { arena.try_grow(place, layout(24), huge) }.is_err());
    assert_pattern(place, 24);
    arena.scope(|frame| {
        assert!(frame.try_alloc_layout(huge).is_err() && frame.try_alloc_layout(aligned).is_err());
        assert_eq!(*frame.alloc(5), 5);
    });
    assert_eq!(arena.used_bytes(), 32);
}

#[test]
fn every_alignment_up_to_a_page_is_kept() {
    let mut arena = Arena::new();
    for shift in 0..=12 {
        let layout = Layout::from_size_align(3, 1 << shift).expect("a small layout");
        assert!(arena.alloc_layout(layout).addr().get().is_multiple_of(1 << shift));
        arena.scope(|frame| assert!(frame.alloc_layout(layout).addr().get().is_multiple_of(1 << shift)));
    }
}
