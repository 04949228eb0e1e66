//! What a heap is made with.

use alloc::sync::Arc;
use core::num::NonZeroU64;

use terrane_base::Bytes;
use terrane_pages::PageSource;

use super::clock::{Clock, default_clock};
use super::pretenure::Pretenuring;

/// Settings of a [`Heap`](super::Heap), with defaults that suit a program of any size.
///
/// ```
/// use terrane_base::Bytes;
/// use terrane_gc::raw::HeapConfig;
///
/// let config = HeapConfig::new().limit(Bytes::from_mib(64)).verify(true);
/// assert_eq!(config.limit, Bytes::from_mib(64));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HeapConfig {
    /// Most bytes that the heap may charge; at least about 1 MiB is needed. What counts: the young range, blocks of the old space in use, the copy
    /// reserve, large objects and chunk metadata. Default 16 GiB.
    pub limit: Bytes,
    /// What the heap should charge at most: as it comes near, full collections follow each other more closely, down to one
    /// for each sixteenth that the heap grows by. Nothing is refused for it. Default none (the greatest number).
    pub soft_limit: Bytes,
    /// Greatest size of the nursery. Default 3 MiB; at most an eighth of the limit and 64 MiB, at least 16 KiB. With a
    /// [goal for pauses](Self::pause_goal_ns) the first is of 1 MiB at most, and later ones follow from what collections take.
    pub nursery: Bytes,
    /// Size of the frame region. Default 4 MiB; at most an eighth of the limit and 256 MiB.
    pub frame_region: Bytes,
    /// Addresses reserved for frame region, nursery and arenas together. Default 1 GiB.
    pub young_range: Bytes,
    /// Collect at every n-th allocation, all kinds and slices in turn, with evacuated memory poisoned. Default off.
    pub stress: Option<NonZeroU64>,
    /// Run the verifier after every collection; it panics with a list of the edges that are wrong. Default off.
    pub verify: bool,
    /// Size of the mark stack. When it is full the heap is scanned again, so any size is correct. Default 4
    /// MiB.
    pub mark_stack: Bytes,
    /// Addresses reserved for the remembered set. When it is full the next collection scans the whole old
    /// space, so any size is correct. Default 64 MiB.
    pub remembered_set: Bytes,
    /// What the heap may at least grow by between two full collections, however little lives; where it is filled fast and
    /// little lives, twice that at most. Default 32 MiB.
    pub growth_min: Bytes,
    /// How long a minor collection should take, in nanoseconds: the nursery is made shorter when they take longer.
    /// `None` leaves it at its greatest size. Default 350 µs.
    pub pause_goal_ns: Option<u64>,
    /// Small objects are born in a nursery, which minor collections empty; otherwise they are born in the old space,
    /// and every collection is a full one that stops the mutator: a plain mark-sweep collector, to compare
    /// with. [`Heap::reserve`](super::Heap::reserve) then grants 64 KiB at most. Default on.
    pub generational: bool,
    /// When small objects are born in the old space although there are generations. Default
    /// [`Adaptive`](Pretenuring::Adaptive).
    pub pretenuring: Pretenuring,
    /// Full collections run in slices between which the mutator goes on; otherwise they stop it. Default on.
    pub incremental: bool,
    /// In idle time ([`Heap::step`](super::Heap::step)) old objects are moved out of chunks that are partly dead, so that these can be
    /// given back to the system; where the source of the roots [follows](super::RootSource::FOLLOWS_OLD_MOVES). Default on.
    pub defragment: bool,
    /// The old space asks the system for huge pages from its fourth chunk on, when more than 12 MiB are in use: fewer misses of
    /// the address cache and far fewer page faults. Whoever is the first to touch one waits until all of it is cleared:
    /// 0.11 ms where this was measured, against 0.68 ms for 512 small pages one by one; but in a virtual machine whose host
    /// has to supply the memory first, 4.8 ms, unless that is done [ahead](Self::populate_ahead). Default on.
    pub huge_pages: bool,
    /// On huge pages, the old space takes the next chunk (4 MiB; large heaps several) before it needs it, and a thread of the heap's own has the system
    /// put memory there, so that no collection waits for that. The thread starts when there are more than 8 MiB and 4 MiB in use, sleeps
    /// otherwise, and ends with the heap. Needs the standard library; Linux since 5.14. Default on.
    pub populate_ahead: bool,
    /// Where pages come from.
    pub pages: Arc<dyn PageSource>,
    /// What pauses are timed with.
    pub clock: Clock,
}

impl Default for HeapConfig {
    fn default() -> Self {
        Self {
            limit: Bytes::from_gib(16),
            soft_limit: Bytes::new(u64::MAX),
            nursery: Bytes::from_mib(3),
            frame_region: Bytes::from_mib(4),
            young_range: Bytes::from_gib(1),
            stress: None,
            verify: false,
            mark_stack: Bytes::from_mib(4),
            remembered_set: Bytes::from_mib(64),
            growth_min: Bytes::from_mib(32),
            pause_goal_ns: Some(350_000),
            generational: true,
            pretenuring: Pretenuring::Adaptive,
            incremental: true,
            defragment: true,
            huge_pages: true,
            populate_ahead: true,
            pages: terrane_pages::system_pages(),
            clock: default_clock(),
        }
    }
}

impl HeapConfig {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// For programs that are to be done soon and may pause for some milliseconds: a nursery of 16 MiB whatever its
    /// collections take, 64 MiB of [growth](Self::growth_min) between two full collections, and no
    /// [pretenuring](Self::pretenuring), which keeps down what is dear, and costs where copying is cheap.
    #[must_use]
    pub fn throughput() -> Self {
        Self {
            nursery: Bytes::from_mib(16),
            growth_min: Bytes::from_mib(64),
            pause_goal_ns: None,
            pretenuring: Pretenuring::Off,
            ..Self::default()
        }
    }

    /// For many heaps in one process, each with little in it: a nursery of 256 KiB, and small tables.
    #[must_use]
    pub fn compact() -> Self {
        Self {
            nursery: Bytes::from_kib(256),
            frame_region: Bytes::from_kib(256),
            young_range: Bytes::from_mib(64),
            mark_stack: Bytes::from_kib(256),
            remembered_set: Bytes::from_mib(4),
            growth_min: Bytes::from_mib(2),
            huge_pages: false,
            ..Self::default()
        }
    }

    /// Sets [`limit`](Self::limit).
    #[must_use]
    pub fn limit(mut self, limit: Bytes) -> Self {
        self.limit = limit;
        self
    }

    /// Sets [`soft_limit`](Self::soft_limit).
    #[must_use]
    pub fn soft_limit(mut self, soft_limit: Bytes) -> Self {
        self.soft_limit = soft_limit;
        self
    }

    /// Sets [`nursery`](Self::nursery).
    #[must_use]
    pub fn nursery(mut self, nursery: Bytes) -> Self {
        self.nursery = nursery;
        self
    }

    /// Sets [`frame_region`](Self::frame_region).
    #[must_use]
    pub fn frame_region(mut self, frame_region: Bytes) -> Self {
        self.frame_region = frame_region;
        self
    }

    /// Sets [`young_range`](Self::young_range).
    #[must_use]
    pub fn young_range(mut self, young_range: Bytes) -> Self {
        self.young_range = young_range;
        self
    }

    /// Sets [`stress`](Self::stress).
    #[must_use]
    pub fn stress(mut self, every: Option<NonZeroU64>) -> Self {
        self.stress = every;
        self
    }

    /// Sets [`verify`](Self::verify).
    #[must_use]
    pub fn verify(mut self, verify: bool) -> Self {
        self.verify = verify;
        self
    }

    /// Sets [`mark_stack`](Self::mark_stack).
    #[must_use]
    pub fn mark_stack(mut self, size: Bytes) -> Self {
        self.mark_stack = size;
        self
    }

    /// Sets [`remembered_set`](Self::remembered_set).
    #[must_use]
    pub fn remembered_set(mut self, size: Bytes) -> Self {
        self.remembered_set = size;
        self
    }

    /// Sets [`growth_min`](Self::growth_min).
    #[must_use]
    pub fn growth_min(mut self, growth_min: Bytes) -> Self {
        self.growth_min = growth_min;
        self
    }

    /// Sets [`pause_goal_ns`](Self::pause_goal_ns).
    #[must_use]
    pub fn pause_goal_ns(mut self, goal: Option<u64>) -> Self {
        self.pause_goal_ns = goal;
        self
    }

    /// Sets [`generational`](Self::generational).
    #[must_use]
    pub fn generational(mut self, generational: bool) -> Self {
        self.generational = generational;
        self
    }

    /// Sets [`pretenuring`](Self::pretenuring).
    #[must_use]
    pub fn pretenuring(mut self, pretenuring: Pretenuring) -> Self {
        self.pretenuring = pretenuring;
        self
    }

    /// Sets [`incremental`](Self::incremental).
    #[must_use]
    pub fn incremental(mut self, incremental: bool) -> Self {
        self.incremental = incremental;
        self
    }

    /// Sets [`defragment`](Self::defragment).
    #[must_use]
    pub fn defragment(mut self, defragment: bool) -> Self {
        self.defragment = defragment;
        self
    }

    /// Sets [`huge_pages`](Self::huge_pages).
    #[must_use]
    pub fn huge_pages(mut self, huge_pages: bool) -> Self {
        self.huge_pages = huge_pages;
        self
    }

    /// Sets [`populate_ahead`](Self::populate_ahead).
    #[must_use]
    pub fn populate_ahead(mut self, populate_ahead: bool) -> Self {
        self.populate_ahead = populate_ahead;
        self
    }

    /// Sets [`pages`](Self::pages).
    #[must_use]
    pub fn pages(mut self, pages: Arc<dyn PageSource>) -> Self {
        self.pages = pages;
        self
    }

    /// Sets [`clock`](Self::clock).
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }
}
