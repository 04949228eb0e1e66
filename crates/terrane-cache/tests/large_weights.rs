//! Weights as large as a number can say.

use terrane_cache::{FifoCache, LfuCache, LruCache};

#[test]
fn weights_at_the_end_of_the_range_do_not_wrap() {
    let mut cache = LruCache::with_weigher(u64::MAX, |_: &u32, &weight: &u64| weight);
    cache.insert(1, 1 << 63);
    cache.insert(2, 1 << 62);
    // Beside what is there, this is beyond the range.
    cache.insert(2, u64::MAX);
    assert_eq!((cache.len(), cache.weight()), (1, u64::MAX));
    assert_eq!(cache.peek(&2), Some(&u64::MAX));
}

#[test]
fn what_was_evicted_is_counted_up_to_the_end_of_the_range() {
    let mut cache = FifoCache::with_weigher(u64::MAX, |_: &u32, &weight: &u64| weight);
    for key in 0..4 {
        cache.insert(key, u64::MAX);
        assert_eq!((cache.len(), cache.weight()), (1, u64::MAX));
    }
    assert_eq!((cache.stats().evicted, cache.stats().evicted_weight), (3, u64::MAX));
    let mut cache = LfuCache::with_weigher(u64::MAX, |_: &u32, &weight: &u64| weight);
    (0..4).for_each(|key| _ = cache.insert(key, u64::MAX));
    assert_eq!(cache.shrink_to(0), u64::MAX);
}
