//! The pool whose threads help themselves from each other.
//!
//! Each thread has a few idle objects [at hand](crate::thread_cache), and behind these a deque (Chase, Lev: *Dynamic Circular Work-Stealing
//! Deque*, SPAA 2005). It takes and puts at one end; a thread that has none steals from the other end of another's, where the longest idle
//! are. There is no depot: what a thread has too many of stays with it until somebody needs it.

mod lanes;

use alloc::{boxed::Box, sync::Arc};
use core::fmt;

use terrane_base::{Budget, MemoryError};

use crate::{
    PoolBuilder, PoolGuard, PoolStats, PoolStrategy, Poolable, StrategyError, guard::Home, node::Node,
    unlocked::Unlocked,
};
use lanes::Lanes;

/// A pool for many threads that take from each other when they have none: made for threads of which some acquire and others release.
///
/// Up to eight idle objects are at hand of a thread: an acquisition of these is one atomic exchange on a word that others do not touch, a
/// release a store. More are in a deque of the thread's own: a step there, with a fence. Stealing takes objects one by one from
/// whoever has some. A thread that ends leaves its objects to the others.
///
/// With a `max_idle`, each thread has a part of that room for itself: what comes back can be dropped while room of other threads is free.
///
/// ```
/// use terrane_pool::{MemoryError, WorkStealingPool};
///
/// let pool = WorkStealingPool::<String>::new(100);
/// drop(pool.acquire()?);
/// std::thread::scope(|scope| scope.spawn(|| pool.acquire().map(drop)).join().unwrap())?;
/// assert_eq!(pool.stats().created, 1, "the other thread has stolen it");
/// # Ok::<(), MemoryError>(())
/// ```
///
/// A strategy with [`Reuse::Fifo`](crate::Reuse::Fifo), waiting, or anything that depends on time is refused.
///
/// **Fork.** A child process can use the pool if no other thread was within a call of it at that moment; what idled with threads that
/// the child does not have is stolen like anything else.
pub struct WorkStealingPool<T: Poolable + Send + 'static> {
    shared: Arc<Unlocked<T, Lanes<T>>>,
}

impl<T: Poolable + Send + 'static> WorkStealingPool<T> {
    /// A pool of at most `max_total` objects, made one by one when needed. With 0 every acquisition is refused.
    #[must_use]
    pub fn new(max_total: usize) -> Self {
        Self::assemble(Self::builder().strategy(PoolStrategy::new().max_total(max_total)))
    }

    /// A pool with these limits and policies.
    ///
    /// # Errors
    /// [`StrategyError`] when they do not fit together, or this kind of pool cannot follow them.
    pub fn with_strategy(strategy: PoolStrategy) -> Result<Self, StrategyError> {
        Self::builder().strategy(strategy).build()
    }

    /// A pool with a constructor, a budget of its own.
    pub fn builder() -> PoolBuilder<T, Self> {
        PoolBuilder::new()
    }

    fn assemble(builder: PoolBuilder<T, Self>) -> Self {
        Self { shared: Unlocked::new(builder, Lanes::new()) }
    }

    /// Hands out an idle object, of this thread or of another one, or a new one.
    ///
    /// # Errors
    /// [`MemoryError::PoolExhausted`] when as many are in use, or being made or dropped, as may exist; what the budget says when it
    /// refuses a new one; [`MemoryError::OutOfMemory`].
    ///
    /// # Panics
    /// When the object's constructor or validation does.
    #[inline]
    pub fn acquire(&self) -> Result<PoolGuard<T, &Self>, MemoryError> {
        Ok(PoolGuard::new(self.shared.take(self.shared.own())?, self))
    }

    /// As [`acquire`](Self::acquire), with a share of the pool in the guard.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    /// As [`acquire`](Self::acquire).
    #[inline]
    pub fn acquire_owned(&self) -> Result<PoolGuard<T, Self>, MemoryError> {
        Ok(PoolGuard::new(self.shared.take(self.shared.own())?, self.clone()))
    }

    /// Makes as many objects as `idle` is more than are idle now, or as many as may exist, and says how many it made.
    ///
    /// # Errors
    /// What the budget says when it refuses; what was made by then stays.
    ///
    /// # Panics
    /// When the constructor does; what was made by then stays.
    pub fn warm_up(&self, idle: usize) -> Result<usize, MemoryError> {
        self.shared.warm_up(self.shared.own(), idle)
    }

    /// Drops idle objects of all threads until `keep` are left, and says how many it dropped.
    ///
    /// # Panics
    /// When the destructor of an object does; the others are dropped all the same.
    pub fn trim(&self, keep: usize) -> usize {
        self.shared.trim(keep)
    }

    /// The figures. The peak is that of the objects that existed, idle or in use.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        self.shared.stats()
    }

    /// The budget that objects are charged to.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        self.shared.budget()
    }
}

impl<T: Poolable + Send + 'static> Clone for WorkStealingPool<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T: Poolable + Send + 'static> Home<T> for WorkStealingPool<T> {
    #[inline]
    fn take_back(&self, node: Box<Node<T>>) {
        self.shared.put_back(self.shared.own(), node);
    }

    fn let_go(&self, node: Box<Node<T>>) -> T {
        self.shared.give_up(node)
    }
}

impl<T: Poolable + Send + 'static> PoolBuilder<T, WorkStealingPool<T>> {
    /// Makes the pool, without any objects.
    ///
    /// # Errors
    /// [`StrategyError`] when the strategy cannot be followed.
    pub fn build(self) -> Result<WorkStealingPool<T>, StrategyError> {
        self.strategy.check_for_unlocked("a pool of stealing threads")?;
        Ok(WorkStealingPool::assemble(self))
    }
}

impl<T: Poolable + Send + 'static> fmt::Debug for WorkStealingPool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkStealingPool").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
