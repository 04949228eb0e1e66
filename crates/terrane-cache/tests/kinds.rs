//! The other kinds of caches, and what is written down of them.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use proptest::prelude::*;
use terrane_base::{Budget, Bytes, MemorySerializable, StateProblem};
use terrane_cache::{
    Cache, CacheState, CacheStrategy, ColdTier, DashCache, EvictionPolicy, LruCache, ShardedCache,
    ThreadLocalCache, TieredCache,
};

#[test]
fn a_thread_local_cache_is_bounded_and_computes() {
    let cache = ThreadLocalCache::new(100);
    for key in 0..1000 {
        assert_eq!(cache.get_or_compute(key, |key| key * 2), key * 2);
        assert!(cache.len() <= 100);
    }
    assert!(cache.len() > 90);
    assert_eq!(cache.get_or_compute(5000, |_| cache.get_or_compute(6000, |_| 1) + 1), 2);
    assert_eq!((cache.insert(5000, 9), cache.get(&5000), cache.remove(&5000)), (Some(2), Some(9), Some(9)));
    assert_eq!(cache.get(&5000), None);
    let stats = cache.stats();
    assert_eq!(stats.inserted - stats.evicted, cache.len() as u64 + 1);
    cache.clear();
    assert!(cache.is_empty());
    let nothing = ThreadLocalCache::new(0);
    assert_eq!((nothing.insert(1, 1), nothing.len()), (None, 0));
}

#[test]
fn a_thread_local_cache_counts_what_it_computes() {
    let cache = ThreadLocalCache::new(10);
    assert_eq!(cache.try_get_or_compute(1, |_| Err("no")), Err("no"));
    assert!(!cache.contains(&1));
    assert_eq!(cache.try_get_or_compute(1, |key| Ok::<_, &str>(key + 1)), Ok(2));
    assert_eq!(cache.try_get_or_compute(1, |_| Err("not asked")), Ok(2));
    assert!(catch_unwind(AssertUnwindSafe(|| cache.get_or_compute(5, |_| panic!("on purpose")))).is_err());
    assert_eq!(cache.get_or_compute(3, |_| cache.get_or_compute(3, |_| 7) + 1), 8, "its own key");
    let before = cache.stats();
    assert!(cache.contains(&3) && !cache.contains(&4));
    assert_eq!((before.loads, before.failed_loads, cache.len()), (3, 2, 2));
    assert_eq!(cache.stats(), before, "`contains` is not counted");
}

#[test]
fn sharded_caches_have_the_capacity_in_all() {
    let cache = ShardedCache::new(16, 1000);
    (0..5000).for_each(|key| _ = cache.insert(key, key));
    assert!((900..=1000).contains(&cache.len()), "{}", cache.len());
    assert_eq!(cache.clone().len(), cache.len());
    let dash: DashCache<u8, u8> = DashCache::new(10);
    assert!(dash.insert(1, 2));
    assert_eq!(dash.get(&1), Some(2));
}

#[test]
fn a_strategy_computes_expires_and_is_charged() {
    let budget = Budget::root(Bytes::from_mib(1));
    let cache = CacheStrategy::new(10, |key: &String| key.len())
        .with_eviction(EvictionPolicy::Fifo)
        .with_ttl(std::time::Duration::from_secs(3600))
        .with_budget(&budget)
        .build();
    assert_eq!((cache.get("four".to_owned()), cache.get("four".to_owned())), (Ok(4), Ok(4)));
    assert_eq!((cache.cache().stats().loads, cache.cache().len()), (1, 1));
    assert!(budget.used() > Bytes::ZERO);
    drop(cache);
    assert_eq!(budget.used(), Bytes::ZERO);
}

#[test]
fn the_cold_tier_keeps_what_falls_out_until_memory_is_short() {
    let budget = Budget::root(Bytes::from_mib(4));
    let tier = ColdTier { capacity_bytes: 1 << 20, ..ColdTier::default() };
    let cache: TieredCache<u32, Arc<[u8]>> = TieredCache::new(100_000, tier, Some(&budget));
    let page = |number: u32| Arc::from(vec![number as u8; 4096]);
    (0..200).for_each(|number| assert!(cache.insert(number, page(number))));
    assert_eq!(cache.len(), 200);
    assert!(cache.cold_bytes() > 0 && budget.used() < Bytes::from_kib(300), "{}", budget.used());
    for number in 0..200 {
        assert_eq!(cache.get(&number), Some(page(number)));
    }
    assert!(cache.cold_hits() > 150);
    assert!(cache.insert(3, page(33)));
    (0..200).for_each(|number| _ = cache.get(&number));
    assert_eq!(cache.get(&3), Some(page(33)), "an old compressed value is never seen again");
    assert!(cache.remove(&3) && !cache.remove(&3) && cache.get(&3).is_none());
    assert!(budget.reclaim(Bytes::from_mib(4)) > Bytes::ZERO);
    assert_eq!((cache.len(), cache.cold_bytes()), (0, 0), "what was taken back was compressed");
    (0..200).for_each(|number| assert!(cache.insert(number, page(number))));
    let all = budget.try_reserve(Bytes::from_kib(4000));
    assert!(all.is_ok(), "{all:?}");
    drop((all, cache));
    assert_eq!(budget.used(), Bytes::ZERO);
}

#[test]
fn state_comes_back_and_damage_is_an_error() {
    let cache: Cache<String, Vec<u8>> = Cache::new(100);
    for number in 0..50_u8 {
        cache.insert(number.to_string(), vec![number; 3]);
    }
    let bytes = cache.state().serialize_state();
    let again = Cache::new(100);
    let state = CacheState::<String, Vec<u8>>::deserialize_state(&bytes).unwrap();
    assert_eq!(again.restore(state), 50);
    let entries: HashMap<_, _> = again.iter().collect();
    assert_eq!(entries, cache.iter().collect());
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x41;
        assert!(CacheState::<String, Vec<u8>>::deserialize_state(&damaged).is_err(), "byte {at}");
        assert!(CacheState::<String, Vec<u8>>::deserialize_state(&bytes[..at]).is_err(), "{at} bytes");
    }
    let error = CacheState::<u8, u8>::deserialize_state(&bytes).unwrap_err();
    assert!(matches!(error.problem, StateProblem::Malformed(_) | StateProblem::Ends(_)), "{error}");
}

proptest! {
    #[test]
    fn numbers_come_back(entries in prop::collection::vec((any::<(i8, u16)>(), any::<(u64, i64)>()), 0..20)) {
        let state = CacheState { entries };
        prop_assert_eq!(CacheState::deserialize_state(&state.serialize_state()), Ok(state));
    }
}

/// A key whose `Hash` or `Eq` panics when told to.
#[derive(Clone, Debug)]
struct Mine(u32);

static HASH_PANICS: AtomicBool = AtomicBool::new(false);
static EQ_PANICS: AtomicBool = AtomicBool::new(false);

impl Hash for Mine {
    fn hash<H: Hasher>(&self, state: &mut H) {
        assert!(!HASH_PANICS.load(SeqCst), "a hash that panics");
        // Few hashes, so that keys are compared a lot.
        (self.0 % 8).hash(state);
    }
}

impl PartialEq for Mine {
    fn eq(&self, other: &Self) -> bool {
        assert!(!EQ_PANICS.load(SeqCst), "an equality that panics");
        self.0 == other.0
    }
}

impl Eq for Mine {}

#[test]
fn keys_that_panic_leave_everything_whole() {
    let budget = Budget::root(Bytes::from_mib(1));
    let shared = Cache::builder().capacity(60).budget(&budget).build();
    let (mut exact, local) = (LruCache::new(60), ThreadLocalCache::new(60));
    for key in 0..50 {
        shared.insert(Mine(key), key);
        exact.insert(Mine(key), key);
        local.insert(Mine(key), key);
    }
    let charged = budget.used();
    for flag in [&HASH_PANICS, &EQ_PANICS] {
        flag.store(true, SeqCst);
        for key in [3, 100] {
            let panics = |work: &mut dyn FnMut()| assert!(catch_unwind(AssertUnwindSafe(work)).is_err());
            // Often enough that a charge that stays is more than what is charged ahead of need.
            (0..2000).for_each(|_| panics(&mut || _ = shared.insert(Mine(key), 1)));
            panics(&mut || _ = shared.get(&Mine(key)));
            panics(&mut || _ = shared.remove(&Mine(key)));
            panics(&mut || _ = shared.get_or_compute(Mine(key), |_| 1));
            panics(&mut || _ = exact.insert(Mine(key), 1));
            panics(&mut || _ = exact.remove(&Mine(key)));
            panics(&mut || _ = local.insert(Mine(key), 1));
            panics(&mut || _ = local.get(&Mine(key)));
        }
        flag.store(false, SeqCst);
    }
    assert_eq!(budget.used(), charged, "a charge for what did not come");
    for key in 0..50 {
        assert_eq!(shared.get(&Mine(key)), Some(key));
        assert_eq!(exact.get(&Mine(key)), Some(&key));
        assert_eq!(local.get(&Mine(key)), Some(key));
        assert_eq!(shared.remove(&Mine(key)), Some(key));
    }
    assert_eq!((shared.len(), exact.len(), local.len()), (0, 50, 50));
}
