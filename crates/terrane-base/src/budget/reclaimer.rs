//! Whom a full budget can ask to give something up.

use alloc::sync::{Arc, Weak};
use core::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use super::{PressureLevel, reentry};
use crate::Bytes;

/// What giving memory up costs, cheapest first: the order in which reclaimers are asked.
///
/// The first four are done at once, on the thread that needs memory. The other two are requests to an owner, who serves them at
/// its next safepoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ReclaimCost {
    /// Room that was taken ahead of need and is not used.
    UnusedQuanta,
    /// Idle objects of a pool.
    PoolTrim,
    /// Compressing what has not been used for long.
    ColdCompression,
    /// Entries of a cache, which have to be computed or loaded again.
    CacheEviction,
    /// A request: give back the memory of arenas that are empty.
    DecommitArenas,
    /// A request: collect garbage.
    Collect,
}

impl ReclaimCost {
    /// All, in the order in which they are asked.
    pub const ALL: [Self; 6] = [
        Self::UnusedQuanta,
        Self::PoolTrim,
        Self::ColdCompression,
        Self::CacheEviction,
        Self::DecommitArenas,
        Self::Collect,
    ];

    /// "unused quanta", "pool trim" and so on.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnusedQuanta => "unused quanta",
            Self::PoolTrim => "pool trim",
            Self::ColdCompression => "cold compression",
            Self::CacheEviction => "cache eviction",
            Self::DecommitArenas => "decommit arenas",
            Self::Collect => "collect",
        }
    }

    /// The dearest that is asked for when the level has risen though nothing was refused. Where only the own use is high, nothing that
    /// has to be made again is given up before it is needed.
    pub(crate) const fn dearest_at(level: PressureLevel, reported: bool) -> Option<Self> {
        match (level, reported) {
            (PressureLevel::Normal, _) => None,
            (PressureLevel::Moderate, _) => Some(Self::PoolTrim),
            (PressureLevel::Critical, false) => Some(Self::ColdCompression),
            (PressureLevel::Critical, true) => Some(Self::Collect),
        }
    }
}

impl fmt::Display for ReclaimCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Something that can give memory up at once, on any thread.
///
/// It is called without any lock of the budget. While it runs, charges on its thread ask no other reclaimer and never wait; they may
/// use what [`Budget::set_aside`](crate::Budget::set_aside) set aside. It should give up about as much as is wanted, and should
/// use `try_lock` on locks that its own thread might hold already: the charge that needs memory may come from the middle of
/// anything. One that panics is taken out, and listeners are told.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use terrane_base::{Budget, Bytes, MemoryError, ReclaimCost, Reclaimer, Reservation};
///
/// struct Cache(Mutex<Vec<Reservation>>);
///
/// impl Reclaimer for Cache {
///     fn reclaim(&self, wanted: Bytes) -> Bytes {
///         let Ok(mut entries) = self.0.try_lock() else { return Bytes::ZERO };
///         let mut freed = Bytes::ZERO;
///         while freed < wanted && let Some(entry) = entries.pop() {
///             freed = freed.saturating_add(entry.size());
///         }
///         freed
///     }
/// }
///
/// let budget = Budget::root(Bytes::from_kib(8));
/// let cache = Arc::new(Cache(Mutex::default()));
/// budget.add_reclaimer("cache", ReclaimCost::CacheEviction, &cache);
/// for _ in 0..8 {
///     cache.0.lock().unwrap().push(budget.try_reserve(Bytes::from_kib(1))?);
/// }
/// let page = budget.try_reserve(Bytes::from_kib(3))?;
/// assert_eq!(cache.0.lock().unwrap().len(), 5);
/// # Ok::<(), MemoryError>(())
/// ```
pub trait Reclaimer: Send + Sync {
    /// Gives up to about `wanted` back to the budget, and says how much it was.
    fn reclaim(&self, wanted: Bytes) -> Bytes;
}

/// What wants to know about pressure. Called without any lock, on whatever thread brought the change about; one that panics is
/// taken out.
pub trait PressureListener: Send + Sync {
    /// The level is another one now.
    fn pressure_changed(&self, level: PressureLevel);

    /// A reclaimer or a listener panicked and will not be asked again.
    fn taken_out(&self, _name: crate::BudgetName) {}
}

/// The owner's end of a requested reclaimer: a flag that is raised when memory is short, and served at the owner's next safepoint.
///
/// Dropping it takes the reclaimer out.
///
/// ```
/// use terrane_base::{Budget, Bytes, MemoryError, ReclaimCost};
///
/// let budget = Budget::root(Bytes::from_kib(8));
/// let requests = budget.add_requested("heap", ReclaimCost::Collect);
/// let mut garbage = Some(budget.try_reserve(Bytes::from_kib(6))?);
/// assert!(budget.try_reserve(Bytes::from_kib(4)).is_err());
/// if let Some(wanted) = requests.take() { // a safepoint
///     assert_eq!(wanted, Bytes::from_kib(2));
///     garbage = None; // a collection
/// }
/// assert!(budget.try_reserve(Bytes::from_kib(4)).is_ok());
/// # Ok::<(), MemoryError>(())
/// ```
#[must_use = "a requested reclaimer that is dropped is taken out"]
pub struct ReclaimRequests {
    flag: Arc<RequestFlag>,
}

#[derive(Debug)]
pub(crate) struct RequestFlag {
    /// How many bytes are wanted; 0 for no request.
    wanted: AtomicUsize,
    /// The thread that serves it, as far as known.
    owner: AtomicUsize,
}

impl ReclaimRequests {
    pub(crate) fn new() -> (Self, Weak<RequestFlag>) {
        let owner = AtomicUsize::new(reentry::thread_number());
        let flag = Arc::new(RequestFlag { wanted: AtomicUsize::new(0), owner });
        let end = Arc::downgrade(&flag);
        (Self { flag }, end)
    }

    /// Whether something is wanted. One load: to be asked at every safepoint.
    #[inline]
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.flag.wanted.load(Relaxed) != 0
    }

    /// Takes the request down and says how much is wanted. Notes the calling thread as the one that serves requests.
    #[must_use]
    pub fn take(&self) -> Option<Bytes> {
        self.flag.owner.store(reentry::thread_number(), Relaxed);
        match self.flag.wanted.swap(0, Relaxed) {
            0 => None,
            wanted => Some(Bytes::from_usize(wanted)),
        }
    }
}

impl fmt::Debug for ReclaimRequests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = Bytes::from_usize(self.flag.wanted.load(Relaxed));
        f.debug_struct("ReclaimRequests").field("wanted", &wanted).finish()
    }
}

impl RequestFlag {
    pub(crate) fn raise(&self, wanted: usize) {
        self.wanted.fetch_max(wanted, Relaxed);
    }

    pub(crate) fn is_of_this_thread(&self) -> bool {
        self.owner.load(Relaxed) == reentry::thread_number()
    }
}
