//! What the documentation promises and the model does not show.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use terrane_arena::{
    Arena, ArenaStrategy, Budget, Bytes, CheckpointError, LocalArena, MemoryError, Overflow,
};

struct CountsDrops<'a>(&'a Cell<u32>);

impl Drop for CountsDrops<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn destructors_do_not_run() {
    let drops = Cell::new(0);
    let mut arena = Arena::new();
    arena.alloc(CountsDrops(&drops));
    arena.reset();
    arena.alloc(CountsDrops(&drops));
    drop(arena);
    assert_eq!(drops.get(), 0);
}

#[test]
fn a_value_that_finds_no_room_is_dropped() {
    let drops = Cell::new(0);
    let arena = Arena::new().with_limit(Bytes::ZERO);
    assert!(arena.try_alloc(CountsDrops(&drops)).is_err());
    assert_eq!(drops.get(), 1);
}

#[test]
fn zero_sized_values_need_no_memory() {
    #[repr(align(4096))]
    struct Nothing;
    let arena = Arena::new().with_limit(Bytes::ZERO);
    let nothing: *const Nothing = arena.alloc(Nothing);
    assert!(nothing.addr().is_multiple_of(4096));
    assert_eq!(arena.alloc_slice_fill_with(5, |_| ()).len(), 5);
    assert_eq!(arena.alloc_str(""), "");
    assert_eq!(arena.alloc_slice_copy::<Nothing2>(&[]).len(), 0);
    assert_eq!(arena.stats(), Arena::new().stats());

    #[derive(Clone, Copy)]
    #[repr(align(8192))]
    struct Nothing2;
}

#[test]
fn the_first_block_has_the_size_that_was_asked_for() {
    for (asked, given) in [(0, 1024), (1024, 1024), (5000, 5008), (1 << 40, 16 << 20)] {
        let mut arena = Arena::new().with_first_block(Bytes::new(asked));
        for _ in 0..2 {
            assert_eq!(arena.committed_bytes(), 0, "no memory before the first value");
            arena.alloc(1u8);
            assert_eq!((arena.committed_bytes(), arena.blocks()), (given, 1));
            arena.release();
        }
    }
}

#[test]
fn blocks_double() {
    let arena = Arena::new();
    for _ in 0..100_000 {
        arena.alloc(0u64);
    }
    assert!(arena.blocks() <= 11, "{} blocks for 800 kB", arena.blocks());
}

#[test]
fn a_large_value_among_small_ones_wastes_nothing() {
    let arena = Arena::new();
    let before = std::ptr::from_mut(arena.alloc(1u64)).addr();
    let large = arena.alloc_slice_fill_with(1 << 20, |i| i as u8);
    large[12345] = 0;
    let after = std::ptr::from_mut(arena.alloc(2u64)).addr();
    assert_eq!(after, before - 8, "bumping goes on in the old block");
    assert!(arena.committed_bytes() < (1 << 20) + 2000);
}

#[test]
fn a_limit_is_used_up_before_anything_is_refused() {
    let arena = Arena::new().with_limit(Bytes::new(10_000));
    let values = std::iter::from_fn(|| arena.try_alloc(0u64).ok()).count();
    assert!(arena.committed_bytes() <= 10_000);
    assert!(values * 8 > 9_500, "{values} values");
    let Err(MemoryError::OutOfMemory { requested, available }) = arena.try_alloc([0u8; 500]) else {
        panic!("refused with figures");
    };
    assert!(requested >= Bytes::new(500) && available < requested);
}

#[test]
fn idle_blocks_make_room_below_a_limit() {
    let mut arena = Arena::new().with_limit(Bytes::new(10_000));
    arena.scope(|arena| while arena.try_alloc(0u64).is_ok() {});
    assert!(arena.try_alloc([0u8; 8_500]).is_ok(), "no spare block is as large, so they are given back");
}

#[test]
fn an_arena_that_is_reset_again_and_again_settles_in_one_block() {
    for values in [20, 1_000, 8_000, 50_000] {
        let mut arena = Arena::new();
        let mut round = || {
            let first = std::ptr::from_mut(arena.alloc(0u64)).addr();
            let last = (1..values).map(|i| std::ptr::from_mut(arena.alloc(i)).addr()).last();
            arena.reset();
            (last == Some(first - (values as usize - 1) * 8), arena.committed_bytes())
        };
        round();
        let (_, second) = round();
        assert_eq!(round(), (true, second), "{values} values lie in one row from the third round on");
        assert!(second <= values as usize * 8 * 4 + 1024);
    }
}

#[test]
fn scopes_in_a_loop_reuse_the_same_memory() {
    let mut arena = Arena::new();
    let round = |arena: &mut Arena| {
        arena.scope(|arena| {
            for i in 0..1000u64 {
                arena.alloc(i);
            }
        });
        arena.committed_bytes()
    };
    let first = round(&mut arena);
    assert!((0..100).all(|_| round(&mut arena) == first));
    assert_eq!((arena.used_bytes(), arena.peak_bytes()), (0, 8000));
}

#[test]
fn a_scope_that_panics_is_left_all_the_same() {
    let mut arena = Arena::new();
    arena.alloc(1u64);
    let result = catch_unwind(AssertUnwindSafe(|| {
        arena.scope(|arena| {
            arena.alloc_slice_fill_with(10, |i| if i < 5 { i } else { panic!("half way") });
        })
    }));
    assert!(result.is_err());
    assert_eq!(arena.used_bytes(), 8);
    assert_eq!(*arena.alloc(5), 5);
}

#[test]
fn a_foreign_checkpoint_is_refused_even_at_an_equal_place() {
    let (one, mut other) = (Arena::new(), Arena::new());
    let checkpoint = one.checkpoint();
    let _ = other.checkpoint();
    assert_eq!(other.rewind(checkpoint), Err(CheckpointError::Foreign));
}

#[test]
fn a_stale_checkpoint_is_refused_though_the_arena_has_grown_past_it_again() {
    let mut arena = Arena::new();
    let early = arena.checkpoint();
    arena.alloc(1u64);
    let late = arena.checkpoint();
    arena.rewind(early).expect("the newest good checkpoint but one");
    arena.alloc([2u64; 10]);
    let newer = arena.checkpoint();
    assert_eq!(arena.rewind(late), Err(CheckpointError::Stale));
    assert_eq!(arena.rewind(newer), Ok(()));
    assert_eq!(arena.used_bytes(), 80);
}

#[test]
fn values_may_be_made_while_another_is_being_made() {
    let arena = Arena::new();
    let outer = arena.alloc_with(|| (1, &*arena.alloc_str("inner"), arena.alloc_slice_fill_with(900, |i| i)));
    assert_eq!((outer.0, outer.1, outer.2[899]), (1, "inner", 899));
}

#[test]
fn an_arena_moves_between_threads_with_its_memory() {
    let mut arena = Arena::new();
    arena.alloc([1u64; 200]);
    let committed = arena.committed_bytes();
    let arena = std::thread::spawn(move || {
        arena.reset();
        arena.alloc([2u64; 100]);
        arena
    })
    .join()
    .expect("the thread");
    assert_eq!((arena.committed_bytes(), arena.used_bytes()), (committed, 800));
}

#[test]
fn what_is_given_back_is_poisoned_whoever_gives_it() {
    let read = |stale: *const u64| {
        // SAFETY: the block is still there, and any bytes are a `u64`.
        unsafe { stale.read() }
    };
    // Under the sanitizer the reads themselves would stop the test.
    if cfg!(terrane_asan) {
        return;
    }
    let mut arena = Arena::with_strategy(ArenaStrategy::new().poison(true));
    arena.alloc(1u64);
    let mut vec = arena.vec();
    (0..20).for_each(|_| vec.push(42u64));
    let stale = vec.as_ptr();
    drop(vec);
    assert_ne!(read(stale), 42, "a vector at the low end");
    let layout = std::alloc::Layout::new::<[u64; 20]>();
    let place = arena.alloc_layout(layout).cast::<u64>();
    // SAFETY: the memory is there and large enough.
    unsafe { place.write(42) };
    // SAFETY: it is of that layout, and not used any more.
    unsafe { arena.shrink(place.cast(), layout, std::alloc::Layout::new::<u64>()) };
    assert_ne!(read(place.as_ptr()), 42, "what was cut off");
    let stale = arena.scope(|frame| &raw const *frame.alloc(42u64));
    assert_ne!(read(stale), 42, "a frame that is not the lowest");
}

#[test]
fn a_refusal_that_a_value_swallows_is_reported_all_the_same() {
    struct Heedless;
    impl std::fmt::Display for Heedless {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            let _ = f.write_str(&"x".repeat(5_000));
            Ok(())
        }
    }
    let arena = Arena::new().with_limit(Bytes::from_kib(2));
    assert!(arena.try_alloc_fmt(format_args!("ab{Heedless}cd")).is_err());
}

#[test]
fn what_no_block_could_take_is_refused_whatever_its_alignment() {
    let strategy = ArenaStrategy::new().max_block(Bytes::from_kib(1)).overflow(Overflow::Refuse);
    let layout = std::alloc::Layout::from_size_align(8, 4096).unwrap();
    let arena = Arena::with_strategy(strategy);
    let refused = arena.try_alloc_layout(layout);
    assert!(matches!(refused, Err(MemoryError::AllocationTooLarge { max, .. }) if max <= Bytes::from_kib(1)));
}

#[test]
fn records_of_forgotten_frames_go_with_a_rewind() {
    let mut arena = Arena::new();
    let mut bytes = || {
        let checkpoint = arena.checkpoint();
        let mut guard = arena.enter();
        guard.frame().alloc([0u8; 3_000]);
        std::mem::forget(guard);
        arena.rewind(checkpoint).unwrap();
        arena.stats().metadata_bytes
    };
    let first = (0..10).map(|_| bytes()).last();
    assert_eq!((0..100).map(|_| bytes()).last(), first);
}

#[test]
fn a_budget_can_be_exchanged_for_one_beside_it() {
    let root = Budget::root(Bytes::from_kib(1));
    let arena = Arena::new().with_budget(&root.child("one"));
    arena.alloc(1u64);
    assert!(arena.try_with_budget(&root.child("other")).is_ok());
}

#[test]
fn a_forgotten_guard_leaves_nothing_in_a_local_arena() {
    let local = LocalArena::new();
    local.scope(|frame| {
        let mut guard = frame.enter();
        guard.frame().alloc([0u8; 5_000]);
        std::mem::forget(guard);
    });
    assert_eq!(local.stats().used_bytes, 0);
}

#[test]
fn a_vector_at_the_low_end_counts_and_is_owned_like_any_value() {
    let mut arena = Arena::new();
    let checkpoint = arena.checkpoint();
    let value: *const u64 = arena.alloc(1u64);
    let mut vec = arena.vec();
    (0..10u64).for_each(|i| vec.push(i));
    let slice: *const [u64] = vec.into_slice();
    assert_eq!(arena.used_bytes(), 8 + 80, "what is left over goes back");
    assert!(arena.owns(value) && arena.owns(slice));
    let later = arena.checkpoint();
    arena.alloc([0u8; 10_000]);
    assert!(arena.owns(slice), "in a block that is not the current one");
    assert_eq!(arena.chunks().map(<[_]>::len).sum::<usize>(), arena.used_bytes());
    arena.rewind(later).unwrap();
    assert_eq!(arena.used_bytes(), 88);
    arena.rewind(checkpoint).unwrap();
    assert_eq!((arena.used_bytes(), arena.owns(slice)), (0, false));
    assert!(arena.peak_bytes() >= 10_088);
}

#[test]
fn vectors_that_grow_side_by_side_keep_their_elements() {
    let arena = Arena::new();
    let (mut one, mut other) = (arena.vec(), arena.vec());
    for i in 0..5_000u64 {
        one.push(i);
        other.push(!i);
        if i % 7 == 0 {
            arena.alloc(i);
        }
    }
    let (one, other) = (one.into_slice(), other.into_slice());
    assert!(one.iter().zip(&*other).enumerate().all(|(i, (a, b))| *a == i as u64 && *b == !*a));
}

#[test]
fn scopes_of_an_empty_arena_take_a_block_when_they_need_one_and_share_it() {
    let mut arena = Arena::new();
    arena.scope(|outer| outer.scope(|_| ()));
    assert_eq!((arena.committed_bytes(), arena.stats().peak_bytes), (0, 0));
    for _ in 0..2 {
        arena.scope(|outer| {
            outer.scope(|inner| assert_eq!(*inner.alloc(1u64), 1));
            let value = outer.alloc(2u64);
            outer.scope(|inner| assert_eq!(*inner.alloc(3u64), 3));
            assert_eq!(*value, 2);
        });
        assert_eq!((arena.used_bytes(), arena.peak_bytes(), arena.blocks()), (0, 16, 1));
    }
    let other = Arena::new();
    other.alloc(1u64);
    assert_eq!(arena.stats().metadata_bytes, other.stats().metadata_bytes, "no frame was put on record");
}

#[test]
fn a_small_value_in_a_frame_may_take_the_next_block_and_no_more() {
    let mut arena = Arena::new();
    arena.scope(|frame| {
        let small = frame.alloc(1u64);
        let page = frame.alloc([7u8; 4096]);
        let other = frame.alloc(2u64);
        assert!(page.iter().all(|byte| *byte == 7));
        assert_eq!((*small, *other), (1, 2));
    });
    assert_eq!((arena.used_bytes(), arena.peak_bytes()), (0, 4096 + 16));
    let mut limited = Arena::new().with_limit(Bytes::from_kib(2));
    let refused = limited.scope(|frame| {
        let number = frame.alloc(1u64);
        let refused = frame.try_alloc([0u8; 1500]).is_err();
        assert_eq!((*number, *frame.alloc(2u64)), (1, 2));
        refused
    });
    assert_eq!((refused, limited.blocks()), (true, 1));
}

#[test]
fn the_peak_survives_every_way_of_going_back() {
    let mut arena = Arena::new();
    arena.alloc([0u64; 50]);
    arena.reset();
    arena.alloc(1u64);
    assert_eq!((arena.used_bytes(), arena.peak_bytes()), (8, 400), "a reset of one block");
    let checkpoint = arena.checkpoint();
    arena.alloc([0u64; 60]);
    arena.rewind(checkpoint).unwrap();
    assert_eq!((arena.used_bytes(), arena.peak_bytes()), (8, 488), "a checkpoint in this block");
    arena.scope(|frame| frame.alloc([0u64; 70])[0]);
    assert_eq!((arena.used_bytes(), arena.peak_bytes()), (8, 568), "a scope");
    let mut vec = arena.vec();
    vec.reserve(80);
    vec.push(1u64);
    let bytes = vec.capacity() * 8;
    drop(vec);
    assert_eq!((arena.used_bytes(), arena.peak_bytes()), (8, 8 + bytes), "a buffer at the low end");
}
