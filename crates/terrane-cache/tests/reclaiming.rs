//! Giving many entries up at once.

use std::hash::{BuildHasherDefault, DefaultHasher};

use terrane_base::{Budget, Bytes};
use terrane_cache::Cache;

/// The work has to grow with the number of entries, not with its square: that would take many minutes here.
#[test]
fn many_small_entries_are_given_up_in_one_go() {
    let root = Budget::root(Bytes::from_mib(16));
    let cache = Cache::builder().capacity(1_000_000).shards(1).budget(&root).build();
    let mut key = 0_u32;
    while root.remaining() > Bytes::from_mib(1) && key < 1_000_000 {
        assert!(cache.insert(key, ()));
        key += 1;
    }
    assert!(cache.len() > 300_000);
    let all_but_a_little = root.try_reserve(Bytes::from_mib(15)).unwrap();
    assert!(cache.len() < 40_000, "{}", cache.len());
    assert_eq!(cache.stats().evicted, u64::from(key) - cache.len() as u64);
    drop(all_but_a_little);
    drop(cache);
    assert_eq!(root.used(), Bytes::ZERO);
}

#[test]
fn what_one_part_cannot_give_the_others_do() {
    for round in 0..300 {
        let budget = Budget::root(Bytes::from_kib(64));
        let cache = Cache::<u32, [u8; 1000]>::builder()
            .capacity(1000)
            .shards(8)
            // The same at each run of the test, and another distribution over the parts in each round.
            .hasher(BuildHasherDefault::<DefaultHasher>::default())
            .budget(&budget)
            .build();
        (0..60).for_each(|key| _ = cache.insert(round * 100 + key, [0; 1000]));
        let held = budget.try_reserve(Bytes::from_kib(62));
        assert!(held.is_ok(), "round {round}: {held:?}, {} entries left", cache.len());
    }
}
