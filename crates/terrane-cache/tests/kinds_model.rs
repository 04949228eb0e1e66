//! The cache of one thread and the one with a cold tier against a map: whatever they evict, what they find is right.

use std::collections::BTreeMap;

use proptest::prelude::*;
use terrane_base::{Budget, Bytes};
use terrane_cache::{ColdTier, ThreadLocalCache, TieredCache};

const KEYS: u8 = 24;

#[derive(Clone, Debug)]
enum Step {
    Get(u8),
    Compute(u8),
    Insert(u8),
    Remove(u8),
    Clear,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0..KEYS;
    let step = prop_oneof![
        20 => key.clone().prop_map(Step::Get),
        8 => key.clone().prop_map(Step::Compute),
        20 => key.clone().prop_map(Step::Insert),
        6 => key.prop_map(Step::Remove),
        1 => Just(Step::Clear),
    ];
    prop::collection::vec(step, 0..400)
}

proptest! {
    #[test]
    fn of_one_thread(capacity in 0..2 * u64::from(KEYS), steps in steps()) {
        let cache = ThreadLocalCache::new(capacity as usize);
        let holds_all = capacity >= u64::from(KEYS);
        let mut model: BTreeMap<u8, u64> = BTreeMap::new();
        // Found, not found, and taken out otherwise than by eviction.
        let (mut hits, mut misses, mut taken) = (0, 0, 0);
        for (number, step) in (0_u64..).zip(steps) {
            match step {
                Step::Get(key) => {
                    let (found, expected) = (cache.get(&key), model.get(&key).copied());
                    prop_assert!(found == expected || found.is_none() && !holds_all, "{found:?} for {expected:?}");
                    *if found.is_some() { &mut hits } else { &mut misses } += 1;
                }
                Step::Compute(key) => {
                    let mut computed = false;
                    let value = cache.get_or_compute(key, |_| { computed = true; number });
                    *if computed { &mut misses } else { &mut hits } += 1;
                    if computed {
                        prop_assert!(!(holds_all && model.contains_key(&key)));
                        model.insert(key, number);
                    }
                    prop_assert_eq!(Some(&value), model.get(&key));
                }
                Step::Insert(key) => {
                    let (old, expected) = (cache.insert(key, number), model.insert(key, number));
                    prop_assert!(old == expected || old.is_none() && !holds_all, "{old:?} for {expected:?}");
                    prop_assert_eq!(cache.insert(key, number), (capacity > 0).then_some(number));
                }
                Step::Remove(key) => {
                    let (old, expected) = (cache.remove(&key), model.remove(&key));
                    prop_assert!(old == expected || old.is_none() && !holds_all, "{old:?} for {expected:?}");
                    taken += u64::from(old.is_some());
                }
                Step::Clear => {
                    taken += cache.len() as u64;
                    cache.clear();
                    model.clear();
                    prop_assert!(cache.is_empty());
                }
            }
            let (stats, len) = (cache.stats(), cache.len() as u64);
            prop_assert!(len <= capacity && (len == model.len() as u64 || !holds_all));
            prop_assert_eq!((stats.hits, stats.misses), (hits, misses));
            prop_assert_eq!(stats.inserted, stats.evicted + taken + len);
        }
    }
}

#[derive(Clone, Debug)]
enum TieredStep {
    Get(u8),
    /// A value of so many bytes, of which every so many are the same.
    Insert(u8, usize, usize),
    Remove(u8),
    Reclaim(u64),
    Clear,
}

fn tiered_steps() -> impl Strategy<Value = Vec<TieredStep>> {
    let key = 0..KEYS;
    let step = prop_oneof![
        20 => key.clone().prop_map(TieredStep::Get),
        20 => (key.clone(), 0..3000_usize, prop::sample::select(vec![1_usize, 50, 3000]))
            .prop_map(|(key, bytes, run)| TieredStep::Insert(key, bytes, run)),
        5 => key.prop_map(TieredStep::Remove),
        1 => (0..10_000_u64).prop_map(TieredStep::Reclaim),
        1 => Just(TieredStep::Clear),
    ];
    prop::collection::vec(step, 0..200)
}

/// Different for each number; can be compressed if the runs are long.
fn value(number: u32, bytes: usize, run: usize) -> Vec<u8> {
    let byte = |at: usize| (at / run) as u32 ^ number;
    (0..bytes).map(|at| (byte(at).wrapping_mul(0x9e37_79b1) >> 24) as u8).collect()
}

proptest! {
    #[test]
    fn with_a_cold_tier(
        hot_bytes in prop_oneof![0..20_000_u64, Just(1 << 30)],
        cold_bytes in prop_oneof![0..5000_u64, Just(1 << 30)],
        steps in tiered_steps(),
    ) {
        let budget = Budget::root(Bytes::from_mib(64));
        let tier = ColdTier { capacity_bytes: cold_bytes, ..ColdTier::default() };
        let cache: TieredCache<u8, Vec<u8>> = TieredCache::new(hot_bytes, tier, Some(&budget));
        let mut holds_all = hot_bytes == 1 << 30;
        let mut model: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
        for (number, step) in (0_u32..).zip(steps) {
            match step {
                TieredStep::Get(key) => {
                    let (found, expected) = (cache.get(&key), model.get(&key).cloned());
                    prop_assert!(found == expected || found.is_none() && !holds_all);
                }
                TieredStep::Insert(key, bytes, run) => {
                    let value = value(number, bytes, run);
                    model.insert(key, value.clone());
                    let kept = cache.insert(key, value);
                    prop_assert!(kept || !holds_all);
                }
                TieredStep::Remove(key) => {
                    let (was_here, expected) = (cache.remove(&key), model.remove(&key).is_some());
                    prop_assert!(was_here == expected || expected && !holds_all);
                    prop_assert_eq!(cache.get(&key), None);
                }
                TieredStep::Reclaim(bytes) => {
                    budget.reclaim(Bytes::new(bytes));
                    holds_all = false;
                }
                TieredStep::Clear => {
                    cache.clear();
                    model.clear();
                    prop_assert!(cache.is_empty());
                }
            }
            prop_assert!(cache.len() <= model.len(), "a key is in both tiers, or one is here that is not");
            prop_assert!(cache.cold_bytes() <= cold_bytes);
        }
        drop(cache);
        prop_assert_eq!(budget.used(), Bytes::ZERO);
    }
}
