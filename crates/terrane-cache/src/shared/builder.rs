//! What can be chosen about a cache.

use std::fmt;
use std::hash::{BuildHasher, Hash as Hashable};
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use foldhash::fast::RandomState;
use terrane_base::{Budget, Clock, ReclaimCost, SystemClock};

use super::account::Account;
use super::cache::{Cache, Inner};
use super::contents::Contents;
use super::departure::{Listener, RemovalCause};
use super::flight::Flights;
use super::lifetime::Lifespans;
use super::sampling::Sampling;
use super::shard::Shard;

/// Which entries of a [`Cache`] go first.
///
/// ```
/// use terrane_cache::{Cache, EvictionPolicy};
///
/// let queue = Cache::builder().capacity(2).policy(EvictionPolicy::Fifo).build();
/// (1..=3).for_each(|job| _ = queue.insert(job, "a job"));
/// assert!(!queue.contains(&1) && queue.contains(&3));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EvictionPolicy {
    /// What has served best of late, between the next two: W-TinyLFU whose window is found by simulation.
    #[default]
    Adaptive,
    /// Those that were not used for long. An approximation (*clock*); [`LruCache`](crate::LruCache) is exact.
    Lru,
    /// Those that are asked for less often than what comes: TinyLFU with a window of 1 %. [`LfuCache`](crate::LfuCache) counts exactly.
    Lfu,
    /// The oldest, whatever their use.
    Fifo,
}

/// Makes a [`Cache`].
///
/// ```
/// use std::time::Duration;
/// use terrane_cache::Cache;
///
/// let cache: Cache<u32, String> = Cache::builder()
///     .weigher(1 << 20, |_, text: &String| text.len() as u64)
///     .time_to_live(Duration::from_secs(300))
///     .build();
/// cache.insert(1, "one".to_owned());
/// assert_eq!(cache.weight(), 3);
/// ```
#[must_use = "a builder makes a cache when `build` is called"]
pub struct CacheBuilder<K, V, S = RandomState> {
    capacity: u64,
    weigher: Option<Weigher<K, V>>,
    shards: Option<usize>,
    expected: Option<usize>,
    policy: EvictionPolicy,
    lifespans: Lifespans,
    clock: Arc<dyn Clock>,
    listener: Option<Listener<K, V>>,
    budget: Option<(Budget, Register<K, V, S>)>,
    hasher: S,
}

/// Says what an entry weighs.
pub(super) type Weigher<K, V> = Box<dyn Fn(&K, &V) -> u64 + Send + Sync>;

/// Makes the cache known to its budget. A pointer made where it is known that the types live as long as that needs.
type Register<K, V, S> = fn(&Budget, &Arc<Inner<K, V, S>>);

/// A shard has at least so many entries, so that each has its fair part of what is used much.
const ENTRIES_PER_SHARD_MIN: u64 = 2048;
/// So many that threads seldom want the same one at once.
const SHARDS_PER_CORE: usize = 16;
/// Where a weigher leaves open how many entries there will be: an entry may not be heavier than the share of a shard.
const SHARDS_PER_CORE_WEIGHED: usize = 4;
const SHARDS_MAX: usize = 256;
/// So many threads at most do not disturb each other when they only read: two for each core, so that few of those that run have the same
/// place, whatever their numbers are.
const READERS_MAX: usize = 16;
const READERS_PER_CORE: usize = 2;

impl<K: Hashable + Eq, V: Clone> CacheBuilder<K, V> {
    /// A cache for no entries yet, with everything else as it is best for most.
    pub fn new() -> Self {
        Self {
            capacity: 0,
            weigher: None,
            shards: None,
            expected: None,
            policy: EvictionPolicy::default(),
            lifespans: Lifespans::default(),
            clock: Arc::new(SystemClock::new()),
            listener: None,
            budget: None,
            hasher: RandomState::default(),
        }
    }
}

impl<K: Hashable + Eq, V: Clone> Default for CacheBuilder<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Hashable + Eq, V: Clone, S: BuildHasher> CacheBuilder<K, V, S> {
    /// So many entries at most. A cache of capacity 0 keeps nothing.
    pub fn capacity(self, entries: usize) -> Self {
        Self { capacity: entries as u64, weigher: None, ..self }
    }

    /// Entries that weigh at most `capacity` in all. An entry weighs what `weigher` says when it is inserted, and at least 1. Heavier
    /// ones than [`Cache::entry_weight_max`] are not taken. (Where the compiler wants to know the types of the closure, begin with
    /// `Cache::<Key, Value>::builder()`.)
    pub fn weigher(self, capacity: u64, weigher: impl Fn(&K, &V) -> u64 + Send + Sync + 'static) -> Self {
        Self { capacity, weigher: Some(Box::new(weigher)), ..self }
    }

    /// Values end so long after they were written. With zero, nothing is kept.
    pub fn time_to_live(self, time: Duration) -> Self {
        Self { lifespans: Lifespans { live: Some(time), ..self.lifespans }, ..self }
    }

    /// Entries end when they were not used for so long, to about a millisecond. With zero, nothing is kept.
    pub fn time_to_idle(self, time: Duration) -> Self {
        Self { lifespans: Lifespans { idle: Some(time), ..self.lifespans }, ..self }
    }

    /// Values older than this are computed again by the next [`Cache::get_or_compute`], while others still get the old one. A
    /// [`Cache::get`] computes nothing, and gets the old one.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use terrane_cache::{Cache, ManualClock};
    ///
    /// let clock = Arc::new(ManualClock::new());
    /// let rates = Cache::builder().capacity(10).refresh_after(Duration::from_secs(60)).clock(Arc::clone(&clock)).build();
    /// rates.insert("EUR", 1);
    /// clock.advance(Duration::from_secs(61));
    /// assert_eq!(rates.get("EUR"), Some(1));
    /// assert_eq!(rates.try_get_or_compute("EUR", |_| Err("no network")), Ok(1), "better an old one than none");
    /// assert_eq!(rates.get_or_compute("EUR", |_| 2), Ok(2));
    /// ```
    pub fn refresh_after(self, time: Duration) -> Self {
        Self { lifespans: Lifespans { refresh: Some(time), ..self.lifespans }, ..self }
    }

    /// Which entries go first.
    pub fn policy(self, policy: EvictionPolicy) -> Self {
        Self { policy, ..self }
    }

    /// Into how many parts the cache is divided, each with its share of the capacity; rounded up to a power of two, at most 256, and no
    /// more than the capacity. By default this follows from capacity and number of cores.
    pub fn shards(self, shards: usize) -> Self {
        Self { shards: Some(shards), ..self }
    }

    /// About how many entries there will be, where a weigher makes that hard to know: the number of parts follows from it.
    pub fn expected_entries(self, entries: usize) -> Self {
        Self { expected: Some(entries), ..self }
    }

    /// What time it is. The system's clock by default.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use terrane_cache::{Cache, ManualClock};
    ///
    /// let clock = Arc::new(ManualClock::new());
    /// let cache = Cache::builder().capacity(10).time_to_live(Duration::from_secs(9)).clock(Arc::clone(&clock)).build();
    /// cache.insert(1, "one");
    /// clock.advance(Duration::from_secs(10));
    /// assert_eq!(cache.get(&1), None);
    /// ```
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// To be told about each entry that leaves, when it has left, without any lock. A panic of it is caught and
    /// [counted](crate::CacheStats::listener_panics).
    pub fn on_removal(self, listener: impl Fn(&K, &V, RemovalCause) + Send + Sync + 'static) -> Self {
        Self { listener: Some(Box::new(listener)), ..self }
    }

    /// How keys are hashed.
    pub fn hasher<T: BuildHasher>(self, hasher: T) -> CacheBuilder<K, V, T> {
        CacheBuilder {
            capacity: self.capacity,
            weigher: self.weigher,
            shards: self.shards,
            expected: self.expected,
            policy: self.policy,
            lifespans: self.lifespans,
            clock: self.clock,
            listener: self.listener,
            budget: None,
            hasher,
        }
    }

    /// Charges entries to a budget: for each what it takes in the cache, and with a weigher also its weight, as bytes. When the budget is
    /// short of memory, it takes entries from the cache; a panic of their `drop` ends there. To be called after [`hasher`](CacheBuilder::hasher), which forgets it.
    ///
    /// Charged is this budget itself: a [child](Budget::child) gives the cache a name in reports and errors, and a limit of its own.
    ///
    /// ```
    /// use terrane_cache::{Budget, Bytes, Cache};
    ///
    /// let server = Budget::root(Bytes::from_mib(1));
    /// let pages = server.child("pages").max(Bytes::from_kib(64));
    /// let cache = Cache::<u32, String>::builder().weigher(1 << 20, |_, page| page.len() as u64).budget(&pages).build();
    /// (0..100).for_each(|page| _ = cache.insert(page, "x".repeat(1000)));
    /// assert!(pages.used() <= Bytes::from_kib(64) && cache.len() > 50);
    /// assert!(server.try_reserve(Bytes::from_kib(1000)).is_ok(), "others take what they need from the cache");
    /// assert!(cache.len() < 50);
    /// ```
    pub fn budget(self, budget: &Budget) -> Self
    where
        K: Send + Sync + 'static,
        V: Send + Sync + 'static,
        S: Send + Sync + 'static,
    {
        let register: Register<K, V, S> = |budget, inner| {
            budget.add_reclaimer("cache", ReclaimCost::CacheEviction, inner);
            budget.add_pressure_listener("cache", inner);
        };
        Self { budget: Some((budget.clone(), register)), ..self }
    }

    /// The cache. Without a capacity it keeps nothing.
    #[must_use]
    pub fn build(self) -> Cache<K, V, S> {
        let shards = self.shard_count();
        let readers = (cores() * READERS_PER_CORE).min(READERS_MAX);
        let sampling = Sampling::new(self.policy, self.capacity, self.weigher.is_some(), self.expected);
        let second_chance = self.policy != EvictionPolicy::Fifo;
        let rule = sampling.rule();
        let parts = (0..shards).map(|shard| {
            Shard::new(Contents::new(share_of(self.capacity, shard, shards), rule, second_chance), readers)
        });
        let inner = Arc::new(Inner {
            shards: parts.collect(),
            shard_mask: shards as u32 - 1,
            hasher: self.hasher,
            is_plain: self.weigher.is_none()
                && !self.lifespans.is_any()
                && self.listener.is_none()
                && self.budget.is_none(),
            account: self.budget.as_ref().map(|(budget, _)| Account::new(budget)),
            weigher: self.weigher,
            lifespans: self.lifespans,
            entry_weight_max: AtomicU64::new(entry_weight_max(self.capacity, shards)),
            clock: self.clock,
            listener: self.listener,
            counters: Default::default(),
            sampling,
            flights: Flights::new(),
        });
        if let Some((budget, register)) = self.budget {
            register(&budget, &inner);
        }
        Cache { inner }
    }

    fn shard_count(&self) -> usize {
        let entries = self.expected.map_or(self.capacity, |expected| expected as u64);
        let by_entries = usize::try_from(entries / ENTRIES_PER_SHARD_MIN).unwrap_or(usize::MAX);
        // Of a power of two below, for large parts; of what was asked for, the one above.
        let is_open = self.weigher.is_some() && self.expected.is_none();
        let per_core = if is_open { SHARDS_PER_CORE_WEIGHED } else { SHARDS_PER_CORE };
        let chosen = by_entries.clamp(1, cores() * per_core);
        let chosen =
            self.shards.map_or(1 << chosen.ilog2(), |shards| shards.clamp(1, SHARDS_MAX).next_power_of_two());
        // A part that has no room for an entry would make the whole cache refuse all.
        let with_room = 1 << self.capacity.clamp(1, SHARDS_MAX as u64).ilog2();
        chosen.min(with_room)
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// What fits in every shard.
pub(super) fn entry_weight_max(capacity: u64, shards: usize) -> u64 {
    (capacity / shards as u64).min(u64::from(u32::MAX))
}

/// What shard number `shard` gets of a capacity: all together make it up.
pub(super) fn share_of(capacity: u64, shard: usize, shards: usize) -> u64 {
    let (shard, shards) = (shard as u64, shards as u64);
    capacity / shards + u64::from(shard < capacity % shards)
}

impl<K, V, S> fmt::Debug for CacheBuilder<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheBuilder")
            .field("capacity", &self.capacity)
            .field("weighed", &self.weigher.is_some())
            .field("policy", &self.policy)
            .field("lifespans", &self.lifespans)
            .finish_non_exhaustive()
    }
}
