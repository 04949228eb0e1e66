//! Capacities of nothing and of one, entries that are too heavy, times of zero, and computations that want their own value: in every
//! kind of cache a plain answer or an error.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use terrane_base::{Budget, Bytes, ManualClock};
use terrane_cache::{
    Cache, CacheStrategy, ColdTier, ComputeError, ComputingCache, DashCache, EvictionPolicy, FifoCache,
    InsertError, LfuCache, LruCache, Reentrant, RemovalCause, ShardedCache, ThreadLocalCache, TieredCache,
};

#[test]
fn caches_of_nothing_compute_and_keep_nothing() {
    let sharded = ShardedCache::new(0, 0);
    assert!(!sharded.insert(1, 1) && !sharded.pin(&1) && sharded.is_empty());
    assert_eq!((sharded.get_or_compute(1, |_| 2), sharded.get(&1), sharded.remove(&1)), (Ok(2), None, None));
    let dash: DashCache<u8, u8> = DashCache::new(0);
    assert_eq!((dash.insert(1, 1), dash.get(&1)), (false, None));
    let local = ThreadLocalCache::new(0);
    assert_eq!((local.get_or_compute(1, |_| 2), local.get(&1), local.remove(&1)), (2, None, None));
    let computing = CacheStrategy::new(0, |key: &u32| key + 1).build();
    assert_eq!((computing.get(1), computing.get(1), computing.cache().len()), (Ok(2), Ok(2), 0));
    let no_tier = ColdTier { capacity_bytes: 0, ..ColdTier::default() };
    let tiered: TieredCache<u32, Vec<u8>> = TieredCache::new(0, no_tier, None);
    assert_eq!((tiered.insert(1, vec![0; 4096]), tiered.get(&1), tiered.len()), (false, None, 0));
    let (mut fifo, mut lfu) = (FifoCache::new(0), LfuCache::new(0));
    assert_eq!((fifo.insert(1, 1), fifo.get(&1), lfu.insert(1, 1), lfu.get(&1)), (None, None, None, None));
}

#[test]
fn caches_of_one_keep_the_last() {
    // Each of the parts has room for one at least, however many are asked for.
    for (shards, capacity) in [(8, 1), (256, 100), (usize::MAX, 3)] {
        let sharded = ShardedCache::new(shards, capacity);
        assert!((0..1000).all(|key| sharded.insert(key, key) && sharded.get(&key) == Some(key)));
        assert!((1..=capacity).contains(&sharded.len()));
        // Not so any more when it is made smaller than its parts are many; then that is what it says.
        sharded.resize(0);
        let error = sharded.try_insert(1, 1).unwrap_err();
        assert!(
            error.to_string().starts_with("the cache keeps nothing, as its capacity is 0 or less than"),
            "{error}"
        );
    }
    for policy in [EvictionPolicy::Adaptive, EvictionPolicy::Lru, EvictionPolicy::Lfu, EvictionPolicy::Fifo] {
        let cache = Cache::builder().capacity(1).policy(policy).build();
        for key in 0..100 {
            assert!(cache.insert(key, key));
            assert_eq!((cache.get(&key), cache.len()), (Some(key), 1), "{policy:?}");
        }
    }
    let local = ThreadLocalCache::new(1);
    let (mut lru, mut lfu) = (LruCache::new(1), LfuCache::new(1));
    for key in 0..100 {
        local.insert(key, key);
        lru.insert(key, key);
        lfu.insert(key, key);
        assert_eq!((local.get(&key), lru.get(&key), lfu.get(&key)), (Some(key), Some(&key), Some(&key)));
        assert_eq!((local.len(), lru.len(), lfu.len()), (1, 1, 1));
    }
}

#[test]
fn what_is_too_heavy_is_computed_and_handed_out() {
    let cache = Cache::builder().weigher(10, |_, &weight: &u64| weight).build();
    assert_eq!(cache.get_or_compute('a', |_| 11), Ok(11));
    assert_eq!(cache.get_or_compute('a', |_| u64::MAX), Ok(u64::MAX));
    assert_eq!((cache.len(), cache.stats().rejected), (0, 2));
    assert_eq!((cache.get_or_compute('a', |_| 10), cache.get(&'a')), (Ok(10), Some(10)));
    let mut exact: LruCache<char, u64> = LruCache::with_weigher(10, |_, &weight| weight);
    exact.insert('a', 10);
    assert_eq!((exact.insert('a', 11), exact.len()), (Some(10), 0));
    let small = ColdTier { capacity_bytes: 1000, ..ColdTier::default() };
    let tiered: TieredCache<u32, Vec<u8>> = TieredCache::new(100, small, None);
    assert!(tiered.insert(1, vec![0; 50]));
    assert!(!tiered.insert(1, vec![0; 5000]), "it fits no tier as it is");
    assert_eq!(tiered.get(&1), None, "the old value is outdated");
}

#[test]
fn what_lives_for_no_time_is_computed_and_handed_out() {
    let clock = Arc::new(ManualClock::new());
    let builder = || Cache::builder().capacity(10).clock(clock.clone());
    for cache in
        [builder().time_to_live(Duration::ZERO).build(), builder().time_to_idle(Duration::ZERO).build()]
    {
        assert_eq!(cache.try_insert(1, 1), Err(InsertError::NoTime));
        assert_eq!((cache.get_or_compute(1, |_| 5), cache.get_or_compute(1, |_| 6)), (Ok(5), Ok(6)));
        assert_eq!((cache.get(&1), cache.contains(&1), cache.len()), (None, false, 0));
    }
    let cache = builder().build();
    assert!(cache.insert(1, 1));
    assert!(!cache.insert_with_time_to_live(1, 2, Duration::ZERO));
    assert_eq!(cache.get(&1), None, "the old value is outdated");
    // Always too old, and never gone.
    let fresh = builder().refresh_after(Duration::ZERO).build();
    assert_eq!([1, 2, 3].map(|value| fresh.get_or_compute(7, |_| value)), [Ok(1), Ok(2), Ok(3)]);
    assert_eq!(fresh.get(&7), Some(3));
    let long = builder().time_to_live(Duration::MAX).time_to_idle(Duration::MAX).build();
    assert!(long.insert(1, 1));
    clock.advance(Duration::from_secs(1 << 33));
    assert_eq!(long.get(&1), Some(1));
}

#[test]
fn a_computation_that_wants_its_own_value_waits_for_nobody() {
    // Of one thread: the innermost is computed first, the outermost stays.
    let local = ThreadLocalCache::new(10);
    assert_eq!(local.get_or_compute('k', |_| local.get_or_compute('k', |_| 1) + 1), 2);
    assert_eq!(local.get(&'k'), Some(2));
    // One that looks its own value up, or puts it in, computes nothing twice.
    let cache = Cache::new(10);
    let computed = cache.get_or_compute('k', |_| {
        assert_eq!((cache.get(&'k'), cache.remove(&'k')), (None, None));
        assert!(cache.insert('k', 1));
        2
    });
    assert_eq!((computed, cache.get(&'k')), (Ok(2), Some(2)));
    let error: Result<i32, _> = cache.try_get_or_compute('e', |_| cache.try_get_or_compute('e', |_| Ok(1)));
    assert_eq!(error, Err(ComputeError::Failed(ComputeError::<()>::Reentrant)));
    // A strategy that asks itself.
    let itself: Arc<OnceLock<ComputingCache<u32, u32>>> = Arc::default();
    let strategy = CacheStrategy::new(10, {
        let itself = itself.clone();
        move |&key: &u32| match itself.get().expect("it is set").get(key) {
            Err(Reentrant) => 7,
            Ok(_) => 0,
        }
    });
    assert!(itself.set(strategy.build()).is_ok());
    assert_eq!(itself.get().expect("it is set").get(1), Ok(7));
}

#[test]
fn a_listener_that_always_panics_is_told_of_all_and_breaks_nothing() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let budget = Budget::root(Bytes::from_mib(1));
    let clock = Arc::new(ManualClock::new());
    let cache = Cache::builder()
        .capacity(2)
        .clock(clock.clone())
        .budget(&budget)
        .on_removal({
            let told = told.clone();
            move |_: &u32, _: &u32, cause| {
                told.lock().expect("nobody panics with it").push(cause);
                panic!("a listener that panics");
            }
        })
        .build();
    assert!(cache.insert(1, 1) && cache.insert(1, 2) && cache.insert(2, 2) && cache.insert(3, 3));
    assert!(budget.reclaim(Bytes::from_mib(1)) > Bytes::ZERO);
    assert!(cache.insert(4, 4));
    assert_eq!(cache.remove(&4), Some(4));
    assert!(cache.insert_with_time_to_live(5, 5, Duration::from_secs(1)));
    clock.advance(Duration::from_secs(1));
    assert_eq!(cache.get(&5), None);
    assert!(cache.insert(6, 6));
    cache.clear();
    assert_eq!(cache.get_or_compute(7, |_| 7), Ok(7));
    cache.resize(0);
    let all = told.lock().expect("nobody panics with it").clone();
    let count = |cause| all.iter().filter(|&&other| other == cause).count();
    let causes = [
        RemovalCause::Replaced,
        RemovalCause::Capacity,
        RemovalCause::Reclaimed,
        RemovalCause::Removed,
        RemovalCause::Expired,
    ];
    assert_eq!(causes.map(count), [1, 2, 2, 2, 1]);
    assert_eq!((cache.stats().listener_panics, cache.len()), (8, 0));
    drop(cache);
    assert_eq!(budget.used(), Bytes::ZERO);
}

#[test]
fn what_is_not_taken_is_counted_and_said_why() {
    let clock = Arc::new(ManualClock::new());
    let cache: Cache<u32, u64> =
        Cache::builder().weigher(10, |_, &weight| weight).clock(Arc::clone(&clock)).build();
    let second = Duration::from_secs(1);
    let heavy = Err(InsertError::TooHeavy { weight: 11, max: 10 });
    assert_eq!(cache.try_insert_with_time_to_live(1, 11, second), heavy);
    assert_eq!(cache.try_insert_with_time_to_live(1, 1, Duration::ZERO), Err(InsertError::NoTime));
    assert_eq!(cache.try_insert_with_time_to_live(1, 1, second), Ok(()));
    clock.advance(2 * second);
    assert_eq!(cache.get(&1), None);

    let tiered: TieredCache<u32, Vec<u8>> = TieredCache::new(100, ColdTier::default(), None);
    assert!(tiered.insert(1, vec![0; 50]) && tiered.contains(&1));
    let heavy = InsertError::TooHeavy { weight: 101, max: 100 };
    assert_eq!(tiered.try_insert(1, vec![0; 101]), Err(heavy));
    assert!(!tiered.contains(&1), "the old value is outdated");

    let mut exact: LruCache<u32, u32> = LruCache::new(0);
    exact.insert(1, 1);
    assert_eq!(exact.get_or_insert_with(2, || 2), None);
    assert_eq!(exact.stats().rejected, 2);
    let local: ThreadLocalCache<u32, u32> = ThreadLocalCache::new(0);
    local.insert(1, 1);
    assert_eq!((local.get_or_compute(2, |_| 2), local.stats().rejected), (2, 2));
}
