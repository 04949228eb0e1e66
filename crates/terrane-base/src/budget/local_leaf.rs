//! Charges of one thread.
//!
//! The leaf takes room from its budget a quantum at a time. What it took and has not handed out is one number in a `Cell`; a charge
//! is a subtraction whose borrow says that the quantum is used up, and only then the budget is asked.

use core::{cell::Cell, fmt};

use super::{Budget, node::Access, quantum::Quantum};
#[cfg(feature = "std")]
use super::{ReclaimCost, ReclaimRequests};
use crate::{Bytes, MemoryError};

/// Charges a budget for one thread, at about the cost of an addition.
///
/// What it took ahead of need counts as used by the budget. Some of that is given back when much lies unused, and all of it at the
/// next use of the leaf that goes to the budget after memory has become short: other threads cannot reach into a leaf. A thread
/// that idles should call [`give_back`](LocalLeaf::give_back). Dropping the leaf gives everything back, what is charged included: whoever
/// drops it has freed what it charged for.
///
/// ```
/// use terrane_base::{Budget, Bytes, MemoryError};
///
/// let budget = Budget::root(Bytes::from_mib(64));
/// let leaf = budget.local_leaf();
/// for _ in 0..1000 {
///     leaf.try_charge(Bytes::new(48))?;
/// }
/// assert_eq!(leaf.charged(), Bytes::new(48_000));
/// assert_eq!(budget.used(), Bytes::from_kib(64), "one quantum");
/// leaf.discharge(Bytes::new(48_000));
/// leaf.give_back();
/// assert_eq!(budget.used(), Bytes::ZERO);
/// # Ok::<(), MemoryError>(())
/// ```
///
/// It stays with one thread at a time:
///
/// ```compile_fail,E0277
/// fn share<T: Sync>(_: T) {}
/// share(terrane_base::Budget::root(terrane_base::Bytes::MAX).local_leaf());
/// ```
pub struct LocalLeaf {
    /// Taken from the budget and not handed out.
    available: Cell<usize>,
    /// More than this does not lie unused.
    tolerated: Cell<usize>,
    /// All that was taken from the budget.
    granted: Cell<usize>,
    quantum: Cell<Quantum>,
    budget: Budget,
    #[cfg(feature = "std")]
    requests: ReclaimRequests,
}

impl LocalLeaf {
    pub(super) fn new(budget: Budget) -> Self {
        Self {
            available: Cell::new(0),
            tolerated: Cell::new(0),
            granted: Cell::new(0),
            quantum: Cell::new(Quantum::FIRST),
            #[cfg(feature = "std")]
            requests: budget.add_requested("leaf", ReclaimCost::UnusedQuanta),
            budget,
        }
    }

    /// Charges `size`.
    ///
    /// # Errors
    /// As [`Budget::try_reserve`]; nothing was charged then.
    #[inline]
    pub fn try_charge(&self, size: Bytes) -> Result<(), MemoryError> {
        match self.available.get().checked_sub(size.as_usize()) {
            Some(left) => {
                self.available.set(left);
                Ok(())
            }
            None => self.refill(size.as_usize()),
        }
    }

    /// Takes back a charge, or several together, or a part of one. At most what is charged.
    #[inline]
    pub fn discharge(&self, size: Bytes) {
        match self.available.get().checked_add(size.as_usize()) {
            Some(available) if available <= self.tolerated.get() => self.available.set(available),
            _ => self.trim(size.as_usize()),
        }
    }

    /// How much is charged.
    #[must_use]
    pub fn charged(&self) -> Bytes {
        Bytes::from_usize(self.granted.get() - self.available.get())
    }

    /// The budget that is charged.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Gives back all that is not charged.
    pub fn give_back(&self) {
        self.keep_at_most(0);
    }

    #[cold]
    #[inline(never)]
    fn refill(&self, size: usize) -> Result<(), MemoryError> {
        self.serve();
        #[cfg(feature = "std")]
        self.budget.serve_deferred();
        let quantum = self.quantum.get();
        let missing = size - self.available.get();
        let amount = quantum.amount(missing, self.budget.node().remaining());
        if amount > missing && self.budget.node().charge(amount, Access::Ordinary).is_ok() {
            self.budget.note_charge();
            self.quantum.set(quantum.grown());
            self.note_granted(amount);
        } else {
            // Not more than needed; for that much, others are asked to give something up.
            self.quantum.set(quantum.shrunk());
            self.budget.charge(missing)?;
            self.note_granted(missing);
        }
        self.available.set(self.available.get() - size);
        Ok(())
    }

    fn note_granted(&self, amount: usize) {
        self.granted.set(self.granted.get() + amount);
        self.available.set(self.available.get() + amount);
        self.tolerated.set(self.quantum.get().tolerated().min(self.granted.get()));
    }

    #[cold]
    #[inline(never)]
    fn trim(&self, size: usize) {
        let available = self.available.get().saturating_add(size);
        debug_assert!(available <= self.granted.get(), "{size} bytes discharged, less are charged");
        self.available.set(available.min(self.granted.get()));
        self.serve();
        self.keep_at_most(self.quantum.get().0);
    }

    /// Somebody asked for what is unused.
    fn serve(&self) {
        #[cfg(feature = "std")]
        if self.requests.take().is_some() {
            self.quantum.set(self.quantum.get().shrunk());
            self.keep_at_most(0);
        }
    }

    fn keep_at_most(&self, kept: usize) {
        let surplus = self.available.get().saturating_sub(kept);
        self.available.set(self.available.get() - surplus);
        self.granted.set(self.granted.get() - surplus);
        self.tolerated.set(self.quantum.get().tolerated().min(self.granted.get()));
        self.budget.discharge(surplus);
    }
}

impl Drop for LocalLeaf {
    fn drop(&mut self) {
        self.budget.discharge(self.granted.get());
    }
}

impl fmt::Debug for LocalLeaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalLeaf")
            .field("charged", &self.charged())
            .field("unused", &Bytes::from_usize(self.available.get()))
            .field("budget", &self.budget)
            .finish()
    }
}
