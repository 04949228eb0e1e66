//! What each thread has, and what all have in common.

use alloc::{
    boxed::Box,
    sync::{Arc, Weak},
    vec::Vec,
};
use core::{
    ptr::NonNull,
    sync::atomic::Ordering::{AcqRel, Relaxed},
};

use crossbeam_deque::{Injector, Steal, Stealer, Worker};
use parking_lot::RwLock;
use terrane_base::{Budget, Bytes, MemoryError, ReclaimCost, Reclaimer, SharedLeaf};

use super::WorkStealingPool;
use crate::{
    PoolBuilder, PoolStats, PoolStrategy, Poolable,
    counts::Counts,
    held::{Held, Keeper, drop_all, drop_quietly, if_valid},
    maker::Maker,
    node::Node,
    sync::AtomicU64,
    thread_slots::{self, Departure, PoolId},
};

/// The deque of one thread.
#[repr(align(128))]
pub(super) struct Lane<T> {
    /// Used by its thread alone.
    worker: Worker<Box<Node<T>>>,
    stealer: Stealer<Box<Node<T>>>,
    /// How many objects its thread acquired; written by that alone.
    taken: AtomicU64,
}

// SAFETY: the worker's end is used by the thread that has the lane in its table, and by nobody else (`own` is unsafe for that reason).
// Stealers are made for sharing, and objects may move between threads.
unsafe impl<T: Send> Sync for Lane<T> {}

impl<T> Lane<T> {
    fn new() -> Self {
        let worker = Worker::new_lifo();
        let stealer = worker.stealer();
        Self { worker, stealer, taken: AtomicU64::new(0) }
    }

    fn count_taken(&self) {
        self.taken.store(self.taken.load(Relaxed) + 1, Relaxed);
    }
}

pub(super) struct Shared<T: Poolable + Send + 'static> {
    id: PoolId,
    lanes: RwLock<Vec<Arc<Lane<T>>>>,
    /// What threads that have ended left, and what came back on threads without a lane.
    left: Injector<Box<Node<T>>>,
    /// Acquisitions of threads without a lane, and of those that have ended.
    taken: AtomicU64,
    counts: Counts,
    strategy: PoolStrategy,
    maker: Maker<T, SharedLeaf>,
    itself: Weak<Self>,
}

impl<T: Poolable + Send + 'static> Shared<T> {
    pub(super) fn new(id: PoolId, builder: PoolBuilder<T, WorkStealingPool<T>>) -> Arc<Self> {
        let strategy = builder.strategy;
        let budget = builder.own_budget();
        let shared = Arc::new_cyclic(|itself| Self {
            id,
            lanes: RwLock::new(Vec::new()),
            left: Injector::new(),
            taken: AtomicU64::new(0),
            counts: Counts::new(&strategy),
            strategy,
            maker: Maker { constructor: builder.constructor, leaf: budget.shared_leaf(), clock: None },
            itself: Weak::clone(itself),
        });
        if strategy.eviction.pressure {
            budget.add_reclaimer("pool", ReclaimCost::PoolTrim, &shared);
        }
        shared
    }

    pub(super) fn budget(&self) -> &Budget {
        self.maker.leaf.budget()
    }

    /// The calling thread's lane: from its list, or a new one.
    #[cold]
    #[inline(never)]
    pub(super) fn join(&self) -> Option<&Lane<T>> {
        let part = thread_slots::find(self.id).or_else(|| {
            let lane = Arc::new(Lane::new());
            let part = NonNull::from(&*lane).cast::<()>();
            self.lanes.write().push(Arc::clone(&lane));
            let itself: Weak<dyn Departure> = self.itself.clone();
            if thread_slots::join(self.id, part, itself) {
                return Some(part);
            }
            // The thread is about to end.
            self.remove(&lane);
            None
        })?;
        // SAFETY: this is the part that was given to this thread: a lane, which lives until the thread departs, or the pool ends, which is
        // borrowed.
        Some(unsafe { part.cast::<Lane<T>>().as_ref() })
    }

    fn remove(&self, lane: &Lane<T>) -> Option<Arc<Lane<T>>> {
        let mut lanes = self.lanes.write();
        let place = lanes.iter().position(|other| core::ptr::eq(&raw const **other, lane))?;
        Some(lanes.swap_remove(place))
    }

    #[inline]
    pub(super) fn take(&self, own: Option<&Lane<T>>) -> Result<Box<Node<T>>, MemoryError> {
        loop {
            let idle = own.and_then(|own| own.worker.pop()).or_else(|| self.steal(own));
            let Some(node) = idle else { return self.make(own) };
            self.counts.not_idle();
            let node = if self.strategy.validation.on_acquire() { if_valid(self, node) } else { Some(node) };
            if let Some(node) = node {
                self.count_taken(own);
                return Ok(node);
            }
        }
    }

    fn count_taken(&self, own: Option<&Lane<T>>) {
        match own {
            Some(own) => own.count_taken(),
            None => _ = self.taken.fetch_add(1, Relaxed),
        }
    }

    /// An object that idles elsewhere.
    #[cold]
    #[inline(never)]
    fn steal(&self, own: Option<&Lane<T>>) -> Option<Box<Node<T>>> {
        loop {
            let mut again = false;
            let mut look = |steal: Steal<Box<Node<T>>>| {
                again |= steal.is_retry();
                steal.success()
            };
            if let Some(node) = look(self.left.steal()) {
                return Some(node);
            }
            let others = self.lanes.read();
            let others =
                others.iter().filter(|lane| !own.is_some_and(|own| core::ptr::eq(&raw const ***lane, own)));
            let found = others.into_iter().find_map(|lane| look(lane.stealer.steal()));
            if found.is_some() || !again {
                return found;
            }
            // Somebody else was quicker: so somebody got on.
            core::hint::spin_loop();
        }
    }

    #[inline]
    pub(super) fn put_back(&self, own: Option<&Lane<T>>, node: Box<Node<T>>) {
        let mut held = Held::new(self, node);
        held.node().value.reset();
        if self.maker.recharge(held.node()).is_err() {
            // It has grown, and there is no room for that.
            return;
        }
        let node = held.keep();
        let node = if self.strategy.validation.on_release() { if_valid(self, node) } else { Some(node) };
        if let Some(node) = node {
            self.put_idle(own, node);
        }
    }

    /// Puts an object where it idles, if one more may.
    #[inline]
    fn put_idle(&self, own: Option<&Lane<T>>, node: Box<Node<T>>) -> bool {
        if !self.counts.try_idle(self.strategy.max_idle) {
            self.dispose(node);
            return false;
        }
        match own {
            Some(own) => own.worker.push(node),
            None => self.left.push(node),
        }
        true
    }

    /// Makes an object to be handed out, and as many idle ones as the growth factor says.
    #[cold]
    #[inline(never)]
    fn make(&self, own: Option<&Lane<T>>) -> Result<Box<Node<T>>, MemoryError> {
        let wanted = self.strategy.growth(self.counts.total());
        let node = self.make_one().inspect_err(|_| self.counts.refused())?;
        self.count_taken(own);
        self.counts.missed();
        let held = Held::new(self, node);
        for _ in 1..wanted {
            if !self.make_one().is_ok_and(|node| self.put_idle(own, node)) {
                break;
            }
        }
        Ok(held.keep())
    }

    fn make_one(&self) -> Result<Box<Node<T>>, MemoryError> {
        let max = self.strategy.max_total;
        let making =
            self.counts.try_make(max).ok_or_else(|| self.counts.exhausted(self.idle_count(), max))?;
        let node = self.maker.make()?;
        making.created();
        Ok(node)
    }

    pub(super) fn warm_up(&self, own: Option<&Lane<T>>, idle: usize) -> Result<usize, MemoryError> {
        let wanted = idle.min(self.strategy.max_idle);
        let mut made = 0;
        while self.idle_count() < wanted && self.counts.total() < self.strategy.max_total {
            if !self.put_idle(own, self.make_one()?) {
                break;
            }
            made += 1;
        }
        Ok(made)
    }

    pub(super) fn trim(&self, keep: usize) -> usize {
        let spare = self.idle_count().saturating_sub(keep);
        let mut dropped = 0;
        drop_all((0..spare).map_while(|_| self.strike_idle()).inspect(|_| dropped += 1));
        self.maker.leaf.give_back();
        dropped
    }

    /// An idle object that is counted and charged no more.
    fn strike_idle(&self) -> Option<Box<Node<T>>> {
        let node = self.steal(None)?;
        self.counts.not_idle();
        self.strike(&node);
        Some(node)
    }

    /// The object is counted and charged no more.
    fn strike(&self, node: &Node<T>) {
        self.maker.let_go(node);
        self.counts.dropped();
    }

    /// Gives an object up that is not idle.
    pub(super) fn give_up(&self, node: Box<Node<T>>) -> T {
        self.maker.let_go(&node);
        self.counts.detached();
        let node = *node;
        node.value
    }

    fn idle_count(&self) -> usize {
        let lanes = self.lanes.read();
        self.left.len() + lanes.iter().map(|lane| lane.stealer.len()).sum::<usize>()
    }

    pub(super) fn stats(&self) -> PoolStats {
        let lanes = self.lanes.read();
        let taken: u64 = lanes.iter().map(|lane| lane.taken.load(Relaxed)).sum();
        drop(lanes);
        self.counts.stats(taken + self.taken.load(Relaxed), self.idle_count())
    }
}

impl<T: Poolable + Send + 'static> Departure for Shared<T> {
    fn depart(&self, part: NonNull<()>) {
        // SAFETY: it is the lane that this pool gave to the calling thread, and is still in the list.
        let lane = unsafe { part.cast::<Lane<T>>().as_ref() };
        while let Some(node) = lane.worker.pop() {
            self.left.push(node);
        }
        self.taken.fetch_add(lane.taken.load(Relaxed), AcqRel);
        drop(self.remove(lane));
    }
}

impl<T: Poolable + Send + 'static> Keeper<T> for Shared<T> {
    fn dispose(&self, node: Box<Node<T>>) {
        self.strike(&node);
        drop(node);
    }
}

impl<T: Poolable + Send + 'static> Reclaimer for Shared<T> {
    fn reclaim(&self, wanted: Bytes) -> Bytes {
        // The charge may come from within anything, so this waits for nobody.
        let Some(lanes) = self.lanes.try_read() else { return Bytes::ZERO };
        drop(lanes);
        let spare = self.idle_count().saturating_sub(self.strategy.min_idle);
        let mut freed = Bytes::ZERO;
        let mut left = spare;
        drop_quietly(core::iter::from_fn(|| {
            left = left.checked_sub(1).filter(|_| freed < wanted)?;
            let node = self.strike_idle()?;
            freed = freed.saturating_add(node.charged());
            Some(node)
        }));
        self.maker.leaf.give_back();
        freed
    }
}
