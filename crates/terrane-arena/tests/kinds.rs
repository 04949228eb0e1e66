//! Strategies, budgets, and the kinds of arenas that stand on the common one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use terrane_arena::{
    Arena, ArenaStrategy, Budget, Bytes, ConcurrentArena, Growth, LocalArena, MemoryError, StackArena,
    StaleMarker, format_in,
};

#[test]
fn blocks_grow_as_the_strategy_says() {
    let blocks = |growth| {
        let strategy = ArenaStrategy::new().growth(growth).max_block(Bytes::from_kib(8));
        let arena = Arena::with_strategy(strategy);
        let mut sizes = vec![0];
        for i in 0..4_000u64 {
            arena.alloc(i);
            if arena.committed_bytes() != sizes[sizes.len() - 1] {
                sizes.push(arena.committed_bytes());
            }
        }
        sizes.windows(2).map(|pair| (pair[1] - pair[0]) >> 10).take(6).collect::<Vec<_>>()
    };
    assert_eq!(blocks(Growth::Factor(2.0)), [1, 2, 4, 8, 8, 8]);
    assert_eq!(blocks(Growth::Factor(1.0)), [1; 6]);
    assert_eq!(blocks(Growth::Factor(f32::NAN)), [1; 6]);
    assert_eq!(blocks(Growth::Factor(f32::INFINITY)), [1, 8, 8, 8, 8]);
    assert_eq!(blocks(Growth::By(Bytes::from_kib(1))), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_budget_is_charged_with_blocks_and_gets_them_back() {
    let budget = Budget::root(Bytes::from_kib(16));
    let mut arena = Arena::new().with_budget(&budget);
    while arena.try_alloc(0u64).is_ok() {
        assert_eq!(budget.used().as_usize(), arena.committed_bytes());
    }
    let refused = arena.try_alloc([0u8; 500]).map(|_| ());
    assert!(matches!(refused, Err(MemoryError::BudgetExceeded { .. })), "{refused:?}");
    let panic = catch_unwind(AssertUnwindSafe(|| *arena.alloc([0u8; 500]))).expect_err("no budget");
    let message = panic.downcast_ref::<String>().expect("a message");
    assert!(message.contains("budget `root` exceeded"), "{message}");
    arena.scope(|frame| assert!(frame.try_alloc([0u8; 500]).is_err()));
    arena.release();
    assert_eq!(budget.used(), Bytes::ZERO);
    arena.alloc(1);
    drop(arena);
    assert_eq!(budget.used(), Bytes::ZERO);
}

#[test]
fn what_is_wasted_and_what_is_needed_beside_is_told() {
    let arena = Arena::counted();
    arena.alloc([0u8; 900]);
    arena.alloc([0u8; 900]);
    let stats = arena.stats();
    assert_eq!((stats.blocks, stats.allocations), (2, Some(2)));
    assert!(stats.wasted_bytes > 0 && stats.wasted_bytes < 124, "{stats:?}");
    assert!(stats.metadata_bytes > 64, "{stats:?}");
}

#[test]
fn chunks_hold_all_values_and_nothing_else() {
    let mut arena = Arena::new();
    let sum: u64 = (0..1_000u64).map(|i| *arena.alloc(i)).sum();
    let used = arena.used_bytes();
    let mut bytes = 0;
    let mut found = 0;
    for chunk in arena.chunks() {
        bytes += chunk.len();
        for word in chunk.chunks_exact(8) {
            // SAFETY: the arena holds words and nothing else.
            found += unsafe { word.as_ptr().cast::<u64>().read() };
        }
    }
    assert_eq!((bytes, found), (used, sum));
}

#[test]
fn threads_share_an_arena_and_its_limit() {
    let strategy = ArenaStrategy::new().max_size(Bytes::from_kib(64));
    let mut arena = ConcurrentArena::with_strategy(strategy);
    let all: Vec<Vec<&u64>> = std::thread::scope(|threads| {
        let workers = [1u64, 2, 3].map(|seed| {
            let arena = &arena;
            threads.spawn(move || {
                let local = arena.local();
                std::iter::from_fn(|| local.try_alloc(seed).ok().map(|value| &*value)).take(5_000).collect()
            })
        });
        workers.map(|worker| worker.join().expect("the worker")).into()
    });
    for (values, seed) in all.iter().zip(1u64..) {
        assert!(values.iter().all(|value| **value == seed));
    }
    let values: usize = all.iter().map(Vec::len).sum();
    assert_eq!(arena.stats().used_bytes, values * 8);
    assert!(arena.stats().committed_bytes <= 64 << 10);
    let kept = arena.stats().committed_bytes;
    arena.reset();
    assert_eq!((arena.stats().used_bytes, arena.stats().committed_bytes), (0, kept));
    arena.release();
    assert_eq!(arena.stats().committed_bytes, 0);
}

#[test]
fn a_segment_is_used_again_and_a_forgotten_handle_keeps_its_own() {
    let mut arena = ConcurrentArena::new();
    for _ in 0..100 {
        arena.local().alloc(1u64);
    }
    assert_eq!((arena.stats().blocks, arena.stats().used_bytes), (1, 800));
    let forgotten = arena.local();
    let kept = forgotten.alloc(7u64);
    std::mem::forget(forgotten);
    arena.local().alloc(8u64);
    assert_eq!(*kept, 7);
    arena.reset();
    assert_eq!(arena.stats().used_bytes, 0);
}

#[test]
fn a_handle_that_goes_on_after_a_forgotten_frame_owns_its_values() {
    let mut arena = ConcurrentArena::new();
    let mut local = arena.local();
    let mut values: Vec<*const u64> = vec![local.alloc(1u64)];
    let mut guard = local.enter();
    guard.frame().alloc([0u8; 992]);
    std::mem::forget(guard);
    values.push(local.alloc(2u64));
    drop(local);
    assert_eq!(arena.stats().used_bytes, 8 + 992 + 8);
    assert!(values.iter().all(|value| arena.owns(*value)));
    arena.reset();
    assert!(!values.iter().any(|value| arena.owns(*value)));
}

#[test]
fn handles_that_add_blocks_leave_no_records_behind() {
    let strategy = ArenaStrategy::new().max_block(Bytes::from_kib(1));
    let arena = ConcurrentArena::with_strategy(strategy);
    let records_after = |handles: usize| {
        for _ in 0..handles {
            let local = arena.local();
            local.alloc([0u8; 700]);
            local.alloc([0u8; 5_000]);
        }
        let stats = arena.stats();
        assert!(stats.overflow_blocks > 0, "{stats:?}");
        // A block has a header of 32 bytes.
        stats.metadata_bytes - 32 * stats.blocks
    };
    assert_eq!(records_after(10), records_after(100));
}

#[test]
fn scopes_of_a_local_arena_nest_and_reuse() {
    let scratch = LocalArena::new();
    let text = scratch.scope(|outer| {
        let outer_text = format_in!(outer, "outer {}", 1);
        scratch.scope(|inner| format!("{outer_text}, {}", format_in!(inner, "inner {}", 2)))
    });
    assert_eq!(text, "outer 1, inner 2");
    assert_eq!(scratch.stats().blocks, 1);
    assert!(catch_unwind(AssertUnwindSafe(|| scratch.scope(|_| panic!("in a scope")))).is_err());
    assert_eq!(scratch.stats().blocks, 1, "the memory is kept");
}

#[test]
fn the_stack_of_a_thread_is_empty_after_each_use() {
    for _ in 0..100 {
        StackArena::with(|stack| {
            std::mem::forget(stack.push([0u8; 500]));
            assert!(stack.try_push([0u8; 600]).is_err());
            StackArena::with(|same| assert_eq!(*same.push(1), 1));
        });
    }
    StackArena::with(|stack| assert_eq!(stack.used_bytes(), 0));
}

#[test]
fn a_marker_of_a_stack_that_is_gone_is_refused_by_one_in_its_place() {
    for _ in 0..100 {
        let big = StackArena::with_capacity(Bytes::new(4096));
        drop(big.push(1u8));
        let marker = big.marker();
        drop(big);
        let mut small = StackArena::with_capacity(Bytes::new(64));
        drop(small.push(1u8));
        assert_eq!(small.release_to(marker), Err(StaleMarker));
        assert!(small.owns(&raw const *small.push(2u64)));
    }
}

#[test]
fn a_marker_of_a_stack_without_a_buffer_is_of_that_stack_only() {
    let (one, mut other) = (StackArena::new(), StackArena::new());
    let marker = one.marker();
    std::mem::forget(other.push(1u64));
    assert_eq!(other.release_to(marker), Err(StaleMarker));
    assert_eq!(other.used_bytes(), 8);
}
