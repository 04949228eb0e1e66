//! Charges of many threads.
//!
//! The leaf takes room from its budget a quantum at a time; what it took and has not handed out is one atomic number, alone on its
//! cache lines. A charge subtracts first and looks afterwards: one atomic addition, which cannot fail and have to be repeated as an
//! exchange would. Where less was there than needed, the number is now too low by this charge, perhaps negative. The charge then
//! goes to the budget and adds a quantum to the number, which covers it; or it adds again what it subtracted, and is refused. Others
//! who come in between find too little, and go to the budget as well.
//!
//! The number may be short of the truth meanwhile, never beyond it. For it not to wrap however many threads are at it, only charges
//! up to [`LARGEST`] go this way; larger ones go to the budget by themselves.

use alloc::sync::Arc;
use core::{
    fmt,
    sync::atomic::{
        AtomicUsize as PlainUsize,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use super::{Budget, node::Access, quantum::Quantum};
#[cfg(feature = "std")]
use super::{
    ReclaimCost, Reclaimer,
    deferred::{Debt, Quiet},
};
use crate::{
    Bytes, MemoryError,
    sync::{AtomicIsize, AtomicUsize, Padded},
};

/// The largest charge that goes through the common number: 65 536 threads with one each do not make it wrap.
const LARGEST: usize = isize::MAX as usize >> 16;

/// Charges a budget for many threads, at about the cost of an atomic addition. Clones share the leaf.
///
/// What it took ahead of need counts as used by the budget; when memory is short, it is given back at once. When the last clone is
/// dropped, everything is given back, what is charged included: whoever drops it has freed what it charged for.
///
/// ```
/// use terrane_base::{Budget, Bytes, MemoryError};
///
/// let budget = Budget::root(Bytes::from_mib(64));
/// let leaf = budget.shared_leaf();
/// std::thread::scope(|scope| {
///     for _ in 0..2 {
///         scope.spawn(|| (0..1000).try_for_each(|_| leaf.try_charge(Bytes::new(48))));
///     }
/// });
/// assert_eq!(leaf.charged(), Bytes::new(96_000));
/// leaf.discharge(Bytes::new(96_000));
/// leaf.give_back();
/// assert_eq!(budget.used(), Bytes::ZERO);
/// # Ok::<(), MemoryError>(())
/// ```
#[derive(Clone)]
pub struct SharedLeaf {
    state: Arc<State>,
}

struct State {
    /// Taken from the budget and not handed out, less what is being asked for.
    available: Padded<AtomicIsize>,
    /// More than this does not lie unused.
    tolerated: PlainUsize,
    quantum: PlainUsize,
    /// All that was taken from the budget.
    granted: AtomicUsize,
    budget: Budget,
    /// Of a leaf that defers: what is left to be asked for.
    #[cfg(feature = "std")]
    debt: Option<Arc<Debt>>,
}

impl SharedLeaf {
    pub(super) fn new(budget: Budget) -> Self {
        Self::of(State::new(budget))
    }

    #[cfg(feature = "std")]
    pub(super) fn deferring(budget: Budget) -> Self {
        let mut state = State::new(budget);
        state.debt = Some(state.budget.node.tree.deferred.add(&state.budget.node));
        Self::of(state)
    }

    fn of(state: State) -> Self {
        let state = Arc::new(state);
        #[cfg(feature = "std")]
        state.budget.add_reclaimer("leaf", ReclaimCost::UnusedQuanta, &state);
        Self { state }
    }

    /// Charges `size`.
    ///
    /// # Errors
    /// As [`Budget::try_reserve`]; nothing was charged then.
    #[inline]
    pub fn try_charge(&self, size: Bytes) -> Result<(), MemoryError> {
        let size = size.as_usize();
        if size > LARGEST {
            return self.state.charge_apart(size);
        }
        // What is handed out publishes nothing, so no order is needed.
        if self.state.available.fetch_sub(size as isize, Relaxed) >= size as isize {
            return Ok(());
        }
        self.state.refill(size)
    }

    /// Takes back a charge, or several together, or a part of one. At most what is charged.
    #[inline]
    pub fn discharge(&self, size: Bytes) {
        let size = size.as_usize();
        if size > LARGEST {
            return self.state.return_granted(size);
        }
        let before = self.state.available.fetch_add(size as isize, Relaxed);
        if before.saturating_add(size as isize) > self.state.tolerated.load(Relaxed) as isize {
            self.state.trim();
        }
    }

    /// Charges `size` whatever the limits say: for memory that is in use already and cannot be given up. Where that exceeds a limit,
    /// nothing more is granted until use has fallen.
    pub fn force_charge(&self, size: Bytes) {
        #[cfg(feature = "std")]
        let _quiet = self.state.quiet();
        let size = size.as_usize();
        self.state.budget.node().force_charge(size);
        self.state.granted.fetch_add(size, Relaxed);
        self.state.budget.note_charge();
    }

    /// How much is charged. While charges go on on other threads, about that much.
    #[must_use]
    pub fn charged(&self) -> Bytes {
        let available = usize::try_from(self.state.available.load(Acquire)).unwrap_or(0);
        Bytes::from_usize(self.state.granted.load(Relaxed).saturating_sub(available))
    }

    /// The budget that is charged.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.state.budget
    }

    /// Gives back all that is not charged.
    pub fn give_back(&self) {
        self.state.keep_at_most(0);
    }
}

impl State {
    fn new(budget: Budget) -> Self {
        Self {
            available: Padded(AtomicIsize::new(0)),
            tolerated: PlainUsize::new(Quantum::FIRST.tolerated()),
            quantum: PlainUsize::new(Quantum::FIRST.0),
            granted: AtomicUsize::new(0),
            budget,
            #[cfg(feature = "std")]
            debt: None,
        }
    }

    /// A charge has been subtracted and is not covered.
    #[cold]
    #[inline(never)]
    fn refill(&self, size: usize) -> Result<(), MemoryError> {
        #[cfg(feature = "std")]
        let _quiet = self.quiet();
        #[cfg(feature = "std")]
        self.budget.serve_deferred();
        let quantum = Quantum(self.quantum.load(Relaxed));
        let amount = quantum.amount(size, self.budget.node().remaining());
        if amount > size && self.budget.node().charge(amount, Access::Ordinary).is_ok() {
            self.budget.note_charge();
            self.set_quantum(quantum.grown());
            self.note_granted(amount);
            return Ok(());
        }
        self.available.fetch_add(size as isize, Relaxed);
        self.set_quantum(quantum.shrunk());
        self.charge_exactly(size)
    }

    /// Charges with what is left here and the rest from the budget, no more than needed. For that, others are asked to give
    /// something up.
    fn charge_exactly(&self, size: usize) -> Result<(), MemoryError> {
        let left = self.take_at_most(size);
        let missing = size - left;
        match self.charge_budget(missing) {
            Ok(()) => {
                self.granted.fetch_add(missing, Relaxed);
                Ok(())
            }
            Err(error) => {
                self.available.fetch_add(left as isize, Release);
                Err(error)
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn charge_apart(&self, size: usize) -> Result<(), MemoryError> {
        #[cfg(feature = "std")]
        let _quiet = self.quiet();
        self.charge_budget(size)?;
        self.granted.fetch_add(size, Relaxed);
        Ok(())
    }

    fn charge_budget(&self, size: usize) -> Result<(), MemoryError> {
        #[cfg(feature = "std")]
        if let Some(debt) = &self.debt {
            return debt.charge(&self.budget, size);
        }
        self.budget.charge(size)
    }

    /// To be held while a leaf that defers is at its budget.
    #[cfg(feature = "std")]
    fn quiet(&self) -> Option<Quiet<'_>> {
        self.debt.as_ref().map(|_| Quiet::begin(&self.budget.node.tree))
    }

    fn note_granted(&self, amount: usize) {
        self.granted.fetch_add(amount, Relaxed);
        // Whoever takes this out again has to see that it was granted.
        self.available.fetch_add(amount as isize, Release);
    }

    /// Takes what is unused, up to `most`.
    fn take_at_most(&self, most: usize) -> usize {
        let mut available = self.available.load(Acquire);
        loop {
            let taken = usize::try_from(available).unwrap_or(0).min(most);
            if taken == 0 {
                return 0;
            }
            let left = available - taken as isize;
            match self.available.compare_exchange_weak(available, left, Acquire, Acquire) {
                Ok(_) => return taken,
                Err(now) => available = now,
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn trim(&self) {
        self.keep_at_most(self.quantum.load(Relaxed));
    }

    fn keep_at_most(&self, kept: usize) -> usize {
        let unused = usize::try_from(self.available.load(Acquire)).unwrap_or(0);
        let surplus = self.take_at_most(unused.saturating_sub(kept));
        self.return_granted(surplus);
        surplus
    }

    fn return_granted(&self, size: usize) {
        #[cfg(feature = "std")]
        let _quiet = self.quiet();
        let mut granted = self.granted.load(Relaxed);
        loop {
            let returned = size.min(granted);
            match self.granted.compare_exchange_weak(granted, granted - returned, Relaxed, Relaxed) {
                Ok(_) => return self.budget.discharge(returned),
                Err(now) => granted = now,
            }
        }
    }

    fn set_quantum(&self, quantum: Quantum) {
        self.quantum.store(quantum.0, Relaxed);
        self.tolerated.store(quantum.tolerated(), Relaxed);
    }
}

#[cfg(feature = "std")]
impl Reclaimer for State {
    fn reclaim(&self, _wanted: Bytes) -> Bytes {
        self.set_quantum(Quantum(self.quantum.load(Relaxed)).shrunk());
        Bytes::from_usize(self.keep_at_most(0))
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.budget.discharge(self.granted.load(Relaxed));
    }
}

impl fmt::Debug for SharedLeaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unused = usize::try_from(self.state.available.load(Relaxed)).unwrap_or(0);
        f.debug_struct("SharedLeaf")
            .field("charged", &self.charged())
            .field("unused", &Bytes::from_usize(unused))
            .field("budget", self.budget())
            .finish()
    }
}
