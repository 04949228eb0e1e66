//! Collected heaps under the budget of a system.
//!
//! A heap belongs to one thread and is not the system's to keep. What the system gives is a *lease*: pages that are charged to a part of the
//! budget, a limit, and a flag that is raised when the budget needs memory. The owner serves it at a safepoint of its own.

use core::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use terrane_base::{Budget, Bytes, ReclaimCost, ReclaimRequests};
use terrane_gc::{Heap, HeapConfig, HeapStats, Mutator};
use terrane_pages::{BudgetedPages, PageSource};

use crate::{registry::Registry, system::Shared};

/// The heaps of a system; from [`MemorySystem::heaps`](crate::MemorySystem::heaps).
#[derive(Clone, Copy, Debug)]
pub struct Heaps<'a>(pub(crate) &'a Arc<Shared>);

impl Heaps<'_> {
    /// The right to a heap of that name, with the configured limit. Where the name is taken, it gets a number.
    #[must_use]
    pub fn lease(&self, name: &str) -> HeapLease {
        self.lease_with_limit(name, self.0.heaps.default_limit)
    }

    /// The right to a heap of that name that may use at most `limit`. A heap with the settings of [`config`](HeapLease::config) begins
    /// with almost 6 MiB; where the limit, or what is left of the system's budget, is less, [`Heap::with_config`] fails with
    /// [`MemoryError::SystemError`](crate::MemoryError::SystemError) without a code, which names neither: the lease's
    /// [`budget`](HeapLease::budget) tells how much remains.
    #[must_use]
    pub fn lease_with_limit(&self, name: &str, limit: Bytes) -> HeapLease {
        self.0.heaps.lease(name, limit, Arc::downgrade(self.0))
    }
}

pub(crate) struct HeapManager {
    budget: Budget,
    pages: Arc<dyn PageSource>,
    default_limit: Bytes,
    records: Registry<HeapRecord>,
}

/// The right to a collected heap under the system's budget.
///
/// ```
/// use terrane::{Bytes, Heap, MemorySystem};
///
/// let system = MemorySystem::builder().build()?;
/// let lease = system.heaps().lease("scripts");
/// let mut heap = Heap::with_config(lease.config())?;
/// for _ in 0..10 {
///     heap.enter(|mu| {
///         for number in 0..1000_u64 {
///             mu.alloc_local(|_| number);
///         }
///         lease.serve_in(mu); // at a safepoint: collects if the system is short of memory
///     });
/// }
/// assert!(system.budget().used() >= Bytes::new(heap.stats().charged_bytes));
/// drop(heap);
/// assert_eq!(lease.committed(), Bytes::ZERO);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct HeapLease {
    pages: Arc<BudgetedPages<Arc<dyn PageSource>>>,
    limit: Bytes,
    requests: ReclaimRequests,
    record: Arc<HeapRecord>,
    /// As the system knows it.
    name: String,
    system: Weak<Shared>,
}

/// What a system knows of a heap.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct NamedHeapStats {
    /// The name.
    pub name: String,
    /// Committed now.
    pub committed: Bytes,
    /// Most that it may use.
    pub limit: Bytes,
    /// How often it collected because the system asked.
    pub collections_requested: u64,
    /// What those collections freed.
    pub freed_on_request: Bytes,
    /// Its own figures, as of the last request that was served or the last [`report`](HeapLease::report).
    pub heap: HeapStats,
}

impl fmt::Display for NamedHeapStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "heap {}: {} of {}", self.name, self.committed, self.limit)?;
        if self.collections_requested > 0 {
            write!(f, ", {} freed by {} requests", self.freed_on_request, self.collections_requested)?;
        }
        Ok(())
    }
}

pub(crate) struct HeapRecord {
    pages: Arc<BudgetedPages<Arc<dyn PageSource>>>,
    stats: Mutex<NamedHeapStats>,
}

impl HeapManager {
    pub(crate) fn new(budget: &Budget, default_limit: Bytes, pages: Arc<dyn PageSource>) -> Self {
        Self { budget: budget.clone(), pages, default_limit, records: Registry::default() }
    }

    fn lease(&self, name: &str, limit: Bytes, system: Weak<Shared>) -> HeapLease {
        let budget = self.budget.child(name).max(limit);
        let pages = Arc::new(BudgetedPages::new(Arc::clone(&self.pages), &budget));
        let requests = budget.add_requested(name, ReclaimCost::Collect);
        let stats = NamedHeapStats { name: name.to_owned(), limit, ..NamedHeapStats::default() };
        let record = Arc::new(HeapRecord { pages: Arc::clone(&pages), stats: Mutex::new(stats) });
        let name = self.free_name(name, &record);
        HeapLease { pages, limit, requests, record, name, system }
    }

    /// Enters the record under its name, with a number behind it where the name is taken.
    fn free_name(&self, name: &str, record: &Arc<HeapRecord>) -> String {
        let mut free = name.to_owned();
        for number in 2_u64.. {
            if self.records.insert(&free, Arc::clone(record)) {
                break;
            }
            free = format!("{name} {number}");
        }
        record.lock().name.clone_from(&free);
        free
    }

    pub(crate) fn stats(&self) -> Vec<NamedHeapStats> {
        let records = self.records.all();
        records
            .into_iter()
            .map(|(_, record)| NamedHeapStats {
                committed: record.pages.committed(),
                ..record.lock().clone()
            })
            .collect()
    }
}

impl HeapRecord {
    fn lock(&self) -> std::sync::MutexGuard<'_, NamedHeapStats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HeapLease {
    /// Settings for a heap with the lease's limit and pages, and with small tables, as it is one part of a system. Everything else
    /// may be changed.
    ///
    /// What the budget refuses the heap, it passes on as [`MemoryError::SystemError`](crate::MemoryError::SystemError) without a code.
    #[must_use]
    pub fn config(&self) -> HeapConfig {
        HeapConfig::compact().limit(self.limit).pages(self.pages.clone())
    }

    /// What the heap has committed now.
    #[must_use]
    pub fn committed(&self) -> Bytes {
        self.pages.committed()
    }

    /// The part of the budget that the heap may use.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        self.pages.budget()
    }

    /// Whether the system asks for a collection. One load: to be asked at every safepoint.
    #[inline]
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.requests.is_pending()
    }

    /// Collects if the system asks for it, and answers how much was freed. Between two uses of a heap. One load where nothing is
    /// asked.
    #[inline]
    pub fn serve(&self, heap: &mut Heap) -> Option<Bytes> {
        if !self.is_due() {
            return None;
        }
        let freed = self.requests.take().map(|_wanted| heap.collect_full());
        self.note(freed, heap.stats());
        freed
    }

    /// As [`serve`](HeapLease::serve), at a safepoint within [`Heap::enter`].
    #[inline]
    pub fn serve_in(&self, mu: &mut Mutator<'_, '_>) -> Option<Bytes> {
        if !self.is_due() {
            return None;
        }
        let freed = self.requests.take().map(|_wanted| mu.collect_full());
        self.note(freed, mu.stats());
        freed
    }

    /// Notes the heap's figures for the statistics of the system. Serving a request does that too.
    pub fn report(&self, stats: HeapStats) {
        self.note(None, stats);
    }

    fn note(&self, freed: Option<Bytes>, stats: HeapStats) {
        let mut record = self.record.lock();
        record.heap = stats;
        if let Some(freed) = freed {
            record.collections_requested += 1;
            record.freed_on_request = record.freed_on_request.saturating_add(freed);
        }
    }
}

impl Drop for HeapLease {
    fn drop(&mut self) {
        if let Some(system) = self.system.upgrade() {
            system.heaps.records.remove(&self.name);
        }
    }
}

impl fmt::Debug for HeapLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeapLease")
            .field("name", &self.name)
            .field("limit", &self.limit)
            .field("committed", &self.committed())
            .finish_non_exhaustive()
    }
}
