//! What the shared cache does, beside how well it chooses.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use terrane_base::{Budget, Bytes, ManualClock, MemoryError};
use terrane_cache::{Cache, EvictionPolicy, InsertError, RemovalCause};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn it_finds_what_was_put_in() {
    let cache = Cache::new(100);
    assert!(cache.insert("a".to_owned(), 1));
    assert_eq!(cache.get("a"), Some(1));
    assert!(cache.insert("a".to_owned(), 2));
    assert_eq!((cache.get("a"), cache.len()), (Some(2), 1));
    assert_eq!(cache.remove("a"), Some(2));
    assert_eq!((cache.get("a"), cache.remove("a"), cache.len()), (None, None, 0));
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.misses, stats.inserted), (2, 1, 1));
}

#[test]
fn the_capacity_is_never_exceeded_and_is_used() {
    for capacity in [0, 1, 2, 3, 10, 1000, 5000] {
        for policy in
            [EvictionPolicy::Adaptive, EvictionPolicy::Lru, EvictionPolicy::Lfu, EvictionPolicy::Fifo]
        {
            let cache = Cache::builder().capacity(capacity).policy(policy).build();
            for key in 0..3 * capacity + 3 {
                cache.insert(key, key);
                assert!(cache.len() <= capacity, "{policy:?} {capacity}");
            }
            assert!(cache.len() >= capacity * 9 / 10, "{policy:?} {capacity}: {}", cache.len());
            assert_eq!(cache.capacity(), capacity as u64);
        }
    }
}

#[test]
fn weights_count_and_what_is_too_heavy_is_refused_with_its_old_value() {
    let cache = Cache::builder().weigher(10, |_, &weight: &u64| weight).build();
    assert!(cache.insert('a', 6));
    assert!(cache.insert('b', 4));
    assert_eq!(cache.weight(), 10);
    assert!(cache.insert('c', 0));
    assert!(cache.weight() <= 10);
    cache.clear();
    assert!(cache.insert('a', 6));
    let error = cache.try_insert('a', 11).unwrap_err();
    assert_eq!(error, InsertError::TooHeavy { weight: 11, max: 10 });
    assert_eq!((cache.get(&'a'), cache.weight()), (None, 0));
    assert!(cache.insert('a', 1) && cache.insert('a', 10));
    assert_eq!(cache.weight(), 10);
    assert!(!cache.insert('b', u64::MAX));
    assert_eq!(cache.stats().rejected, 2);
}

#[test]
fn the_listener_is_told_each_cause_and_may_panic() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let clock = Arc::new(ManualClock::new());
    let cache = Cache::builder()
        .capacity(1)
        .time_to_live(SECOND)
        .clock(clock.clone())
        .on_removal({
            let told = told.clone();
            move |&key: &char, &value: &i32, cause| {
                told.lock().unwrap().push((key, value, cause));
                assert_ne!(key, 'x', "a listener that panics");
            }
        })
        .build();
    cache.insert('a', 1);
    cache.insert('a', 2);
    cache.insert('x', 3);
    cache.insert('c', 4);
    cache.remove(&'c');
    cache.insert('d', 5);
    clock.advance(SECOND);
    assert_eq!(cache.get(&'d'), None);
    cache.insert('e', 6);
    cache.clear();
    assert_eq!(
        *told.lock().unwrap(),
        [
            ('a', 1, RemovalCause::Replaced),
            ('a', 2, RemovalCause::Capacity),
            ('x', 3, RemovalCause::Capacity),
            ('c', 4, RemovalCause::Removed),
            ('d', 5, RemovalCause::Expired),
            ('e', 6, RemovalCause::Removed),
        ]
    );
    assert_eq!((cache.stats().listener_panics, cache.stats().expired), (1, 1));
}

#[test]
fn values_end_at_their_time_and_not_before() {
    let clock = Arc::new(ManualClock::new());
    let cache = Cache::builder().capacity(10).time_to_live(10 * SECOND).clock(clock.clone()).build();
    cache.insert(1, 1);
    cache.insert_with_time_to_live(2, 2, 3 * SECOND);
    clock.advance(3 * SECOND - Duration::from_nanos(1));
    assert!(cache.contains(&2));
    clock.advance(Duration::from_nanos(1));
    assert!(!cache.contains(&2));
    assert_eq!((cache.get(&2), cache.get(&1)), (None, Some(1)));
    cache.insert(1, 5);
    clock.advance(9 * SECOND);
    assert_eq!(cache.get(&1), Some(5), "a new value has its own time");
    clock.advance(SECOND);
    assert_eq!(cache.remove(&1), None);
    assert_eq!(cache.stats().expired, 2);
    assert!(!cache.insert_with_time_to_live(3, 3, Duration::ZERO));
    assert_eq!(cache.get(&3), None);
}

#[test]
fn entries_that_are_not_used_end() {
    let clock = Arc::new(ManualClock::new());
    let cache = Cache::builder().capacity(10).time_to_idle(SECOND).clock(clock.clone()).build();
    cache.insert('a', 1);
    cache.insert('b', 2);
    for _ in 0..5 {
        clock.advance(SECOND / 2);
        assert_eq!(cache.get(&'a'), Some(1));
    }
    assert_eq!(cache.get(&'b'), None);
    clock.advance(SECOND);
    assert_eq!(cache.iter().count(), 0);
    assert_eq!(cache.get(&'a'), None);
}

#[test]
fn what_has_expired_goes_when_others_come() {
    let clock = Arc::new(ManualClock::new());
    let cache = Cache::builder().capacity(1000).time_to_live(SECOND).clock(clock.clone()).build();
    (0..100).for_each(|key| assert!(cache.insert(key, ())));
    clock.advance(SECOND);
    (100..200).for_each(|key| assert!(cache.insert(key, ())));
    assert!(cache.len() <= 101, "{}", cache.len());
    (200..300).for_each(|key| assert!(cache.insert(key, ())));
    clock.advance(SECOND);
    cache.remove_expired();
    assert_eq!(cache.len(), 0);
}

#[test]
fn pinned_entries_stay() {
    let cache = Cache::new(10);
    (0..10).for_each(|key| assert!(cache.insert(key, key)));
    assert!((0..9).all(|key| cache.pin(&key)) && !cache.pin(&77));
    (10..200).for_each(|key| {
        cache.insert(key, key);
        cache.get(&key);
    });
    assert_eq!((0..9).filter_map(|key| cache.get(&key)).count(), 9);
    assert_eq!(cache.len(), 10);
    (10..200).for_each(|key| _ = cache.remove(&key));
    cache.insert(9, 9);
    assert!(cache.pin(&9));
    assert!(!cache.insert(50, 50), "there is no room that is not pinned");
    assert!(cache.unpin(&3));
    (300..600).for_each(|key| _ = (cache.insert(key, key), cache.get(&key), cache.get(&key)));
    assert_eq!(cache.get(&3), None);
}

#[test]
fn resizing_and_shrinking_evict() {
    let cache = Cache::builder().capacity(10_000).shards(4).build();
    (0..10_000).for_each(|key| _ = cache.insert(key, key));
    let full = cache.bytes();
    cache.resize(100);
    assert!(cache.len() <= 100 && cache.capacity() == 100);
    cache.resize(10_000);
    (0..10_000).for_each(|key| _ = cache.insert(key, key));
    assert!(cache.len() > 9000);
    let before = cache.len() as u64;
    assert_eq!(cache.shrink_to(10), before - cache.len() as u64);
    assert!(cache.len() <= 10 && cache.bytes() < full / 2, "{} of {full}", cache.bytes());
    assert_eq!(cache.iter().count(), cache.len());
    let few = Cache::builder().capacity(10_000).shards(4).build();
    (0..10).for_each(|key| _ = few.insert(key, key));
    assert!(cache.bytes() <= 2 * few.bytes(), "{} where {} are enough", cache.bytes(), few.bytes());
}

#[test]
fn entries_are_charged_and_given_up_when_memory_is_short() {
    let root = Budget::root(Bytes::from_mib(1));
    let cache = Cache::builder()
        .weigher(u64::from(u32::MAX), |_, bytes: &Arc<[u8]>| bytes.len() as u64)
        .budget(&root.child("cache"))
        .build();
    let page: Arc<[u8]> = vec![0; 4096].into();
    for key in 0..1000 {
        assert!(cache.insert(key, page.clone()));
    }
    assert!(root.used() <= root.limit());
    assert!((200..256).contains(&cache.len()), "{}", cache.len());
    let charged = root.used();
    let other = root.try_reserve(Bytes::from_kib(512)).unwrap();
    assert!(cache.len() < 130, "{}", cache.len());
    drop(other);
    assert!(root.used() < charged);
    cache.clear();
    assert_eq!(cache.stats().evicted_weight / 4096, cache.stats().evicted);
    drop(cache);
    assert_eq!(root.used(), Bytes::ZERO);
}

#[test]
fn what_the_budget_refuses_is_an_error_and_leaves_nothing() {
    let root = Budget::root(Bytes::from_kib(64));
    let cache = Cache::builder().weigher(1 << 30, |_, &weight: &u64| weight).budget(&root).build();
    assert!(cache.insert(1, 1000));
    let error = cache.try_insert(1, 1 << 20).unwrap_err();
    assert!(matches!(error, InsertError::Budget(MemoryError::BudgetExceeded { .. })), "{error}");
    assert_eq!(cache.get(&1), None);
    drop(cache);
    assert_eq!(root.used(), Bytes::ZERO);
}

#[test]
fn everything_is_dropped_once() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    let drops = Arc::new(AtomicUsize::new(0));
    let cache = Cache::new(50);
    for key in 0..500 {
        cache.insert(key % 200, Arc::new(Counted(drops.clone())));
    }
    assert_eq!(drops.load(SeqCst), 500 - cache.len());
    drop(cache);
    assert_eq!(drops.load(SeqCst), 500);
}

#[test]
fn threads_find_only_what_was_put_in() {
    let cache = Cache::builder().capacity(500).shards(4).build();
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let cache = &cache;
            scope.spawn(move || {
                let mut random = thread + 1;
                for _ in 0..20_000 {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let key = (random >> 33) % 1000;
                    match random >> 60 {
                        0 => drop(cache.remove(&key)),
                        1..6 => drop(cache.insert(key, key * 3)),
                        _ => assert!(cache.get(&key).is_none_or(|value| value == key * 3)),
                    }
                }
            });
        }
    });
    assert!(cache.len() <= 500);
}

#[test]
fn what_is_not_kept_is_told_in_the_unit_of_the_cache() {
    let heavy = Cache::builder().weigher(10, |_, &weight: &u64| weight).build();
    let error = heavy.try_insert(1, 11).unwrap_err().to_string();
    assert!(error.starts_with("the entry weighs 11, and a part of the cache holds 10 at most"), "{error}");
    let none = Cache::new(0);
    assert_eq!(none.try_insert(1, ()), Err(InsertError::TooHeavy { weight: 1, max: 0 }));
    assert!(none.try_insert(1, ()).unwrap_err().to_string().contains("capacity is 0"));
    let pinned = Cache::new(1);
    assert!(pinned.insert(1, ()) && pinned.pin(&1));
    assert_eq!(pinned.try_insert(2, ()), Err(InsertError::NoRoom { weight: 1 }));
    let brief = Cache::builder().capacity(1).time_to_live(Duration::ZERO).build();
    assert_eq!(brief.try_insert(1, ()), Err(InsertError::NoTime));
}

#[test]
fn why_an_entry_left_is_one_word() {
    use RemovalCause::{Capacity, Expired, Reclaimed, Removed, Replaced};
    let words = [Removed, Replaced, Capacity, Expired, Reclaimed].map(|cause| cause.to_string());
    assert_eq!(words, ["removed", "replaced", "capacity", "expired", "reclaimed"]);
    assert_eq!(format!("{Expired:>9}|"), "  expired|");
}
