//! The pool of one owner, from which the pool of one thread is made too.
//!
//! Idle objects stand in a row, the longest idle first. The shortest way of an acquisition is to take the last one, and of a release to
//! put it there. Whatever else there may be to do is folded into two bounds that these compare the length of the row with
//! anyway, as an arena folds everything into the limit of its block:
//!
//! - An acquisition goes the short way while more than `low` are idle. `low` is what was idle when most were in use: so the
//!   peak is known exactly, though the short way does not look at it. Where an acquisition always has more to do (first in first out,
//!   validation, time), `low` is beyond any length.
//! - A release goes the short way while fewer than `high` are idle: as many as are allowed, and fit. Where a release always has more to
//!   do, `high` is 0.
//!
//! An acquisition takes one of a number of credits, which counts it; when they are used up, the pool looks whether its budget wants something.
//!
//! No step of the row runs foreign code: whatever is created, reset, validated or dropped is outside of it at that moment. So all of these may
//! panic, or use the pool.

mod upkeep;

use alloc::boxed::Box;
use core::{cell::Cell, fmt};

use terrane_base::{LocalLeaf, MemoryError};
#[cfg(feature = "std")]
use terrane_base::{ReclaimCost, ReclaimRequests};

use crate::{
    PoolBuilder, PoolGuard, PoolStats, PoolStrategy, Poolable, Reuse, StrategyError,
    guard::Home,
    held::{Held, Keeper, if_valid},
    idle::{Idle, is_expired},
    maker::Maker,
    node::Node,
    single::Single,
};

/// Acquisitions until the pool looks whether its budget wants something.
const CREDIT: u32 = 512;

/// A pool with one owner: no threads, no locks, no reference counts.
///
/// Objects are handed out as guards that borrow the pool; for guards that own a share of it there is [`LocalPool`](crate::LocalPool). The
/// pool can be sent to another thread while nothing is handed out, and is not shared between threads (it is not `Sync`: the compiler
/// speaks of `Cell`s then); for that there is `ThreadSafePool`. An acquisition and a release are some ten instructions each,
/// O(1), beside the object's own reset.
///
/// A pool pays where making an object is costly, where there may be so many and no more, or where memory should keep its address; for
/// small plain bytes a good `malloc` is about as fast.
///
/// ```
/// use terrane_pool::{MemoryError, ObjectPool};
///
/// let pool = ObjectPool::<String>::new(2);
/// let mut name = pool.acquire()?;
/// name.push_str("terrane");
/// let _other = pool.acquire()?;
/// assert!(matches!(pool.acquire(), Err(MemoryError::PoolExhausted { in_use: 2, capacity: 2 })));
/// drop(name);
/// assert_eq!(*pool.acquire()?, "", "it was reset");
/// # Ok::<(), MemoryError>(())
/// ```
///
/// Where the budget is full, idle objects are given up at the pool's next use, or by [`maintain`](Self::maintain): nobody else can
/// reach into the pool.
pub struct ObjectPool<T: Poolable> {
    idle: Single<Idle<T>>,
    /// An acquisition goes the short way while more than this are idle.
    low: Cell<usize>,
    /// A release goes the short way while fewer than this are idle.
    high: Cell<usize>,
    credit: Cell<u32>,
    tally: Tally,
    strategy: PoolStrategy,
    maker: Maker<T, LocalLeaf>,
    #[cfg(feature = "std")]
    requests: Option<ReclaimRequests>,
}

/// The figures that are kept.
#[derive(Default)]
struct Tally {
    /// Objects that exist or are being made.
    total: Cell<usize>,
    peak: Cell<usize>,
    /// Acquisitions, those included that the credit is still for.
    granted: Cell<u64>,
    misses: Cell<u64>,
    refused: Cell<u64>,
    created: Cell<u64>,
    dropped: Cell<u64>,
    detached: Cell<u64>,
    /// When time is looked at next, and when objects are validated next.
    next_eviction_ns: Cell<u64>,
    next_validation_ns: Cell<u64>,
}

fn count(counter: &Cell<u64>, more: u64) {
    counter.set(counter.get() + more);
}

impl<T: Poolable> ObjectPool<T> {
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

    fn assemble(
        builder: PoolBuilder<T, Self>,
        clock: Option<alloc::sync::Arc<dyn terrane_base::Clock>>,
    ) -> Self {
        let strategy = builder.strategy;
        let budget = builder.own_budget();
        #[cfg(feature = "std")]
        let requests =
            strategy.eviction.pressure.then(|| budget.add_requested("pool", ReclaimCost::PoolTrim));
        let pool = Self {
            idle: Single::new(Idle::new(strategy.reuse)),
            low: Cell::new(0),
            high: Cell::new(0),
            credit: Cell::new(0),
            tally: Tally::default(),
            strategy,
            maker: Maker { constructor: builder.constructor, leaf: budget.local_leaf(), clock },
            #[cfg(feature = "std")]
            requests,
        };
        pool.set_bounds();
        pool
    }

    /// Hands out an idle object, or a new one.
    ///
    /// # Errors
    /// [`MemoryError::PoolExhausted`] when as many are in use as may exist; what the budget says when it refuses a new one;
    /// [`MemoryError::OutOfMemory`].
    ///
    /// # Panics
    /// When the object's constructor or validation does.
    #[inline(always)]
    pub fn acquire(&self) -> Result<PoolGuard<T, &Self>, MemoryError> {
        Ok(PoolGuard::new(self.take()?, self))
    }

    /// Hands out an idle object, if there is one: nothing is made.
    ///
    /// ```
    /// # use terrane_pool::ObjectPool;
    /// let pool = ObjectPool::<String>::new(2);
    /// assert!(pool.acquire_idle().is_none());
    /// pool.warm_up(1)?;
    /// assert!(pool.acquire_idle().is_some());
    /// # Ok::<(), terrane_pool::MemoryError>(())
    /// ```
    ///
    /// # Panics
    /// When the object's validation does.
    #[must_use]
    pub fn acquire_idle(&self) -> Option<PoolGuard<T, &Self>> {
        self.take_idle().map(|node| PoolGuard::new(node, self))
    }

    /// How many objects are idle, and how many exist.
    fn counts(&self) -> (usize, usize) {
        (self.idle.step(|idle| idle.len()), self.tally.total.get())
    }

    /// The figures.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        let (idle, total) = self.counts();
        let tally = &self.tally;
        let acquired = tally.granted.get() - u64::from(self.credit.get());
        PoolStats {
            acquired,
            hits: acquired - tally.misses.get(),
            misses: tally.misses.get(),
            refused: tally.refused.get(),
            created: tally.created.get(),
            dropped: tally.dropped.get(),
            detached: tally.detached.get(),
            idle,
            in_use: total - idle,
            peak_in_use: tally.peak.get(),
            ..PoolStats::default()
        }
    }

    /// The budget that objects are charged to.
    #[must_use]
    pub fn budget(&self) -> &terrane_base::Budget {
        self.maker.leaf.budget()
    }

    #[inline(always)]
    pub(crate) fn take(&self) -> Result<Box<Node<T>>, MemoryError> {
        match self.take_fast() {
            Some(node) => Ok(node),
            None => self.take_slow(),
        }
    }

    #[inline(always)]
    fn take_fast(&self) -> Option<Box<Node<T>>> {
        let credit = self.credit.get().checked_sub(1)?;
        let low = self.low.get();
        let node = self.idle.step(|idle| if idle.len() > low { idle.take_newest() } else { None })?;
        self.credit.set(credit);
        Some(node)
    }

    #[cold]
    #[inline(never)]
    fn take_slow(&self) -> Result<Box<Node<T>>, MemoryError> {
        loop {
            if let Some(node) = self.take_idle() {
                return Ok(node);
            }
            let made = self.grow();
            // What was made is idle now. One that nobody else has taken meanwhile (a constructor can use the pool) is ours.
            match (made, self.idle.step(Idle::take)) {
                (_, Some(node)) => {
                    count(&self.tally.misses, 1);
                    self.note_handed_out();
                    return Ok(node);
                }
                (Err(error), None) => {
                    count(&self.tally.refused, 1);
                    // The budget may just have asked this pool too, which has nothing to give.
                    self.serve_requests();
                    return Err(error);
                }
                (Ok(()), None) => {}
            }
        }
    }

    /// An idle object, with all that may have to be done about it.
    #[cold]
    #[inline(never)]
    pub(crate) fn take_idle(&self) -> Option<Box<Node<T>>> {
        self.look_around();
        loop {
            let node = self.idle.step(Idle::take)?;
            if let Some(node) = self.if_usable(node) {
                self.note_handed_out();
                return Some(node);
            }
        }
    }

    fn if_usable(&self, node: Box<Node<T>>) -> Option<Box<Node<T>>> {
        let (idle, _) = self.counts();
        if self.strategy.eviction.is_timed()
            && idle >= self.strategy.min_idle
            && is_expired(&node, self.strategy.eviction, self.maker.now_ns())
        {
            self.dispose(node);
            return None;
        }
        if self.strategy.validation.on_acquire() { if_valid(self, node) } else { Some(node) }
    }

    fn note_handed_out(&self) {
        count(&self.tally.granted, 1);
        let (idle, total) = self.counts();
        self.tally.peak.set(self.tally.peak.get().max(total - idle));
        self.set_bounds();
    }

    /// Takes an object back.
    #[inline(always)]
    pub(crate) fn put_back(&self, node: Box<Node<T>>) {
        let mut held = Held::new(self, node);
        held.node().value.reset();
        if self.maker.recharge(held.node()).is_err() {
            // It has grown, and there is no room for that.
            return;
        }
        let node = held.keep();
        let high = self.high.get();
        let left = self.idle.step(|idle| {
            if idle.len() < high {
                idle.put(node);
                return None;
            }
            Some(node)
        });
        if let Some(node) = left {
            self.put_back_slow(node);
        }
    }

    #[cold]
    #[inline(never)]
    fn put_back_slow(&self, node: Box<Node<T>>) {
        // That drops other objects, which may panic.
        let held = Held::new(self, node);
        self.look_around();
        let node = held.keep();
        let node = if self.strategy.validation.on_release() { if_valid(self, node) } else { Some(node) };
        let Some(mut node) = node else { return };
        if self.strategy.eviction.is_timed() {
            node.idle_since_ns = self.maker.now_ns();
            if is_expired(&node, self.strategy.eviction, node.idle_since_ns) {
                return self.dispose(node);
            }
        }
        let max_idle = self.strategy.max_idle;
        let left = self.idle.step(|idle| {
            if idle.len() < max_idle && idle.make_room() {
                idle.put(node);
                return None;
            }
            Some(node)
        });
        match left {
            Some(node) => self.dispose(node),
            None => self.set_bounds(),
        }
    }

    /// Gives an object up that is not in the row.
    pub(crate) fn give_up(&self, node: Box<Node<T>>) -> T {
        count(&self.tally.detached, 1);
        self.forget(&node);
        let node = *node;
        node.value
    }

    fn forget(&self, node: &Node<T>) {
        self.maker.let_go(node);
        self.tally.total.set(self.tally.total.get() - 1);
        self.set_bounds();
    }

    /// To be called when anything has changed that the bounds depend on.
    fn set_bounds(&self) {
        let strategy = &self.strategy;
        let total = self.tally.total.get();
        let acquires_slowly =
            strategy.reuse == Reuse::Fifo || strategy.validation.on_acquire() || strategy.is_timed();
        let releases_slowly = strategy.validation.on_release() || strategy.is_timed();
        let low = total.saturating_sub(self.tally.peak.get());
        self.low.set(if acquires_slowly { usize::MAX } else { low });
        let capacity = self.idle.step(|idle| idle.capacity());
        self.high.set(if releases_slowly { 0 } else { strategy.max_idle.min(capacity) });
    }
}

impl<T: Poolable> Keeper<T> for ObjectPool<T> {
    fn dispose(&self, node: Box<Node<T>>) {
        count(&self.tally.dropped, 1);
        self.forget(&node);
        drop(node);
    }
}

impl<T: Poolable> Home<T> for ObjectPool<T> {
    #[inline(always)]
    fn take_back(&self, node: Box<Node<T>>) {
        self.put_back(node);
    }

    fn let_go(&self, node: Box<Node<T>>) -> T {
        self.give_up(node)
    }
}

impl<T: Poolable> PoolBuilder<T, ObjectPool<T>> {
    /// Makes the pool, without any objects.
    ///
    /// # Errors
    /// [`StrategyError`] when the strategy cannot be followed.
    pub fn build(self) -> Result<ObjectPool<T>, StrategyError> {
        self.strategy.check()?;
        self.strategy.refuse_waiting("a pool of one thread (ObjectPool, LocalPool)")?;
        let clock = self.own_clock()?;
        Ok(ObjectPool::assemble(self, clock))
    }
}

impl<T: Poolable> fmt::Debug for ObjectPool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectPool")
            .field("strategy", &self.strategy)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
