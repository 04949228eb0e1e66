//! The pool whose threads help themselves from each other.
//!
//! Each thread has a few idle objects [at hand](crate::thread_cache), and behind these a deque (Chase, Lev: *Dynamic Circular Work-Stealing
//! Deque*, SPAA 2005). It takes and puts at one end; a thread that has none steals from the other end of another's, where the longest idle
//! are. There is no depot: what a thread has too many of stays with it until somebody needs it.

mod lanes;

use alloc::sync::Arc;

use crate::{PoolBuilder, PoolStrategy, Poolable, StrategyError, handle::handle, unlocked::Unlocked};
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

    fn assemble(builder: PoolBuilder<T, Self>) -> Self {
        Self { shared: Unlocked::new(builder, Lanes::new()) }
    }
}

impl<T: Poolable + Send + 'static> PoolBuilder<T, WorkStealingPool<T>> {
    /// Makes the pool, without any objects.
    ///
    /// # Errors
    /// [`StrategyError`] when the strategy cannot be followed.
    pub fn build(self) -> Result<WorkStealingPool<T>, StrategyError> {
        self.strategy.check_for_unlocked("WorkStealingPool")?;
        Ok(WorkStealingPool::assemble(self))
    }
}

handle!(WorkStealingPool);
