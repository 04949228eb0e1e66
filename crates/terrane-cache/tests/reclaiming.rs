//! Giving many entries up at once.

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
