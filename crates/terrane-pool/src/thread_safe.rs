//! The pool of many threads.
//!
//! Each thread has a [magazine](magazine) of idle objects, found through a small table in thread-local storage, so that an acquisition and a release
//! are some twenty instructions without an atomic exchange. Behind the magazines stands the [depot](depot), with a lock. A magazine that
//! is empty gets some objects from there, one that is full hands half of its own on; so the lock is taken once for many operations, or
//! when an object has to be made.
//!
//! Objects that idle with one thread are not lost to the others: an exhausted pool, and a budget that is short, reach into the magazines of all
//! threads (see [`barrier`] for how that costs their owners nothing). Where the system has no means for that, a pool with a `max_total` has
//! no magazines and is correct all the same; in one without, idle objects of other threads stay where they are, at most 64 with
//! each thread.
//!
//! No lock is held while foreign code runs.

pub(crate) mod barrier;
mod depot;
#[cfg(loom)]
pub(crate) mod for_loom;
pub(crate) mod magazine;
mod shared;
mod upkeep;
mod waiting;

use alloc::{boxed::Box, sync::Arc};
use core::fmt;

use terrane_base::{Budget, MemoryError};

use crate::{
    PoolBuilder, PoolGuard, PoolStats, PoolStrategy, Poolable, StrategyError,
    guard::Home,
    held::Held,
    node::Node,
    thread_slots::{self, PoolId},
};
use magazine::{Magazine, Put};
use shared::Shared;
use waiting::Patience;

/// A pool for many threads. Clones are handles of the same pool.
///
/// An object may be given back on another thread than it was acquired on. A thread that ends gives its idle objects back to the
/// pool. Idle objects of all threads count against `max_idle`, and an exhausted pool uses those of other threads.
/// With a `max_idle`, each thread has a part of that room for itself: what comes back can be dropped while room of other threads is free.
///
/// ```
/// use terrane_pool::{MemoryError, ThreadSafePool};
///
/// let pool = ThreadSafePool::<String>::new(100);
/// std::thread::scope(|scope| {
///     for _ in 0..2 {
///         scope.spawn(|| {
///             let mut line = pool.acquire()?;
///             line.push_str("terrane");
///             Ok::<(), MemoryError>(())
///         });
///     }
/// });
/// assert!(pool.stats().created <= 2);
/// # Ok::<(), MemoryError>(())
/// ```
///
/// First in first out, and whatever depends on time (eviction by age or idleness, periodic validation), needs one row for all
/// threads: such a pool has no magazines, and each operation takes the lock.
///
/// **Fork.** A child process can use the pool if no other thread was within a call of it at that moment; what idled with threads
/// that the child does not have is reached like what idles with any other thread.
pub struct ThreadSafePool<T: Poolable + Send + 'static> {
    id: PoolId,
    validates_on_acquire: bool,
    validates_on_release: bool,
    shared: Arc<Shared<T>>,
}

impl<T: Poolable + Send + 'static> ThreadSafePool<T> {
    /// A pool of at most `max_total` objects, made one by one when needed. With 0 every acquisition is refused.
    #[must_use]
    pub fn new(max_total: usize) -> Self {
        Self::assemble(Self::builder().strategy(PoolStrategy::new().max_total(max_total)), None)
    }

    /// A pool with these limits and policies.
    ///
    /// # Errors
    /// [`StrategyError`] when they do not fit together.
    pub fn with_strategy(strategy: PoolStrategy) -> Result<Self, StrategyError> {
        Self::builder().strategy(strategy).build()
    }

    /// A pool with a constructor, a budget, a clock of its own.
    pub fn builder() -> PoolBuilder<T, Self> {
        PoolBuilder::new()
    }

    fn assemble(builder: PoolBuilder<T, Self>, clock: Option<Arc<dyn terrane_base::Clock>>) -> Self {
        let validation = builder.strategy.validation;
        let id = PoolId::next();
        Self {
            id,
            validates_on_acquire: validation.on_acquire(),
            validates_on_release: validation.on_release(),
            shared: Shared::new(id, builder, clock),
        }
    }

    /// Hands out an idle object, or a new one. Where as many are in use as may exist, it waits for the strategy's
    /// [`acquire_timeout`](PoolStrategy::acquire_timeout).
    ///
    /// # Errors
    /// [`MemoryError::PoolExhausted`] when as many are in use as may exist; what the budget says when it refuses a new one, and no thread
    /// has an idle one; [`MemoryError::OutOfMemory`].
    ///
    /// # Panics
    /// When the object's constructor or validation does.
    #[inline(always)]
    pub fn acquire(&self) -> Result<PoolGuard<T, &Self>, MemoryError> {
        Ok(PoolGuard::new(self.take(None)?, self))
    }

    /// As [`acquire`](Self::acquire), with a share of the pool in the guard. That is an atomic increment, and a decrement at its end.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    /// As [`acquire`](Self::acquire).
    #[inline(always)]
    pub fn acquire_owned(&self) -> Result<PoolGuard<T, Self>, MemoryError> {
        Ok(PoolGuard::new(self.take(None)?, self.clone()))
    }

    /// As [`acquire`](Self::acquire), and waits for at most this long. With a time of zero it does not wait; a time that is beyond
    /// what the clock can count is no limit.
    ///
    /// ```
    /// # use terrane_pool::ThreadSafePool;
    /// use std::time::Duration;
    ///
    /// let pool = ThreadSafePool::<String>::new(1);
    /// let held = pool.acquire()?;
    /// assert!(pool.acquire_timeout(Duration::from_millis(1)).is_err());
    /// std::thread::scope(|scope| {
    ///     let waiting = scope.spawn(|| pool.acquire_timeout(Duration::from_secs(60)).map(drop));
    ///     drop(held);
    ///     waiting.join().unwrap()
    /// })?;
    /// # Ok::<(), terrane_pool::MemoryError>(())
    /// ```
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    /// As [`acquire`](Self::acquire).
    pub fn acquire_timeout(&self, timeout: core::time::Duration) -> Result<PoolGuard<T, &Self>, MemoryError> {
        Ok(PoolGuard::new(self.take(Some(timeout))?, self))
    }

    /// The figures.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        self.shared.stats()
    }

    /// The budget that objects are charged to.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        self.shared.maker.leaf.budget()
    }

    /// Makes objects until `idle` are idle or as many exist as may, and says how many it made. It stops without an error where
    /// `max_idle` or `max_total` is reached.
    ///
    /// # Errors
    /// What the budget says when it refuses; what was made by then stays.
    ///
    /// # Panics
    /// When the constructor does; what was made by then stays.
    pub fn warm_up(&self, idle: usize) -> Result<usize, MemoryError> {
        self.shared.warm_up(idle)
    }

    /// Drops idle objects of all threads, the longest idle first, until `keep` are left, and says how many it dropped. Memory that
    /// the budget granted ahead of need is given back.
    ///
    /// # Panics
    /// When the destructor of an object does; the others are dropped all the same.
    pub fn trim(&self, keep: usize) -> usize {
        self.shared.trim(keep)
    }

    /// Does what is due: evicts what has been idle or has lived for too long, validates. Says how many objects were dropped. O(idle
    /// objects).
    ///
    /// # Panics
    /// When a validation or a destructor does.
    pub fn maintain(&self) -> usize {
        self.shared.maintain()
    }

    /// Hands the idle objects of the calling thread to the others; for a thread that will not use the pool for long.
    pub fn flush(&self) {
        self.shared.flush(self.magazine());
    }

    #[inline(always)]
    fn take(&self, timeout: Option<core::time::Duration>) -> Result<Box<Node<T>>, MemoryError> {
        match self.take_from_magazine() {
            Some(node) if !self.validates_on_acquire => Ok(node),
            found => self.take_slow(found, timeout),
        }
    }

    /// The magazine of the calling thread, if it is in the thread's table.
    #[inline(always)]
    fn magazine_at_hand(&self) -> Option<&Magazine<T>> {
        let part = thread_slots::look_up(self.id)?.cast::<Magazine<T>>();
        // SAFETY: what a thread's table has under the number of this pool was put there by `Shared::join` of this pool: a magazine of
        // it, which lives until the thread has taken it out of its table, or the pool ends; and the pool is borrowed.
        Some(unsafe { part.as_ref() })
    }

    #[inline(always)]
    fn take_from_magazine(&self) -> Option<Box<Node<T>>> {
        let magazine = self.magazine_at_hand()?;
        // SAFETY: it was found in this thread's table, so this thread is its owner.
        unsafe { magazine.pop() }
    }

    #[inline(always)]
    fn put_into_magazine(&self, node: Box<Node<T>>) -> Put<T> {
        match self.magazine_at_hand() {
            // SAFETY: it was found in this thread's table, so this thread is its owner.
            Some(magazine) => unsafe { magazine.push(node) },
            None => Put::Full(node),
        }
    }

    /// The magazine of the calling thread; it gets one if it may.
    fn magazine(&self) -> Option<&Magazine<T>> {
        self.magazine_at_hand().or_else(|| self.shared.join())
    }

    #[cold]
    #[inline(never)]
    fn take_slow(
        &self,
        found: Option<Box<Node<T>>>,
        timeout: Option<core::time::Duration>,
    ) -> Result<Box<Node<T>>, MemoryError> {
        let shared = &*self.shared;
        let mut patience = Patience::new(timeout.unwrap_or(shared.strategy.acquire_timeout));
        let mut found = found;
        loop {
            let node = match found.take() {
                Some(node) => node,
                None => match shared.obtain(self.magazine(), &mut patience)? {
                    shared::Obtained::Idle(node) => node,
                    shared::Obtained::New(node) => return Ok(node),
                },
            };
            if let Some(node) = shared.if_usable(node) {
                return Ok(node);
            }
        }
    }

    #[inline(always)]
    fn put_back(&self, node: Box<Node<T>>) {
        let mut held = Held::new(&*self.shared, node);
        held.node().value.reset();
        if self.shared.maker.recharge(held.node()).is_err() {
            // It has grown, and there is no room for that.
            return;
        }
        let node = held.keep();
        if self.validates_on_release {
            return self.put_back_slow(node);
        }
        match self.put_into_magazine(node) {
            Put::Done => {}
            Put::Called => self.come(),
            Put::Full(node) => self.put_back_slow(node),
        }
    }

    /// The thread was called while it put something into its magazine.
    #[cold]
    #[inline(never)]
    fn come(&self) {
        self.shared.come(self.magazine_at_hand());
    }

    #[cold]
    #[inline(never)]
    fn put_back_slow(&self, node: Box<Node<T>>) {
        self.shared.put_back(node, self.magazine());
    }
}

impl<T: Poolable + Send + 'static> Clone for ThreadSafePool<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), ..*self }
    }
}

impl<T: Poolable + Send + 'static> Home<T> for ThreadSafePool<T> {
    #[inline(always)]
    fn take_back(&self, node: Box<Node<T>>) {
        self.put_back(node);
    }

    fn let_go(&self, node: Box<Node<T>>) -> T {
        self.shared.give_up(node)
    }
}

impl<T: Poolable + Send + 'static> PoolBuilder<T, ThreadSafePool<T>> {
    /// Makes the pool, without any objects.
    ///
    /// # Errors
    /// [`StrategyError`] when the strategy cannot be followed.
    pub fn build(self) -> Result<ThreadSafePool<T>, StrategyError> {
        self.strategy.check()?;
        let clock = self.own_clock()?;
        Ok(ThreadSafePool::assemble(self, clock))
    }
}

impl<T: Poolable + Send + 'static> fmt::Debug for ThreadSafePool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadSafePool")
            .field("strategy", &self.shared.strategy)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
