//! The whole cache at once: its size, what is in it, and what goes.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash as Hashable};
use std::sync::atomic::Ordering::Relaxed;

use super::builder::{entry_weight_max, share_of};
use super::cache::Cache;
use super::contents::Contents;
use super::departure::{Departures, RemovalCause};

impl<K: Hashable + Eq, V: Clone, S: BuildHasher> Cache<K, V, S> {
    /// How many entries there are, those included that have expired and were not noticed yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the entries weigh: their number, where there is no weigher.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.sum(|contents| contents.engine.weight())
    }

    /// The most that they may weigh.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.sum(|contents| contents.engine.capacity())
    }

    /// Bytes that the cache itself has taken: keys and values as far as they are no pointers, and what it needs to find and order them.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.sum(|contents| contents.bytes() as u64) as usize
    }

    /// Clones of all entries that have not expired, in no order. Each part of the cache is looked at when the iteration comes to
    /// it; no lock is held in between, and it is no use of an entry.
    pub fn iter(&self) -> impl Iterator<Item = (K, V)>
    where
        K: Clone,
    {
        self.inner.shards.iter().flat_map(|shard| {
            shard.read(|contents| {
                let now_ns = self.inner.now_ns();
                let live = contents.engine.iter().filter(|&(slot, _)| {
                    contents.lifetime(slot).is_none_or(|lifetime| !lifetime.is_over(now_ns))
                });
                live.map(|(_, entry)| (entry.key.clone(), entry.value.clone())).collect::<Vec<_>>()
            })
        })
    }

    /// Takes all entries out.
    pub fn clear(&self) {
        self.each(|contents, gone| contents.drain(gone));
    }

    /// Takes out what has expired.
    pub fn remove_expired(&self) {
        let now_ns = self.inner.now_ns();
        self.each(|contents, gone| contents.sweep_all(now_ns, gone));
    }

    /// Changes the capacity, and evicts what is beyond it. The number of parts stays.
    ///
    /// ```
    /// # use terrane_cache::Cache;
    /// let cache = Cache::new(100);
    /// (0..100).for_each(|key| _ = cache.insert(key, "value"));
    /// cache.resize(10);
    /// assert_eq!(cache.capacity(), 10);
    /// assert!(cache.len() <= 10 && cache.iter().all(|(_, value)| value == "value"));
    /// ```
    pub fn resize(&self, capacity: u64) {
        let shards = self.inner.shards.len();
        self.inner.entry_weight_max.store(entry_weight_max(capacity, shards), Relaxed);
        let mut number = 0;
        self.each(|contents, gone| {
            contents.engine.set_capacity(share_of(capacity, number, shards));
            contents.settle(None, gone, RemovalCause::Capacity);
            number += 1;
        });
    }

    /// Evicts until the entries weigh at most `weight` (without a weigher: until there are at most so many), pinned ones apart, and gives
    /// memory that is not needed back. The answer is the weight that went.
    pub fn shrink_to(&self, weight: u64) -> u64 {
        let shards = self.inner.shards.len();
        let before = self.weight();
        let mut number = 0;
        self.each(|contents, gone| {
            contents.evict_to(share_of(weight, number, shards), gone, RemovalCause::Capacity);
            contents.shrink();
            number += 1;
        });
        before.saturating_sub(self.weight())
    }

    /// Exempts an entry from eviction until it is [unpinned](Cache::unpin), replaced values included; whether it is here. It can still
    /// be removed, and expires.
    ///
    /// ```
    /// # use terrane_cache::Cache;
    /// let cache = Cache::new(10);
    /// assert!(!cache.pin(&1), "only what is here");
    /// cache.insert(1, "one");
    /// assert!(cache.pin(&1));
    /// assert_eq!((cache.shrink_to(0), cache.len()), (0, 1));
    /// assert!(cache.unpin(&1));
    /// assert_eq!((cache.shrink_to(0), cache.len()), (1, 0));
    /// ```
    pub fn pin<Q: Hashable + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.set_pinned(key, true)
    }

    /// Ends what [`pin`](Cache::pin) began; whether the entry was here. What was beyond the capacity only because it was pinned goes.
    pub fn unpin<Q: Hashable + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.set_pinned(key, false)
    }

    fn set_pinned<Q: Hashable + Eq + ?Sized>(&self, key: &Q, pinned: bool) -> bool
    where
        K: Borrow<Q>,
    {
        let hash = self.inner.hash(key);
        let mut gone = Departures::new();
        let is_here = self.inner.shard(hash).write(|contents| {
            let slot = contents.engine.find(hash, |entry| entry.key.borrow() == key);
            let is_here = slot.is_some_and(|slot| contents.engine.set_pinned(slot, pinned));
            if is_here && !pinned {
                contents.settle(None, &mut gone, RemovalCause::Capacity);
            }
            is_here
        });
        self.inner.see_off(&gone);
        is_here
    }

    fn sum(&self, of: impl Fn(&Contents<K, V>) -> u64) -> u64 {
        self.inner.shards.iter().map(|shard| shard.read(&of)).sum()
    }

    fn each(&self, mut work: impl FnMut(&mut Contents<K, V>, &mut Departures<K, V>)) {
        for shard in &self.inner.shards {
            let mut gone = Departures::new();
            shard.write(|contents| work(contents, &mut gone));
            self.inner.see_off(&gone);
        }
    }
}
