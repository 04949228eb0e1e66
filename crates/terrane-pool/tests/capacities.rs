//! Pools of nothing, of one object and of too many, in each kind of pool that threads share without a lock.
#![cfg(all(feature = "std", not(loom)))]

use terrane_pool::{LockFreePool, MemoryError, PoolStrategy, StrategyError, WorkStealingPool};

macro_rules! capacities {
    ($($name:ident: $pool:ident),*) => {$(
        #[test]
        fn $name() {
            let none = $pool::<String>::new(0);
            assert_eq!(none.acquire().map(drop), Err(MemoryError::PoolExhausted { in_use: 0, capacity: 0 }));
            assert_eq!((none.warm_up(3), none.trim(0), none.stats().refused), (Ok(0), 0, 1));

            let one = $pool::<String>::new(1);
            assert_eq!(one.warm_up(3), Ok(1));
            let held = one.acquire().unwrap();
            let exhausted = MemoryError::PoolExhausted { in_use: 1, capacity: 1 };
            assert_eq!(one.acquire().map(drop), Err(exhausted));
            std::thread::scope(|scope| {
                let other = scope.spawn(|| one.acquire().map(drop));
                assert_eq!(other.join().expect("the other thread"), Err(exhausted));
            });
            drop(held);
            assert!(one.acquire().is_ok());
            assert_eq!((one.stats().created, one.stats().refused), (1, 2));

            let strategy = PoolStrategy::new().max_total(2).max_idle(0);
            let passing = $pool::<String>::with_strategy(strategy).unwrap();
            drop(passing.acquire().unwrap());
            assert_eq!((passing.stats().idle, passing.stats().dropped), (0, 1));
        }
    )*};
}

capacities!(lock_free: LockFreePool, work_stealing: WorkStealingPool);

#[test]
fn more_than_a_pool_without_locks_can_count_is_refused() {
    let max = LockFreePool::<String>::MAX_TOTAL;
    let refused = LockFreePool::<String>::with_strategy(PoolStrategy::new().max_total(max + 1)).map(drop);
    assert_eq!(refused, Err(StrategyError::NeedsMaxTotal { max }));
}
