//! Asking later, where it cannot be done now.
//!
//! An allocator charges in the midst of whatever allocates: under locks, within borrows, in the middle of a change of some table. Code of
//! others must not run there, since it may need that very lock. So the leaf of an allocator *defers*: while it goes to its budget, its
//! thread is marked (see the file `reentry`), and so no reclaimer is asked and no listener told. Where it finds the budget full, it
//! notes how much it wanted, and goes on with what is set aside for reclaim work. What was noted is asked for by the next charge
//! that may ask, on whatever thread; a flag of the tree says that there is something, so that looking is one load.
//!
//! Noting is storing in numbers that are there already: nothing here takes a lock or memory in the midst of an allocation.

use alloc::{
    sync::{Arc, Weak},
    vec::Vec,
};
use core::{
    ops::ControlFlow,
    sync::atomic::{
        AtomicBool, AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use super::{
    Budget, ReclaimCost,
    arbiter::Round,
    node::{Access, Node},
    reentry::Mark,
    tree::Tree,
};
use crate::{
    MemoryError,
    sync::{Mutex, lock},
};

/// What the deferring leaves of a tree left to do.
pub(crate) struct Deferred {
    /// Set after a debt has grown, or a level has changed.
    is_pending: AtomicBool,
    debts: Mutex<Vec<Weak<Debt>>>,
}

/// What one leaf would have asked for.
pub(crate) struct Debt {
    wanted: AtomicUsize,
    budget: Weak<Node>,
}

/// While it lives, what the thread does with a budget runs nobody else's code.
pub(super) struct Quiet<'a> {
    mark: Option<Mark>,
    tree: &'a Tree,
}

impl Deferred {
    pub(super) fn new() -> Self {
        Self { is_pending: AtomicBool::new(false), debts: Mutex::new(Vec::new()) }
    }

    /// Under a mark: the list may grow through the very allocator whose leaf this is for.
    pub(super) fn add(&self, budget: &Arc<Node>) -> Arc<Debt> {
        let _mark = Mark::set();
        let debt = Arc::new(Debt { wanted: AtomicUsize::new(0), budget: Arc::downgrade(budget) });
        let mut debts = lock(&self.debts);
        debts.retain(|debt| debt.strong_count() > 0);
        debts.push(Arc::downgrade(&debt));
        debt
    }

    fn note(&self) {
        self.is_pending.store(true, Release);
    }

    #[inline]
    pub(super) fn is_pending(&self) -> bool {
        self.is_pending.load(Relaxed)
    }

    fn take(&self) -> bool {
        self.is_pending.swap(false, Acquire)
    }

    fn debt(&self, index: usize) -> Option<Weak<Debt>> {
        lock(&self.debts).get(index).cloned()
    }
}

impl Debt {
    /// Charges what can be had without asking; what is set aside as well, and then something is left to be asked for.
    pub(super) fn charge(&self, budget: &Budget, size: usize) -> Result<(), MemoryError> {
        if budget.node.charge(size, Access::Ordinary).is_err() {
            let granted = budget.node.charge(size, Access::ReclaimWork);
            // After a refusal, as much room as would have done; otherwise any, so that nothing of what is set aside is in use.
            let wanted = if granted.is_ok() { 1 } else { size };
            if !budget.can_never_have(wanted) {
                self.wanted.fetch_max(wanted, Relaxed);
                budget.node.tree.deferred.note();
            }
            granted.map_err(|full| full.refusal(size))?;
        }
        budget.note_charge();
        Ok(())
    }

    /// Asks for as much as was noted. The calling thread has to be marked.
    fn ask(&self) {
        let wanted = self.wanted.swap(0, Relaxed);
        let Some(node) = self.budget.upgrade().filter(|_| wanted > 0) else { return };
        let round = Round { full: &node, asking: &node, dearest: ReclaimCost::Collect, ask_own_thread: true };
        node.tree.ask(round, || match node.look(wanted, Access::Ordinary) {
            Ok(()) => ControlFlow::Break(()),
            Err(full) => ControlFlow::Continue((full.lacking(wanted), full)),
        });
    }
}

impl<'a> Quiet<'a> {
    pub(super) fn begin(tree: &'a Tree) -> Self {
        Self { mark: Mark::set(), tree }
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        // Where somebody else set the mark, the level is announced when that one goes.
        if self.mark.take().is_some() && self.tree.pressure.is_unannounced() {
            self.tree.deferred.note();
        }
    }
}

impl Budget {
    /// Asks for what [deferring leaves](Budget::deferring_leaf) of the tree could not ask for, and tells listeners of a level of pressure that
    /// was reached meanwhile. Every charge that may ask does this first; a program that charges rarely can do it where it
    /// waits for work. One load where there is nothing.
    #[inline]
    pub fn serve_deferred(&self) {
        if self.has_deferred() {
            self.serve_debts();
        }
    }

    /// Whether [`serve_deferred`](Budget::serve_deferred) has something to do. One load.
    #[inline]
    #[must_use]
    pub fn has_deferred(&self) -> bool {
        self.node.tree.deferred.is_pending()
    }

    #[cold]
    #[inline(never)]
    fn serve_debts(&self) {
        // On a marked thread, it is left to the next charge.
        let Some(mark) = Mark::set() else { return };
        let deferred = &self.node.tree.deferred;
        if deferred.take() {
            let debts = (0..).map_while(|index| deferred.debt(index));
            debts.filter_map(|debt| debt.upgrade()).for_each(|debt| debt.ask());
        }
        drop(mark);
        self.announce_and_relieve(false);
    }
}
