//! Growing, shrinking and looking after the pool of one owner.

use alloc::{boxed::Box, vec::Vec};

use terrane_base::{Bytes, MemoryError};

use super::{CREDIT, ObjectPool, count};
use crate::{
    Poolable,
    held::{drop_all, if_valid},
    idle::Idle,
    node::Node,
};

impl<T: Poolable> ObjectPool<T> {
    /// Makes objects until `idle` are idle or as many exist as may, and says how many it made. It stops without an error where
    /// `max_idle` or `max_total` is reached.
    ///
    /// ```
    /// # use terrane_pool::ObjectPool;
    /// let pool = ObjectPool::<String>::new(3);
    /// assert_eq!((pool.warm_up(2)?, pool.warm_up(5)?), (2, 1));
    /// # Ok::<(), terrane_pool::MemoryError>(())
    /// ```
    ///
    /// # Errors
    /// What the budget says when it refuses; what was made by then stays.
    ///
    /// # Panics
    /// When the constructor does; what was made by then stays.
    pub fn warm_up(&self, idle: usize) -> Result<usize, MemoryError> {
        let mut made = 0;
        let wanted = idle.min(self.strategy.max_idle);
        while self.counts().0 < wanted && self.counts().1 < self.strategy.max_total {
            self.make_one()?;
            made += 1;
        }
        Ok(made)
    }

    /// Drops idle objects, the longest idle first, until `keep` are left, and says how many it dropped. Memory that the budget
    /// granted ahead of need is given back.
    ///
    /// ```
    /// # use terrane_pool::ObjectPool;
    /// let pool = ObjectPool::<String>::new(8);
    /// pool.warm_up(5)?;
    /// assert_eq!((pool.trim(2), pool.stats().idle), (3, 2));
    /// # Ok::<(), terrane_pool::MemoryError>(())
    /// ```
    ///
    /// # Panics
    /// When the destructor of an object does; the others are dropped all the same.
    pub fn trim(&self, keep: usize) -> usize {
        let dropped = self.drop_idle(|idle| idle.take_oldest(usize::MAX, keep));
        self.maker.leaf.give_back();
        dropped
    }

    /// Does what is due: gives memory back that the budget asked for, evicts what has been idle or has lived for too long,
    /// validates. Says how many objects were dropped. O(idle objects).
    ///
    /// # Panics
    /// When a validation or a destructor does.
    pub fn maintain(&self) -> usize {
        let dropped = self.tally.dropped.get();
        self.serve_requests();
        if self.strategy.is_timed() {
            let now_ns = self.maker.now_ns();
            self.evict(now_ns);
            self.validate_idle(now_ns);
        }
        usize::try_from(self.tally.dropped.get() - dropped).unwrap_or(usize::MAX)
    }

    /// Makes objects as the growth factor says: at least one, and they are idle.
    pub(super) fn grow(&self) -> Result<(), MemoryError> {
        let mut wanted = self.strategy.growth(self.tally.total.get());
        self.make_one()?;
        while wanted > 1 && self.make_one().is_ok() {
            wanted -= 1;
        }
        Ok(())
    }

    fn make_one(&self) -> Result<(), MemoryError> {
        let (idle, total) = self.counts();
        let capacity = self.strategy.max_total;
        if total >= capacity {
            return Err(MemoryError::PoolExhausted { in_use: total - idle, capacity });
        }
        // Counted while it is being made, as its constructor could use the pool.
        self.tally.total.set(total + 1);
        let uncount = Uncount(self);
        let node = self.maker.make()?;
        if !self.idle.step(Idle::make_room) {
            self.maker.let_go(&node);
            return Err(MemoryError::OutOfMemory { requested: node.charged(), available: Bytes::ZERO });
        }
        self.idle.step(|idle| idle.put(node));
        core::mem::forget(uncount);
        count(&self.tally.created, 1);
        self.set_bounds();
        Ok(())
    }

    /// What is done now and then: renews the credit, and does what is due.
    pub(super) fn look_around(&self) {
        let used = CREDIT - self.credit.replace(CREDIT);
        count(&self.tally.granted, u64::from(used));
        self.serve_requests();
        if self.strategy.is_timed() {
            let now_ns = self.maker.now_ns();
            if now_ns >= self.tally.next_eviction_ns.get() {
                self.evict(now_ns);
            }
            if now_ns >= self.tally.next_validation_ns.get() {
                self.validate_idle(now_ns);
            }
        }
    }

    /// The budget may have asked for memory.
    pub(super) fn serve_requests(&self) {
        #[cfg(feature = "std")]
        if let Some(wanted) = self.requests.as_ref().and_then(terrane_base::ReclaimRequests::take) {
            let keep = self.strategy.min_idle;
            self.drop_idle(|idle| idle.take_bytes(wanted, keep));
            self.maker.leaf.give_back();
        }
    }

    fn evict(&self, now_ns: u64) {
        let eviction = self.strategy.eviction;
        self.tally.next_eviction_ns.set(now_ns.saturating_add(eviction.pause_ns()));
        let keep = self.strategy.min_idle;
        self.drop_idle(|idle| idle.take_expired(eviction, now_ns, keep));
    }

    /// Asks each idle object whether it is still valid, if that is due.
    fn validate_idle(&self, now_ns: u64) {
        if now_ns < self.tally.next_validation_ns.get() {
            return;
        }
        let validation = self.strategy.validation;
        self.tally.next_validation_ns.set(now_ns.saturating_add(validation.period_ns()));
        if validation.period().is_none() {
            return;
        }
        for _ in 0..self.counts().0 {
            // Out of the row while it is asked, and then at its end: so all of them keep their order.
            let Some(node) = self.idle.step(Idle::take_first) else { break };
            if let Some(node) = if_valid(self, node) {
                self.idle.step(|idle| idle.put(node));
            }
        }
    }

    fn drop_idle(&self, choose: impl FnOnce(&mut Idle<T>) -> Vec<Box<Node<T>>>) -> usize {
        let nodes = self.idle.step(choose);
        for node in &nodes {
            self.maker.let_go(node);
        }
        let dropped = nodes.len();
        self.tally.total.set(self.tally.total.get() - dropped);
        count(&self.tally.dropped, dropped as u64);
        self.set_bounds();
        // Foreign code last, when all is counted.
        drop_all(nodes);
        dropped
    }
}

/// An object that was counted and will not exist, unless this is forgotten.
struct Uncount<'a, T: Poolable>(&'a ObjectPool<T>);

impl<T: Poolable> Drop for Uncount<'_, T> {
    fn drop(&mut self) {
        self.0.tally.total.set(self.0.tally.total.get() - 1);
    }
}
