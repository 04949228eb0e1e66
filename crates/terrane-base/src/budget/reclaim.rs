//! What a budget does when it is full: it asks, and it waits.

use alloc::sync::Arc;
use core::ops::ControlFlow;
use std::time::Instant;

use super::{
    Budget, BudgetSnapshot, PressureListener, ReclaimCost, ReclaimRequests, Reclaimer, Reservation,
    arbiter::{Round, Way},
    node::{Access, Node, addressable},
    reentry::Mark,
};
use crate::{BudgetName, Bytes, MemoryError};

impl Budget {
    /// Registers something of this budget that can give memory up at once. It is asked as long as the `Arc` lives.
    ///
    /// `cost` is one of the first four classes; the others are for [`add_requested`](Budget::add_requested), and here mean only
    /// that it is asked late. See [`Reclaimer`] for an example.
    pub fn add_reclaimer<R: Reclaimer + 'static>(&self, name: &str, cost: ReclaimCost, reclaimer: &Arc<R>) {
        let weak = Arc::downgrade(reclaimer);
        let way = Way::Immediate(weak);
        self.node.tree.arbiter.add(BudgetName::new(name), cost, Arc::downgrade(&self.node), way);
    }

    /// Registers something of this budget that can give memory up only at its owner's next safepoint; the answer is the owner's end.
    pub fn add_requested(&self, name: &str, cost: ReclaimCost) -> ReclaimRequests {
        let (requests, flag) = ReclaimRequests::new();
        let way = Way::Requested(flag);
        self.node.tree.arbiter.add(BudgetName::new(name), cost, Arc::downgrade(&self.node), way);
        requests
    }

    /// Registers something to be told when the level of pressure of the tree changes, as long as the `Arc` lives.
    pub fn add_pressure_listener<L: PressureListener + 'static>(&self, name: &str, listener: &Arc<L>) {
        let weak = Arc::downgrade(listener);
        self.node.tree.arbiter.listen(BudgetName::new(name), weak);
    }

    /// How many reclaimers and listeners of the tree panicked and were taken out.
    #[must_use]
    pub fn taken_out(&self) -> u64 {
        self.node.tree.arbiter.taken_out()
    }

    /// The budget and all below it, with their figures. Allocates; for reports.
    #[must_use]
    pub fn snapshot(&self) -> BudgetSnapshot {
        BudgetSnapshot::of(&self.node)
    }

    /// As [`try_reserve`](Budget::try_reserve), and where nobody can give up enough at once, waits until others have given back
    /// enough, or until the deadline.
    ///
    /// It never waits for its own thread: requests (see [`add_requested`](Budget::add_requested)) that this thread would have to
    /// serve are not made, so serve those before; called by a reclaimer it does not wait at all. And it does not wait for what
    /// cannot come: more than a limit on the path. What other threads took ahead of need in a [`LocalLeaf`](super::LocalLeaf)
    /// comes back when they use that leaf next.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use terrane_base::{Budget, Bytes, MemoryError};
    ///
    /// let budget = Budget::root(Bytes::from_kib(4));
    /// let held = budget.try_reserve(Bytes::from_kib(3))?;
    /// let waiting = std::thread::spawn({
    ///     let budget = budget.clone();
    ///     move || budget.reserve_wait(Bytes::from_kib(2), Instant::now() + Duration::from_secs(60))
    /// });
    /// drop(held);
    /// assert_eq!(waiting.join().unwrap()?.size(), Bytes::from_kib(2));
    /// # Ok::<(), MemoryError>(())
    /// ```
    ///
    /// # Errors
    /// As [`try_reserve`](Budget::try_reserve), when the deadline has passed or there is no use in waiting.
    pub fn reserve_wait(&self, size: Bytes, deadline: Instant) -> Result<Reservation, MemoryError> {
        let bytes = addressable(size)?;
        if Mark::is_set() || self.can_never_have(bytes) {
            return self.try_reserve(size);
        }
        self.serve_deferred();
        let mut waiter = self.node.tree.waiting.enter();
        loop {
            match self.charge_before_waiting(bytes) {
                Ok(()) => return Ok(Reservation::of(self.clone(), bytes)),
                Err(error) if self.can_never_have(bytes) || !waiter.sleep_until(deadline) => {
                    return Err(error);
                }
                Err(_) => waiter.look(),
            }
        }
    }

    /// Sets the limit while the budget is in use; clones share it. Where more is used, reclaimers are asked to give up the
    /// difference; the answer is how much is still used beyond the limit. Nothing is revoked, and nothing more is granted until use
    /// has fallen. For a root the level of pressure follows.
    ///
    /// ```
    /// # use terrane_base::{Budget, Bytes};
    /// let root = Budget::root(Bytes::from_kib(64));
    /// let held = root.try_reserve(Bytes::from_kib(40))?;
    /// assert_eq!(root.set_max(Bytes::from_kib(32))?, Bytes::from_kib(8));
    /// drop(held);
    /// assert!(root.set_max(Bytes::ZERO).is_err());
    /// # Ok::<(), terrane_base::MemoryError>(())
    /// ```
    ///
    /// # Errors
    /// [`MemoryError::InvalidLimit`] when the limit is zero, or below what is guaranteed to the budget or its parts; nothing has
    /// changed then.
    pub fn set_max(&self, limit: Bytes) -> Result<Bytes, MemoryError> {
        let size = self.node.check_max(limit)?;
        self.node.store_max(size);
        // A limit that has risen may be what somebody waits for.
        self.node.tree.waiting.wake();
        self.note_charge();
        self.node.tree.announce_level();
        let excess = || self.node.used().saturating_sub(size);
        if excess() > 0 {
            self.ask_for(&excess);
        }
        Ok(Bytes::from_usize(excess()))
    }

    /// Asks the reclaimers of this budget and of those below for `wanted`, though nothing is full; the answer is by how much use has
    /// fallen meanwhile, whoever brought that about.
    pub fn reclaim(&self, wanted: Bytes) -> Bytes {
        let before = self.node.used();
        let target = before.saturating_sub(wanted.as_usize());
        self.ask_for(&|| self.node.used().saturating_sub(target));
        Bytes::from_usize(before.saturating_sub(self.node.used()))
    }

    pub(super) fn announce_and_relieve(&self, reported: bool) {
        if let Some(root) = self.node.path().last() {
            self.node.tree.announce_and_relieve(root, reported);
        }
    }

    /// Asks until nothing is missing any more.
    fn ask_for(&self, missing: &dyn Fn() -> usize) {
        let Some(mark) = Mark::set() else { return };
        let (full, asking) = (&*self.node, &*self.node);
        let round = Round { full, asking, dearest: ReclaimCost::Collect, ask_own_thread: true };
        self.node.tree.ask(round, || match missing() {
            0 => ControlFlow::Break(()),
            wanted => ControlFlow::Continue((wanted, full)),
        });
        drop(mark);
        self.node.tree.announce_level();
    }

    fn charge_before_waiting(&self, size: usize) -> Result<(), MemoryError> {
        match self.node.charge(size, Access::Ordinary) {
            Ok(()) => {
                self.note_charge();
                Ok(())
            }
            Err(full) => self.charge_with_reclaim(size, full, false),
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn charge_with_reclaim<'a>(
        &'a self,
        size: usize,
        full: &'a Node,
        ask_own_thread: bool,
    ) -> Result<(), MemoryError> {
        let Some(mark) = Mark::set() else { return Err(full.refusal(size)) };
        let mut last = full;
        let round = Round { full, asking: &self.node, dearest: ReclaimCost::Collect, ask_own_thread };
        let granted = self.node.tree.ask(round, || match self.node.charge(size, Access::Ordinary) {
            Ok(()) => ControlFlow::Break(()),
            Err(full) => {
                last = full;
                ControlFlow::Continue((size.saturating_sub(self.node.remaining()).max(1), full))
            }
        });
        drop(mark);
        // Announcements were held back while the mark was set.
        self.node.tree.announce_level();
        match granted {
            Some(()) => {
                self.note_charge();
                Ok(())
            }
            None => Err(last.refusal(size)),
        }
    }

    /// Whether a limit on the path is below `size` even if nothing is used.
    pub(super) fn can_never_have(&self, size: usize) -> bool {
        let mut size = size;
        for node in self.node.path() {
            if size > node.max().saturating_sub(node.aside()) {
                return true;
            }
            size = size.saturating_sub(node.min());
        }
        false
    }
}
