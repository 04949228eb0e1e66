//! A tree of budgets: how much memory each part of a system may use, and how much it does.
//!
//! A charge goes to the budget that is asked and to each one above it, all or nothing. The counters are atomics
//! and there is no lock. Charging happens in two passes over the path to the root: the first only looks whether
//! every budget has room, so that a charge that is bound to be refused disturbs nobody; the second adds with
//! compare-and-swap, and takes back what it added when another thread was faster. No charge takes a counter
//! beyond its limit, not even for a moment; under contention a charge may be refused because of another one that
//! is being taken back at that moment.

use alloc::sync::Arc;
use core::{
    fmt, iter,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use crate::{BudgetName, Bytes, MemoryError, TopConsumers, consumers::Seats};

/// A limit on memory, part of a tree of limits. Clones share the budget.
///
/// ```
/// use terrane_base::{Budget, Bytes, MemoryError};
///
/// let host = Budget::root(Bytes::from_mib(8));
/// let images = host.child("images").max(Bytes::from_mib(6));
/// let fonts = host.child("fonts");
///
/// let held = images.try_reserve(Bytes::from_mib(5))?;
/// let error = fonts.try_reserve(Bytes::from_mib(4)).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "budget `root` exceeded: 4 MiB requested, 3 MiB remaining (held by `images` 5 MiB)"
/// );
/// drop(held);
/// assert!(fonts.try_reserve(Bytes::from_mib(4)).is_ok());
/// # Ok::<(), MemoryError>(())
/// ```
#[derive(Clone)]
pub struct Budget {
    node: Arc<Node>,
}

/// Memory that a [`Budget`] granted; dropping it gives the memory back to the budget.
///
/// It keeps its budget alive. A reservation that is forgotten (`mem::forget`) stays charged for good.
#[must_use = "a reservation that is dropped is given back at once"]
pub struct Reservation {
    budget: Budget,
    size: usize,
}

struct Node {
    name: BudgetName,
    limit: AtomicUsize,
    peak: AtomicUsize,
    /// The usage counter of a root, and of a child that found no seat; otherwise the seat has it.
    unseated_used: AtomicUsize,
    parent: Option<Arc<Node>>,
    /// This budget's seat in its parent.
    seat: Option<usize>,
    children: Seats,
}

impl Budget {
    /// A budget of its own, named "root". [`Bytes::MAX`] is no limit.
    pub fn root(limit: Bytes) -> Self {
        Self { node: Arc::new(Node::new(BudgetName::new("root"), limit, None)) }
    }

    /// A part of this budget, without a limit of its own until [`max`](Budget::max) sets one.
    ///
    /// In messages the name is cut to [`BudgetName::MAX_LEN`] bytes.
    pub fn child(&self, name: &str) -> Self {
        let node = Node::new(BudgetName::new(name), Bytes::MAX, Some(Arc::clone(&self.node)));
        Self { node: Arc::new(node) }
    }

    /// Sets the limit; clones share it. A limit below what is used revokes nothing, but no more is granted until
    /// usage has fallen.
    #[must_use]
    pub fn max(self, limit: Bytes) -> Self {
        self.node.limit.store(limit.as_usize(), Relaxed);
        self
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> BudgetName {
        self.node.name
    }

    /// The limit of this budget itself; budgets above it may leave less. [`Bytes::MAX`] where there is none.
    #[must_use]
    pub fn limit(&self) -> Bytes {
        match self.node.limit.load(Relaxed) {
            usize::MAX => Bytes::MAX,
            limit => Bytes::from_usize(limit),
        }
    }

    /// What this budget and the budgets below it hold.
    #[must_use]
    pub fn used(&self) -> Bytes {
        Bytes::from_usize(self.node.used().load(Relaxed))
    }

    /// The most that was ever held at once.
    ///
    /// Never too low. A charge that lost a race against another thread and was taken back may be part of it.
    #[must_use]
    pub fn peak(&self) -> Bytes {
        Bytes::from_usize(self.node.peak.load(Relaxed))
    }

    /// What could be granted now, by this budget and all above it. O(depth).
    #[must_use]
    pub fn remaining(&self) -> Bytes {
        let remaining = self.node.path().map(Node::own_remaining).min();
        Bytes::from_usize(remaining.unwrap_or(0))
    }

    /// Who holds most of this budget.
    #[must_use]
    pub fn top_consumers(&self) -> TopConsumers {
        self.node.children.top(self.node.used().load(Relaxed))
    }

    /// Charges `size` to this budget and to all above it. O(depth); allocates nothing.
    ///
    /// # Errors
    /// [`MemoryError::BudgetExceeded`] names the nearest budget that refused, and nothing was charged;
    /// [`MemoryError::AllocationTooLarge`] when `size` exceeds the address space.
    pub fn try_reserve(&self, size: Bytes) -> Result<Reservation, MemoryError> {
        let bytes = addressable(size)?;
        self.charge(bytes)?;
        Ok(Reservation { budget: self.clone(), size: bytes })
    }

    fn charge(&self, size: usize) -> Result<(), MemoryError> {
        if let Some(full) = self.node.path().find(|node| node.own_remaining() < size) {
            return Err(full.refusal(size));
        }
        self.charge_path(size)
    }

    /// The second pass, right whatever the first one saw.
    fn charge_path(&self, size: usize) -> Result<(), MemoryError> {
        for node in self.node.path() {
            if !node.try_charge(size) {
                let charged = self.node.path().take_while(|below| !core::ptr::eq(*below, node));
                charged.for_each(|below| below.discharge(size));
                return Err(node.refusal(size));
            }
        }
        Ok(())
    }

    fn discharge(&self, size: usize) {
        self.node.path().for_each(|node| node.discharge(size));
    }
}

impl Reservation {
    /// How much is reserved.
    #[must_use]
    pub fn size(&self) -> Bytes {
        Bytes::from_usize(self.size)
    }

    /// The budget that granted it.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Adds `more` to the reservation.
    ///
    /// # Errors
    /// As [`Budget::try_reserve`]; the reservation is then as before.
    pub fn try_grow(&mut self, more: Bytes) -> Result<(), MemoryError> {
        let more = addressable(more)?;
        self.budget.charge(more)?;
        // What is charged is part of the budget's counter, which did not overflow.
        self.size += more;
        Ok(())
    }

    /// Gives `less` of the reservation back, at most all of it, and returns how much that was.
    pub fn shrink(&mut self, less: Bytes) -> Bytes {
        let less = less.as_usize().min(self.size);
        self.size -= less;
        self.budget.discharge(less);
        Bytes::from_usize(less)
    }

    /// Moves `size` of it into a reservation of its own; `None`, and nothing moved, when it holds less than that.
    pub fn split(&mut self, size: Bytes) -> Option<Reservation> {
        let size = usize::try_from(size.as_u64()).ok()?;
        self.size = self.size.checked_sub(size)?;
        Some(Reservation { budget: self.budget.clone(), size })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.discharge(self.size);
    }
}

fn addressable(size: Bytes) -> Result<usize, MemoryError> {
    usize::try_from(size.as_u64())
        .map_err(|_| MemoryError::AllocationTooLarge { requested: size, max: Bytes::from_usize(usize::MAX) })
}

impl Node {
    fn new(name: BudgetName, limit: Bytes, parent: Option<Arc<Node>>) -> Self {
        Self {
            name,
            limit: AtomicUsize::new(limit.as_usize()),
            peak: AtomicUsize::new(0),
            unseated_used: AtomicUsize::new(0),
            seat: parent.as_ref().and_then(|parent| parent.children.take(name)),
            parent,
            children: Seats::new(),
        }
    }

    /// This budget and those above it, up to the root.
    fn path(&self) -> impl Iterator<Item = &Node> {
        iter::successors(Some(self), |node| node.parent.as_deref())
    }

    fn used(&self) -> &AtomicUsize {
        match (&self.parent, self.seat) {
            (Some(parent), Some(seat)) => parent.children.used(seat),
            _ => &self.unseated_used,
        }
    }

    fn own_remaining(&self) -> usize {
        self.limit.load(Relaxed).saturating_sub(self.used().load(Relaxed))
    }

    // Counters are ordered by nothing else and order nothing else, so `Relaxed` is enough throughout: a
    // compare-and-swap always sees the latest value of its own counter.
    fn try_charge(&self, size: usize) -> bool {
        let limit = self.limit.load(Relaxed);
        let add = |used: usize| used.checked_add(size).filter(|sum| *sum <= limit);
        match self.used().try_update(Relaxed, Relaxed, add) {
            Ok(before) => {
                self.peak.fetch_max(before + size, Relaxed);
                true
            }
            Err(_) => false,
        }
    }

    fn discharge(&self, size: usize) {
        self.used().fetch_sub(size, Relaxed);
    }

    #[cold]
    #[inline(never)]
    fn refusal(&self, requested: usize) -> MemoryError {
        MemoryError::BudgetExceeded {
            requested: Bytes::from_usize(requested),
            remaining: Bytes::from_usize(self.own_remaining()),
            budget: self.name,
            consumers: self.children.top(self.used().load(Relaxed)),
        }
    }

    /// Leaves the tree: gives the seat back and hands out what kept the parent alive.
    fn leave(&mut self) -> Option<Arc<Node>> {
        let parent = self.parent.take()?;
        if let Some(seat) = self.seat.take() {
            parent.children.give_back(seat);
        }
        Some(parent)
    }
}

/// Walks up in a loop: dropping the last leaf of a very deep tree must not overflow the stack.
impl Drop for Node {
    fn drop(&mut self) {
        let mut next = self.leave();
        while let Some(node) = next {
            next = Arc::into_inner(node).and_then(|mut node| node.leave());
        }
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("name", &self.name())
            .field("limit", &self.limit())
            .field("used", &self.used())
            .field("peak", &self.peak())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation").field("size", &self.size()).field("budget", &self.budget).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What another thread can do between the two passes: the room that was seen is gone.
    #[test]
    fn a_charge_that_lost_a_race_is_taken_back_whole() {
        let root = Budget::root(Bytes::new(100));
        let middle = root.child("middle").max(Bytes::new(60));
        let leaf = middle.child("leaf");
        let held = leaf.try_reserve(Bytes::new(50)).unwrap();
        let direct = root.try_reserve(Bytes::new(45)).unwrap();
        for (size, refusing) in [(11, "middle"), (8, "root"), (usize::MAX, "leaf")] {
            let error = leaf.charge_path(size).unwrap_err();
            let MemoryError::BudgetExceeded { budget, .. } = error else { panic!("{error}") };
            assert_eq!(budget.as_str(), refusing, "{size} bytes");
            let used = [&leaf, &middle, &root].map(|budget| budget.used().as_u64());
            assert_eq!(used, [50, 50, 95], "{size} bytes");
        }
        assert!(leaf.charge_path(5).is_ok());
        leaf.discharge(5);
        drop((held, direct));
        assert_eq!(root.used(), Bytes::ZERO);
    }
}
