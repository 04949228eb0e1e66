//! Warming a large pool up takes time in proportion to what is made.
#![cfg(not(loom))]

use terrane_pool::{LockFreePool, PoolStrategy};

#[test]
fn a_large_pool_without_locks_is_warmed_up() {
    let pool = LockFreePool::<String>::with_strategy(PoolStrategy::new().max_total(150_000)).unwrap();
    assert_eq!(pool.warm_up(100_000), Ok(100_000));
    assert_eq!(pool.warm_up(100_001), Ok(1), "what idles already counts");
    assert_eq!(pool.warm_up(200_000), Ok(49_999), "no more than there may be");
    assert_eq!(pool.stats().idle, 150_000);
}
