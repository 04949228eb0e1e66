//! The pool of one thread.

use alloc::{boxed::Box, rc::Rc};
use core::fmt;

use terrane_base::{Budget, MemoryError};

use crate::{
    ObjectPool, PoolBuilder, PoolGuard, PoolStats, PoolStrategy, Poolable, StrategyError, guard::Home,
    node::Node,
};

/// A pool that one thread shares with itself: clones are handles of the same pool, and guards may own such a handle, so that an
/// object can be kept for as long as it is needed.
///
/// It costs no more than an [`ObjectPool`], beside a count in each owning guard. Made for `thread_local!`:
///
/// ```
/// use terrane_pool::{LocalPool, MemoryError, PoolGuard};
///
/// thread_local! {
///     static LINES: LocalPool<String> = LocalPool::new(64);
/// }
///
/// struct Request {
///     line: PoolGuard<String, LocalPool<String>>,
/// }
///
/// let request = Request { line: LINES.with(LocalPool::acquire_owned)? };
/// assert_eq!(LINES.with(|lines| lines.stats().in_use), 1);
/// drop(request);
/// assert_eq!(LINES.with(|lines| lines.stats().idle), 1);
/// # Ok::<(), MemoryError>(())
/// ```
///
/// When the thread ends, its pool is dropped; a guard that is still held (by another thread-local that is dropped later) keeps it until
/// then. It does not leave its thread:
///
/// ```compile_fail,E0277
/// fn send<T: Send>(_: T) {}
/// send(terrane_pool::LocalPool::<String>::new(1));
/// ```
pub struct LocalPool<T: Poolable> {
    pool: Rc<ObjectPool<T>>,
}

impl<T: Poolable> LocalPool<T> {
    /// A pool of at most `max_total` objects, made one by one when needed. With 0 every acquisition is refused.
    #[must_use]
    pub fn new(max_total: usize) -> Self {
        Self { pool: Rc::new(ObjectPool::new(max_total)) }
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

    /// Hands out an idle object, or a new one, to be given back before the pool's handle goes away.
    ///
    /// # Errors
    /// As [`ObjectPool::acquire`].
    ///
    /// # Panics
    /// When the object's constructor or validation does.
    #[inline(always)]
    pub fn acquire(&self) -> Result<PoolGuard<T, &Self>, MemoryError> {
        Ok(PoolGuard::new(self.pool.take()?, self))
    }

    /// Hands out an idle object, or a new one, with a share of the pool.
    ///
    /// # Errors
    /// As [`ObjectPool::acquire`].
    ///
    /// # Panics
    /// When the object's constructor or validation does.
    #[inline(always)]
    pub fn acquire_owned(&self) -> Result<PoolGuard<T, Self>, MemoryError> {
        Ok(PoolGuard::new(self.pool.take()?, self.clone()))
    }

    /// As [`ObjectPool::acquire_idle`].
    ///
    /// # Panics
    /// When the object's validation does.
    #[must_use]
    pub fn acquire_idle(&self) -> Option<PoolGuard<T, &Self>> {
        self.pool.take_idle().map(|node| PoolGuard::new(node, self))
    }

    /// As [`ObjectPool::warm_up`].
    ///
    /// # Errors
    /// What the budget says when it refuses.
    ///
    /// # Panics
    /// When the constructor does.
    pub fn warm_up(&self, idle: usize) -> Result<usize, MemoryError> {
        self.pool.warm_up(idle)
    }

    /// As [`ObjectPool::trim`].
    ///
    /// # Panics
    /// When the destructor of an object does; the others are dropped all the same.
    pub fn trim(&self, keep: usize) -> usize {
        self.pool.trim(keep)
    }

    /// As [`ObjectPool::maintain`].
    ///
    /// # Panics
    /// When a validation or a destructor does.
    pub fn maintain(&self) -> usize {
        self.pool.maintain()
    }

    /// The figures.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        self.pool.stats()
    }

    /// The budget that objects are charged to.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        self.pool.budget()
    }
}

impl<T: Poolable> Clone for LocalPool<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        Self { pool: Rc::clone(&self.pool) }
    }
}

impl<T: Poolable> Home<T> for LocalPool<T> {
    #[inline(always)]
    fn take_back(&self, node: Box<Node<T>>) {
        self.pool.put_back(node);
    }

    fn let_go(&self, node: Box<Node<T>>) -> T {
        self.pool.give_up(node)
    }
}

impl<T: Poolable> PoolBuilder<T, LocalPool<T>> {
    /// Makes the pool, without any objects.
    ///
    /// # Errors
    /// [`StrategyError`] when the strategy cannot be followed.
    pub fn build(self) -> Result<LocalPool<T>, StrategyError> {
        let pool = self.retarget::<ObjectPool<T>>().build()?;
        Ok(LocalPool { pool: Rc::new(pool) })
    }
}

impl<T: Poolable> fmt::Debug for LocalPool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pool.fmt(f)
    }
}
