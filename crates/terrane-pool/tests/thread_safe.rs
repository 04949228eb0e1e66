//! The pool of many threads, by what it promises.
#![cfg(feature = "std")]

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use terrane_base::ManualClock;
use terrane_pool::{
    Budget, Bytes, EvictionPolicy, MemoryError, PoolGuard, PoolStrategy, Poolable, Reuse, ThreadSafePool,
    ValidationPolicy,
};

const FOREVER: Duration = Duration::MAX;

/// Runs on another thread, to its end. (The end of a scope alone does not wait for the thread's own variables to be dropped.)
fn elsewhere<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(work).join().expect("the thread"))
}

#[test]
fn what_comes_back_is_reset_and_used_again() {
    let pool = ThreadSafePool::<String>::new(4);
    let mut one = pool.acquire().unwrap();
    one.push_str("left over");
    let address = &raw const *one as usize;
    drop(one);
    let again = pool.acquire().unwrap();
    assert_eq!((&raw const *again as usize, again.as_str()), (address, ""));
    let stats = pool.stats();
    assert_eq!((stats.acquired, stats.hits, stats.misses, stats.in_use), (2, 1, 1, 1));
}

#[test]
fn capacities_of_nothing_and_of_one() {
    let none = ThreadSafePool::<String>::new(0);
    let exhausted = MemoryError::PoolExhausted { in_use: 0, capacity: 0 };
    assert_eq!(none.acquire().map(drop), Err(exhausted));
    assert_eq!(none.acquire_timeout(Duration::from_millis(1)).map(drop), Err(exhausted));
    let one = ThreadSafePool::<String>::new(1);
    let held = one.acquire().unwrap();
    let exhausted = MemoryError::PoolExhausted { in_use: 1, capacity: 1 };
    assert_eq!(one.acquire().map(drop), Err(exhausted));
    assert_eq!(one.acquire_timeout(Duration::ZERO).map(drop), Err(exhausted));
    assert_eq!(elsewhere(|| one.acquire().map(drop)), Err(exhausted));
    drop(held);
    assert_eq!(elsewhere(|| one.acquire().map(drop)), Ok(()));
    assert_eq!(one.stats().refused, 3);
}

#[test]
fn what_idles_with_one_thread_is_there_for_all() {
    let pool = ThreadSafePool::<String>::new(8);
    let meeting = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            drop((0..8).map(|_| pool.acquire().unwrap()).collect::<Vec<_>>());
            meeting.wait();
            // It still runs, and has all of them.
            meeting.wait();
        });
        meeting.wait();
        let held: Vec<_> = (0..8).map(|_| pool.acquire().unwrap()).collect();
        assert!(pool.acquire().is_err());
        meeting.wait();
        drop(held);
    });
    assert_eq!((pool.stats().created, pool.stats().idle), (8, 8));
}

#[test]
fn a_thread_that_ends_gives_back_what_it_had() {
    let pool = ThreadSafePool::<String>::with_strategy(PoolStrategy::new()).unwrap();
    elsewhere(|| drop((0..5).map(|_| pool.acquire().unwrap()).collect::<Vec<_>>()));
    let stats = pool.stats();
    assert_eq!((stats.idle, stats.acquired, stats.created), (5, 5, 5));
    let _held: Vec<_> = (0..5).map(|_| pool.acquire().unwrap()).collect();
    assert_eq!(pool.stats().created, 5);
}

#[test]
fn an_object_is_given_back_on_another_thread() {
    let pool = ThreadSafePool::<String>::new(1);
    for _ in 0..100 {
        let held = pool.acquire_owned().unwrap();
        elsewhere(|| drop(held));
    }
    assert_eq!((pool.stats().created, pool.stats().idle), (1, 1));
}

#[test]
fn a_waiting_thread_gets_what_comes_back() {
    let pool = ThreadSafePool::<String>::new(1);
    let held = pool.acquire().unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| pool.acquire_timeout(FOREVER).map(drop));
        while pool.stats().waits == 0 {
            thread::yield_now();
        }
        drop(held);
        waiting.join().unwrap().unwrap();
    });
    assert_eq!((pool.stats().waits, pool.stats().created), (1, 1));
}

#[test]
fn a_waiting_thread_gets_the_room_of_what_is_detached() {
    let strategy = PoolStrategy::new().max_total(1).acquire_timeout(FOREVER);
    let pool = ThreadSafePool::<String>::with_strategy(strategy).unwrap();
    let held = pool.acquire().unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| pool.acquire().map(drop));
        while pool.stats().waits == 0 {
            thread::yield_now();
        }
        assert_eq!(PoolGuard::detach(held), "");
        waiting.join().unwrap().unwrap();
    });
    assert_eq!((pool.stats().created, pool.stats().detached), (2, 1));
}

#[test]
fn many_threads_share_few_objects() {
    struct Alone(AtomicUsize);
    impl Poolable for Alone {
        fn create() -> Self {
            Self(AtomicUsize::new(0))
        }
        fn reset(&mut self) {
            assert_eq!(*self.0.get_mut(), 0, "somebody else has it");
        }
    }
    let pool = ThreadSafePool::<Alone>::new(3);
    let turns = 2000;
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                for turn in 0..turns {
                    let object = pool.acquire_timeout(FOREVER).unwrap();
                    assert_eq!(object.0.fetch_add(1, Ordering::Relaxed), 0, "somebody else has it");
                    if turn % 16 == 0 {
                        thread::yield_now();
                    }
                    object.0.fetch_sub(1, Ordering::Relaxed);
                }
            });
        }
    });
    let stats = pool.stats();
    assert_eq!((stats.acquired, stats.in_use, stats.dropped), (6 * turns, 0, 0));
    assert!(stats.created <= 3 && stats.peak_in_use <= 3 && stats.idle as u64 == stats.created);
}

#[test]
fn idle_objects_of_all_threads_count_against_max_idle() {
    let pool = ThreadSafePool::<String>::with_strategy(PoolStrategy::new().max_idle(10)).unwrap();
    let meeting = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                drop((0..20).map(|_| pool.acquire().unwrap()).collect::<Vec<_>>());
                meeting.wait();
                assert!(pool.stats().idle <= 10);
                meeting.wait();
            });
        }
    });
    assert!((1..=10).contains(&pool.stats().idle));
    let none = ThreadSafePool::<String>::with_strategy(PoolStrategy::new().max_idle(0)).unwrap();
    drop(none.acquire().unwrap());
    assert_eq!((none.stats().idle, none.stats().dropped), (0, 1));
}

#[test]
fn trimming_reaches_all_threads() {
    let pool = ThreadSafePool::<String>::with_strategy(PoolStrategy::new()).unwrap();
    let meeting = Barrier::new(2);
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            drop((0..5).map(|_| pool.acquire().unwrap()).collect::<Vec<_>>());
            meeting.wait();
            meeting.wait();
            drop(pool.acquire().unwrap());
        });
        meeting.wait();
        #[cfg(all(target_os = "linux", feature = "os"))]
        assert_eq!((pool.trim(2), pool.stats().idle), (3, 2));
        meeting.wait();
        other.join().unwrap();
    });
    pool.trim(0);
    assert_eq!(pool.stats().idle, 0);
}

#[test]
fn a_thread_can_hand_its_objects_to_the_others() {
    let pool = ThreadSafePool::<String>::with_strategy(PoolStrategy::new().reuse(Reuse::Lifo)).unwrap();
    let meeting = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            drop(pool.acquire().unwrap());
            pool.flush();
            meeting.wait();
            meeting.wait();
        });
        meeting.wait();
        drop(pool.acquire().unwrap());
        assert_eq!(pool.stats().created, 1);
        meeting.wait();
    });
}

#[test]
fn the_order_of_reuse_across_threads() {
    let pool = ThreadSafePool::<String>::with_strategy(PoolStrategy::new().reuse(Reuse::Fifo)).unwrap();
    let held: Vec<_> = (0..3).map(|_| pool.acquire().unwrap()).collect();
    let addresses: Vec<_> = held.iter().map(|guard| &raw const **guard as usize).collect();
    for guard in held {
        elsewhere(|| drop(guard));
    }
    let again: Vec<_> = (0..3).map(|_| pool.acquire().unwrap()).collect();
    assert_eq!(again.iter().map(|guard| &raw const **guard as usize).collect::<Vec<_>>(), addresses);
}

#[test]
fn a_full_budget_gets_what_idles_with_any_thread() {
    let budget = Budget::root(Bytes::from_kib(64));
    let pool = ThreadSafePool::<Vec<u8>>::builder()
        .strategy(PoolStrategy::new().min_idle(2))
        .constructor(|| Vec::with_capacity(4096))
        .budget(&budget)
        .build()
        .unwrap();
    let meeting = Barrier::new(2);
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            drop((0..10).map(|_| pool.acquire().unwrap()).collect::<Vec<_>>());
            meeting.wait();
            meeting.wait();
        });
        meeting.wait();
        #[cfg(all(target_os = "linux", feature = "os"))]
        {
            let all_but_two = budget.try_reserve(Bytes::from_kib(50)).unwrap();
            assert!(budget.try_reserve(Bytes::from_kib(8)).is_err(), "two are kept");
            assert_eq!(pool.stats().idle, 2);
            drop(all_but_two);
        }
        meeting.wait();
        other.join().unwrap();
    });
    let mut held = Vec::new();
    while let Ok(guard) = pool.acquire() {
        held.push(guard);
    }
    assert!((10..=15).contains(&held.len()), "{}", held.len());
    drop(held);
    pool.trim(0);
    assert_eq!(budget.used(), Bytes::ZERO);
}

#[test]
fn time_evicts_and_validates() {
    let second = Duration::from_secs(1);
    let clock = Arc::new(ManualClock::new());
    let strategy = PoolStrategy::new()
        .eviction(EvictionPolicy::new().idle(4 * second).age(20 * second))
        .validation(ValidationPolicy::Periodic(second))
        .min_idle(1);
    let pool =
        ThreadSafePool::<String>::builder().strategy(strategy).clock(Arc::clone(&clock)).build().unwrap();
    pool.warm_up(3).unwrap();
    clock.advance(3 * second);
    drop(pool.acquire().unwrap());
    clock.advance(2 * second);
    assert_eq!((pool.maintain(), pool.maintain(), pool.stats().idle), (2, 0, 1));
    let held = pool.acquire().unwrap();
    clock.advance(16 * second);
    drop(held);
    assert_eq!(pool.stats().idle, 0, "it is 21 s old");
}

#[test]
fn two_pools_do_not_meet_and_many_can_be_used_in_turn() {
    let pools: Vec<_> = (0..40).map(|_| ThreadSafePool::<String>::new(1)).collect();
    for _ in 0..3 {
        let held: Vec<_> = pools.iter().map(|pool| pool.acquire().unwrap()).collect();
        assert!(pools.iter().all(|pool| pool.acquire().is_err()));
        drop(held);
    }
    assert!(pools.iter().all(|pool| pool.stats().created == 1));
}

#[test]
fn a_pool_that_ends_before_its_threads_leaves_nothing_behind() {
    let alive = Arc::new(());
    let counted = Arc::clone(&alive);
    struct Counted(#[expect(dead_code, reason = "it is counted")] Option<Arc<()>>);
    impl Poolable for Counted {
        fn create() -> Self {
            Self(None)
        }
        fn reset(&mut self) {}
    }
    for _ in 0..20 {
        let counted = Arc::clone(&counted);
        let pool = ThreadSafePool::builder()
            .constructor(move || Counted(Some(Arc::clone(&counted))))
            .build()
            .unwrap();
        drop((pool.acquire().unwrap(), pool.acquire().unwrap()));
    }
    drop(counted);
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn a_pool_can_be_used_while_its_thread_ends() {
    struct AtEnd(ThreadSafePool<String>);
    impl Drop for AtEnd {
        fn drop(&mut self) {
            assert_eq!(*self.0.acquire().unwrap(), "");
        }
    }
    thread_local!(static AT_END: std::cell::RefCell<Vec<AtEnd>> = const { std::cell::RefCell::new(Vec::new()) });
    let pool = ThreadSafePool::<String>::new(2);
    elsewhere(|| {
        // Both orders of destruction: before and after the thread's own part of the pool.
        AT_END.with(|list| list.borrow_mut().push(AtEnd(pool.clone())));
        drop(pool.acquire().unwrap());
    });
    elsewhere(|| {
        drop(pool.acquire().unwrap());
        AT_END.with(|list| list.borrow_mut().push(AtEnd(pool.clone())));
    });
    assert_eq!((pool.stats().in_use, pool.stats().idle), (0, 1));
}

#[test]
fn what_is_found_invalid_was_not_acquired() {
    struct Stale(bool);
    impl Poolable for Stale {
        fn create() -> Self {
            Self(true)
        }
        fn reset(&mut self) {
            self.0 = true;
        }
        fn validate(&self) -> bool {
            !self.0
        }
    }
    let strategy = PoolStrategy::new().validation(ValidationPolicy::OnAcquire);
    let pool = ThreadSafePool::<Stale>::with_strategy(strategy).unwrap();
    // A magazine from the start, so that the first object comes from there.
    pool.flush();
    pool.warm_up(1).unwrap();
    for turn in 1..=5 {
        drop(pool.acquire().unwrap());
        let stats = pool.stats();
        assert_eq!((stats.acquired, stats.hits, stats.misses, stats.dropped), (turn, 0, turn, turn));
    }
}

#[test]
fn a_panic_while_validating_is_no_acquisition() {
    struct Bomb;
    impl Poolable for Bomb {
        fn create() -> Self {
            Self
        }
        fn reset(&mut self) {}
        fn validate(&self) -> bool {
            panic!("a planned panic in validate")
        }
    }
    let strategy = PoolStrategy::new().validation(ValidationPolicy::OnAcquire);
    let pool = ThreadSafePool::<Bomb>::with_strategy(strategy).unwrap();
    drop(pool.acquire().unwrap());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| pool.acquire().map(drop)));
    assert!(panicked.is_err());
    let stats = pool.stats();
    assert_eq!((stats.acquired, stats.hits, stats.dropped, stats.in_use), (1, 0, 1, 0));
}
