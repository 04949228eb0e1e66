//! One budget of the tree: its counters, and how a charge goes up through them.
//!
//! **Claims.** What a budget takes from the one above is its *claim*: `max(used, min)`. Its minimum is thus charged above
//! from the start, and a charge that stays below the minimum touches nobody else: that is the whole of the guarantee. Beyond the
//! minimum, and for all budgets without one, a change of use is a change of claim.
//!
//! **Order.** A budget without a minimum passes on the same amount whatever it holds, so its counter can go up before that of
//! the budget above, and down again if that one refuses. For a budget with a minimum the amount depends on what it holds, which
//! may change meanwhile. There the budget above is charged first, and the own counter is exchanged only if it
//! still is what the amount was computed from. Going down is always own counter first. So at any moment each counter is at least the
//! sum of the claims below it, and once nobody is in the middle of a charge it is exactly that.
//!
//! A charge takes two passes: the first only looks whether there is room on the whole path, so that a charge that is bound to be
//! refused disturbs nobody. No ordinary charge takes a counter beyond its limit, not even for a moment; under contention a charge
//! may be refused because of another one that is being taken back at that moment.

#[cfg(feature = "std")]
use alloc::{sync::Weak, vec::Vec};

use alloc::sync::Arc;
use core::{
    iter,
    sync::atomic::{
        AtomicBool, AtomicUsize as PlainUsize,
        Ordering::{AcqRel, Relaxed},
    },
};

use super::{consumers::Seats, limits::LimitProblem, tree::Tree};
#[cfg(feature = "std")]
use crate::sync::Mutex;
use crate::{BudgetName, Bytes, MemoryError, sync::AtomicUsize};

/// Which part of a limit a charge may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// All but what is set aside for reclaim work.
    Ordinary,
    /// That as well.
    ReclaimWork,
}

pub(crate) struct Node {
    name: BudgetName,
    pub(crate) tree: Arc<Tree>,
    parent: Option<Arc<Node>>,
    depth: u32,
    max: PlainUsize,
    /// Does not change once the budget is in use.
    min: PlainUsize,
    /// Part of the maximum that only reclaim work may use.
    aside: PlainUsize,
    /// While use is above a lowered maximum: up to where reclaim work may go all the same; otherwise 0.
    grace: PlainUsize,
    /// The sum of the children's minima.
    promised: PlainUsize,
    in_use: AtomicBool,
    peak: PlainUsize,
    /// The usage counter of a child that found no seat; otherwise the seat has it, and the tree has the root's.
    unseated_used: AtomicUsize,
    /// This budget's seat in its parent.
    seat: Option<usize>,
    children: Seats,
    #[cfg(feature = "std")]
    registry: Mutex<Registry>,
}

/// The budgets right below.
#[cfg(feature = "std")]
#[derive(Default)]
struct Registry {
    children: Vec<Weak<Node>>,
    /// How many of them are gone; they are cleared away once they are the half.
    gone: usize,
}

impl Node {
    pub(crate) fn root(name: BudgetName, limit: usize) -> Self {
        Self::new(name, limit, Arc::new(Tree::new(limit)), None)
    }

    pub(crate) fn child(parent: &Arc<Node>, name: BudgetName) -> Arc<Self> {
        parent.note_use();
        let node = Self::new(name, usize::MAX, Arc::clone(&parent.tree), Some(Arc::clone(parent)));
        let node = Arc::new(node);
        #[cfg(feature = "std")]
        parent.register(&node);
        node
    }

    fn new(name: BudgetName, limit: usize, tree: Arc<Tree>, parent: Option<Arc<Node>>) -> Self {
        Self {
            name,
            tree,
            depth: parent.as_ref().map_or(0, |parent| parent.depth + 1),
            max: PlainUsize::new(limit),
            min: PlainUsize::new(0),
            aside: PlainUsize::new(0),
            grace: PlainUsize::new(0),
            promised: PlainUsize::new(0),
            in_use: AtomicBool::new(false),
            peak: PlainUsize::new(0),
            unseated_used: AtomicUsize::new(0),
            seat: parent.as_ref().and_then(|parent| parent.children.take(name)),
            parent,
            children: Seats::new(),
            #[cfg(feature = "std")]
            registry: Mutex::new(Registry::default()),
        }
    }

    pub(crate) fn name(&self) -> BudgetName {
        self.name
    }

    pub(crate) fn max(&self) -> usize {
        self.max.load(Relaxed)
    }

    pub(crate) fn min(&self) -> usize {
        self.min.load(Relaxed)
    }

    pub(crate) fn aside(&self) -> usize {
        self.aside.load(Relaxed)
    }

    pub(crate) fn peak(&self) -> usize {
        self.peak.load(Relaxed)
    }

    pub(crate) fn used(&self) -> usize {
        self.counter().load(Relaxed)
    }

    pub(crate) fn is_root(&self) -> bool {
        self.parent.is_none()
    }

    pub(crate) fn seats(&self) -> &Seats {
        &self.children
    }

    /// This budget and those above it, up to the root.
    pub(crate) fn path(&self) -> impl Iterator<Item = &Node> {
        iter::successors(Some(self), |node| node.parent.as_deref())
    }

    /// Notes that there is more than one handle, a charge or a child: the minimum is fixed now.
    pub(crate) fn note_use(&self) {
        if !self.in_use.load(Relaxed) {
            self.in_use.store(true, Relaxed);
        }
    }

    /// What an ordinary charge of this budget itself could still have.
    pub(crate) fn own_remaining(&self) -> usize {
        self.cap(Access::Ordinary).saturating_sub(self.used())
    }

    /// How much has to go so that an ordinary charge of this budget itself has room.
    #[cfg(feature = "std")]
    pub(crate) fn lacking(&self, size: usize) -> usize {
        self.used().saturating_add(size).saturating_sub(self.cap(Access::Ordinary)).max(1)
    }

    /// The most that could be charged here: up to the minimum by the guarantee, beyond it as far as the budgets above have room.
    pub(crate) fn remaining(&self) -> usize {
        // From the root downwards the room of the part that is not guaranteed can only shrink; the guarantee adds to it.
        let mut room = usize::MAX;
        let mut guaranteed = 0usize;
        for node in self.path() {
            room = room.min(guaranteed.saturating_add(node.own_remaining()));
            guaranteed = guaranteed.saturating_add(node.min().saturating_sub(node.used()));
        }
        room
    }

    fn cap(&self, access: Access) -> usize {
        let max = self.max();
        match access {
            Access::Ordinary if max == usize::MAX => max,
            Access::Ordinary => max.saturating_sub(self.aside()),
            Access::ReclaimWork => max.max(self.grace.load(Relaxed)),
        }
    }

    fn counter(&self) -> &AtomicUsize {
        match (&self.parent, self.seat) {
            (None, _) => &self.tree.used,
            (Some(parent), Some(seat)) => parent.children.used(seat),
            (Some(_), None) => &self.unseated_used,
        }
    }

    /// By how much the claim changes when use goes from one amount to a larger one.
    fn claim_change(&self, low: usize, high: usize) -> usize {
        let min = self.min();
        high.max(min) - low.max(min)
    }

    /// Charges this budget and all above it, all or nothing; on refusal, who refused.
    pub(crate) fn charge(&self, size: usize, access: Access) -> Result<(), &Node> {
        self.look(size, access)?;
        self.charge_path(size, access)
    }

    /// The first pass: whether there is room on the whole path; where not, who has too little.
    pub(crate) fn look(&self, size: usize, access: Access) -> Result<(), &Node> {
        let mut size = size;
        for node in self.path() {
            let used = node.used();
            match used.checked_add(size) {
                Some(sum) if sum <= node.cap(access) => size = node.claim_change(used, sum),
                _ => return Err(node),
            }
            if size == 0 {
                break;
            }
        }
        Ok(())
    }

    /// The second pass, right whatever the first one saw.
    pub(crate) fn charge_path(&self, size: usize, access: Access) -> Result<(), &Node> {
        for node in self.path() {
            let refusing = match &node.parent {
                Some(parent) if node.min() > 0 => match node.charge_guaranteed(parent, size, access) {
                    // What the budgets above have to know, they know.
                    Ok(()) => return Ok(()),
                    Err(refusing) => refusing,
                },
                _ if node.try_add(size, access) => continue,
                _ => node,
            };
            // Those below have no minimum, so that each passed on what it got.
            let charged = self.path().take_while(|below| !core::ptr::eq(*below, node));
            charged.for_each(|below| _ = below.subtract(size));
            self.tree.note_release();
            return Err(refusing);
        }
        Ok(())
    }

    /// A charge where there is a minimum: the budget above first. Recursion is bounded by
    /// [`Budget::MAX_GUARANTEED_DEPTH`](crate::Budget::MAX_GUARANTEED_DEPTH).
    fn charge_guaranteed<'a>(
        &'a self,
        parent: &'a Node,
        size: usize,
        access: Access,
    ) -> Result<(), &'a Node> {
        let mut held = 0;
        let mut used = self.used();
        let refusing = loop {
            let Some(sum) = used.checked_add(size).filter(|sum| *sum <= self.cap(access)) else { break self };
            let needed = self.claim_change(used, sum);
            if needed > held {
                if let Err(refusing) = parent.charge_path(needed - held, access) {
                    break refusing;
                }
            } else if held > needed {
                parent.discharge(held - needed);
            }
            held = needed;
            match self.counter().compare_exchange(used, sum, AcqRel, Relaxed) {
                Ok(_) => {
                    self.peak.fetch_max(sum, Relaxed);
                    return Ok(());
                }
                Err(now) => used = now,
            }
        };
        parent.discharge(held);
        Err(refusing)
    }

    // Acquire and release keep the counters of one path in order: who takes off this counter what another put there does so above
    // after the other has.
    fn try_add(&self, size: usize, access: Access) -> bool {
        let cap = self.cap(access);
        let mut used = self.used();
        while let Some(sum) = used.checked_add(size).filter(|sum| *sum <= cap) {
            match self.counter().compare_exchange_weak(used, sum, AcqRel, Relaxed) {
                Ok(_) => {
                    self.peak.fetch_max(sum, Relaxed);
                    return true;
                }
                Err(now) => used = now,
            }
        }
        false
    }

    /// Charges this budget and all above it beyond their limits: for memory that is in use already and cannot be given up.
    pub(crate) fn force_charge(&self, size: usize) {
        let mut size = size;
        for node in self.path() {
            let before = node.counter().fetch_add(size, AcqRel);
            node.peak.fetch_max(before + size, Relaxed);
            size = node.claim_change(before, before + size);
        }
    }

    /// Takes `size` off the own counter and returns what it was before.
    fn subtract(&self, size: usize) -> usize {
        let before = self.counter().fetch_sub(size, AcqRel);
        let grace = self.grace.load(Relaxed);
        if grace != 0 && before - size <= self.max() {
            self.grace.store(0, Relaxed);
        }
        before
    }

    /// Gives back, here and above, what a charge took.
    pub(crate) fn discharge(&self, size: usize) {
        let mut size = size;
        if size == 0 {
            return;
        }
        for node in self.path() {
            let before = node.subtract(size);
            size = node.claim_change(before - size, before);
            if size == 0 {
                break;
            }
        }
        self.tree.note_release();
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn refusal(&self, requested: usize) -> MemoryError {
        MemoryError::BudgetExceeded {
            requested: Bytes::from_usize(requested),
            remaining: Bytes::from_usize(self.own_remaining()),
            budget: self.name,
            consumers: self.children.top(self.used()),
        }
    }

    pub(crate) fn invalid(&self, limit: Bytes, problem: LimitProblem) -> MemoryError {
        MemoryError::InvalidLimit { budget: self.name, limit, problem }
    }

    /// Sets the maximum, whatever is used.
    pub(crate) fn store_max(&self, limit: usize) {
        let used = self.used();
        if used > limit {
            self.grace.store(used.saturating_add(self.aside()), Relaxed);
        }
        self.max.store(limit, Relaxed);
        if self.is_root() {
            self.tree.pressure.set_limit(limit);
        }
    }

    /// Checks a new maximum against what was promised.
    pub(crate) fn check_max(&self, limit: Bytes) -> Result<usize, MemoryError> {
        let size = limit.as_usize();
        let promised = self.promised.load(Relaxed).saturating_add(self.aside());
        let problem = match size {
            0 => LimitProblem::Zero,
            _ if size < self.min().saturating_add(self.aside()) => LimitProblem::MinAboveMax,
            _ if size < promised => LimitProblem::BelowPromises,
            _ => return Ok(size),
        };
        Err(self.invalid(limit, problem))
    }

    /// Sets a part of the maximum aside for reclaim work.
    pub(crate) fn set_aside(&self, size: Bytes) -> Result<(), MemoryError> {
        let bytes = addressable(size)?;
        let taken = self.min().max(self.promised.load(Relaxed));
        match bytes.checked_add(taken) {
            None => Err(self.invalid(size, LimitProblem::Overflow)),
            Some(sum) if sum > self.max() => Err(self.invalid(size, LimitProblem::MinAboveMax)),
            Some(_) => {
                self.aside.store(bytes, Relaxed);
                Ok(())
            }
        }
    }

    /// Sets the minimum of a budget that nobody else knows of, and takes it from the budget above.
    pub(crate) fn guarantee(&self, min: Bytes) -> Result<(), MemoryError> {
        let bytes = addressable(min)?;
        let Some(parent) = &self.parent else { return Err(self.invalid(min, LimitProblem::RootMinimum)) };
        let problem = match bytes {
            0 => Some(LimitProblem::Zero),
            _ if bytes.checked_add(self.aside()).is_none() => Some(LimitProblem::Overflow),
            _ if bytes + self.aside() > self.max() => Some(LimitProblem::MinAboveMax),
            _ if self.in_use.load(Relaxed) || self.min() > 0 => Some(LimitProblem::InUse),
            _ if self.depth > crate::Budget::MAX_GUARANTEED_DEPTH => Some(LimitProblem::TooDeep),
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(self.invalid(min, problem));
        }
        parent.charge(bytes, Access::Ordinary).map_err(|refusing| refusing.refusal(bytes))?;
        parent.promised.fetch_add(bytes, Relaxed);
        self.min.store(bytes, Relaxed);
        Ok(())
    }

    /// Leaves the tree: gives seat and guarantee back and hands out what kept the parent alive.
    fn leave(&mut self) -> Option<Arc<Node>> {
        let parent = self.parent.take()?;
        if let Some(seat) = self.seat.take() {
            parent.children.give_back(seat);
        }
        let min = core::mem::take(self.min.get_mut());
        parent.promised.fetch_sub(min, Relaxed);
        parent.discharge(min);
        #[cfg(feature = "std")]
        parent.unregister_one();
        Some(parent)
    }
}

/// Finding the budgets below, for snapshots.
#[cfg(feature = "std")]
impl Node {
    fn register(&self, child: &Arc<Node>) {
        let _mark = super::reentry::Mark::set();
        crate::sync::lock(&self.registry).children.push(Arc::downgrade(child));
    }

    fn unregister_one(&self) {
        let _mark = super::reentry::Mark::set();
        let mut registry = crate::sync::lock(&self.registry);
        registry.gone += 1;
        if registry.gone * 2 > registry.children.len() {
            registry.children.retain(|child| child.strong_count() > 0);
            registry.gone = 0;
        }
    }

    /// The budgets right below, in the order in which they were made.
    pub(crate) fn living_children(&self) -> Vec<Arc<Node>> {
        let _mark = super::reentry::Mark::set();
        crate::sync::lock(&self.registry).children.iter().filter_map(Weak::upgrade).collect()
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

pub(crate) fn addressable(size: Bytes) -> Result<usize, MemoryError> {
    usize::try_from(size.as_u64())
        .map_err(|_| MemoryError::AllocationTooLarge { requested: size, max: Bytes::from_usize(usize::MAX) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Budget;

    /// What another thread can do between the two passes: the room that was seen is gone.
    #[test]
    fn a_charge_that_lost_a_race_is_taken_back_whole() {
        let root = Budget::root(Bytes::new(100));
        let middle = root.child("middle").max(Bytes::new(60));
        let leaf = middle.child("leaf");
        let held = leaf.try_reserve(Bytes::new(50)).unwrap();
        let direct = root.try_reserve(Bytes::new(45)).unwrap();
        for (size, refusing) in [(11, "middle"), (8, "root"), (usize::MAX, "leaf")] {
            let refused = leaf.node().charge_path(size, Access::Ordinary).unwrap_err();
            assert_eq!(refused.name().as_str(), refusing, "{size} bytes");
            let used = [&leaf, &middle, &root].map(|budget| budget.used().as_u64());
            assert_eq!(used, [50, 50, 95], "{size} bytes");
        }
        assert!(leaf.node().charge_path(5, Access::Ordinary).is_ok());
        leaf.node().discharge(5);
        drop((held, direct));
        assert_eq!(root.used(), Bytes::ZERO);
    }

    #[test]
    fn a_lost_race_above_a_minimum_is_taken_back_whole() {
        let root = Budget::root(Bytes::new(100));
        let sure = root.child("sure").min(Bytes::new(30)).unwrap();
        let leaf = sure.child("leaf");
        let held = leaf.try_reserve(Bytes::new(20)).unwrap();
        let direct = root.try_reserve(Bytes::new(65)).unwrap();
        assert_eq!(leaf.node().charge_path(16, Access::Ordinary).unwrap_err().name().as_str(), "root");
        assert_eq!([&leaf, &sure, &root].map(|budget| budget.used().as_u64()), [20, 20, 95]);
        assert!(leaf.node().charge_path(15, Access::Ordinary).is_ok(), "10 of the minimum, 5 of the root");
        assert_eq!([&leaf, &sure, &root].map(|budget| budget.used().as_u64()), [35, 35, 100]);
        leaf.node().discharge(15);
        drop((held, direct, leaf, sure));
        assert_eq!(root.used(), Bytes::ZERO);
    }
}
