//! The caches that traces are replayed for: ours and the rivals, each with everything as it comes.

use foldhash::fast::FixedState;
use std::num::NonZero;
use terrane_cache::{Cache, EvictionPolicy, FifoCache, LfuCache};

/// Hits of a cache with that capacity and seed on these keys.
pub(super) type Policy = fn(usize, u64, &[u64]) -> usize;

pub(super) fn all() -> Vec<(&'static str, Policy)> {
    vec![
        ("terrane", |capacity, seed, keys| {
            let hasher = FixedState::with_seed(seed);
            let cache =
                Cache::builder().capacity(capacity).policy(EvictionPolicy::Adaptive).hasher(hasher).build();
            replay(keys, |key| cache.get(&key).is_some(), |key| _ = cache.insert(key, ()))
        }),
        ("lru", |capacity, _, keys| {
            let Some(capacity) = NonZero::new(capacity) else { return 0 };
            let cache = std::cell::RefCell::new(lru::LruCache::new(capacity));
            replay(
                keys,
                |key| cache.borrow_mut().get(&key).is_some(),
                |key| _ = cache.borrow_mut().put(key, ()),
            )
        }),
        ("lfu", |capacity, _, keys| {
            let cache = std::cell::RefCell::new(LfuCache::new(capacity));
            replay(
                keys,
                |key| cache.borrow_mut().get(&key).is_some(),
                |key| _ = cache.borrow_mut().insert(key, ()),
            )
        }),
        ("fifo", |capacity, _, keys| {
            let cache = std::cell::RefCell::new(FifoCache::new(capacity));
            replay(
                keys,
                |key| cache.borrow_mut().get(&key).is_some(),
                |key| _ = cache.borrow_mut().insert(key, ()),
            )
        }),
        ("quick_cache", |capacity, _, keys| {
            let cache = quick_cache::sync::Cache::new(capacity);
            replay(keys, |key| cache.get(&key).is_some(), |key| cache.insert(key, ()))
        }),
        ("moka", |capacity, _, keys| {
            let cache = moka::sync::Cache::new(capacity as u64);
            let requests = std::cell::Cell::new(0_u32);
            let is_hit = |key| {
                // Its work is done by and by; here as often as a server with idle time would let it.
                requests.set(requests.get() + 1);
                if requests.get().is_multiple_of(64) {
                    cache.run_pending_tasks();
                }
                cache.get(&key).is_some()
            };
            replay(keys, is_hit, |key| cache.insert(key, ()))
        }),
        ("mini-moka", |capacity, _, keys| {
            let cache = std::cell::RefCell::new(mini_moka::unsync::Cache::new(capacity as u64));
            replay(
                keys,
                |key| cache.borrow_mut().get(&key).is_some(),
                |key| cache.borrow_mut().insert(key, ()),
            )
        }),
        #[cfg(feature = "foyer")]
        ("foyer s3-fifo", |capacity, _, keys| {
            let policy = foyer_memory::S3FifoConfig::default();
            let cache = foyer_memory::CacheBuilder::new(capacity).with_shards(1).with_eviction_config(policy);
            let cache: foyer_memory::Cache<u64, ()> = cache.build();
            replay(keys, |key| cache.get(&key).is_some(), |key| drop(cache.insert(key, ())))
        }),
    ]
}

fn replay(keys: &[u64], mut is_hit: impl FnMut(u64) -> bool, mut put: impl FnMut(u64)) -> usize {
    let request = |&&key: &&u64| {
        let hit = is_hit(key);
        if !hit {
            put(key);
        }
        hit
    };
    keys.iter().filter(request).count()
}
