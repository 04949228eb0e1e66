//! The adaptive cache for one thread.

use std::borrow::Borrow;
use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::fmt;
use std::hash::{BuildHasher, Hash as Hashable};

use foldhash::fast::RandomState;

use crate::index::Hash;
use crate::policy::engine::Engine;
use crate::policy::mark::{Counting, Spare};
use crate::policy::rule::Rule;
use crate::policy::tuner::{Tuner, sample_mask};
use crate::stats::CacheStats;

/// A cache that adapts to its use as [`Cache`](crate::Cache) does, for one thread: no locks, and no atomic operations that cost
/// anything. To be put into a `thread_local!`, or into what a thread owns. It has no clock: values live until they are evicted, and
/// how long computations take is not measured.
///
/// ```
/// use terrane_cache::ThreadLocalCache;
///
/// thread_local! {
///     static LENGTHS: ThreadLocalCache<String, usize> = ThreadLocalCache::new(1000);
/// }
/// let length = LENGTHS.with(|cache| cache.get_or_compute("some text".to_owned(), |text| text.len()));
/// assert_eq!(length, 9);
/// ```
pub struct ThreadLocalCache<K, V, S = RandomState> {
    state: RefCell<State<K, V>>,
    stats: Cell<CacheStats>,
    hasher: S,
}

struct State<K, V> {
    engine: Engine<(K, V)>,
    tuner: Tuner,
    sample_mask: u32,
}

impl<K: Hashable + Eq, V: Clone> ThreadLocalCache<K, V> {
    /// An empty cache for so many entries. Memory is taken as they come.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self::with_hasher(capacity, RandomState::default())
    }
}

impl<K: Hashable + Eq, V: Clone, S: BuildHasher> ThreadLocalCache<K, V, S> {
    /// An empty cache for so many entries, whose keys `hasher` hashes.
    #[must_use]
    pub fn with_hasher(capacity: usize, hasher: S) -> Self {
        let capacity = capacity as u64;
        let state = State {
            engine: Engine::new(capacity, Rule::MORE_OFTEN, true),
            tuner: Tuner::new(capacity),
            sample_mask: sample_mask(capacity),
        };
        Self { state: RefCell::new(state), stats: Cell::default(), hasher }
    }

    /// The value of `key`.
    pub fn get<Q: Hashable + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let hash = self.hash(key);
        let found = {
            let mut state = self.state.borrow_mut();
            let found = state
                .engine
                .find_and_use(hash, Counting::Each(&Spare::default()), |(other, _)| other.borrow() == key);
            let value = found.map(|(_, (_, value))| value.clone());
            if value.is_some() {
                state.note(hash);
            }
            value
        };
        self.count(|stats| match found {
            Some(_) => stats.hits += 1,
            None => stats.misses += 1,
        });
        found
    }

    /// Puts an entry in, and evicts others to make room. The answer is the value that `key` had. A cache of capacity 0 keeps nothing.
    pub fn insert(&self, key: K, value: V) -> Option<V> {
        let hash = self.hash(&key);
        let mut evicted = Vec::new();
        let mut state = self.state.borrow_mut();
        let old = state.engine.find(hash, |(other, _)| *other == key);
        if state.engine.capacity() == 0 {
            drop(state);
            self.count(|stats| stats.rejected += 1);
            return None;
        }
        let replaced = match old.and_then(|slot| state.engine.item_mut(slot)) {
            Some((_, place)) => Some(std::mem::replace(place, value)),
            None => {
                match state.engine.replace(hash, (key, value)) {
                    Ok((entry, _)) => evicted.push(entry),
                    Err(entry) => {
                        let slot = state.engine.insert(hash, 1, entry);
                        state.engine.settle(Some(slot), &mut |_, entry| evicted.push(entry));
                    }
                }
                state.note(hash);
                None
            }
        };
        // What is dropped may use this cache.
        drop(state);
        self.count(|stats| {
            stats.inserted += u64::from(old.is_none());
            stats.evicted += evicted.len() as u64;
            stats.evicted_weight += evicted.len() as u64;
        });
        replaced
    }

    /// The value of `key`, computed and put in if it is not here. The computation may use this cache, also for the same key.
    pub fn get_or_compute(&self, key: K, compute: impl FnOnce(&K) -> V) -> V {
        match self.try_get_or_compute(key, |key| Ok::<V, Infallible>(compute(key))) {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    /// As [`get_or_compute`](Self::get_or_compute), for a computation that may fail: then nothing is put in.
    ///
    /// ```
    /// use terrane_cache::ThreadLocalCache;
    ///
    /// let numbers = ThreadLocalCache::new(100);
    /// assert!(numbers.try_get_or_compute("twelve", |text| text.parse::<u32>()).is_err());
    /// assert_eq!(numbers.try_get_or_compute("12", |text| text.parse::<u32>()), Ok(12));
    /// assert_eq!((numbers.len(), numbers.stats().loads, numbers.stats().failed_loads), (1, 1, 1));
    /// ```
    ///
    /// # Errors
    /// The computation's own.
    pub fn try_get_or_compute<E>(&self, key: K, compute: impl FnOnce(&K) -> Result<V, E>) -> Result<V, E> {
        if let Some(value) = self.get(&key) {
            return Ok(value);
        }
        let mut load = Load { stats: &self.stats, failed: true };
        let value = compute(&key)?;
        load.failed = false;
        drop(load);
        self.insert(key, value.clone());
        Ok(value)
    }

    /// Whether `key` is here; no use of it, and not counted.
    #[must_use]
    pub fn contains<Q: Hashable + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        let hash = self.hash(key);
        self.state.borrow().engine.find(hash, |(other, _)| other.borrow() == key).is_some()
    }

    /// Takes an entry out.
    pub fn remove<Q: Hashable + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let hash = self.hash(key);
        let mut state = self.state.borrow_mut();
        let slot = state.engine.find(hash, |(other, _)| other.borrow() == key)?;
        let removed = state.engine.remove(slot);
        drop(state);
        removed.map(|(_, value)| value)
    }

    /// Takes all entries out.
    pub fn clear(&self) {
        let all = self.state.borrow_mut().engine.drain();
        drop(all);
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state.borrow().engine.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most entries that there may be.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.state.borrow().engine.capacity()
    }

    /// What happened so far.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.stats.get()
    }

    fn hash<Q: Hashable + ?Sized>(&self, key: &Q) -> Hash {
        Hash::spread(self.hasher.hash_one(key))
    }

    fn count(&self, count: impl FnOnce(&mut CacheStats)) {
        note(&self.stats, count);
    }
}

fn note(place: &Cell<CacheStats>, count: impl FnOnce(&mut CacheStats)) {
    let mut stats = place.get();
    count(&mut stats);
    place.set(stats);
}

/// A computation that is going on; counted when it ends, also by a panic.
struct Load<'a> {
    stats: &'a Cell<CacheStats>,
    failed: bool,
}

impl Drop for Load<'_> {
    fn drop(&mut self) {
        note(self.stats, |stats| {
            stats.loads += u64::from(!self.failed);
            stats.failed_loads += u64::from(self.failed);
        });
    }
}

impl<K, V> State<K, V> {
    /// A key was asked for that is here now.
    fn note(&mut self, hash: Hash) {
        self.engine.note_request(0);
        if hash.tag() & self.sample_mask == 0 {
            let rule = self.tuner.note(hash);
            self.engine.set_rule(rule);
        }
    }
}

impl<K, V, S> fmt::Debug for ThreadLocalCache<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadLocalCache").field("stats", &self.stats.get()).finish_non_exhaustive()
    }
}
