//! Pools by name.

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use terrane_base::{Budget, Bytes, ReclaimCost, Reclaimer};
#[cfg(target_has_atomic = "64")]
use terrane_pool::LockFreePool;
use terrane_pool::{
    BufferPool, BufferPoolBuilder, ObjectPool, PoolBuilder, PoolStats, Poolable, ThreadSafePool,
    WorkStealingPool,
};

use crate::{BuildError, Owned, registry::Registry};

/// The pools of a system; from [`MemorySystem::pools`](crate::MemorySystem::pools).
///
/// A pool is given as a builder, and then its objects are charged to the system's budget; or finished, and then they are charged to whatever
/// it was made with. Either way idle objects go when the system is short of memory.
///
/// ```
/// use terrane::{MemorySystem, PoolStrategy, ThreadSafePool};
///
/// let packets = ThreadSafePool::<Vec<u8>>::builder()
///     .strategy(PoolStrategy::new().max_total(64))
///     .constructor(|| Vec::with_capacity(1500));
/// let system = MemorySystem::builder().with_named_pool("packets", packets).build()?;
///
/// let packets = system.pools().find::<ThreadSafePool<Vec<u8>>>("packets").unwrap();
/// let packet = packets.acquire()?;
/// assert!(system.budget().used() >= terrane::Bytes::new(1500));
/// drop(packet);
///
/// // One that comes later:
/// let lines = system.pools().add("lines", ThreadSafePool::<String>::builder())?;
/// assert!(lines.acquire()?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PoolManager {
    budget: Budget,
    pools: Registry<dyn ManagedPool>,
}

/// A pool that a system can look after.
pub trait ManagedPool: Any + Send + Sync {
    /// Its figures.
    fn stats(&self) -> PoolStats;

    /// Drops idle objects, and says how many.
    fn trim(&self) -> usize;
}

/// What a pool can be made from.
pub trait PoolSource {
    /// What is kept.
    type Pool: ManagedPool;

    /// Makes the pool. What it charges goes to a part of `budget` called `name`, where that can still be chosen.
    ///
    /// # Errors
    /// When the pool cannot follow its strategy.
    fn into_pool(self, name: &str, budget: &Budget) -> Result<Self::Pool, BuildError>;

    /// Whether the pool reclaims for the budget by itself.
    fn reclaims_by_itself(&self) -> bool {
        false
    }
}

impl PoolManager {
    pub(crate) fn new(budget: &Budget) -> Self {
        Self { budget: budget.clone(), pools: Registry::default() }
    }

    /// Puts a pool under a name.
    ///
    /// # Errors
    /// When the name is taken, or the pool cannot follow its strategy.
    pub fn add<S: PoolSource>(&self, name: &str, source: S) -> Result<Arc<S::Pool>, BuildError> {
        let reclaims = source.reclaims_by_itself();
        let pool = Arc::new(source.into_pool(name, &self.budget)?);
        if !self.pools.insert(name, pool.clone()) {
            return Err(BuildError::DuplicateName { kind: "pool", name: name.to_owned() });
        }
        if !reclaims {
            let trim: Arc<Trim<S::Pool>> = Arc::new(Trim(pool.clone()));
            self.budget.add_reclaimer(name, ReclaimCost::PoolTrim, &trim);
            self.pools.keep(name, trim);
        }
        Ok(pool)
    }

    /// The pool of that name, if it is of that type.
    #[must_use]
    pub fn find<P: ManagedPool>(&self, name: &str) -> Option<Arc<P>> {
        let pool: Arc<dyn Any + Send + Sync> = self.pools.find(name)?;
        pool.downcast().ok()
    }

    /// Takes a pool out. It lives on as long as somebody holds it.
    pub fn remove(&self, name: &str) -> bool {
        self.pools.remove(name)
    }

    pub(crate) fn stats(&self) -> Vec<(String, PoolStats)> {
        self.pools.all().into_iter().map(|(name, pool)| (name, pool.stats())).collect()
    }
}

/// Trims a pool that was made without the system's budget.
struct Trim<P>(Arc<P>);

impl<P: ManagedPool> Reclaimer for Trim<P> {
    fn reclaim(&self, _wanted: Bytes) -> Bytes {
        // Whoever needs the memory is not bothered with a panic of an object's destructor, and the pool is asked again.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| self.0.trim())) {
            // Dropping it might panic in turn.
            std::mem::forget(payload);
        }
        // What that was, another budget knows.
        Bytes::ZERO
    }
}

/// A pool of one owner, whoever that is at the moment.
impl<T: Poolable + Send + 'static> ManagedPool for Owned<ObjectPool<T>> {
    fn stats(&self) -> PoolStats {
        self.figures()
    }

    /// Does nothing while somebody has it.
    fn trim(&self) -> usize {
        self.try_lock().map_or(0, |pool| pool.trim(0))
    }
}

/// The pools for many threads, which differ in how they work and not in what they can do.
macro_rules! shared_pools {
    ($($pool:ident),*) => {$(
        impl<T: Poolable + Send + 'static> ManagedPool for $pool<T> {
            fn stats(&self) -> PoolStats {
                Self::stats(self)
            }

            fn trim(&self) -> usize {
                Self::trim(self, 0)
            }
        }

        impl<T: Poolable + Send + 'static> PoolSource for $pool<T> {
            type Pool = Self;

            fn into_pool(self, _name: &str, _budget: &Budget) -> Result<Self, BuildError> {
                Ok(self)
            }
        }

        impl<T: Poolable + Send + 'static> PoolSource for PoolBuilder<T, $pool<T>> {
            type Pool = $pool<T>;

            fn into_pool(self, name: &str, budget: &Budget) -> Result<$pool<T>, BuildError> {
                self.budget(budget).name(name).build().map_err(BuildError::Pool)
            }

            fn reclaims_by_itself(&self) -> bool {
                true
            }
        }
    )*};
}
shared_pools!(ThreadSafePool, WorkStealingPool);
#[cfg(target_has_atomic = "64")]
shared_pools!(LockFreePool);

impl ManagedPool for BufferPool {
    fn stats(&self) -> PoolStats {
        Self::stats(self)
    }

    fn trim(&self) -> usize {
        Self::trim(self)
    }
}

impl PoolSource for BufferPool {
    type Pool = Self;

    fn into_pool(self, _name: &str, _budget: &Budget) -> Result<Self, BuildError> {
        Ok(self)
    }
}

impl PoolSource for BufferPoolBuilder<BufferPool> {
    type Pool = BufferPool;

    fn into_pool(self, name: &str, budget: &Budget) -> Result<BufferPool, BuildError> {
        Ok(self.budget(budget).name(name).build())
    }

    fn reclaims_by_itself(&self) -> bool {
        true
    }
}

impl<T: Poolable + Send + 'static> PoolSource for ObjectPool<T> {
    type Pool = Owned<Self>;

    fn into_pool(self, _name: &str, budget: &Budget) -> Result<Owned<Self>, BuildError> {
        Ok(Owned::new(self, budget))
    }
}

impl<T: Poolable + Send + 'static> PoolSource for PoolBuilder<T, ObjectPool<T>> {
    type Pool = Owned<ObjectPool<T>>;

    fn into_pool(self, name: &str, budget: &Budget) -> Result<Owned<ObjectPool<T>>, BuildError> {
        let pool = self.budget(budget).name(name).build().map_err(BuildError::Pool)?;
        Ok(Owned::new(pool, budget))
    }
}

impl fmt::Debug for PoolManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolManager").field("budget", &self.budget).finish_non_exhaustive()
    }
}
