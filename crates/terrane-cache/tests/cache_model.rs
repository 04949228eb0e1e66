//! The shared cache against a map: whatever it evicts, what it finds is right, and its books are in order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use terrane_base::{Budget, Bytes, ManualClock};
use terrane_cache::{Cache, EvictionPolicy, RemovalCause};

#[derive(Clone, Debug)]
enum Step {
    Get(u8),
    Insert(u8, u64),
    InsertFor(u8, u64),
    Remove(u8),
    Pin(u8),
    Unpin(u8),
    Pass(u64),
    Resize(u64),
    ShrinkTo(u64),
    RemoveExpired,
    Reclaim(u64),
    Clear,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0..24_u8;
    let step = prop_oneof![
        10 => key.clone().prop_map(Step::Get),
        12 => (key.clone(), 0..6_u64).prop_map(|(key, weight)| Step::Insert(key, weight)),
        2 => (key.clone(), 0..5_u64).prop_map(|(key, time)| Step::InsertFor(key, time)),
        3 => key.clone().prop_map(Step::Remove),
        1 => key.clone().prop_map(Step::Pin),
        2 => key.prop_map(Step::Unpin),
        1 => (0..4_u64).prop_map(Step::Pass),
        1 => (0..40_u64).prop_map(Step::Resize),
        1 => (0..40_u64).prop_map(Step::ShrinkTo),
        1 => Just(Step::RemoveExpired),
        1 => (0..500_u64).prop_map(Step::Reclaim),
        1 => Just(Step::Clear),
    ];
    prop::collection::vec(step, 0..300)
}

/// What the map knows of an entry that was put in and has not been told to have left.
#[derive(Clone, Copy, Debug)]
struct Entry {
    value: u64,
    weight: u64,
    ends: Option<u64>,
}

fn policies() -> impl Strategy<Value = EvictionPolicy> {
    prop::sample::select(vec![
        EvictionPolicy::Adaptive,
        EvictionPolicy::Lru,
        EvictionPolicy::Lfu,
        EvictionPolicy::Fifo,
    ])
}

proptest! {
    #[test]
    fn what_it_finds_is_right_and_its_books_are_in_order(
        policy in policies(),
        capacity in 0..40_u64,
        steps in steps(),
    ) {
        let clock = Arc::new(ManualClock::new());
        let budget = Budget::root(Bytes::from_mib(1));
        let left = Arc::new(Mutex::new(Vec::new()));
        // A value is its weight and a number of its own.
        let cache = Cache::builder()
            .weigher(capacity, |_, &value: &u64| value & 7)
            .policy(policy)
            .clock(clock.clone())
            .budget(&budget)
            .on_removal({
                let left = left.clone();
                move |&key: &u8, &value: &u64, cause| left.lock().unwrap().push((key, value, cause))
            })
            .build();
        let mut model: BTreeMap<u8, Entry> = BTreeMap::new();
        let mut pinned: BTreeSet<u8> = BTreeSet::new();
        let (mut now, mut capacity) = (0, capacity);
        for (number, step) in (1_u64..).zip(steps) {
            let mut put = None;
            match step {
                Step::Get(key) => {
                    let expected = model.get(&key).filter(|entry| entry.ends.is_none_or(|ends| now < ends));
                    prop_assert_eq!(cache.get(&key), expected.map(|entry| entry.value));
                }
                Step::Insert(key, weight) => {
                    let value = number << 3 | weight;
                    put = Some((key, Entry { value, weight: weight.max(1), ends: None }, cache.insert(key, value)));
                }
                Step::InsertFor(key, time) => {
                    let value = number << 3 | 1;
                    let kept = cache.insert_with_time_to_live(key, value, Duration::from_secs(time));
                    put = Some((key, Entry { value, weight: 1, ends: Some(now + time) }, kept));
                }
                Step::Remove(key) => {
                    let expected = model.get(&key).filter(|entry| entry.ends.is_none_or(|ends| now < ends));
                    prop_assert_eq!(cache.remove(&key), expected.map(|entry| entry.value));
                }
                Step::Pin(key) => {
                    if cache.pin(&key) {
                        pinned.insert(key);
                    }
                }
                Step::Unpin(key) => {
                    cache.unpin(&key);
                    pinned.remove(&key);
                }
                Step::Pass(seconds) => {
                    clock.advance(Duration::from_secs(seconds));
                    now += seconds;
                }
                Step::Resize(to) => {
                    cache.resize(to);
                    capacity = to;
                }
                Step::ShrinkTo(weight) => _ = cache.shrink_to(weight),
                Step::RemoveExpired => cache.remove_expired(),
                Step::Reclaim(bytes) => _ = budget.reclaim(Bytes::new(bytes)),
                Step::Clear => cache.clear(),
            }
            // First what left, then what came: a new value that is refused has left as well.
            let mut came = None;
            if let Some((key, entry, true)) = put {
                came = Some((key, entry));
            }
            for (key, value, cause) in std::mem::take(&mut *left.lock().unwrap()) {
                let evicted = matches!(cause, RemovalCause::Capacity | RemovalCause::Reclaimed);
                if put.is_some_and(|(other, entry, _)| other == key && entry.value == value) {
                    prop_assert!(evicted && came.is_none(), "a new entry left with {:?}", cause);
                    continue;
                }
                let entry = model.remove(&key);
                prop_assert_eq!(entry.map(|entry| entry.value), Some(value), "{} left twice or never came", key);
                prop_assert!(!(evicted && pinned.contains(&key)), "{} was pinned", key);
                if cause == RemovalCause::Expired {
                    prop_assert!(entry.and_then(|entry| entry.ends).is_some_and(|ends| ends <= now));
                }
                let replaced = came.is_some_and(|(other, _)| other == key) && cause == RemovalCause::Replaced;
                if !replaced {
                    pinned.remove(&key);
                }
            }
            model.extend(came);
            prop_assert_eq!(cache.len(), model.len());
            let weight: u64 = model.values().map(|entry| entry.weight).sum();
            prop_assert_eq!(cache.weight(), weight);
            let pinned_weight: u64 = pinned.iter().filter_map(|key| model.get(key)).map(|entry| entry.weight).sum();
            prop_assert!(weight <= capacity.max(pinned_weight), "{} of {}", weight, capacity);
            let live = model.iter().filter(|(_, entry)| entry.ends.is_none_or(|ends| now < ends));
            let live: BTreeMap<u8, u64> = live.map(|(&key, entry)| (key, entry.value)).collect();
            prop_assert_eq!(cache.iter().collect::<BTreeMap<_, _>>(), live);
        }
        drop(cache);
        prop_assert_eq!(budget.used(), Bytes::ZERO);
    }
}
