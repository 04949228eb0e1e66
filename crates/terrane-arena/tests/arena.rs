//! What the documentation promises and the model does not show.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use terrane_arena::{Arena, Bytes, CheckpointError, MemoryError};

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
