//! What the pools without a lock around their objects have in common.
//!
//! Some idle objects are at hand of one thread ([`ThreadCache`]), the others behind, in what the kind of pool is named for (its
//! [`Store`]). An acquisition looks at what its own thread has at hand, then behind, and then at what the other threads have at
//! hand; where nothing idles, it makes an object. A release puts it at hand, or behind where that is full. Beside what it makes or
//! drops, a thread has one object in its hands at a time, whatever it does here; so no other is ever out of sight.
//!
//! **No object is overlooked.** Without a lock, a look at one place after the other is not a look at one moment: what another thread takes
//! from a place that is still to come may go, when that thread is done, to one that was looked at already. So every acquisition is counted
//! before it takes anything, and a pool is exhausted when a look round has found nothing and none *began* meanwhile. Those that had begun
//! before take one object each, which their threads are going to use. So as many threads as there may be objects, with one each at
//! a time, are never refused. Each further look means that somebody else got on.

#[cfg(feature = "std")]
use alloc::sync::Weak;
use alloc::{boxed::Box, sync::Arc};
#[cfg(feature = "std")]
use core::ptr::NonNull;
use core::{
    marker::PhantomData,
    sync::atomic::Ordering::{AcqRel, Acquire, Relaxed},
};

use terrane_base::{Budget, MemoryError, SharedLeaf};
#[cfg(feature = "std")]
use terrane_base::{Bytes, ReclaimCost, Reclaimer};

use crate::{
    PoolBuilder, PoolStats, PoolStrategy, Poolable,
    counts::Counts,
    held::{Held, Keeper, drop_all, if_valid},
    maker::Maker,
    node::Node,
    store::{Own, Store},
    sync::{AtomicU64, Padded},
    thread_cache::ThreadCache,
};
#[cfg(feature = "std")]
use crate::{
    held::drop_quietly,
    thread_cache::SLOTS,
    thread_slots::{self, Departure, PoolId},
};

pub(crate) struct Unlocked<T, S> {
    #[cfg(feature = "std")]
    id: PoolId,
    #[cfg(feature = "std")]
    itself: Weak<Self>,
    pub(crate) store: S,
    /// Acquisitions that threads without a part have begun.
    begun_apart: Padded<AtomicU64>,
    /// Acquisitions that were begun and came to nothing.
    in_vain: AtomicU64,
    counts: Counts,
    strategy: PoolStrategy,
    maker: Maker<T, SharedLeaf>,
}

impl<T: Poolable + Send + 'static, S: Store<T>> Unlocked<T, S> {
    pub(crate) fn new<P>(builder: PoolBuilder<T, P>, store: S) -> Arc<Self> {
        let budget = builder.own_budget();
        let strategy = builder.strategy;
        let assemble = |_itself: &alloc::sync::Weak<Self>| Self {
            #[cfg(feature = "std")]
            id: PoolId::next(),
            #[cfg(feature = "std")]
            itself: Weak::clone(_itself),
            store,
            begun_apart: Padded(AtomicU64::new(0)),
            in_vain: AtomicU64::new(0),
            counts: Counts::new(&strategy),
            strategy,
            maker: Maker { constructor: builder.constructor, leaf: budget.shared_leaf(), clock: None },
        };
        let shared = Arc::new_cyclic(assemble);
        #[cfg(feature = "std")]
        if strategy.eviction.pressure {
            budget.add_reclaimer("pool", ReclaimCost::PoolTrim, &shared);
        }
        shared
    }

    pub(crate) fn budget(&self) -> &Budget {
        self.maker.leaf.budget()
    }

    /// The calling thread's part, which it gets if it has none; `None` where there is none to be had.
    #[cfg(feature = "std")]
    #[inline(always)]
    pub(crate) fn own(&self) -> Option<Own<'_, S::Part>> {
        match thread_slots::look_up(self.id) {
            // SAFETY: what a thread's table has under the number of this pool was put there by `join_anew` of this pool: a part of its store
            // for this thread, which lives until the thread has taken it out of its table and left, or the store ends; and that is borrowed.
            Some(part) => Some(unsafe { Own::new(part.cast()) }),
            None => self.join(),
        }
    }

    /// Without threads' own variables, all have the same.
    #[cfg(not(feature = "std"))]
    #[inline(always)]
    pub(crate) fn own(&self) -> Option<Own<'_, S::Part>> {
        None
    }

    /// The calling thread's part: from its list, or a new one.
    #[cfg(feature = "std")]
    #[cold]
    #[inline(never)]
    fn join(&self) -> Option<Own<'_, S::Part>> {
        let part = thread_slots::find(self.id).or_else(|| self.join_anew())?;
        // SAFETY: this is the part that `join_anew` gave to this thread: see `own`.
        Some(unsafe { Own::new(part.cast()) })
    }

    #[cfg(feature = "std")]
    fn join_anew(&self) -> Option<NonNull<()>> {
        let room = self.counts.set_room_aside(SLOTS, self.strategy.max_idle);
        let Some(part) = self.store.enter(room) else {
            self.counts.give_room_back(room);
            return None;
        };
        let itself: Weak<dyn Departure> = self.itself.clone();
        if thread_slots::join(self.id, part.cast(), itself) {
            return Some(part.cast());
        }
        // The thread is about to end.
        // SAFETY: it was entered just now, for this thread.
        self.leave(unsafe { Own::new(part) });
        None
    }

    /// The calling thread gives its part up; what it has at hand goes behind.
    #[cfg(feature = "std")]
    pub(crate) fn leave(&self, own: Own<'_, S::Part>) {
        let cache = own.cache();
        let mut room = cache.capacity();
        while let Some(node) = cache.pop() {
            // It takes its room along.
            room -= 1;
            self.store.put(None, node);
        }
        cache.set_capacity(0);
        self.counts.give_room_back(room);
        self.store.leave(own);
    }

    #[inline(always)]
    pub(crate) fn take(&self, own: Option<Own<'_, S::Part>>) -> Result<Box<Node<T>>, MemoryError> {
        let Some(part) = own else {
            self.begun_apart.0.fetch_add(1, AcqRel);
            return self.take_slow(None, None);
        };
        let cache = part.cache();
        cache.begin();
        match cache.pop() {
            Some(node) if !self.strategy.validation.on_acquire() => Ok(node),
            found => self.take_slow(own, found),
        }
    }

    /// Goes on with an acquisition that has begun.
    #[cold]
    #[inline(never)]
    fn take_slow(
        &self,
        own: Option<Own<'_, S::Part>>,
        mut found: Option<Box<Node<T>>>,
    ) -> Result<Box<Node<T>>, MemoryError> {
        let in_vain = InVain(&self.in_vain);
        let node = loop {
            let Some(node) = found.take().or_else(|| self.take_idle(own)) else {
                match self.make(own) {
                    Ok(node) => break node,
                    Err(error) => found = self.look_again(own, error)?,
                }
                continue;
            };
            let node = if self.strategy.validation.on_acquire() { if_valid(self, node) } else { Some(node) };
            if let Some(node) = node {
                break node;
            }
        };
        core::mem::forget(in_vain);
        Ok(node)
    }

    /// An object that idles anywhere.
    fn take_idle(&self, own: Option<Own<'_, S::Part>>) -> Option<Box<Node<T>>> {
        if let Some(node) = own.and_then(|own| own.cache().pop()) {
            return Some(node);
        }
        if let Some(node) = self.store.take(own) {
            self.counts.not_idle();
            return Some(node);
        }
        self.store.find_cache(ThreadCache::steal)
    }

    /// Where no object could be made: an object that has become idle meanwhile, or none if there is room for a new one now; the
    /// error if it is certain that nothing has changed.
    fn look_again(
        &self,
        own: Option<Own<'_, S::Part>>,
        error: MemoryError,
    ) -> Result<Option<Box<Node<T>>>, MemoryError> {
        let max = self.strategy.max_total;
        if matches!(error, MemoryError::PoolExhausted { .. }) {
            loop {
                let begun = self.begun();
                if let Some(node) = self.take_idle(own) {
                    return Ok(Some(node));
                }
                if self.counts.total() < max {
                    return Ok(None);
                }
                if self.begun() == begun {
                    break;
                }
                core::hint::spin_loop();
            }
        }
        self.counts.refused();
        Err(error)
    }

    fn begun(&self) -> u64 {
        self.store.begun().wrapping_add(self.begun_apart.0.load(Acquire))
    }

    #[inline(always)]
    pub(crate) fn put_back(&self, own: Option<Own<'_, S::Part>>, node: Box<Node<T>>) {
        let mut held = Held::new(self, node);
        held.node().value.reset();
        if self.maker.recharge(held.node()).is_err() {
            // It has grown, and there is no room for that.
            return;
        }
        let node = held.keep();
        let left = match own {
            Some(own) if !self.strategy.validation.on_release() => own.cache().push(node),
            _ => Err(node),
        };
        if let Err(node) = left {
            self.put_back_slow(own, node);
        }
    }

    #[cold]
    #[inline(never)]
    fn put_back_slow(&self, own: Option<Own<'_, S::Part>>, node: Box<Node<T>>) {
        let node = if self.strategy.validation.on_release() { if_valid(self, node) } else { Some(node) };
        if let Some(node) = node {
            self.put_idle(own, node);
        }
    }

    /// Puts an object where it idles, if one more may.
    fn put_idle(&self, own: Option<Own<'_, S::Part>>, node: Box<Node<T>>) -> bool {
        let left = match own.as_ref().map(|own| own.cache()) {
            Some(cache) => cache.push(node).or_else(|node| cache.push_between(node)),
            None => Err(node),
        };
        let Err(node) = left else { return true };
        if !self.counts.try_idle(self.strategy.max_idle) {
            self.dispose(node);
            return false;
        }
        self.store.put(own, node);
        true
    }

    /// Makes an object to be handed out, and as many idle ones as the growth factor says.
    fn make(&self, own: Option<Own<'_, S::Part>>) -> Result<Box<Node<T>>, MemoryError> {
        let wanted = self.strategy.growth(self.counts.total());
        let held = Held::new(self, self.make_one()?);
        for _ in 1..wanted {
            if !self.make_one().is_ok_and(|node| self.put_idle(own, node)) {
                break;
            }
        }
        self.counts.missed();
        Ok(held.keep())
    }

    fn make_one(&self) -> Result<Box<Node<T>>, MemoryError> {
        let max = self.strategy.max_total;
        let exhausted = || self.counts.exhausted(max);
        let making = self.counts.try_make(max).ok_or_else(exhausted)?;
        let vacancy =
            Vacancy { store: &self.store, place: self.store.admit().ok_or_else(exhausted)?, of: PhantomData };
        let mut node = self.maker.make()?;
        node.place = vacancy.place;
        core::mem::forget(vacancy);
        making.created();
        Ok(node)
    }

    pub(crate) fn warm_up(&self, own: Option<Own<'_, S::Part>>, idle: usize) -> Result<usize, MemoryError> {
        let wanted = idle.min(self.strategy.max_idle);
        // Once, as that looks at every place.
        let missing = wanted.saturating_sub(self.idle_count());
        let mut made = 0;
        while made < missing && self.counts.total() < self.strategy.max_total {
            if !self.put_idle(own, self.make_one()?) {
                break;
            }
            made += 1;
        }
        Ok(made)
    }

    pub(crate) fn trim(&self, keep: usize) -> usize {
        let spare = self.idle_count().saturating_sub(keep);
        let mut dropped = 0;
        drop_all((0..spare).map_while(|_| self.strike_idle()).inspect(|_| dropped += 1));
        self.maker.leaf.give_back();
        dropped
    }

    /// An idle object that is counted and charged no more.
    fn strike_idle(&self) -> Option<Box<Node<T>>> {
        let node = self.take_idle(None)?;
        self.strike(&node);
        Some(node)
    }

    /// The object is counted and charged no more.
    fn strike(&self, node: &Node<T>) {
        self.maker.let_go(node);
        // The place first: who may make an object finds one.
        self.store.vacate(node.place);
        self.counts.dropped();
    }

    /// Gives an object up that is not idle.
    pub(crate) fn give_up(&self, node: Box<Node<T>>) -> T {
        self.maker.let_go(&node);
        // The place first: who may make an object finds one.
        self.store.vacate(node.place);
        self.counts.detached();
        let node = *node;
        node.value
    }

    fn idle_count(&self) -> usize {
        let mut at_hand = 0;
        let _ = self.store.find_cache(|cache| {
            at_hand += cache.len();
            None::<()>
        });
        at_hand + self.store.len()
    }

    pub(crate) fn stats(&self) -> PoolStats {
        let acquired = self.begun().saturating_sub(self.in_vain.load(Relaxed));
        self.counts.stats(acquired, self.idle_count())
    }
}

impl<T: Poolable + Send + 'static, S: Store<T>> Keeper<T> for Unlocked<T, S> {
    fn dispose(&self, node: Box<Node<T>>) {
        self.strike(&node);
        drop(node);
    }
}

#[cfg(feature = "std")]
impl<T: Poolable + Send + 'static, S: Store<T>> Reclaimer for Unlocked<T, S> {
    fn reclaim(&self, wanted: Bytes) -> Bytes {
        // The charge may come from within anything, so this waits for nobody.
        if !self.store.is_free() {
            return Bytes::ZERO;
        }
        let mut spare = self.idle_count().saturating_sub(self.strategy.min_idle);
        let mut freed = Bytes::ZERO;
        drop_quietly(core::iter::from_fn(|| {
            spare = spare.checked_sub(1).filter(|_| freed < wanted)?;
            let node = self.strike_idle()?;
            freed = freed.saturating_add(node.charged());
            Some(node)
        }));
        self.maker.leaf.give_back();
        freed
    }
}

#[cfg(feature = "std")]
impl<T: Poolable + Send + 'static, S: Store<T>> Departure for Unlocked<T, S> {
    fn depart(&self, part: NonNull<()>) {
        // SAFETY: it is the part that this pool gave to the calling thread, which has not left yet.
        self.leave(unsafe { Own::new(part.cast()) });
    }
}

/// An acquisition that came to nothing, unless this is forgotten.
struct InVain<'a>(&'a AtomicU64);

impl Drop for InVain<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A place that is vacant again unless this is forgotten.
struct Vacancy<'a, T, S: Store<T>> {
    store: &'a S,
    place: u32,
    of: PhantomData<fn(T)>,
}

impl<T, S: Store<T>> Drop for Vacancy<'_, T, S> {
    fn drop(&mut self) {
        self.store.vacate(self.place);
    }
}

#[cfg(all(test, feature = "std", not(loom)))]
mod tests {
    use super::*;
    use alloc::{collections::VecDeque, string::String, vec::Vec};
    use std::sync::Mutex;

    /// A store behind which somebody else works: a list, and what happens at the next looks at it, after they have found nothing.
    struct Haunted {
        list: Mutex<VecDeque<Box<Node<String>>>>,
        in_use: Mutex<VecDeque<Box<Node<String>>>>,
        ghosts: Mutex<Vec<Ghost>>,
        cache: ThreadCache<String>,
    }

    type Ghost = fn(&Haunted);

    impl Haunted {
        /// Another thread begins to acquire, takes what it has at hand, and gives it back to the list.
        fn moves_an_object(&self) {
            self.cache.begin();
            let node = self.cache.pop().expect("it is at hand");
            self.list.lock().unwrap().push_back(node);
        }

        /// Another thread begins to acquire, and uses what it has at hand.
        fn uses_an_object(&self) {
            self.cache.begin();
            self.in_use.lock().unwrap().extend(self.cache.pop());
        }

        /// Another thread begins to acquire and finds nothing.
        fn finds_nothing(&self) {
            self.cache.begin();
        }
    }

    // SAFETY: nobody enters.
    unsafe impl Store<String> for Haunted {
        type Part = ThreadCache<String>;

        fn take(&self, _own: Option<Own<'_, Self::Part>>) -> Option<Box<Node<String>>> {
            let found = self.list.lock().unwrap().pop_front();
            if found.is_none()
                && let Some(ghost) = self.ghosts.lock().unwrap().pop()
            {
                ghost(self);
            }
            found
        }

        fn put(&self, _own: Option<Own<'_, Self::Part>>, node: Box<Node<String>>) {
            self.list.lock().unwrap().push_back(node);
        }

        fn len(&self) -> usize {
            self.list.lock().unwrap().len()
        }

        fn find_cache<R>(&self, mut look: impl FnMut(&ThreadCache<String>) -> Option<R>) -> Option<R> {
            look(&self.cache)
        }

        fn begun(&self) -> u64 {
            self.cache.begun()
        }

        fn admit(&self) -> Option<u32> {
            Some(0)
        }

        fn vacate(&self, _place: u32) {}

        fn enter(&self, _capacity: usize) -> Option<NonNull<Self::Part>> {
            None
        }

        fn leave(&self, _own: Own<'_, Self::Part>) {}

        fn is_free(&self) -> bool {
            true
        }
    }

    /// A pool of one object, which another thread has at hand; what that thread does between this one's looks, the last first.
    fn haunted(ghosts: &[Ghost]) -> Arc<Unlocked<String, Haunted>> {
        let cache = ThreadCache::new();
        cache.set_capacity(1);
        let store =
            Haunted { list: Mutex::default(), in_use: Mutex::default(), ghosts: Mutex::default(), cache };
        let strategy = PoolStrategy::new().max_total(1);
        let pool = Unlocked::new(PoolBuilder::<_, ()>::new().strategy(strategy), store);
        let node = pool.take(None).expect("there may be one");
        assert!(pool.store.cache.push(node).is_ok());
        *pool.store.ghosts.lock().unwrap() = ghosts.to_vec();
        pool
    }

    #[test]
    fn what_moves_to_where_was_looked_before_is_found() {
        assert!(haunted(&[Haunted::moves_an_object]).take(None).is_ok());
        assert!(haunted(&[]).take(None).is_ok());
    }

    #[test]
    fn what_is_used_meanwhile_is_refused_when_nobody_begins_any_more() {
        let exhausted = MemoryError::PoolExhausted { in_use: 1, capacity: 1 };
        for ghosts in
            [&[Haunted::uses_an_object as Ghost][..], &[Haunted::finds_nothing, Haunted::uses_an_object]]
        {
            let pool = haunted(ghosts);
            assert_eq!(pool.take(None).map(drop), Err(exhausted));
            assert_eq!(pool.stats().refused, 1);
            assert!(pool.store.ghosts.lock().unwrap().is_empty());
        }
    }
}
