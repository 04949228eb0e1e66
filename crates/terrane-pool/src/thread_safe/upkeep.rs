//! Growing, shrinking and looking after the pool of many threads.

use alloc::{boxed::Box, vec::Vec};

use terrane_base::{Bytes, MemoryError, Reclaimer};

use super::{depot::Depot, shared::Shared};
use crate::{
    Poolable,
    held::{drop_quietly, if_valid},
    node::Node,
};

impl<T: Poolable + Send + 'static> Shared<T> {
    pub(super) fn warm_up(&self, idle: usize) -> Result<usize, MemoryError> {
        let wanted = idle.min(self.strategy.max_idle);
        let mut made = 0;
        while self.depot.lock().idle_everywhere() < wanted && self.make_idle()? {
            made += 1;
        }
        Ok(made)
    }

    /// Makes an object that is idle; `false` if there may be no more.
    pub(super) fn make_idle(&self) -> Result<bool, MemoryError> {
        let mut depot = self.depot.lock();
        if depot.total >= self.strategy.max_total {
            return Ok(false);
        }
        depot.total += 1;
        drop(depot);
        let node = self.make_counted()?;
        Ok(self.put_idle(node, self.own_magazine()))
    }

    pub(super) fn trim(&self, keep: usize) -> usize {
        let dropped = self.drop_idle(|depot| {
            let own = self.own_magazine();
            // SAFETY: it is the calling thread's own.
            unsafe { depot.gather(own) };
            depot.idle.take_oldest(usize::MAX, keep)
        });
        self.maker.leaf.give_back();
        dropped
    }

    pub(super) fn maintain(&self) -> usize {
        if !self.strategy.is_timed() {
            return 0;
        }
        let before = self.depot.lock().tally.dropped;
        let now_ns = self.maker.now_ns();
        self.evict(now_ns);
        self.validate_idle(now_ns);
        usize::try_from(self.depot.lock().tally.dropped - before).unwrap_or(usize::MAX)
    }

    /// What is done now and then, where something depends on time.
    pub(super) fn look_around(&self) {
        if !self.strategy.is_timed() {
            return;
        }
        let now_ns = self.maker.now_ns();
        let depot = self.depot.lock();
        let (evict, validate) = (now_ns >= depot.next_eviction_ns, now_ns >= depot.next_validation_ns);
        drop(depot);
        if evict {
            self.evict(now_ns);
        }
        if validate {
            self.validate_idle(now_ns);
        }
    }

    fn evict(&self, now_ns: u64) {
        let eviction = self.strategy.eviction;
        let keep = self.strategy.min_idle;
        self.drop_idle(|depot| {
            depot.next_eviction_ns = now_ns.saturating_add(eviction.pause_ns());
            depot.idle.take_expired(eviction, now_ns, keep)
        });
    }

    /// Asks each idle object whether it is still valid, if that is due.
    fn validate_idle(&self, now_ns: u64) {
        let mut depot = self.depot.lock();
        if now_ns < depot.next_validation_ns {
            return;
        }
        depot.next_validation_ns = now_ns.saturating_add(self.strategy.validation.period_ns());
        if self.strategy.validation.period().is_none() {
            return;
        }
        let idle = depot.idle.len();
        drop(depot);
        for _ in 0..idle {
            // Out of the row while it is asked, and then at its end: so all of them keep their order.
            let Some(node) = self.depot.lock().idle.take_first() else { break };
            let Some(node) = if_valid(self, node) else { continue };
            let mut surplus = Vec::new();
            self.depot.lock().store(node, &self.strategy, &mut surplus);
            self.wake();
            self.dispose_all(surplus);
        }
    }

    fn drop_idle(&self, choose: impl FnOnce(&mut Depot<T>) -> Vec<Box<Node<T>>>) -> usize {
        let nodes = choose(&mut self.depot.lock());
        let objects = nodes.len();
        self.dispose_all(nodes);
        objects
    }
}

impl<T: Poolable + Send + 'static> Reclaimer for Shared<T> {
    /// Idle objects of all threads, the longest idle first.
    fn reclaim(&self, wanted: Bytes) -> Bytes {
        // The charge may come from within anything, so this waits for nobody.
        let Some(mut depot) = self.depot.try_lock() else { return Bytes::ZERO };
        // SAFETY: it is the calling thread's own. The thread is not in the middle of using it: nothing that it does then asks for memory.
        unsafe { depot.gather(self.own_magazine()) };
        let nodes = depot.idle.take_bytes(wanted, self.strategy.min_idle);
        drop(depot);
        let freed = nodes.iter().fold(Bytes::ZERO, |sum, node| sum.saturating_add(node.charged()));
        self.strike_all(&nodes);
        drop_quietly(nodes);
        self.maker.leaf.give_back();
        freed
    }
}
