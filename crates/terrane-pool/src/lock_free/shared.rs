//! The places of a pool without locks, and what is done with them.

use alloc::{boxed::Box, sync::Arc};
use core::sync::atomic::Ordering::Relaxed;

use terrane_base::{Budget, Bytes, MemoryError, SharedLeaf};
#[cfg(feature = "std")]
use terrane_base::{ReclaimCost, Reclaimer};

use super::{
    LockFreePool,
    stack::{Links, Stack},
};
#[cfg(feature = "std")]
use crate::held::drop_quietly;
use crate::{
    PoolBuilder, PoolStats, PoolStrategy, Poolable,
    counts::Counts,
    held::{Held, Keeper, drop_all, if_valid},
    maker::Maker,
    node::Node,
    sync::{AtomicBool, AtomicU32, AtomicU64, Slot},
};

pub(super) struct Shared<T> {
    places: Table<T>,
    idle: Padded<Stack>,
    vacant: Padded<Stack>,
    counts: Counts,
    strategy: PoolStrategy,
    maker: Maker<T, SharedLeaf>,
}

/// Alone on its cache lines.
#[repr(align(128))]
struct Padded<V>(V);

struct Table<T>(Box<[Place<T>]>);

struct Place<T> {
    /// What lies below it in the stack that it is in.
    below: AtomicU32,
    is_idle: AtomicBool,
    /// How often an object was taken from here; written by whoever has the place.
    taken: AtomicU64,
    /// Holds an object while the place is in the stack of idle ones.
    node: Slot<Option<Box<Node<T>>>>,
}

// SAFETY: the slot of a place is used by whoever has taken the place from a stack, which is one thread at a time, and what one has
// written there is seen by the next one: the exchange that puts a place on a stack releases it, the one that takes it acquires.
// Objects may move between threads.
unsafe impl<T: Send> Sync for Place<T> {}

impl<T> Links for Table<T> {
    #[inline(always)]
    fn below(&self, place: u32) -> &AtomicU32 {
        &self.0[place as usize].below
    }
}

impl<T: Poolable + Send + 'static> Shared<T> {
    pub(super) fn new(builder: PoolBuilder<T, LockFreePool<T>>) -> Arc<Self> {
        let strategy = builder.strategy;
        let budget = builder.own_budget();
        let place = |_| Place {
            below: AtomicU32::new(0),
            is_idle: AtomicBool::new(false),
            taken: AtomicU64::new(0),
            node: Slot::new(None),
        };
        let shared = Arc::new(Self {
            places: Table((0..strategy.max_total).map(place).collect()),
            idle: Padded(Stack::new()),
            vacant: Padded(Stack::new()),
            counts: Counts::new(&strategy),
            strategy,
            maker: Maker { constructor: builder.constructor, leaf: budget.shared_leaf(), clock: None },
        });
        // Their number was checked to be far below 2³².
        for place in (0..strategy.max_total as u32).rev() {
            shared.vacant.0.push(place, &shared.places);
        }
        #[cfg(feature = "std")]
        if strategy.eviction.pressure {
            budget.add_reclaimer("pool", ReclaimCost::PoolTrim, &shared);
        }
        shared
    }

    pub(super) fn budget(&self) -> &Budget {
        self.maker.leaf.budget()
    }

    #[inline]
    pub(super) fn take(&self) -> Result<Box<Node<T>>, MemoryError> {
        loop {
            let Some(node) = self.take_idle() else { return self.make() };
            let node = if self.strategy.validation.on_acquire() { if_valid(self, node) } else { Some(node) };
            if let Some(node) = node {
                self.count_taken(&node);
                return Ok(node);
            }
        }
    }

    /// Only who has the object writes that.
    #[inline]
    fn count_taken(&self, node: &Node<T>) {
        let taken = &self.place(node.place).taken;
        taken.store(taken.load(Relaxed) + 1, Relaxed);
    }

    fn place(&self, place: u32) -> &Place<T> {
        &self.places.0[place as usize]
    }

    #[inline]
    fn take_idle(&self) -> Option<Box<Node<T>>> {
        let place = self.place(self.idle.0.pop(&self.places)?);
        place.is_idle.store(false, Relaxed);
        self.counts.not_idle();
        // SAFETY: the place was just taken from a stack, so this thread has it alone.
        unsafe { (*place.node.get()).take() }
    }

    #[inline]
    pub(super) fn put_back(&self, node: Box<Node<T>>) {
        let mut held = Held::new(self, node);
        held.node().value.reset();
        if self.maker.recharge(held.node()).is_err() {
            // It has grown, and there is no room for that.
            return;
        }
        let node = held.keep();
        let node = if self.strategy.validation.on_release() { if_valid(self, node) } else { Some(node) };
        if let Some(node) = node {
            self.put_idle(node);
        }
    }

    /// Puts an object into its place, if one more may be idle.
    #[inline]
    fn put_idle(&self, node: Box<Node<T>>) -> bool {
        if !self.counts.try_idle(self.strategy.max_idle) {
            self.dispose(node);
            return false;
        }
        let number = node.place;
        let place = self.place(number);
        place.is_idle.store(true, Relaxed);
        // SAFETY: an object that is not idle has its place for itself, and this thread has the object.
        unsafe { *place.node.get() = Some(node) };
        self.idle.0.push(number, &self.places);
        true
    }

    /// Makes an object to be handed out, and as many idle ones as the growth factor says.
    #[cold]
    #[inline(never)]
    fn make(&self) -> Result<Box<Node<T>>, MemoryError> {
        let wanted = self.strategy.growth(self.counts.total());
        let node = match self.make_one() {
            Ok(node) => node,
            Err(error) => {
                self.counts.refused();
                return Err(error);
            }
        };
        self.count_taken(&node);
        self.counts.missed();
        let held = Held::new(self, node);
        for _ in 1..wanted {
            if !self.make_one().is_ok_and(|node| self.put_idle(node)) {
                break;
            }
        }
        Ok(held.keep())
    }

    fn make_one(&self) -> Result<Box<Node<T>>, MemoryError> {
        let max = self.strategy.max_total;
        let exhausted = || self.counts.exhausted(0, max);
        let making = self.counts.try_make(max).ok_or_else(exhausted)?;
        let vacancy = Vacancy { shared: self, place: self.vacant.0.pop(&self.places).ok_or_else(exhausted)? };
        let mut node = self.maker.make()?;
        node.place = vacancy.place;
        core::mem::forget(vacancy);
        making.created();
        Ok(node)
    }

    pub(super) fn warm_up(&self, idle: usize) -> Result<usize, MemoryError> {
        let wanted = idle.min(self.strategy.max_idle);
        // Once, as that looks at every place.
        let missing = wanted.saturating_sub(self.idle_count());
        let mut made = 0;
        while made < missing && self.counts.total() < self.strategy.max_total {
            if !self.put_idle(self.make_one()?) {
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
        let node = self.take_idle()?;
        self.strike(&node);
        Some(node)
    }

    /// The object is counted and charged no more.
    fn strike(&self, node: &Node<T>) {
        self.maker.let_go(node);
        // The place first: who may make an object finds one.
        self.vacant.0.push(node.place, &self.places);
        self.counts.dropped();
    }

    /// Gives an object up that is not idle.
    pub(super) fn give_up(&self, node: Box<Node<T>>) -> T {
        self.maker.let_go(&node);
        // The place first: who may make an object finds one.
        self.vacant.0.push(node.place, &self.places);
        self.counts.detached();
        let node = *node;
        node.value
    }

    fn idle_count(&self) -> usize {
        self.places.0.iter().filter(|place| place.is_idle.load(Relaxed)).count()
    }

    pub(super) fn stats(&self) -> PoolStats {
        let acquired = self.places.0.iter().map(|place| place.taken.load(Relaxed)).sum();
        self.counts.stats(acquired, self.idle_count())
    }
}

impl<T: Poolable + Send + 'static> Keeper<T> for Shared<T> {
    fn dispose(&self, node: Box<Node<T>>) {
        self.strike(&node);
        drop(node);
    }
}

#[cfg(feature = "std")]
impl<T: Poolable + Send + 'static> Reclaimer for Shared<T> {
    fn reclaim(&self, wanted: Bytes) -> Bytes {
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

/// A place that is vacant again unless this is forgotten.
struct Vacancy<'a, T> {
    shared: &'a Shared<T>,
    place: u32,
}

impl<T> Drop for Vacancy<'_, T> {
    fn drop(&mut self) {
        self.shared.vacant.0.push(self.place, &self.shared.places);
    }
}
