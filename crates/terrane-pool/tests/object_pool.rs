//! Pools of one owner and of one thread, by what they promise.

use std::{cell::Cell, rc::Rc, sync::Arc, time::Duration};

use terrane_base::ManualClock;
use terrane_pool::{
    Budget, Bytes, EvictionPolicy, LocalPool, MemoryError, ObjectPool, PoolGuard, PoolStrategy, Poolable,
    Reuse, StrategyError, ValidationPolicy,
};

#[test]
fn what_comes_back_is_reset_and_used_again_at_its_address() {
    let pool = ObjectPool::<String>::new(4);
    let mut one = pool.acquire().unwrap();
    one.push_str("left over");
    let address: *const String = &raw const *one;
    drop(one);
    let again = pool.acquire().unwrap();
    assert_eq!((&raw const *again, again.as_str()), (address, ""));
}

#[test]
fn capacities_of_nothing_and_of_one() {
    let none = ObjectPool::<String>::new(0);
    let exhausted = MemoryError::PoolExhausted { in_use: 0, capacity: 0 };
    assert_eq!(none.acquire().map(drop), Err(exhausted));
    assert_eq!((none.warm_up(3), none.stats().refused), (Ok(0), 1));
    let one = LocalPool::<String>::new(1);
    let held = one.acquire_owned().unwrap();
    assert_eq!(one.acquire().map(drop), Err(MemoryError::PoolExhausted { in_use: 1, capacity: 1 }));
    drop(held);
    assert!(one.acquire().is_ok());
}

#[test]
fn strategies_that_cannot_be_followed_are_refused() {
    let min = PoolStrategy::new().min_idle(2).max_total(1);
    let error = ObjectPool::<String>::with_strategy(min).unwrap_err();
    assert_eq!(
        error.to_string(),
        "pool strategy: min_idle is 2, but at most 1 objects may be idle; lower it, or raise max_idle and max_total"
    );
    let waiting = PoolStrategy::new().acquire_timeout(Duration::from_secs(1));
    assert!(matches!(
        LocalPool::<String>::with_strategy(waiting),
        Err(StrategyError::Unsupported { option: "acquire_timeout", .. })
    ));
}

#[test]
fn at_most_max_idle_are_kept() {
    let pool = ObjectPool::<String>::with_strategy(PoolStrategy::new().max_idle(2)).unwrap();
    let held: Vec<_> = (0..5).map(|_| pool.acquire().unwrap()).collect();
    drop(held);
    let stats = pool.stats();
    assert_eq!((stats.idle, stats.dropped, stats.created), (2, 3, 5));
    let none = ObjectPool::<String>::with_strategy(PoolStrategy::new().max_idle(0)).unwrap();
    drop(none.acquire().unwrap());
    assert_eq!((none.stats().idle, none.stats().dropped), (0, 1));
}

#[test]
fn growth_makes_more_ahead_of_need() {
    let strategy = PoolStrategy::new().growth_factor(2.0).max_total(6);
    let pool = ObjectPool::<String>::with_strategy(strategy).unwrap();
    let mut held = Vec::new();
    let mut created = Vec::new();
    for _ in 0..6 {
        held.push(pool.acquire().unwrap());
        created.push(pool.stats().created);
    }
    assert_eq!(created, [1, 2, 4, 4, 6, 6]);
    assert!(pool.acquire().is_err());
    assert_eq!((pool.stats().misses, pool.stats().hits, pool.stats().peak_in_use), (4, 2, 6));
}

#[test]
fn the_order_of_reuse() {
    let address = |guard: &PoolGuard<String, &ObjectPool<String>>| &raw const **guard as usize;
    for (reuse, expected) in [(Reuse::Lifo, [2, 1, 0]), (Reuse::Fifo, [0, 1, 2])] {
        let pool = ObjectPool::<String>::with_strategy(PoolStrategy::new().reuse(reuse)).unwrap();
        let held: Vec<_> = (0..3).map(|_| pool.acquire().unwrap()).collect();
        let addresses: Vec<_> = held.iter().map(address).collect();
        held.into_iter().for_each(drop);
        let again: Vec<_> = (0..3).map(|_| pool.acquire().unwrap()).collect();
        assert_eq!(again.iter().map(address).collect::<Vec<_>>(), expected.map(|place| addresses[place]));
    }
}

#[test]
fn what_is_idle_or_old_for_too_long_is_evicted() {
    let second = Duration::from_secs(1);
    let clock = Arc::new(ManualClock::new());
    let eviction = EvictionPolicy::new().idle(4 * second).age(10 * second);
    let pool = ObjectPool::<String>::builder()
        .strategy(PoolStrategy::new().eviction(eviction).min_idle(1))
        .clock(Arc::clone(&clock))
        .build()
        .unwrap();
    pool.warm_up(3).unwrap();
    clock.advance(3 * second);
    drop(pool.acquire().unwrap());
    clock.advance(2 * second);
    assert_eq!(pool.maintain(), 2, "two have been idle for 5 s, one for 2 s");
    assert_eq!(pool.maintain(), 0, "one is kept");
    let held = pool.acquire().unwrap();
    clock.advance(6 * second);
    drop(held);
    assert_eq!(pool.stats().idle, 0, "it is 11 s old");
    pool.warm_up(2).unwrap();
    clock.advance(5 * second);
    drop(pool.acquire().unwrap());
    assert_eq!(pool.stats().created, 5, "the one that has to stay is handed out, however long it was idle");
}

thread_local! {
    static VALID: Cell<bool> = const { Cell::new(true) };
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

struct Fragile(#[expect(dead_code, reason = "it has a size")] u8);

impl Poolable for Fragile {
    fn create() -> Self {
        Self(0)
    }

    fn reset(&mut self) {}

    fn validate(&self) -> bool {
        ASKED.set(ASKED.get() + 1);
        VALID.get()
    }
}

#[test]
fn validation_is_asked_for_when_the_policy_says() {
    let clock = Arc::new(ManualClock::new());
    let with = |policy| {
        ASKED.set(0);
        VALID.set(true);
        ObjectPool::<Fragile>::builder()
            .strategy(PoolStrategy::new().validation(policy))
            .clock(Arc::clone(&clock))
            .build()
            .unwrap()
    };
    for (policy, expected) in [
        (ValidationPolicy::Never, 0),
        (ValidationPolicy::OnAcquire, 1),
        (ValidationPolicy::OnRelease, 2),
        (ValidationPolicy::Always, 3),
    ] {
        let pool = with(policy);
        drop(pool.acquire().unwrap());
        drop(pool.acquire().unwrap());
        assert_eq!((ASKED.get(), pool.stats().created), (expected, 1), "{policy:?}");
        VALID.set(false);
        drop(pool.acquire().unwrap());
        drop(pool.acquire().unwrap());
        let invalid = if policy == ValidationPolicy::Never { 0 } else { pool.stats().dropped };
        assert_eq!(
            pool.stats().created,
            1 + invalid - u64::from(policy.is_release() && invalid > 0),
            "{policy:?}"
        );
    }
    let pool = with(ValidationPolicy::Periodic(Duration::from_secs(60)));
    pool.warm_up(3).unwrap();
    assert_eq!((pool.maintain(), ASKED.get()), (0, 3));
    VALID.set(false);
    assert_eq!((pool.maintain(), ASKED.get()), (0, 3), "it is not due");
    clock.advance(Duration::from_secs(60));
    assert_eq!((pool.maintain(), pool.stats().idle), (3, 0));
}

trait IsRelease {
    fn is_release(&self) -> bool;
}

impl IsRelease for ValidationPolicy {
    fn is_release(&self) -> bool {
        matches!(self, Self::OnRelease | Self::Always)
    }
}

#[test]
fn objects_are_charged_while_they_exist() {
    let budget = Budget::root(Bytes::from_mib(1));
    let pool = ObjectPool::<Vec<u8>>::builder()
        .constructor(|| Vec::with_capacity(1000))
        .budget(&budget)
        .name("buffers")
        .build()
        .unwrap();
    let own = || pool.budget().used().as_usize();
    assert_eq!((own(), pool.budget().name().as_str()), (0, "buffers"));
    let mut held = pool.acquire().unwrap();
    assert!(own() >= 1000);
    held.reserve_exact(200_000);
    drop(held);
    assert!(own() >= 200_000, "it has grown, and is charged for it");
    drop(PoolGuard::detach(pool.acquire().unwrap()));
    pool.trim(0);
    assert_eq!(own(), 0, "what has left is not charged");
}

#[test]
fn an_object_that_outgrows_the_budget_is_dropped() {
    let budget = Budget::root(Bytes::from_kib(64));
    let pool = ObjectPool::<Vec<u8>>::builder().budget(&budget).build().unwrap();
    let mut held = pool.acquire().unwrap();
    held.reserve_exact(100_000);
    drop(held);
    assert_eq!((pool.stats().idle, pool.stats().dropped), (0, 1));
    pool.trim(0);
    assert_eq!(budget.used(), Bytes::ZERO);
}

#[test]
fn a_full_budget_refuses_new_objects_and_gets_idle_ones() {
    let budget = Budget::root(Bytes::from_kib(8));
    let pool = LocalPool::<Vec<u8>>::builder()
        .strategy(PoolStrategy::new().min_idle(1))
        .constructor(|| Vec::with_capacity(1000))
        .budget(&budget)
        .build()
        .unwrap();
    let mut held = Vec::new();
    let error = loop {
        match pool.acquire_owned() {
            Ok(guard) => held.push(guard),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, MemoryError::BudgetExceeded { .. }), "{error}");
    assert_eq!(held.len(), 7);
    held.clear();
    assert!(budget.try_reserve(Bytes::from_kib(6)).is_err(), "nobody else can reach into the pool");
    assert!(pool.maintain() >= 5, "but it was asked, and does so now");
    assert!(budget.try_reserve(Bytes::from_kib(6)).is_ok());
    assert!(pool.stats().idle >= 1);
}

#[test]
fn a_local_pool_lives_as_long_as_its_guards() {
    let dropped = Rc::new(Cell::new(0));
    struct Noisy(Rc<Cell<u32>>);
    thread_local!(static COUNTER: Cell<Option<Rc<Cell<u32>>>> = const { Cell::new(None) });
    impl Poolable for Noisy {
        fn create() -> Self {
            let counter = COUNTER.take().unwrap();
            COUNTER.set(Some(Rc::clone(&counter)));
            Self(counter)
        }
        fn reset(&mut self) {}
    }
    impl Drop for Noisy {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    COUNTER.set(Some(Rc::clone(&dropped)));
    let pool = LocalPool::<Noisy>::new(2);
    let (one, other) = (pool.acquire_owned().unwrap(), pool.acquire_owned().unwrap());
    drop(one);
    drop(pool);
    assert_eq!(dropped.get(), 0);
    drop(other);
    assert_eq!(dropped.get(), 2);
}

#[test]
fn two_pools_do_not_meet() {
    let (one, other) = (ObjectPool::<String>::new(1), ObjectPool::<String>::new(1));
    let held = one.acquire().unwrap();
    assert!(other.acquire().is_ok());
    drop(held);
    assert_eq!((one.stats().created, other.stats().created), (1, 1));
}

#[test]
fn a_panic_while_others_are_evicted_loses_nothing_that_comes_back() {
    thread_local!(static ARMED: Cell<bool> = const { Cell::new(false) });
    struct Bomb;
    impl Poolable for Bomb {
        fn create() -> Self {
            Self
        }
        fn reset(&mut self) {}
    }
    impl Drop for Bomb {
        fn drop(&mut self) {
            if ARMED.replace(false) {
                panic!("a planned panic in drop");
            }
        }
    }
    let clock = Arc::new(ManualClock::new());
    let eviction = EvictionPolicy::new().idle(Duration::from_secs(1));
    let pool = ObjectPool::<Bomb>::builder()
        .strategy(PoolStrategy::new().eviction(eviction))
        .clock(Arc::clone(&clock))
        .build()
        .unwrap();
    pool.warm_up(2).unwrap();
    let held = pool.acquire().unwrap();
    clock.advance(Duration::from_secs(2));
    ARMED.set(true);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(held))).is_err());
    let stats = pool.stats();
    assert_eq!((stats.created, stats.dropped, stats.idle, stats.in_use), (2, 2, 0, 0));
    pool.trim(0);
    assert_eq!(pool.budget().used(), Bytes::ZERO);
}
