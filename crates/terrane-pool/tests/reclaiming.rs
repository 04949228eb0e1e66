//! Objects whose destructor panics while a full budget takes idle ones: whoever needs the memory is not bothered, and the pool is asked
//! again the next time. Where the pool itself is told to drop them, one panic comes out, and all are gone.
#![cfg(all(feature = "std", not(loom)))]

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
};

use terrane_pool::{
    Budget, Bytes, LocalPool, LockFreePool, MemoryError, PoolStrategy, Poolable, ThreadSafePool,
    WorkStealingPool,
};

thread_local!(static ARMED: Cell<bool> = const { Cell::new(true) });

/// Has 4 KiB, and a destructor that panics.
struct Bomb(Vec<u8>);

impl Poolable for Bomb {
    fn create() -> Self {
        Self(Vec::with_capacity(4096))
    }

    fn reset(&mut self) {}

    fn heap_bytes(&self) -> Option<Bytes> {
        Some(Bytes::from_usize(self.0.capacity()))
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        if ARMED.get() {
            panic!("a planned panic in drop");
        }
    }
}

macro_rules! presses {
    ($($name:ident: $pool:ident),*) => {$(
        #[test]
        fn $name() {
            let budget = Budget::root(Bytes::from_kib(64));
            let pool = $pool::<Bomb>::builder()
                .strategy(PoolStrategy::new().max_total(12))
                .budget(&budget)
                .build()
                .unwrap();
            for _ in 0..2 {
                let held: Result<Vec<_>, MemoryError> = (0..12).map(|_| pool.acquire()).collect();
                drop(held.unwrap());
                assert_eq!(pool.stats().idle, 12);
                // All but three have to go.
                drop(budget.try_reserve(Bytes::from_kib(50)).expect("the pool gives up what idles"));
                assert!(pool.stats().idle <= 3);
                assert_eq!((budget.taken_out(), pool.stats().in_use), (0, 0));
            }
            ARMED.set(false);
        }
    )*};
}

presses!(with_magazines: ThreadSafePool, without_locks: LockFreePool, with_stealing: WorkStealingPool);

macro_rules! trims {
    ($($name:ident: $pool:ident),*) => {$(
        #[test]
        fn $name() {
            let pool = $pool::<Bomb>::new(8);
            assert_eq!(pool.warm_up(8), Ok(8));
            assert!(catch_unwind(AssertUnwindSafe(|| pool.trim(0))).is_err());
            let stats = pool.stats();
            assert_eq!((stats.idle, stats.in_use, stats.dropped), (0, 0, 8));
        }
    )*};
}

trims!(
    trimmed_local: LocalPool,
    trimmed_with_magazines: ThreadSafePool,
    trimmed_without_locks: LockFreePool,
    trimmed_with_stealing: WorkStealingPool
);
