//! What all handles of a pool share, and the ways that go through the depot.

use alloc::{
    boxed::Box,
    sync::{Arc, Weak},
};
use core::ptr::NonNull;

use terrane_base::{Clock, MemoryError, ReclaimCost, SharedLeaf};

use super::{
    ThreadSafePool, barrier,
    depot::Depot,
    magazine::Magazine,
    waiting::{Patience, Until},
};
use crate::{
    PoolBuilder, PoolStats, PoolStrategy, Poolable, Reuse,
    held::{Held, Keeper, drop_all, if_valid},
    idle::is_expired,
    locks::{Condvar, Mutex, MutexGuard},
    maker::Maker,
    node::Node,
    thread_slots::{self, Departure, PoolId},
};

/// The most objects in a magazine, and the bytes that they may take together.
const MAGAZINE_OBJECTS: usize = 64;
const MAGAZINE_BYTES: usize = 64 << 10;
/// A magazine of less than so many objects is not worth it, however large they are.
const MAGAZINE_MIN: usize = 4;

pub(super) struct Shared<T: Poolable + Send + 'static> {
    id: PoolId,
    pub(super) strategy: PoolStrategy,
    /// How large magazines are; 0 for a pool without.
    magazine_capacity: usize,
    pub(super) maker: Maker<T, SharedLeaf>,
    pub(super) depot: Mutex<Depot<T>>,
    /// Something has become idle, or there is room for a new object, and somebody waits.
    returned: Condvar,
    itself: Weak<Self>,
}

/// An object to be handed out.
pub(super) enum Obtained<T> {
    Idle(Box<Node<T>>),
    New(Box<Node<T>>),
}

impl<T: Poolable + Send + 'static> Shared<T> {
    pub(super) fn new(
        id: PoolId,
        builder: PoolBuilder<T, ThreadSafePool<T>>,
        clock: Option<Arc<dyn Clock>>,
    ) -> Arc<Self> {
        let strategy = builder.strategy;
        let budget = builder.own_budget();
        let leaf = budget.shared_leaf();
        let reaches_in = barrier::is_available();
        let shared = Arc::new_cyclic(|itself| Self {
            id,
            strategy,
            magazine_capacity: magazine_capacity::<T>(&strategy, reaches_in),
            maker: Maker { constructor: builder.constructor, leaf, clock },
            depot: Mutex::new(Depot::new(&strategy)),
            returned: Condvar::new(),
            itself: Weak::clone(itself),
        });
        if strategy.eviction.pressure {
            budget.add_reclaimer("pool", ReclaimCost::PoolTrim, &shared);
        }
        shared
    }

    /// The calling thread's magazine: from its list, or a new one.
    #[cold]
    pub(super) fn join(&self) -> Option<&Magazine<T>> {
        if self.magazine_capacity == 0 {
            return None;
        }
        let part = thread_slots::find(self.id).or_else(|| self.join_anew())?;
        // SAFETY: this is the part that `join_anew` gave to this thread: a magazine, which lives until the thread departs, or the
        // pool ends, which is borrowed.
        Some(unsafe { part.cast::<Magazine<T>>().as_ref() })
    }

    /// The calling thread's magazine, if it has one.
    pub(super) fn own_magazine(&self) -> Option<&Magazine<T>> {
        let part = thread_slots::look_up(self.id).or_else(|| thread_slots::find(self.id))?;
        // SAFETY: as in `join`.
        Some(unsafe { part.cast::<Magazine<T>>().as_ref() })
    }

    fn join_anew(&self) -> Option<NonNull<()>> {
        let magazine = self.depot.lock().add_magazine(self.magazine_capacity, &self.strategy)?;
        let part = NonNull::from(&*magazine).cast::<()>();
        let itself: Weak<dyn Departure> = self.itself.clone();
        if thread_slots::join(self.id, part, itself) {
            return Some(part);
        }
        // The thread is about to end.
        self.leave(&magazine);
        None
    }

    /// The calling thread gives its magazine up, with what is in it.
    fn leave(&self, magazine: &Magazine<T>) {
        let mut depot = self.depot.lock();
        // SAFETY: it is the calling thread's.
        let (surplus, unused) = unsafe { depot.remove_magazine(magazine, &self.strategy) };
        let waited_for = depot.waiters > 0;
        drop(depot);
        if waited_for {
            self.returned.notify_all();
        }
        drop(unused);
        self.dispose_all(surplus);
    }

    /// An object: from the depot, a new one, from the magazine of another thread, or one that is waited for.
    pub(super) fn obtain(
        &self,
        magazine: Option<&Magazine<T>>,
        patience: &mut Patience,
    ) -> Result<Obtained<T>, MemoryError> {
        self.look_around();
        let mut depot = self.depot.lock();
        loop {
            // SAFETY: the magazine was found in the table or list of this thread.
            if let Some(node) = unsafe { depot.take(magazine, &self.strategy) } {
                depot.tally.taken += 1;
                return Ok(Obtained::Idle(node));
            }
            if depot.total < self.strategy.max_total {
                return self.obtain_new(depot, magazine).map(|node| self.handed_out(node));
            }
            // SAFETY: the magazine was found in the table or list of this thread.
            unsafe { depot.gather(magazine) };
            if depot.idle.len() > 0 {
                continue;
            }
            depot = self.wait(depot, magazine, patience)?;
        }
    }

    fn handed_out(&self, obtained: Obtained<T>) -> Obtained<T> {
        let mut depot = self.depot.lock();
        depot.tally.taken += 1;
        depot.tally.misses += u64::from(matches!(obtained, Obtained::New(_)));
        depot.note_peak();
        obtained
    }

    /// Makes an object, and as many idle ones as the growth factor says. Where the budget refuses, takes one that idles with another thread.
    fn obtain_new(
        &self,
        mut depot: MutexGuard<'_, Depot<T>>,
        magazine: Option<&Magazine<T>>,
    ) -> Result<Obtained<T>, MemoryError> {
        let wanted = self.strategy.growth(depot.total);
        depot.total += 1;
        drop(depot);
        match self.make_counted() {
            Ok(node) => {
                let held = Held::new(self, node);
                for _ in 1..wanted {
                    if !matches!(self.make_idle(), Ok(true)) {
                        break;
                    }
                }
                Ok(Obtained::New(held.keep()))
            }
            Err(error) => {
                let mut depot = self.depot.lock();
                // SAFETY: the magazine was found in the table or list of this thread.
                unsafe { depot.gather(magazine) };
                match depot.idle.take() {
                    Some(node) => Ok(Obtained::Idle(node)),
                    None => {
                        depot.tally.refused += 1;
                        Err(error)
                    }
                }
            }
        }
    }

    /// Makes an object that is counted already; where that fails, it is counted no more.
    pub(super) fn make_counted(&self) -> Result<Box<Node<T>>, MemoryError> {
        let uncount = Uncount(self);
        let node = self.maker.make()?;
        core::mem::forget(uncount);
        self.depot.lock().tally.created += 1;
        Ok(node)
    }

    /// Waits until something may have come back.
    fn wait<'a>(
        &'a self,
        mut depot: MutexGuard<'a, Depot<T>>,
        magazine: Option<&Magazine<T>>,
        patience: &mut Patience,
    ) -> Result<MutexGuard<'a, Depot<T>>, MemoryError> {
        let is_first = !patience.has_begun();
        let until = patience.until();
        if matches!(until, Until::Over) {
            depot.tally.refused += 1;
            let (in_use, capacity) = (depot.total - depot.idle.len(), self.strategy.max_total);
            return Err(MemoryError::PoolExhausted { in_use, capacity });
        }
        depot.tally.waits += u64::from(is_first);
        depot.waiters += 1;
        // That calls the others: whoever gives something back now brings it here. It may have been put into a magazine just before.
        // SAFETY: the magazine was found in the table or list of this thread.
        unsafe { depot.gather(magazine) };
        if depot.idle.len() == 0 && depot.total >= self.strategy.max_total {
            match until {
                Until::Time(deadline) => _ = self.returned.wait_until(&mut depot, deadline),
                Until::Forever | Until::Over => self.returned.wait(&mut depot),
            }
        }
        depot.waiters -= 1;
        depot.tally.wait_time += patience.take_waited().unwrap_or_default();
        Ok(depot)
    }

    /// The object, if it can be handed out. Runs foreign code.
    pub(super) fn if_usable(&self, node: Box<Node<T>>) -> Option<Box<Node<T>>> {
        // It was counted when it was taken.
        let in_vain = InVain(self);
        let eviction = self.strategy.eviction;
        if eviction.is_timed()
            && is_expired(&node, eviction, self.maker.now_ns())
            && self.depot.lock().idle.len() >= self.strategy.min_idle
        {
            self.dispose(node);
            return None;
        }
        let node = if self.strategy.validation.on_acquire() { if_valid(self, node) } else { Some(node) };
        if node.is_some() {
            core::mem::forget(in_vain);
        }
        node
    }

    /// Takes an object back that was reset.
    pub(super) fn put_back(&self, node: Box<Node<T>>, magazine: Option<&Magazine<T>>) {
        let node = if self.strategy.validation.on_release() { if_valid(self, node) } else { Some(node) };
        let Some(mut node) = node else { return };
        if self.strategy.eviction.is_timed() {
            node.idle_since_ns = self.maker.now_ns();
            if is_expired(&node, self.strategy.eviction, node.idle_since_ns) {
                return self.dispose(node);
            }
        }
        self.put_idle(node, magazine);
        self.look_around();
    }

    /// Finds a place for an object, and wakes one of those who wait. `false` if one had to go.
    pub(super) fn put_idle(&self, node: Box<Node<T>>, magazine: Option<&Magazine<T>>) -> bool {
        let mut depot = self.depot.lock();
        // SAFETY: the magazine was found in the table or list of this thread.
        let surplus = unsafe { depot.put(node, magazine, &self.strategy) };
        let waited_for = depot.waiters > 0;
        drop(depot);
        if waited_for {
            self.returned.notify_one();
        }
        let all_are_kept = surplus.is_empty();
        self.dispose_all(surplus);
        all_are_kept
    }

    /// The owner of the magazine was called: it sees what is left of it, and hands that to who waits.
    pub(super) fn come(&self, magazine: Option<&Magazine<T>>) {
        let Some(magazine) = magazine else { return };
        let mut depot = self.depot.lock();
        if depot.waiters > 0 {
            drop(depot);
            return self.flush(Some(magazine));
        }
        // SAFETY: it was found in the table of this thread.
        let surplus = unsafe { depot.attend(magazine, &self.strategy) };
        drop(depot);
        self.dispose_all(surplus);
    }

    /// Gives an object up that has no place.
    pub(super) fn give_up(&self, node: Box<Node<T>>) -> T {
        self.maker.let_go(&node);
        let mut depot = self.depot.lock();
        depot.total -= 1;
        depot.tally.detached += 1;
        drop(depot);
        self.returned.notify_one();
        let node = *node;
        node.value
    }

    /// Drops objects that have no place.
    pub(super) fn dispose_all(&self, nodes: impl IntoIterator<Item = Box<Node<T>>> + AsRef<[Box<Node<T>>]>) {
        self.strike_all(nodes.as_ref());
        // Foreign code last, when all is counted.
        drop_all(nodes);
    }

    /// These objects, which have no place, are counted and charged no more.
    pub(super) fn strike_all(&self, nodes: &[Box<Node<T>>]) {
        if nodes.is_empty() {
            return;
        }
        nodes.iter().for_each(|node| self.maker.let_go(node));
        self.depot.lock().forget(nodes.len());
        // There is room for new ones.
        self.returned.notify_all();
    }

    /// Something may have become idle.
    pub(super) fn wake(&self) {
        self.returned.notify_one();
    }

    pub(super) fn stats(&self) -> PoolStats {
        let depot = self.depot.lock();
        let tally = &depot.tally;
        let idle = depot.idle_everywhere().min(depot.total);
        let acquired = depot.taken_everywhere();
        PoolStats {
            acquired,
            hits: acquired.saturating_sub(tally.misses),
            misses: tally.misses,
            refused: tally.refused,
            created: tally.created,
            dropped: tally.dropped,
            detached: tally.detached,
            idle,
            in_use: depot.total - idle,
            peak_in_use: tally.peak,
            waits: tally.waits,
            wait_time: tally.wait_time,
        }
    }
}

/// How large magazines are.
fn magazine_capacity<T>(strategy: &PoolStrategy, reaches_in: bool) -> usize {
    let in_one_row = strategy.reuse == Reuse::Fifo || strategy.is_timed();
    let strands = strategy.max_total != usize::MAX && !reaches_in;
    if in_one_row || strands {
        return 0;
    }
    (MAGAZINE_BYTES / Node::<T>::BYTES).clamp(MAGAZINE_MIN, MAGAZINE_OBJECTS)
}

impl<T: Poolable + Send + 'static> Departure for Shared<T> {
    fn depart(&self, part: NonNull<()>) {
        // SAFETY: it is the magazine that this pool gave to the calling thread, and is still in the depot's list.
        let magazine = unsafe { part.cast::<Magazine<T>>().as_ref() };
        self.leave(magazine);
    }
}

/// An acquisition that was counted and came to nothing, unless this is forgotten.
struct InVain<'a, T: Poolable + Send + 'static>(&'a Shared<T>);

impl<T: Poolable + Send + 'static> Drop for InVain<'_, T> {
    fn drop(&mut self) {
        self.0.depot.lock().tally.in_vain += 1;
    }
}

/// An object that was counted and will not exist, unless this is forgotten.
struct Uncount<'a, T: Poolable + Send + 'static>(&'a Shared<T>);

impl<T: Poolable + Send + 'static> Drop for Uncount<'_, T> {
    fn drop(&mut self) {
        self.0.depot.lock().total -= 1;
        self.0.returned.notify_one();
    }
}

impl<T: Poolable + Send + 'static> Keeper<T> for Shared<T> {
    fn dispose(&self, node: Box<Node<T>>) {
        self.dispose_all([node]);
    }
}

impl<T: Poolable + Send + 'static> Shared<T> {
    /// Hands what the calling thread has at hand to the others.
    pub(super) fn flush(&self, magazine: Option<&Magazine<T>>) {
        let Some(magazine) = magazine else { return };
        let mut depot = self.depot.lock();
        // SAFETY: it is the calling thread's.
        let surplus = unsafe { depot.empty(magazine, &self.strategy) };
        let waited_for = depot.waiters > 0;
        drop(depot);
        if waited_for {
            self.returned.notify_all();
        }
        self.dispose_all(surplus);
    }
}
