//! Looking up, putting in, taking out.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash as Hashable};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use foldhash::fast::RandomState;
use terrane_base::Clock;

use crate::error::InsertError;
use crate::index::Hash;
use crate::stats::CacheStats;

use super::account::{Account, Charge, Leaving};
use super::builder::{CacheBuilder, Weigher};
use super::contents::{Arrival, Entry, Found, Put, PutPlain};
use super::counters::{Counters, Event};
use super::departure::{Departures, Listener, RemovalCause};
use super::flight::Flights;
use super::lifetime::{Lifespans, ns};
use super::sampling::Sampling;
use super::shard::Shard;

/// A cache for many threads that adapts to how it is used. Clones share it.
///
/// A look-up gives a clone of the value: values that are costly to clone go into an [`Arc`]. `Hash`, `Eq` and `Clone` of keys and values,
/// and the [clock](CacheBuilder::clock), run while a part of the cache or of its list of computations is locked, and must not use the
/// same cache; they may panic. Weigher, listener, computations and `Drop` run without any lock, and may use it.
///
/// ```
/// use terrane_cache::Cache;
///
/// let cache = Cache::new(1000);
/// std::thread::scope(|scope| {
///     for thread in 0..2 {
///         let cache = &cache;
///         scope.spawn(move || cache.insert(thread, thread * 10));
///     }
/// });
/// assert_eq!(cache.get(&1), Some(10));
/// assert_eq!(cache.stats().hits, 1);
/// ```
pub struct Cache<K, V, S = RandomState> {
    pub(super) inner: Arc<Inner<K, V, S>>,
}

pub(super) struct Inner<K, V, S> {
    /// A power of two of them.
    pub(super) shards: Box<[Shard<K, V>]>,
    /// One less than there are.
    pub(super) shard_mask: u32,
    pub(super) hasher: S,
    /// Neither weigher nor lifespans nor listener nor budget.
    pub(super) is_plain: bool,
    pub(super) weigher: Option<Weigher<K, V>>,
    pub(super) lifespans: Lifespans,
    /// Of the least capacity that a shard has.
    pub(super) entry_weight_max: AtomicU64,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) listener: Option<Listener<K, V>>,
    pub(super) counters: Counters,
    pub(super) sampling: Sampling,
    pub(super) account: Option<Account>,
    pub(super) flights: Flights<K, V>,
}

impl<K: Hashable + Eq, V: Clone> Cache<K, V> {
    /// An empty cache for so many entries. Memory is taken as they come.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self::builder().capacity(capacity).build()
    }

    /// To choose more than the capacity, which is 0 until it is chosen: nothing is kept then.
    pub fn builder() -> CacheBuilder<K, V> {
        CacheBuilder::new()
    }
}

impl<K: Hashable + Eq, V: Clone, S: BuildHasher> Cache<K, V, S> {
    /// The value of `key`.
    #[inline]
    pub fn get<Q: Hashable + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let inner = &*self.inner;
        let hash = inner.hash(key);
        inner.look_up(hash, key)
    }

    /// Whether `key` is here; no use of it, and not counted.
    #[must_use]
    pub fn contains<Q: Hashable + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        let inner = &*self.inner;
        let hash = inner.hash(key);
        inner.shard(hash).read(|contents| {
            let slot = contents.engine.find(hash, |entry| entry.key.borrow() == key);
            slot.is_some_and(|slot| {
                contents.lifetime(slot).is_none_or(|lifetime| !lifetime.is_over(inner.now_ns()))
            })
        })
    }

    /// Puts an entry in, in the place of another of the same key, and evicts others to make room. Whether it is kept: not so, and any
    /// value that the key had is gone, when it is too heavy or the budget refuses.
    #[inline]
    pub fn insert(&self, key: K, value: V) -> bool {
        self.try_insert(key, value).is_ok()
    }

    /// As [`insert`](Cache::insert), for an entry whose value ends so long after now, whatever the
    /// [time to live](CacheBuilder::time_to_live) of the others is. With zero, nothing is kept.
    pub fn insert_with_time_to_live(&self, key: K, value: V, time: Duration) -> bool {
        self.try_insert_with_time_to_live(key, value, time).is_ok()
    }

    /// As [`insert_with_time_to_live`](Cache::insert_with_time_to_live), with the reason.
    ///
    /// ```
    /// use std::time::Duration;
    /// use terrane_cache::{Cache, InsertError};
    ///
    /// let sessions = Cache::new(100);
    /// sessions.try_insert_with_time_to_live(1, "Ada", Duration::from_secs(60))?;
    /// let refused = sessions.try_insert_with_time_to_live(1, "Ada", Duration::ZERO);
    /// assert_eq!(refused, Err(InsertError::NoTime));
    /// # Ok::<(), InsertError>(())
    /// ```
    ///
    /// # Errors
    /// As [`try_insert`](Cache::try_insert).
    pub fn try_insert_with_time_to_live(&self, key: K, value: V, time: Duration) -> Result<(), InsertError> {
        let spans = Lifespans { live: Some(time), ..self.inner.lifespans };
        self.inner.put_weighed(self.inner.hash(&key), key, value, &spans)
    }

    /// As [`insert`](Cache::insert), with the reason.
    ///
    /// # Errors
    /// [`InsertError::TooHeavy`] for an entry heavier than [`entry_weight_max`](Cache::entry_weight_max); [`InsertError::NoRoom`] when there
    /// is no room that is not pinned; [`InsertError::NoTime`] where entries live for no time; [`InsertError::Budget`] as the budget says.
    /// Any value that the key had is gone then: it is outdated.
    pub fn try_insert(&self, key: K, value: V) -> Result<(), InsertError> {
        self.inner.put(self.inner.hash(&key), key, value)
    }

    /// Takes an entry out.
    pub fn remove<Q: Hashable + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let inner = &*self.inner;
        let hash = inner.hash(key);
        let (mut gone, mut value) = (Departures::new(), None);
        inner.shard(hash).write(|contents| {
            let slot = contents.engine.find(hash, |entry| entry.key.borrow() == key)?;
            let expired = contents.lifetime(slot).is_some_and(|lifetime| lifetime.is_over(inner.now_ns()));
            if expired {
                gone.push(contents.take(slot, RemovalCause::Expired)?);
            } else {
                // Cloned first: should that panic, the entry is still whole.
                value = Some(contents.engine.item(slot)?.value.clone());
                gone.push(contents.take(slot, RemovalCause::Removed)?);
            }
            Some(())
        });
        inner.see_off(&gone);
        value
    }

    /// What happened so far. While threads go on, about that.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        let mut stats = self.inner.counters.stats();
        for shard in &self.inner.shards {
            let (reads, tally) = (shard.reads(), shard.read(|contents| contents.tally));
            stats.hits += reads.hits;
            stats.misses += reads.misses;
            stats.inserted += tally.inserted;
            stats.evicted += tally.evicted;
            stats.evicted_weight += tally.evicted_weight;
            stats.expired += tally.expired;
        }
        stats
    }

    /// Nothing heavier is taken: the smallest share of the capacity that a part of the cache has.
    #[must_use]
    pub fn entry_weight_max(&self) -> u64 {
        self.inner.entry_weight_max.load(Relaxed)
    }
}

impl<K: Hashable + Eq, V: Clone, S: BuildHasher> Inner<K, V, S> {
    #[inline]
    pub(super) fn hash<Q: Hashable + ?Sized>(&self, key: &Q) -> Hash {
        Hash::spread(self.hasher.hash_one(key))
    }

    #[inline]
    pub(super) fn shard(&self, hash: Hash) -> &Shard<K, V> {
        &self.shards[(hash.shard_bits() & self.shard_mask) as usize]
    }

    pub(super) fn now_ns(&self) -> u64 {
        ns(self.clock.now())
    }

    #[inline]
    pub(super) fn look_up<Q: Hashable + Eq + ?Sized>(&self, hash: Hash, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let shard = self.shard(hash);
        let read =
            shard.read_owned(|contents, counting| contents.read(hash, key, counting, || self.now_ns()));
        match read {
            Some((found, look_for_readers)) => {
                if look_for_readers {
                    shard.look_for_readers();
                }
                if matches!(found, Found::Value(_)) {
                    self.sampling.note(hash, || self.len() as u64);
                }
                self.looked_up(hash, key, found)
            }
            None => self.look_up_lent(shard, hash, key),
        }
    }

    /// Where the shard is lent, or was. No sample is taken: nothing comes and goes, so that no rule is better than another, and the threads
    /// would meet at the tuner.
    ///
    /// On its own, as it would make the other way slower; and calling nothing, so that it need not save registers: that would cost as much
    /// as the lock.
    #[inline(never)]
    fn look_up_lent<Q: Hashable + Eq + ?Sized>(&self, shard: &Shard<K, V>, hash: Hash, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        match shard.read_copy_simply(|contents, counting| contents.read_simply(hash, key, counting)) {
            Some(found) => found,
            None => self.look_up_lent_with_care(hash, key),
        }
    }

    #[cold]
    #[inline(never)]
    fn look_up_lent_with_care<Q: Hashable + Eq + ?Sized>(&self, hash: Hash, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let shard = self.shard(hash);
        match shard.read_copy(|contents, counting| contents.read(hash, key, counting, || self.now_ns())) {
            Some(found) => self.looked_up(hash, key, found),
            None => self.look_up_main(hash, key),
        }
    }

    /// Where the shard is lent, but not to this thread.
    #[cold]
    #[inline(never)]
    fn look_up_main<Q: Hashable + Eq + ?Sized>(&self, hash: Hash, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let shard = self.shard(hash);
        let (found, look_for_readers) =
            shard.read_main(|contents, counting| contents.read(hash, key, counting, || self.now_ns()));
        if look_for_readers {
            shard.look_for_readers();
        }
        self.looked_up(hash, key, found)
    }

    #[inline(always)]
    fn looked_up<Q: Hashable + Eq + ?Sized>(&self, hash: Hash, key: &Q, found: Found<V>) -> Option<V>
    where
        K: Borrow<Q>,
    {
        match found {
            Found::Value(value) => Some(value),
            Found::Expired => {
                self.remove_expired(hash, key);
                None
            }
            Found::Nothing => None,
        }
    }

    #[cold]
    #[inline(never)]
    fn remove_expired<Q: Hashable + Eq + ?Sized>(&self, hash: Hash, key: &Q)
    where
        K: Borrow<Q>,
    {
        let mut gone = Departures::new();
        self.shard(hash).write(|contents| {
            let slot = contents.engine.find(hash, |entry| entry.key.borrow() == key)?;
            // Another thread may have put a new value there.
            if contents.lifetime(slot)?.is_over(self.now_ns()) {
                gone.push(contents.take(slot, RemovalCause::Expired)?);
            }
            Some(())
        });
        self.see_off(&gone);
    }

    /// `hash` is that of `key`.
    #[inline]
    pub(super) fn put(&self, hash: Hash, key: K, value: V) -> Result<(), InsertError> {
        if !self.is_plain || self.entry_weight_max.load(Relaxed) == 0 {
            return self.put_weighed(hash, key, value, &self.lifespans);
        }
        // What leaves is dropped when the lock is free.
        let mut gone = None;
        let put = self.shard(hash).write_for_request(|contents| {
            contents.engine.set_rule_of_bits(self.sampling.rule_bits());
            contents.put_plain(hash, Entry { key, value }, &mut gone)
        });
        match put {
            PutPlain::ForAnother(_) | PutPlain::Put(Put::New) => {
                self.sampling.note(hash, || self.len() as u64);
                Ok(())
            }
            PutPlain::Put(Put::Replaced) => Ok(()),
            PutPlain::Put(Put::Refused) => {
                self.counters.note(Event::Rejected);
                Err(InsertError::NoRoom { weight: 1 })
            }
            PutPlain::Not(Entry { key, value }) => self.put_weighed(hash, key, value, &self.lifespans),
        }
    }

    /// The same, whatever was chosen, for an entry with these lifespans.
    #[inline(never)]
    pub(super) fn put_weighed(
        &self,
        hash: Hash,
        key: K,
        value: V,
        spans: &Lifespans,
    ) -> Result<(), InsertError> {
        let weight = self.weigher.as_ref().map_or(1, |weigher| weigher(&key, &value)).max(1);
        let refused = match self.check(weight, spans) {
            Ok((weight, charge)) => {
                let lifetime = spans.is_any().then(|| spans.from(self.now_ns()));
                self.put_charged(hash, Arrival { key, value, weight, lifetime }, charge)
            }
            Err(error) => {
                self.remove_outdated(hash, &key);
                Err(error)
            }
        };
        if refused.is_err() {
            self.counters.note(Event::Rejected);
        }
        refused
    }

    /// Whether such an entry can be taken; its weight then, and the charge.
    fn check(&self, weight: u64, spans: &Lifespans) -> Result<(u32, Option<Charge<'_>>), InsertError> {
        let max = self.entry_weight_max.load(Relaxed);
        let Some(small) = u32::try_from(weight).ok().filter(|_| weight <= max) else {
            return Err(InsertError::TooHeavy { weight, max });
        };
        if spans.live == Some(Duration::ZERO) || spans.idle == Some(Duration::ZERO) {
            return Err(InsertError::NoTime);
        }
        let charge = match &self.account {
            Some(account) => Some(account.charge(self.charge_of(weight))?),
            None => None,
        };
        Ok((small, charge))
    }

    fn put_charged(
        &self,
        hash: Hash,
        arrival: Arrival<K, V>,
        charge: Option<Charge<'_>>,
    ) -> Result<(), InsertError> {
        let weight = u64::from(arrival.weight);
        let mut leaving = Leaving::new(self);
        let put = self.shard(hash).write_for_request(|contents| {
            contents.sweep_some(|| self.now_ns(), &mut leaving.gone);
            contents.engine.set_rule_of_bits(self.sampling.rule_bits());
            contents.put(hash, arrival, &mut leaving.gone)
        });
        if let Some(charge) = charge {
            charge.keep();
        }
        drop(leaving);
        match put {
            Put::New => {
                self.sampling.note(hash, || self.len() as u64);
                Ok(())
            }
            Put::Replaced => Ok(()),
            Put::Refused => Err(InsertError::NoRoom { weight }),
        }
    }

    fn remove_outdated(&self, hash: Hash, key: &K) {
        let mut gone = Departures::new();
        self.shard(hash).write(|contents| {
            let slot = contents.engine.find(hash, |entry| entry.key == *key)?;
            gone.push(contents.take(slot, RemovalCause::Replaced)?);
            Some(())
        });
        self.see_off(&gone);
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read(|contents| contents.engine.len())).sum()
    }
}

impl<K, V, S> Clone for Cache<K, V, S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<K, V, S> fmt::Debug for Cache<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("shards", &self.inner.shards.len()).finish_non_exhaustive()
    }
}
