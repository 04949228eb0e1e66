//! Buffers for many threads.

use core::fmt;

use terrane_base::{Bytes, MemoryError};

use super::{Buffer, BufferPoolBuilder, Classes, checked};
use crate::{PoolBuilder, PoolGuard, PoolStats, ThreadSafePool};

/// A buffer in use; it goes back when it is dropped.
pub type PooledBuffer<'a> = PoolGuard<Buffer, &'a ThreadSafePool<Buffer>>;

/// Buffers for many threads.
///
/// ```
/// use terrane_pool::{BufferPool, MemoryError};
///
/// let buffers = BufferPool::new();
/// std::thread::scope(|scope| {
///     for _ in 0..2 {
///         scope.spawn(|| {
///             let mut packet = buffers.acquire(1500)?;
///             packet.extend_from_slice(b"terrane");
///             Ok::<(), MemoryError>(())
///         });
///     }
/// });
/// assert!(buffers.stats().created <= 2);
/// ```
///
/// Threads that outlive a scope share it in an `Arc`. Buffers are made ahead of need class by class:
///
/// ```
/// use std::sync::Arc;
/// use terrane_pool::BufferPool;
///
/// let buffers = Arc::new(BufferPool::new());
/// buffers.class(1500)?.warm_up(8)?;
/// let packet = buffers.acquire_owned(1500)?;
/// let sender = std::thread::spawn({
///     let buffers = Arc::clone(&buffers);
///     move || {
///         drop(packet);
///         buffers.stats().created
///     }
/// });
/// assert_eq!(sender.join().unwrap(), 8);
/// # Ok::<(), terrane_pool::MemoryError>(())
/// ```
pub struct BufferPool {
    classes: Classes<ThreadSafePool<Buffer>>,
}

impl BufferPool {
    /// Buffers of up to 1 MiB, of which up to 16 MiB idle.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// With other limits, or a budget.
    pub fn builder() -> BufferPoolBuilder<Self> {
        BufferPoolBuilder::new()
    }

    /// An empty buffer for at least `capacity` bytes. O(1).
    ///
    /// # Errors
    /// [`MemoryError::AllocationTooLarge`] beyond the largest class; what the budget says when it refuses;
    /// [`MemoryError::OutOfMemory`].
    #[inline]
    pub fn acquire(&self, capacity: usize) -> Result<PooledBuffer<'_>, MemoryError> {
        let (class, pool) = self.classes.pool(capacity)?;
        checked(pool.acquire()?, class)
    }

    /// The same, with a share of its pool in the guard.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    pub fn acquire_owned(
        &self,
        capacity: usize,
    ) -> Result<PoolGuard<Buffer, ThreadSafePool<Buffer>>, MemoryError> {
        let (class, pool) = self.classes.pool(capacity)?;
        checked(pool.acquire_owned()?, class)
    }

    /// The pool that serves requests for this capacity: where such a buffer goes back to when its guard has
    /// [another home](PoolGuard::with_home).
    ///
    /// # Errors
    /// [`MemoryError::AllocationTooLarge`] beyond the largest class.
    #[inline]
    pub fn class(&self, capacity: usize) -> Result<&ThreadSafePool<Buffer>, MemoryError> {
        self.classes.pool(capacity).map(|(_, pool)| pool)
    }

    /// The largest capacity that can be had.
    #[must_use]
    pub fn max_capacity(&self) -> Bytes {
        self.classes.max()
    }

    /// The figures of all classes together; `peak_in_use` is the sum of their peaks.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        self.classes.sum(ThreadSafePool::stats)
    }

    /// Drops all idle buffers, those of other threads included, and says how many that was.
    pub fn trim(&self) -> usize {
        self.classes.pools.iter().map(|pool| pool.trim(0)).sum()
    }

    /// Hands the idle buffers of the calling thread to the others.
    pub fn flush(&self) {
        self.classes.pools.iter().for_each(ThreadSafePool::flush);
    }
}

impl BufferPoolBuilder<BufferPool> {
    /// Makes the pool, without any buffers.
    #[must_use]
    pub fn build(self) -> BufferPool {
        BufferPool { classes: self.classes(PoolBuilder::<_, ThreadSafePool<Buffer>>::build) }
    }
}

impl Default for BufferPool {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for BufferPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferPool")
            .field("max_capacity", &self.max_capacity())
            .field("stats", &self.stats())
            .finish()
    }
}
