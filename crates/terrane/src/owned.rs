//! What has one owner at a time, in a system that many threads use.

use core::{
    fmt,
    hash::{BuildHasher, Hash},
    ops::{Deref, DerefMut},
};
use std::sync::{Mutex, MutexGuard, PoisonError};

use terrane_base::{Budget, Bytes, MemoryError, Reservation};
use terrane_cache::{CacheStats, ExactCache, Order};
use terrane_pool::{ObjectPool, PoolStats, Poolable};

/// A pool or cache of one owner, whoever that is at the moment. What it has taken is charged whenever an owner is done with it; where the
/// budget refuses, a cache gives entries up until it agrees.
///
/// Charged is what a cache itself takes, not what its keys and values own elsewhere. A pool charges its objects itself.
///
/// ```
/// use terrane::{LruCache, MemorySystem, Owned};
///
/// let system = MemorySystem::builder().with_cache(LruCache::<u32, u64>::new(100)).build()?;
/// let squares = system.caches().find::<Owned<LruCache<u32, u64>>>("default").unwrap();
/// squares.lock().insert(7, 49);
/// assert_eq!(squares.lock().get(&7), Some(&49));
/// # Ok::<(), terrane::BuildError>(())
/// ```
pub struct Owned<T: OneOwner> {
    kept: Mutex<Kept<T>>,
    /// As of the last time that an owner was done with it.
    figures: Mutex<T::Figures>,
    budget: Budget,
}

struct Kept<T> {
    inner: T,
    /// `None` before the first charge.
    charge: Option<Reservation>,
}

/// The one owner of something [`Owned`], until it is dropped.
#[must_use = "another owner can have it once this is dropped"]
pub struct Ownership<'a, T: OneOwner> {
    kept: MutexGuard<'a, Kept<T>>,
    owned: &'a Owned<T>,
}

/// Something of one owner that a system can look after.
pub trait OneOwner: Send + 'static {
    /// What it counts.
    type Figures: Copy + Default + Send;

    /// Its figures.
    fn figures(&self) -> Self::Figures;

    /// The memory that it has taken and that nobody charges.
    fn uncharged(&self) -> Bytes;

    /// Gives up about half of what it can give up; whether that was anything.
    fn give_up_half(&mut self) -> bool;
}

impl<T: OneOwner> Owned<T> {
    pub(crate) fn new(inner: T, budget: &Budget) -> Self {
        let figures = Mutex::new(inner.figures());
        Self { kept: Mutex::new(Kept { inner, charge: None }), figures, budget: budget.clone() }
    }

    /// Waits until nobody else has it. Not to be called by who has it already.
    pub fn lock(&self) -> Ownership<'_, T> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Ownership { kept, owned: self }
    }

    /// `None` when somebody has it, perhaps this very thread.
    pub fn try_lock(&self) -> Option<Ownership<'_, T>> {
        match self.kept.try_lock() {
            Ok(kept) => Some(Ownership { kept, owned: self }),
            Err(std::sync::TryLockError::Poisoned(poisoned)) => {
                Some(Ownership { kept: poisoned.into_inner(), owned: self })
            }
            Err(std::sync::TryLockError::WouldBlock) => None,
        }
    }

    /// Its figures, as of the last time that an owner was done with it. Waits for nobody.
    #[must_use]
    pub fn figures(&self) -> T::Figures {
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: OneOwner> Ownership<'_, T> {
    fn charge(&mut self) -> Result<(), MemoryError> {
        let Kept { inner, charge } = &mut *self.kept;
        let bytes = inner.uncharged();
        match charge {
            Some(charge) => charge.resize(bytes),
            None => {
                *charge = Some(self.owned.budget.try_reserve(bytes)?);
                Ok(())
            }
        }
    }
}

impl<T: OneOwner> Drop for Ownership<'_, T> {
    fn drop(&mut self) {
        // Locked meanwhile: whom the budget asks for memory passes this by.
        while self.charge().is_err() && self.kept.inner.give_up_half() {}
        *self.owned.figures.lock().unwrap_or_else(PoisonError::into_inner) = self.kept.inner.figures();
    }
}

impl<T: OneOwner> Deref for Ownership<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.kept.inner
    }
}

impl<T: OneOwner> DerefMut for Ownership<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.kept.inner
    }
}

impl<K, V, O, S> OneOwner for ExactCache<K, V, O, S>
where
    K: Hash + Eq + Send + 'static,
    V: Send + 'static,
    O: Order + Send + 'static,
    S: BuildHasher + Send + 'static,
{
    type Figures = CacheStats;

    fn figures(&self) -> CacheStats {
        self.stats()
    }

    fn uncharged(&self) -> Bytes {
        Bytes::from_usize(self.bytes())
    }

    fn give_up_half(&mut self) -> bool {
        self.shrink_to(self.weight() / 2) > 0
    }
}

impl<T: Poolable + Send + 'static> OneOwner for ObjectPool<T> {
    type Figures = PoolStats;

    fn figures(&self) -> PoolStats {
        self.stats()
    }

    fn uncharged(&self) -> Bytes {
        Bytes::ZERO
    }

    fn give_up_half(&mut self) -> bool {
        self.trim(self.stats().idle / 2) > 0
    }
}

impl<T: OneOwner> fmt::Debug for Owned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owned").field("budget", &self.budget).finish_non_exhaustive()
    }
}

impl<T: OneOwner> fmt::Debug for Ownership<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ownership").field("budget", &self.owned.budget).finish_non_exhaustive()
    }
}
