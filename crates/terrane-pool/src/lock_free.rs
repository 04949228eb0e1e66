//! The pool without locks.
//!
//! A table has a place for each object that may exist. A place is *vacant*, holds an *idle* object, or belongs to an object that is
//! elsewhere; the first two kinds are stacks that need no lock ([`stack`]). To take an object from there is to take a place from the
//! stack of idle ones, and its object with it; to put it there is to put the object into its place, and the place on the stack. Whoever has
//! taken a place from a stack has it for himself: that is the whole protocol.
//!
//! A stack has one head, for which all threads contend. So it is what lies [behind](crate::unlocked): each thread has a few objects
//! [at hand](crate::thread_cache), which it reaches without meeting others, and which these can take when they find no others.

pub(crate) mod places;
pub(crate) mod stack;

use alloc::{boxed::Box, sync::Arc};
use core::fmt;

use terrane_base::{Budget, MemoryError};

use crate::{
    PoolBuilder, PoolGuard, PoolStats, PoolStrategy, Poolable, StrategyError, guard::Home, node::Node,
    unlocked::Unlocked,
};
use places::Places;

/// A pool for many threads that no thread can hold up: whichever is interrupted wherever it is, the others go on.
///
/// It needs no operating system (`no_std`), and a bound on the number of objects, for which it makes a table of places. Each thread (64 at a time)
/// has up to eight idle objects at hand: an acquisition of these is one atomic exchange on a word that others do not touch, a release a
/// store. For more, for more threads, and without the feature `std`, both are an exchange on a word that all threads share. A
/// `ThreadSafePool` is several times as fast. Take this one where a thread must never wait for a lock that another one holds:
/// real-time threads, threads of different priorities. (Not signal handlers: constructors allocate, and the thread may be in the pool.)
///
/// What a thread has at hand is not lost to the others: they take it before a new object is made or an acquisition is refused. With a
/// `max_idle`, each thread has a part of that room for itself: what comes back can be dropped while room of other threads is free.
///
/// ```
/// use terrane_pool::{LockFreePool, MemoryError};
///
/// let pool = LockFreePool::<String>::new(100);
/// std::thread::scope(|scope| {
///     for _ in 0..2 {
///         scope.spawn(|| {
///             pool.acquire()?.push_str("terrane");
///             Ok::<(), MemoryError>(())
///         });
///     }
/// });
/// assert!(pool.stats().created <= 2);
/// ```
///
/// A strategy with [`Reuse::Fifo`](crate::Reuse::Fifo), waiting, or anything that depends on time is refused.
///
/// **Fork.** What another thread was in the middle of in the parent stays in the middle for good in the child: an object that it held is in
/// use, a place that it held is not used again. What it had at hand is taken by others. Nothing else is lost, and nothing blocks.
pub struct LockFreePool<T: Poolable + Send + 'static> {
    shared: Arc<Unlocked<T, Places<T>>>,
}

impl<T: Poolable + Send + 'static> LockFreePool<T> {
    /// The most objects that a pool can have.
    pub const MAX_TOTAL: usize = 1 << 24;

    /// A pool of at most `max_total` objects (and at most [`MAX_TOTAL`](Self::MAX_TOTAL)), made one by one when needed. With 0 every
    /// acquisition is refused. O(`max_total`): 16 bytes each, and up to 8 KiB for threads.
    #[must_use]
    pub fn new(max_total: usize) -> Self {
        let strategy = PoolStrategy::new().max_total(max_total.min(Self::MAX_TOTAL));
        Self::assemble(Self::builder().strategy(strategy))
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
        let places = Places::new(builder.strategy.max_total);
        Self { shared: Unlocked::new(builder, places) }
    }

    /// Hands out an idle object, or a new one. Lock-free, apart from what the constructor and the allocator do.
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

    /// Makes as many objects as `idle` is more than are idle now, or as many as may exist, and says how many it made. O(`max_total`).
    ///
    /// # Errors
    /// What the budget says when it refuses; what was made by then stays.
    ///
    /// # Panics
    /// When the constructor does; what was made by then stays.
    pub fn warm_up(&self, idle: usize) -> Result<usize, MemoryError> {
        self.shared.warm_up(self.shared.own(), idle)
    }

    /// Drops idle objects of all threads until `keep` are left, and says how many it dropped. O(`max_total`).
    ///
    /// # Panics
    /// When the destructor of an object does; the others are dropped all the same.
    pub fn trim(&self, keep: usize) -> usize {
        self.shared.trim(keep)
    }

    /// The figures. O(`max_total`). The peak is that of the objects that existed, idle or in use.
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

impl<T: Poolable + Send + 'static> Clone for LockFreePool<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T: Poolable + Send + 'static> Home<T> for LockFreePool<T> {
    #[inline]
    fn take_back(&self, node: Box<Node<T>>) {
        self.shared.put_back(self.shared.own(), node);
    }

    fn let_go(&self, node: Box<Node<T>>) -> T {
        self.shared.give_up(node)
    }
}

impl<T: Poolable + Send + 'static> PoolBuilder<T, LockFreePool<T>> {
    /// Makes the pool, without any objects.
    ///
    /// # Errors
    /// [`StrategyError`] when the strategy cannot be followed.
    pub fn build(self) -> Result<LockFreePool<T>, StrategyError> {
        self.strategy.check_for_unlocked("a pool without locks")?;
        let max = LockFreePool::<T>::MAX_TOTAL;
        if self.strategy.max_total > max {
            return Err(StrategyError::NeedsMaxTotal { max });
        }
        Ok(LockFreePool::assemble(self))
    }
}

impl<T: Poolable + Send + 'static> fmt::Debug for LockFreePool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockFreePool").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
