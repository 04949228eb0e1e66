//! Caches of one owner that evict in an exact order.
//!
//! Slots with an index over them, and an order over the slots (`order.rs`). Nothing is shared, so a use is counted at once: this is
//! what the adaptive [`Cache`](crate::Cache), which many threads use, gives up.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash as Hashable};

use foldhash::fast::RandomState;

use crate::index::Hash;
use crate::order::{Fifo, Lfu, Lru, Order};
use crate::slots::Slots;
use crate::stats::CacheStats;

/// Evicts the least recently used entry. See [`ExactCache`].
///
/// ```
/// use terrane_cache::LruCache;
///
/// let mut cache = LruCache::new(2);
/// cache.insert("a", 1);
/// cache.insert("b", 2);
/// assert_eq!(cache.get("a"), Some(&1));
/// cache.insert("c", 3);
/// assert_eq!(cache.get("b"), None);
/// assert_eq!(cache.iter().map(|(key, _)| *key).collect::<Vec<_>>(), ["a", "c"]);
/// ```
pub type LruCache<K, V, S = RandomState> = ExactCache<K, V, Lru, S>;

/// Evicts the oldest entry. See [`ExactCache`].
///
/// ```
/// use terrane_cache::FifoCache;
///
/// let mut cache = FifoCache::new(2);
/// cache.insert("a", 1);
/// cache.insert("b", 2);
/// assert_eq!(cache.get("a"), Some(&1));
/// cache.insert("c", 3);
/// assert_eq!(cache.get("a"), None);
/// ```
pub type FifoCache<K, V, S = RandomState> = ExactCache<K, V, Fifo, S>;

/// Evicts the entry that was used least often. See [`ExactCache`].
///
/// ```
/// use terrane_cache::LfuCache;
///
/// let mut cache = LfuCache::new(2);
/// cache.insert("a", 1);
/// cache.insert("b", 2);
/// assert_eq!(cache.get("a"), Some(&1));
/// cache.insert("c", 3);
/// assert_eq!(cache.get("b"), None);
/// cache.insert("d", 4);
/// assert_eq!(cache.get("a"), Some(&1));
/// ```
pub type LfuCache<K, V, S = RandomState> = ExactCache<K, V, Lfu, S>;

/// A cache of one owner: [`LruCache`], [`FifoCache`], [`LfuCache`].
///
/// The capacity is in entries, or in whatever a [weigher](ExactCache::with_weigher) counts. A cache of capacity 0 keeps nothing.
/// For many threads, or when it is not known which order is best, see [`Cache`](crate::Cache).
#[derive(Clone)]
pub struct ExactCache<K, V, O, S = RandomState> {
    entries: Slots<Entry<K, V>>,
    order: O,
    hasher: S,
    weigher: fn(&K, &V) -> u64,
    capacity: u64,
    /// At most the capacity, but for a moment when a heavier value comes in the place of another.
    weight: u128,
    stats: CacheStats,
}

#[derive(Clone, Debug)]
struct Entry<K, V> {
    key: K,
    value: V,
    weight: u64,
}

impl<K: Hashable + Eq, V, O: Order> ExactCache<K, V, O> {
    /// An empty cache for so many entries. Memory is taken as they come.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self::with_hasher(capacity, RandomState::default())
    }

    /// An empty cache for entries of so much weight in all. An entry weighs what `weigher` says when it is inserted, and at least 1.
    ///
    /// ```
    /// use terrane_cache::LruCache;
    ///
    /// let mut cache = LruCache::with_weigher(10, |_, text: &String| text.len() as u64);
    /// cache.insert(1, "six...".to_owned());
    /// cache.insert(2, "five.".to_owned());
    /// assert_eq!((cache.len(), cache.weight()), (1, 5));
    /// ```
    #[must_use]
    pub fn with_weigher(capacity: u64, weigher: fn(&K, &V) -> u64) -> Self {
        Self { weigher, capacity, ..Self::with_hasher(0, RandomState::default()) }
    }
}

impl<K: Hashable + Eq, V, O: Order, S: BuildHasher> ExactCache<K, V, O, S> {
    /// An empty cache for so many entries, whose keys `hasher` hashes.
    #[must_use]
    pub fn with_hasher(capacity: usize, hasher: S) -> Self {
        Self {
            entries: Slots::default(),
            order: O::default(),
            hasher,
            weigher: |_, _| 1,
            capacity: capacity as u64,
            weight: 0,
            stats: CacheStats::default(),
        }
    }

    /// The value of `key`, which counts as a use of it.
    pub fn get<Q: Hashable + Eq + ?Sized>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.get_mut(key).map(|value| &*value)
    }

    /// As [`get`](ExactCache::get), to change it. Its weight stays what it was when it was inserted.
    pub fn get_mut<Q: Hashable + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let Some(slot) = self.find(key) else {
            self.stats.misses += 1;
            return None;
        };
        self.stats.hits += 1;
        self.order.used(slot);
        self.entries.value_mut(slot).map(|entry| &mut entry.value)
    }

    /// The value of `key`; no use of it, and not counted.
    pub fn peek<Q: Hashable + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let slot = self.find(key)?;
        self.entries.value(slot).map(|entry| &entry.value)
    }

    /// Whether `key` is here; no use of it.
    pub fn contains<Q: Hashable + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_some()
    }

    /// Puts an entry in, which counts as a use of it, and evicts others to make room. The answer is the value that `key` had.
    ///
    /// An entry heavier than the capacity is dropped, as is the one that it would replace.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.insert_with(key, value, |_, _| ())
    }

    /// As [`insert`](ExactCache::insert), and hands out what is evicted, the new entry itself included where it is too heavy.
    ///
    /// ```
    /// # use terrane_cache::LruCache;
    /// let mut cache = LruCache::new(1);
    /// cache.insert("a", 1);
    /// let mut evicted = Vec::new();
    /// cache.insert_with("b", 2, |key, value| evicted.push((key, value)));
    /// assert_eq!(evicted, [("a", 1)]);
    /// ```
    pub fn insert_with(&mut self, key: K, value: V, mut evicted: impl FnMut(K, V)) -> Option<V> {
        let weight = (self.weigher)(&key, &value).max(1);
        let hash = self.hash(&key);
        let old = self.entries.find(hash, |entry| entry.key == key);
        if weight > self.capacity {
            self.stats.rejected += 1;
            let replaced = old.and_then(|slot| self.take(slot)).map(|entry| entry.value);
            evicted(key, value);
            return replaced;
        }
        let replaced = match old.and_then(|slot| self.entries.value_mut(slot).map(|entry| (slot, entry))) {
            Some((slot, entry)) => {
                self.weight = self.weight - u128::from(entry.weight) + u128::from(weight);
                entry.weight = weight;
                self.order.used(slot);
                Some(std::mem::replace(&mut entry.value, value))
            }
            None => {
                self.evict_to(self.capacity - weight, &mut evicted);
                let slot = self.entries.insert(hash, Entry { key, value, weight });
                self.order.entered(slot);
                self.weight += u128::from(weight);
                self.stats.inserted += 1;
                None
            }
        };
        self.evict_to(self.capacity, &mut evicted);
        replaced
    }

    /// The value of `key`, computed and inserted if it is not here. `None` when it is too heavy to be kept.
    pub fn get_or_insert_with(&mut self, key: K, compute: impl FnOnce() -> V) -> Option<&V>
    where
        K: Clone,
    {
        if self.get_mut(&key).is_none() {
            let value = compute();
            self.insert(key.clone(), value);
        }
        self.peek(&key)
    }

    /// Takes an entry out.
    pub fn remove<Q: Hashable + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let slot = self.find(key)?;
        self.take(slot).map(|entry| entry.value)
    }

    /// Takes out the entry that would be evicted next.
    pub fn pop(&mut self) -> Option<(K, V)> {
        let slot = self.order.first()?;
        self.take(slot).map(|entry| (entry.key, entry.value))
    }

    /// Takes all entries out.
    pub fn clear(&mut self) {
        self.order = O::default();
        self.weight = 0;
        // Values are dropped last: should one panic, the cache is whole.
        drop(self.entries.drain());
    }

    /// Changes the capacity, and evicts what is beyond it.
    pub fn resize(&mut self, capacity: u64) {
        self.capacity = capacity;
        self.evict_to(capacity, &mut |_, _| ());
    }

    /// Evicts until the entries weigh at most `weight`, and gives memory that is not needed back. The answer is the weight that went.
    pub fn shrink_to(&mut self, weight: u64) -> u64 {
        let before = self.weight();
        self.evict_to(weight, &mut |_, _| ());
        let order = &mut self.order;
        self.entries.shrink(|from, to| order.renumbered(from, to));
        self.order.shrink(self.entries.count());
        before - self.weight()
    }

    /// All entries, in the order in which they would be evicted.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let slots = std::iter::successors(self.order.first(), |&slot| self.order.after(slot));
        slots.filter_map(|slot| self.entries.value(slot)).map(|entry| (&entry.key, &entry.value))
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the entries weigh: their number, where there is no weigher.
    #[must_use]
    pub fn weight(&self) -> u64 {
        u64::try_from(self.weight).unwrap_or(u64::MAX)
    }

    /// The most that they may weigh.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Bytes that the cache itself has taken: keys and values as far as they are no pointers, links and the index.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.entries.bytes() + self.order.bytes()
    }

    /// What happened so far.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.stats
    }

    fn hash<Q: Hashable + ?Sized>(&self, key: &Q) -> Hash {
        Hash::spread(self.hasher.hash_one(key))
    }

    fn find<Q: Hashable + Eq + ?Sized>(&self, key: &Q) -> Option<u32>
    where
        K: Borrow<Q>,
    {
        self.entries.find(self.hash(key), |entry| entry.key.borrow() == key)
    }

    fn take(&mut self, slot: u32) -> Option<Entry<K, V>> {
        let entry = self.entries.remove(slot)?;
        self.order.left(slot);
        self.weight -= u128::from(entry.weight);
        Some(entry)
    }

    fn evict_to(&mut self, weight: u64, evicted: &mut impl FnMut(K, V)) {
        while self.weight > u128::from(weight)
            && let Some(slot) = self.order.first()
            && let Some(entry) = self.take(slot)
        {
            self.stats.evicted += 1;
            self.stats.evicted_weight = self.stats.evicted_weight.saturating_add(entry.weight);
            evicted(entry.key, entry.value);
        }
    }
}

impl<K, V, O: Order, S> fmt::Debug for ExactCache<K, V, O, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExactCache")
            .field("entries", &self.entries.len())
            .field("weight", &self.weight)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
