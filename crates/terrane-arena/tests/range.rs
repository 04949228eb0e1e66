//! The big arena: contiguous, committed as it grows, decommitted above its high-water mark, and every request may fail.

use std::sync::Arc;
use terrane_arena::{Budget, Bytes, HugePages, HugeRequest, MemoryError, RangeArena, RangeConfig};
use terrane_pages::{FaultyPages, HeapPages, system_pages};

#[test]
fn values_lie_in_one_row_and_memory_follows_them() {
    let mut arena = RangeArena::try_new(Bytes::from_mib(64)).expect("addresses");
    let first = std::ptr::from_mut(arena.alloc(0u64)).addr();
    let last = (1..1_000_000u64).map(|i| std::ptr::from_mut(arena.alloc(i)).addr()).last();
    assert_eq!(last, Some(first - 999_999 * 8));
    let stats = arena.stats();
    assert_eq!(stats.used_bytes, 8_000_000);
    assert!(stats.committed_bytes >= 8_000_000 && stats.committed_bytes <= 16_777_216);
    arena.reset();
    assert_eq!((arena.stats().used_bytes, arena.stats().peak_bytes), (0, 8_000_000));
}

#[test]
fn a_full_range_refuses_with_figures() {
    let arena = RangeArena::try_new(Bytes::from_kib(64)).expect("addresses");
    let values = std::iter::from_fn(|| arena.try_alloc([0u64; 16]).ok()).count();
    assert_eq!(values, 512);
    let Err(MemoryError::OutOfMemory { requested, available }) = arena.try_alloc(1u64) else {
        panic!("refused");
    };
    assert_eq!((requested, available), (Bytes::new(8), Bytes::ZERO));
}

#[test]
fn each_page_request_may_fail_and_nothing_is_lost() {
    for nth in 1..8 {
        let pages = Arc::new(FaultyPages::new(HeapPages::new()));
        let budget = Budget::root(Bytes::MAX);
        pages.fail_nth(nth);
        let config = RangeConfig::new(Bytes::from_mib(4)).keep(Bytes::ZERO).budget(&budget);
        let made = RangeArena::try_with_config(config.pages(Arc::clone(&pages) as _));
        let Ok(mut arena) = made else { continue };
        let kept = arena.try_alloc(7u64).ok();
        let mut values = 0;
        while values < 20_000 {
            match arena.try_alloc(values) {
                Ok(_) => values += 1,
                Err(error) => assert!(matches!(error, MemoryError::SystemError { .. }), "{error}"),
            }
        }
        assert!(kept.is_none_or(|kept| *kept == 7));
        assert_eq!(budget.used(), Bytes::from_usize(arena.stats().committed_bytes));
        arena.reset();
        pages.fail_none();
        arena.release();
        assert_eq!((arena.stats().committed_bytes, budget.used()), (0, Bytes::ZERO));
        assert_eq!(*arena.alloc(1), 1);
        drop(arena);
        assert_eq!(budget.used(), Bytes::ZERO);
    }
}

#[test]
fn a_budget_bounds_what_is_committed() {
    let budget = Budget::root(Bytes::from_kib(128));
    let config = RangeConfig::new(Bytes::from_mib(1)).budget(&budget);
    let arena = RangeArena::try_with_config(config).expect("addresses");
    let refused = arena.try_alloc_slice_fill_with(200_000, |_| 0u8).map(|_| ());
    assert!(matches!(refused, Err(MemoryError::BudgetExceeded { .. })));
    assert!(arena.try_alloc_slice_fill_with(100_000, |_| 0u8).is_ok());
    assert_eq!(budget.used(), Bytes::from_kib(128));
}

#[test]
fn huge_pages_are_demanded_only_where_there_are_some() {
    let config = RangeConfig::new(Bytes::from_mib(8)).huge_pages(HugeRequest::Demand);
    let heap = RangeArena::try_with_config(config.clone().pages(Arc::new(HeapPages::new())));
    assert!(matches!(heap, Err(MemoryError::HugePagesUnavailable { .. })));
    match RangeArena::try_with_config(config.pages(system_pages())) {
        Ok(arena) => {
            arena.alloc_slice_fill_with(4 << 20, |_| 1u8);
            assert_eq!(arena.huge_pages(), Some(HugePages::Advised));
            assert!(arena.huge_bytes().is_none_or(|bytes| bytes <= 8 << 20));
        }
        Err(error) => assert!(matches!(error, MemoryError::HugePagesUnavailable { .. }), "{error}"),
    }
}
