//! A tree of budgets: how much memory each part of a system may use, and how much it does.
//!
//! | File | Concept |
//! |---|---|
//! | `node` | the counters of one budget, and how a charge goes up the tree |
//! | `consumers` | who holds most, for errors that allocate nothing |
//! | `reservation` | memory that was granted, as a value |
//! | `local_leaf`, `shared_leaf`, `quantum` | many small charges without going up the tree for each |
//! | `reclaimer`, `arbiter`, `reentry` | asking for memory when a budget is full |
//! | `deferred` | asking later, for allocators |
//! | `waiting` | waiting for memory |
//! | `pressure` | how scarce memory is |
//! | `snapshot` | the whole tree, for people and programs |
//!
//! There is no lock on the way of a charge that is granted, and none is held while foreign code runs.

#[cfg(feature = "std")]
mod arbiter;
mod consumers;
#[cfg(feature = "std")]
mod deferred;
mod limits;
mod local_leaf;
mod node;
mod pressure;
mod quantum;
#[cfg(feature = "std")]
mod reclaim;
#[cfg(feature = "std")]
mod reclaimer;
#[cfg(feature = "std")]
mod reentry;
mod reservation;
mod shared_leaf;
#[cfg(feature = "std")]
mod snapshot;
mod tree;
#[cfg(feature = "std")]
mod waiting;

pub use consumers::{Consumer, TopConsumers};
pub use limits::LimitProblem;
pub use local_leaf::LocalLeaf;
pub use pressure::{PressureLevel, PressureOrigin, PressureThresholds};
#[cfg(feature = "std")]
pub use reclaimer::{PressureListener, ReclaimCost, ReclaimRequests, Reclaimer};
pub use reservation::Reservation;
pub use shared_leaf::SharedLeaf;
#[cfg(feature = "std")]
pub use snapshot::{BudgetSnapshot, SnapshotEntry};

use alloc::sync::Arc;
use core::fmt;

use crate::{BudgetName, Bytes, MemoryError};
use node::{Access, Node, addressable};

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
///
/// A guaranteed minimum is set aside from the start, whatever the others do:
///
/// ```
/// # use terrane_base::{Budget, Bytes, MemoryError};
/// let host = Budget::root(Bytes::from_mib(8));
/// let cache = host.child("cache");
/// let requests = host.child("requests").max(Bytes::from_mib(4)).min(Bytes::from_mib(2))?;
/// let _all = cache.try_reserve(Bytes::from_mib(6))?;
/// assert!(cache.try_reserve(Bytes::new(1)).is_err());
/// assert!(requests.try_reserve(Bytes::from_mib(2)).is_ok());
/// # Ok::<(), MemoryError>(())
/// ```
pub struct Budget {
    node: Arc<Node>,
}

impl Budget {
    /// How deep in the tree a budget with a minimum can lie.
    pub const MAX_GUARANTEED_DEPTH: u32 = 64;

    /// A budget of its own, named "root". [`Bytes::MAX`] is no limit; with [`Bytes::ZERO`] nothing is granted
    /// ([`try_root`](Budget::try_root) refuses that as a mistake).
    pub fn root(limit: Bytes) -> Self {
        Self { node: Arc::new(Node::root(BudgetName::new("root"), limit.as_usize())) }
    }

    /// A budget of its own, named "root".
    ///
    /// ```
    /// # use terrane_base::{Budget, Bytes};
    /// let error = Budget::try_root(Bytes::ZERO).unwrap_err();
    /// assert!(error.to_string().starts_with("budget `root`: 0 B is an invalid limit: "));
    /// ```
    ///
    /// # Errors
    /// [`MemoryError::InvalidLimit`] when the limit is zero.
    pub fn try_root(limit: Bytes) -> Result<Self, MemoryError> {
        let root = Self::root(limit);
        root.node.check_max(limit)?;
        Ok(root)
    }

    /// A part of this budget, without a limit of its own until [`max`](Budget::max) sets one.
    ///
    /// In messages the name is cut to [`BudgetName::MAX_LEN`] bytes.
    pub fn child(&self, name: &str) -> Self {
        Self { node: Node::child(&self.node, BudgetName::new(name)) }
    }

    /// Sets the limit; clones share it. A limit below what is used revokes nothing, but no more is granted until
    /// usage has fallen. What was guaranteed, to it or to its parts, stays so.
    ///
    /// Nobody is asked for memory; [`set_max`](Budget::set_max) does that, and refuses what contradicts other limits.
    #[must_use]
    pub fn max(self, limit: Bytes) -> Self {
        self.node.store_max(limit.as_usize());
        self
    }

    /// Guarantees the budget so much, by charging it to the budgets above from now on, used or not. For a new budget: before it is
    /// cloned, charged or divided.
    ///
    /// # Errors
    /// [`MemoryError::InvalidLimit`] when the minimum is zero or above the maximum, this is a root, in use, or has a minimum
    /// already, or lies deeper than [`MAX_GUARANTEED_DEPTH`](Budget::MAX_GUARANTEED_DEPTH);
    /// [`MemoryError::BudgetExceeded`] when a budget above has not so much left.
    pub fn min(self, min: Bytes) -> Result<Self, MemoryError> {
        self.node.guarantee(min)?;
        Ok(self)
    }

    /// Sets a part of the limit aside for reclaim work: what reclaimers charge while they run, and
    /// [`reserve_overdraft`](Budget::reserve_overdraft). Ordinary charges end that much below the limit.
    ///
    /// # Errors
    /// [`MemoryError::InvalidLimit`] when the limit has no room for it beside the guaranteed minima.
    pub fn set_aside(&self, size: Bytes) -> Result<(), MemoryError> {
        self.node.set_aside(size)
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> BudgetName {
        self.node.name()
    }

    /// The limit of this budget itself; budgets above it may leave less. [`Bytes::MAX`] where there is none.
    #[must_use]
    pub fn limit(&self) -> Bytes {
        limit_bytes(self.node.max())
    }

    /// The guaranteed minimum; zero where there is none.
    #[must_use]
    pub fn guaranteed(&self) -> Bytes {
        Bytes::from_usize(self.node.min())
    }

    /// What this budget and the budgets below it hold. A part with a guaranteed minimum holds at least that.
    #[must_use]
    pub fn used(&self) -> Bytes {
        Bytes::from_usize(self.node.used())
    }

    /// The most that was ever held at once.
    ///
    /// Never too low. A charge that lost a race against another thread and was taken back may be part of it.
    #[must_use]
    pub fn peak(&self) -> Bytes {
        Bytes::from_usize(self.node.peak())
    }

    /// What could be granted now, by this budget and all above it, without asking anybody to give something up. O(depth).
    #[must_use]
    pub fn remaining(&self) -> Bytes {
        Bytes::from_usize(self.node.remaining())
    }

    /// Who holds most of this budget.
    #[must_use]
    pub fn top_consumers(&self) -> TopConsumers {
        self.node.seats().top(self.node.used())
    }

    /// How scarce memory is in the whole tree.
    #[must_use]
    pub fn pressure(&self) -> PressureLevel {
        self.node.tree.pressure.level()
    }

    /// Charges `size` to this budget and to all above it. Where one of them is full, reclaimers are asked (see
    /// `add_reclaimer`). Never waits. O(depth), and allocates nothing, beside what reclaimers do.
    ///
    /// # Errors
    /// [`MemoryError::BudgetExceeded`] names the nearest budget that refused, and nothing was charged;
    /// [`MemoryError::AllocationTooLarge`] when `size` exceeds the address space.
    pub fn try_reserve(&self, size: Bytes) -> Result<Reservation, MemoryError> {
        let bytes = addressable(size)?;
        self.charge(bytes)?;
        Ok(Reservation::of(self.clone(), bytes))
    }

    /// As [`try_reserve`](Budget::try_reserve), for work that frees memory in the end, such as evacuation: may use what is
    /// [set aside](Budget::set_aside), and asks nobody. While a lowered limit is exceeded, it may use as much
    /// again as is set aside.
    ///
    /// ```
    /// # use terrane_base::{Budget, Bytes};
    /// let heap = Budget::root(Bytes::from_kib(64));
    /// heap.set_aside(Bytes::from_kib(8))?;
    /// let _live = heap.try_reserve(Bytes::from_kib(56))?;
    /// assert!(heap.try_reserve(Bytes::new(1)).is_err());
    /// assert!(heap.reserve_overdraft(Bytes::from_kib(8)).is_ok());
    /// # Ok::<(), terrane_base::MemoryError>(())
    /// ```
    ///
    /// # Errors
    /// As [`try_reserve`](Budget::try_reserve).
    pub fn reserve_overdraft(&self, size: Bytes) -> Result<Reservation, MemoryError> {
        let bytes = addressable(size)?;
        self.node.charge(bytes, Access::ReclaimWork).map_err(|refusing| refusing.refusal(bytes))?;
        self.note_charge();
        Ok(Reservation::of(self.clone(), bytes))
    }

    /// A leaf for one thread: see [`LocalLeaf`].
    #[must_use]
    pub fn local_leaf(&self) -> LocalLeaf {
        LocalLeaf::new(self.clone())
    }

    /// A leaf for many threads: see [`SharedLeaf`].
    #[must_use]
    pub fn shared_leaf(&self) -> SharedLeaf {
        SharedLeaf::new(self.clone())
    }

    /// A leaf for an allocator, or for other code that charges in the midst of anything. It runs nobody else's code: where the budget is full,
    /// it uses what is [set aside](Budget::set_aside) or is refused, and the reclaimers are asked by the next charge that
    /// may ask, or by [`serve_deferred`](Budget::serve_deferred). Listeners too are told then.
    ///
    /// ```
    /// # use terrane_base::{Budget, Bytes};
    /// let budget = Budget::root(Bytes::from_kib(64));
    /// budget.set_aside(Bytes::from_kib(16))?;
    /// let cached = budget.try_reserve(Bytes::from_kib(48))?;
    /// let leaf = budget.deferring_leaf();
    /// leaf.try_charge(Bytes::from_kib(10))?; // out of what is set aside
    /// assert!(leaf.try_charge(Bytes::from_kib(10)).is_err());
    /// # Ok::<(), terrane_base::MemoryError>(())
    /// ```
    #[cfg(feature = "std")]
    #[must_use]
    pub fn deferring_leaf(&self) -> SharedLeaf {
        SharedLeaf::deferring(self.clone())
    }

    /// Sets when use is pressure, for the whole tree.
    ///
    /// # Errors
    /// [`MemoryError::InvalidLimit`] when a threshold is no percentage or does not fit the others.
    pub fn set_pressure_thresholds(&self, thresholds: PressureThresholds) -> Result<(), MemoryError> {
        thresholds.check().map_err(|problem| self.node.invalid(self.limit(), problem))?;
        self.node.tree.pressure.set_thresholds(thresholds);
        self.note_charge();
        Ok(())
    }

    /// The program says how scarce memory is; that stands until it says something else. The level that counts is the
    /// highest of this, of the system's and of what use makes it. When it rises by this, reclaimers are asked: at
    /// [`Moderate`](PressureLevel::Moderate) for what costs next to nothing, at [`Critical`](PressureLevel::Critical) for all.
    /// (When it rises by use alone, they are asked for what need not be made again. The rest is asked for when it is needed.)
    pub fn notify(&self, level: PressureLevel) {
        self.notify_from(PressureOrigin::Application, level);
    }

    /// As [`notify`](Budget::notify), with who says it.
    pub fn notify_from(&self, origin: PressureOrigin, level: PressureLevel) {
        self.node.tree.pressure.report(origin, level);
        #[cfg(feature = "std")]
        self.announce_and_relieve(true);
    }

    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    pub(crate) fn charge(&self, size: usize) -> Result<(), MemoryError> {
        #[cfg(feature = "std")]
        self.serve_deferred();
        match self.node.charge(size, self.access()) {
            Ok(()) => {
                self.note_charge();
                Ok(())
            }
            #[cfg(feature = "std")]
            Err(full) => self.charge_with_reclaim(size, full, true),
            #[cfg(not(feature = "std"))]
            Err(full) => Err(full.refusal(size)),
        }
    }

    pub(crate) fn discharge(&self, size: usize) {
        self.node.discharge(size);
    }

    /// A reclaimer's own charges may use what is set aside.
    fn access(&self) -> Access {
        #[cfg(feature = "std")]
        if reentry::Mark::is_set() {
            return Access::ReclaimWork;
        }
        Access::Ordinary
    }

    /// To be called when a charge is complete: the level of pressure may be another one.
    fn note_charge(&self) {
        let used = self.node.tree.used.load(core::sync::atomic::Ordering::Relaxed);
        if self.node.tree.pressure.is_out_of_band(used) {
            self.move_level(used);
        }
    }

    #[cold]
    #[inline(never)]
    fn move_level(&self, used: usize) {
        let _changed = self.node.tree.pressure.set_use(used);
        #[cfg(feature = "std")]
        self.announce_and_relieve(false);
    }
}

fn limit_bytes(limit: usize) -> Bytes {
    if limit == usize::MAX { Bytes::MAX } else { Bytes::from_usize(limit) }
}

impl Clone for Budget {
    fn clone(&self) -> Self {
        self.node.note_use();
        Self { node: Arc::clone(&self.node) }
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
