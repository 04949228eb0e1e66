//! Pools of nothing, of one object and of too many, times of zero, and strategies that a kind of pool cannot follow: a plain answer or an
//! error.
#![cfg(all(feature = "std", not(loom)))]

use std::sync::Arc;
use std::time::Duration;

use terrane_base::ManualClock;
use terrane_pool::{
    EvictionPolicy, LockFreePool, MemoryError, ObjectPool, PoolStrategy, Reuse, StrategyError,
    ThreadSafePool, ValidationPolicy, WorkStealingPool,
};

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

            let (now, ten) = (Duration::ZERO, PoolStrategy::new().max_total(10));
            for strategy in [
                ten.eviction(EvictionPolicy::new().idle(now)),
                ten.eviction(EvictionPolicy::new().age(now)),
                ten.reuse(Reuse::Fifo),
                ten.acquire_timeout(Duration::from_nanos(1)),
            ] {
                let refused = $pool::<String>::with_strategy(strategy).map(drop);
                assert!(matches!(refused, Err(StrategyError::Unsupported { .. })), "{refused:?}");
            }
            let refused = $pool::<String>::with_strategy(ten.min_idle(11)).map(drop);
            assert_eq!(refused, Err(StrategyError::MinAboveMax { min_idle: 11, max: 10 }));
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

macro_rules! times {
    ($($name:ident: $pool:ident),*) => {$(
        #[test]
        fn $name() {
            let now = Duration::ZERO;
            let strategy = PoolStrategy::new().max_total(2);
            for strategy in [
                strategy.eviction(EvictionPolicy::new().idle(now)),
                strategy.eviction(EvictionPolicy::new().age(now)),
            ] {
                let clock = Arc::new(ManualClock::new());
                let pool = $pool::<String>::builder().strategy(strategy).clock(clock.clone()).build().unwrap();
                for round in 1..4 {
                    // No longer than it may: no time has passed.
                    (0..3).for_each(|_| drop(pool.acquire().expect("one that idles, or a new one")));
                    let stats = pool.stats();
                    assert_eq!((stats.created, stats.dropped, stats.idle), (round, round - 1, 1));
                    clock.advance(Duration::from_nanos(1));
                }
            }
            let often = strategy.validation(ValidationPolicy::Periodic(now));
            let clock = Arc::new(ManualClock::new());
            let pool = $pool::<String>::builder().strategy(often).clock(clock).build().unwrap();
            (0..3).for_each(|_| drop(pool.acquire().unwrap()));
            assert_eq!((pool.maintain(), pool.stats().created), (0, 1));
        }
    )*};
}

times!(times_of_zero_in_an_object_pool: ObjectPool, times_of_zero_in_a_thread_safe_pool: ThreadSafePool);

#[test]
fn a_refused_strategy_says_what_to_do() {
    let ten = PoolStrategy::new().max_total(10);
    let says = |refused: Result<(), StrategyError>| refused.unwrap_err().to_string();
    assert_eq!(
        says(LockFreePool::<String>::with_strategy(ten.reuse(Reuse::Fifo)).map(drop)),
        "pool strategy: LockFreePool does not support Reuse::Fifo (first in, first out); leave that out, or use ThreadSafePool, which does"
    );
    let timed = ten.validation(ValidationPolicy::Periodic(Duration::from_secs(1)));
    assert_eq!(
        says(WorkStealingPool::<String>::with_strategy(timed).map(drop)),
        "pool strategy: WorkStealingPool does not support eviction or validation by time; leave that out, or use ThreadSafePool, which does"
    );
    let waiting = ten.acquire_timeout(Duration::from_secs(1));
    assert_eq!(
        says(ObjectPool::<String>::with_strategy(waiting).map(drop)),
        "pool strategy: a pool of one thread (ObjectPool, LocalPool) does not support acquire_timeout; leave that out, or use ThreadSafePool, which does"
    );
    let all = timed.reuse(Reuse::Fifo).acquire_timeout(Duration::from_secs(1));
    assert!(ThreadSafePool::<String>::with_strategy(all).is_ok(), "it is as the messages say");
}
