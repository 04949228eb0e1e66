//! Caches by name.

use core::{
    fmt,
    hash::{BuildHasher, Hash},
};
use std::{any::Any, sync::Arc};

use terrane_base::{Budget, Bytes, ReclaimCost, Reclaimer};
use terrane_cache::{
    Cache, CacheBuilder, CacheStats, CacheStrategy, ComputingCache, ExactCache, Order, ShardedCache,
};

use crate::{BuildError, Owned, registry::Registry};

/// The caches of a system; from [`MemorySystem::caches`](crate::MemorySystem::caches).
///
/// A [`Cache`] is given as a builder, and then its entries are charged to the system's budget, which takes entries from it when memory is
/// short; or finished, and then it is charged to whatever it was made with. A cache of one owner ([`LruCache`](crate::LruCache) and its likes)
/// is kept in an [`Owned`], which charges it.
///
/// Values that hold an [`Allocation`](crate::Allocation) of the same system, or a clone of that, keep the system alive from within: it is never
/// dropped unless such a cache is [removed](CacheManager::remove), or emptied, before its last handle goes.
///
/// ```
/// use terrane::{Cache, LruCache, MemorySystem};
///
/// let pages = Cache::<String, String>::builder().weigher(1 << 20, |_, page| page.len() as u64);
/// let system = MemorySystem::builder()
///     .with_named_cache("pages", pages)
///     .with_named_cache("names", LruCache::<u32, String>::new(100))
///     .build()?;
///
/// let pages = system.caches().find::<Cache<String, String>>("pages").unwrap();
/// assert!(pages.insert("/".to_owned(), "welcome".repeat(100)));
///
/// let names = system.caches().find::<terrane::Owned<LruCache<u32, String>>>("names").unwrap();
/// names.lock().insert(1, "one".to_owned());
/// assert!(system.stats().budget.entries().iter().any(|part| part.name.as_str() == "names"));
/// assert!(system.budget().used() > terrane::Bytes::new(700));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CacheManager {
    budget: Budget,
    caches: Registry<dyn ManagedCache>,
}

/// A cache that a system can look after.
pub trait ManagedCache: Any + Send + Sync {
    /// Its figures.
    fn stats(&self) -> CacheStats;

    /// Gives up entries until those that are left weigh half of what all did, and answers the weight that went.
    fn halve(&self) -> u64;
}

/// What a cache can be made from.
pub trait CacheSource {
    /// What is kept.
    type Cache: ManagedCache;

    /// Makes the cache. What it charges goes to `budget`, where that can still be chosen. What the budget can ask by itself has been made
    /// known to it afterwards.
    fn into_cache(self, budget: &Budget) -> Arc<Self::Cache>;

    /// Whether the cache reclaims for the budget by itself.
    fn reclaims_by_itself(&self) -> bool;
}

impl CacheManager {
    pub(crate) fn new(budget: &Budget) -> Self {
        Self { budget: budget.clone(), caches: Registry::default() }
    }

    /// Puts a cache under a name.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn add<S: CacheSource>(&self, name: &str, source: S) -> Result<Arc<S::Cache>, BuildError> {
        let reclaims = source.reclaims_by_itself();
        let cache = source.into_cache(&self.budget.child(name));
        if !self.caches.insert(name, cache.clone()) {
            return Err(BuildError::DuplicateName { kind: "cache", name: name.to_owned() });
        }
        if !reclaims {
            let shrink: Arc<Shrink<S::Cache>> = Arc::new(Shrink(cache.clone()));
            self.budget.add_reclaimer(name, ReclaimCost::CacheEviction, &shrink);
            self.caches.keep(name, shrink);
        }
        Ok(cache)
    }

    /// The cache of that name, if it is of that type.
    #[must_use]
    pub fn find<C: ManagedCache>(&self, name: &str) -> Option<Arc<C>> {
        let cache: Arc<dyn Any + Send + Sync> = self.caches.find(name)?;
        cache.downcast().ok()
    }

    /// Takes a cache out. It lives on as long as somebody holds it.
    pub fn remove(&self, name: &str) -> bool {
        self.caches.remove(name)
    }

    pub(crate) fn stats(&self) -> Vec<(String, CacheStats)> {
        self.caches.all().into_iter().map(|(name, cache)| (name, cache.stats())).collect()
    }
}

/// Shrinks a cache that was made without the system's budget.
struct Shrink<C>(Arc<C>);

impl<C: ManagedCache> Reclaimer for Shrink<C> {
    fn reclaim(&self, _wanted: Bytes) -> Bytes {
        self.0.halve();
        // What that was, another budget knows.
        Bytes::ZERO
    }
}

impl<K, V, S> ManagedCache for Cache<K, V, S>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: BuildHasher + Send + Sync + 'static,
{
    fn stats(&self) -> CacheStats {
        Self::stats(self)
    }

    fn halve(&self) -> u64 {
        self.shrink_to(self.weight() / 2)
    }
}

impl<K, V, S> CacheSource for Cache<K, V, S>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: BuildHasher + Send + Sync + 'static,
{
    type Cache = Self;

    fn into_cache(self, _budget: &Budget) -> Arc<Self> {
        Arc::new(self)
    }

    fn reclaims_by_itself(&self) -> bool {
        false
    }
}

impl<K, V, S> CacheSource for CacheBuilder<K, V, S>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: BuildHasher + Send + Sync + 'static,
{
    type Cache = Cache<K, V, S>;

    fn into_cache(self, budget: &Budget) -> Arc<Cache<K, V, S>> {
        Arc::new(self.budget(budget).build())
    }

    fn reclaims_by_itself(&self) -> bool {
        true
    }
}

impl<K, V> CacheSource for ShardedCache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    type Cache = Cache<K, V>;

    fn into_cache(self, _budget: &Budget) -> Arc<Cache<K, V>> {
        Arc::new((*self).clone())
    }

    fn reclaims_by_itself(&self) -> bool {
        false
    }
}

impl<K, V> ManagedCache for ComputingCache<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn stats(&self) -> CacheStats {
        self.cache().stats()
    }

    fn halve(&self) -> u64 {
        self.cache().halve()
    }
}

impl<K, V> CacheSource for CacheStrategy<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    type Cache = ComputingCache<K, V>;

    fn into_cache(self, budget: &Budget) -> Arc<ComputingCache<K, V>> {
        Arc::new(self.with_budget(budget).build())
    }

    fn reclaims_by_itself(&self) -> bool {
        true
    }
}

/// A cache of one owner, whoever that is at the moment.
impl<K, V, O, S> ManagedCache for Owned<ExactCache<K, V, O, S>>
where
    K: Hash + Eq + Send + 'static,
    V: Send + 'static,
    O: Order + Send + 'static,
    S: BuildHasher + Send + 'static,
{
    fn stats(&self) -> CacheStats {
        self.figures()
    }

    /// Does nothing while somebody has it.
    fn halve(&self) -> u64 {
        self.try_lock().map_or(0, |mut cache| {
            let weight = cache.weight();
            cache.shrink_to(weight / 2)
        })
    }
}

impl<K, V, O, S> CacheSource for ExactCache<K, V, O, S>
where
    K: Hash + Eq + Send + 'static,
    V: Send + 'static,
    O: Order + Send + 'static,
    S: BuildHasher + Send + 'static,
{
    type Cache = Owned<Self>;

    fn into_cache(self, budget: &Budget) -> Arc<Owned<Self>> {
        Arc::new(Owned::new(self, budget))
    }

    fn reclaims_by_itself(&self) -> bool {
        false
    }
}

impl fmt::Debug for CacheManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheManager").field("budget", &self.budget).finish_non_exhaustive()
    }
}
