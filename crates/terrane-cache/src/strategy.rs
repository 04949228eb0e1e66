//! A cache and how its values are made, in one description.

use std::fmt;
use std::hash::Hash as Hashable;
use std::sync::Arc;
use std::time::Duration;

use terrane_base::Budget;

use crate::error::Reentrant;
use crate::shared::{Cache, EvictionPolicy};

/// What a cache is to be: its capacity, how long values live, which go first, and how one is computed.
///
/// ```
/// use std::time::Duration;
/// use terrane_cache::{CacheStrategy, EvictionPolicy};
///
/// let squares = CacheStrategy::new(1000, |key: &u64| key * key)
///     .with_ttl(Duration::from_secs(60))
///     .with_eviction(EvictionPolicy::Lru)
///     .build();
/// assert_eq!(squares.get(12), Ok(144));
/// ```
#[must_use = "a strategy makes a cache when `build` is called"]
pub struct CacheStrategy<K, V> {
    capacity: usize,
    ttl: Option<Duration>,
    eviction: EvictionPolicy,
    budget: Option<Budget>,
    compute_fn: Box<dyn Fn(&K) -> V + Send + Sync>,
}

impl<K: Hashable + Eq + Clone, V: Clone> CacheStrategy<K, V> {
    /// So many entries, whose values `compute_fn` makes.
    pub fn new(capacity: usize, compute_fn: impl Fn(&K) -> V + Send + Sync + 'static) -> Self {
        let compute_fn = Box::new(compute_fn);
        Self { capacity, ttl: None, eviction: EvictionPolicy::default(), budget: None, compute_fn }
    }

    /// Values live so long.
    pub fn with_ttl(self, ttl: Duration) -> Self {
        Self { ttl: Some(ttl), ..self }
    }

    /// Which entries go first.
    pub fn with_eviction(self, eviction: EvictionPolicy) -> Self {
        Self { eviction, ..self }
    }

    /// The budget that entries are charged to, as [`CacheBuilder::budget`](crate::CacheBuilder::budget).
    pub fn with_budget(self, budget: &Budget) -> Self {
        Self { budget: Some(budget.clone()), ..self }
    }

    /// The cache.
    #[must_use]
    pub fn build(self) -> ComputingCache<K, V>
    where
        K: Send + Sync + 'static,
        V: Send + Sync + 'static,
    {
        let mut builder = Cache::builder().capacity(self.capacity).policy(self.eviction);
        if let Some(ttl) = self.ttl {
            builder = builder.time_to_live(ttl);
        }
        if let Some(budget) = &self.budget {
            builder = builder.budget(budget);
        }
        ComputingCache { cache: builder.build(), compute_fn: self.compute_fn.into() }
    }
}

impl<K, V> fmt::Debug for CacheStrategy<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheStrategy")
            .field("capacity", &self.capacity)
            .field("ttl", &self.ttl)
            .field("eviction", &self.eviction)
            .finish_non_exhaustive()
    }
}

/// A cache that computes what is not there. Clones share it.
pub struct ComputingCache<K, V> {
    cache: Cache<K, V>,
    compute_fn: Arc<dyn Fn(&K) -> V + Send + Sync>,
}

impl<K: Hashable + Eq + Clone, V: Clone> ComputingCache<K, V> {
    /// The value of `key`, computed if it is not here; once for all threads that want it.
    ///
    /// # Errors
    /// [`Reentrant`] when its computation asks for it.
    pub fn get(&self, key: K) -> Result<V, Reentrant> {
        self.cache.get_or_compute(key, |key| (self.compute_fn)(key))
    }

    /// The cache itself.
    #[must_use]
    pub fn cache(&self) -> &Cache<K, V> {
        &self.cache
    }
}

impl<K, V> Clone for ComputingCache<K, V> {
    fn clone(&self) -> Self {
        Self { cache: self.cache.clone(), compute_fn: Arc::clone(&self.compute_fn) }
    }
}

impl<K, V> fmt::Debug for ComputingCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComputingCache").field("cache", &self.cache).finish_non_exhaustive()
    }
}
