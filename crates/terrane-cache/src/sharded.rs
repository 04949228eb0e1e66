//! The shared cache by other names.

use std::hash::Hash as Hashable;
use std::ops::Deref;

use foldhash::fast::RandomState;

use crate::shared::Cache;

/// [`Cache`] by the name that fits it beside `DashMap`: it is sharded anyway. A look-up gives a clone and no reference, so that nothing stays
/// locked.
///
/// ```
/// use terrane_cache::DashCache;
///
/// let ports: DashCache<&str, u16> = DashCache::new(100);
/// ports.insert("http", 80);
/// assert_eq!(ports.get("http"), Some(80));
/// ```
pub type DashCache<K, V, S = RandomState> = Cache<K, V, S>;

/// A [`Cache`] with a number of parts that the caller chooses; all that a [`Cache`] can do, it can. The parts of a [`Cache`]
/// follow from its capacity and the machine, which is better for most.
///
/// ```
/// use terrane_cache::ShardedCache;
///
/// let cache = ShardedCache::new(16, 1000);
/// cache.insert("a", 1);
/// assert_eq!((cache.get("a"), cache.capacity()), (Some(1), 1000));
/// ```
#[derive(Debug)]
pub struct ShardedCache<K, V> {
    cache: Cache<K, V>,
}

impl<K: Hashable + Eq, V: Clone> ShardedCache<K, V> {
    /// An empty cache of so many parts (rounded up to a power of two, at most 256, and no more than `capacity`), for `capacity` entries
    /// in all.
    #[must_use]
    pub fn new(shards: usize, capacity: usize) -> Self {
        Self { cache: Cache::builder().capacity(capacity).shards(shards).build() }
    }
}

impl<K, V> Clone for ShardedCache<K, V> {
    fn clone(&self) -> Self {
        Self { cache: self.cache.clone() }
    }
}

impl<K, V> Deref for ShardedCache<K, V> {
    type Target = Cache<K, V>;

    fn deref(&self) -> &Cache<K, V> {
        &self.cache
    }
}
