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

use alloc::sync::Arc;

use crate::{PoolBuilder, PoolStrategy, Poolable, StrategyError, handle::handle, unlocked::Unlocked};
use places::Places;

/// A pool for many threads that no thread can hold up: whichever is interrupted wherever it is, the others go on.
///
/// It needs no operating system (`no_std`), and a bound on the number of objects, for which it makes a table of places. Each thread (64 at a time)
/// has up to eight idle objects at hand: an acquisition of these is one atomic exchange on a word that others do not touch, a release a
/// store. For more, for more threads, and without the feature `std`, both are an exchange on a word that all threads share. A
/// `ThreadSafePool` is several times as fast. Take this one where a thread must never wait for a lock that another one holds:
/// real-time threads, threads of different priorities. (Not signal handlers: constructors allocate, and the thread may be in the pool.)
///
/// Nothing is waited for, apart from what the constructor and the allocator do. `warm_up`, `trim` and `stats` look at every place:
/// O(`max_total`).
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

    fn assemble(builder: PoolBuilder<T, Self>) -> Self {
        let places = Places::new(builder.strategy.max_total);
        Self { shared: Unlocked::new(builder, places) }
    }
}

impl<T: Poolable + Send + 'static> PoolBuilder<T, LockFreePool<T>> {
    /// Makes the pool, without any objects.
    ///
    /// # Errors
    /// [`StrategyError`] when the strategy cannot be followed.
    pub fn build(self) -> Result<LockFreePool<T>, StrategyError> {
        self.strategy.check_for_unlocked("LockFreePool")?;
        let max = LockFreePool::<T>::MAX_TOTAL;
        if self.strategy.max_total > max {
            return Err(StrategyError::NeedsMaxTotal { max });
        }
        Ok(LockFreePool::assemble(self))
    }
}

handle!(LockFreePool);
