//! The system: everything under one budget.

use core::{
    fmt,
    panic::Location,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};
use std::{sync::Arc, time::Instant};

use terrane_arena::StackArena;
use terrane_base::{Budget, Bytes, PressureLevel, SharedLeaf};

use crate::{
    Allocation, AllocationEvent, ArenaManager, CacheManager, DeallocationEvent, MemoryConfig,
    MemoryHierarchy, MemoryLevel, MemoryStats, MemorySystemBuilder, PoolManager, Reconcile, Result, Route,
    SystemId, SystemState, SystemStats,
    allocation::{Taken, Ticket},
    counters::Counters,
    observers::{Observers, Told},
    pressure::Pressure,
    sites::CallSites,
    stack,
};
#[cfg(target_pointer_width = "64")]
use crate::{Heaps, heaps::HeapManager};

/// Memory from one place under one budget: an hierarchy of levels for plain requests; pools, arenas, caches and collected heaps by name; plugins,
/// statistics and pressure. Clones share the system.
///
/// Two systems in a process know nothing of each other.
///
/// **Fork.** A child process can use the system if no other thread was within a call of it at that moment. It has no watching thread.
/// **Threads** that end give their stack back; what they allocated belongs to whoever holds it.
///
/// ```
/// use terrane::{Bytes, MemoryConfig, MemorySystem, Route};
///
/// let config = MemoryConfig { max_memory: 2 << 20, ..MemoryConfig::DEFAULT };
/// let system = MemorySystem::builder().with_config(config).build()?;
///
/// let small = system.allocate(100)?;
/// let medium = system.allocate(20_000)?;
/// let large = system.allocate(500_000)?;
/// assert_eq!(medium.route(), Some(Route::Arenas));
/// assert!(system.allocate(600_000).is_err(), "beyond the budget");
/// drop((small, medium, large));
///
/// let stats = system.stats();
/// assert_eq!((stats.totals.allocations, stats.totals.live, stats.totals.failures), (3, 0, 1));
/// println!("{stats}"); // the last line reconciles what is accounted with what the process has
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct MemorySystem {
    pub(crate) shared: Arc<Shared>,
}

/// What the clones of a system share, and what its allocations keep alive.
pub(crate) struct Shared {
    pub(crate) id: SystemId,
    pub(crate) config: MemoryConfig,
    pub(crate) budget: Budget,
    /// That of the budget when the system was made.
    pub(crate) limit_at_start: Bytes,
    pub(crate) hierarchy: MemoryHierarchy,
    /// What the stacks of all threads are charged to.
    pub(crate) stacks: SharedLeaf,
    pub(crate) pools: PoolManager,
    pub(crate) arenas: ArenaManager,
    pub(crate) caches: CacheManager,
    #[cfg(target_pointer_width = "64")]
    pub(crate) heaps: HeapManager,
    pub(crate) observers: Arc<Observers>,
    pub(crate) pressure: Pressure,
    pub(crate) counters: Counters,
    pub(crate) sites: CallSites,
    /// Whether allocations are profiled, or anything was plugged in.
    pub(crate) is_watched: bool,
}

impl SystemId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Relaxed))
    }
}

/// Making and asking.
impl MemorySystem {
    /// A system to be put together.
    pub fn builder() -> MemorySystemBuilder {
        MemorySystemBuilder::default()
    }

    /// The same as [`builder`](MemorySystem::builder), for chains that begin with `new()`.
    #[expect(
        clippy::new_ret_no_self,
        reason = "a chain that begins with it ends with `build`, which can fail"
    )]
    pub fn new() -> MemorySystemBuilder {
        Self::builder()
    }

    /// Its number: no two systems of a process have the same.
    #[must_use]
    pub fn id(&self) -> SystemId {
        self.shared.id
    }

    /// The settings that it was made with.
    #[must_use]
    pub fn config(&self) -> &MemoryConfig {
        &self.shared.config
    }

    /// The budget that everything is charged to. A part of one's own: `system.budget().child("images")`.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.shared.budget
    }

    /// The levels that memory comes from.
    #[must_use]
    pub fn hierarchy(&self) -> &MemoryHierarchy {
        &self.shared.hierarchy
    }

    /// Pools by name.
    #[must_use]
    pub fn pools(&self) -> &PoolManager {
        &self.shared.pools
    }

    /// Caches by name.
    #[must_use]
    pub fn caches(&self) -> &CacheManager {
        &self.shared.caches
    }

    /// Arenas by name.
    #[must_use]
    pub fn arenas(&self) -> &ArenaManager {
        &self.shared.arenas
    }

    /// Collected heaps by name.
    #[cfg(target_pointer_width = "64")]
    #[must_use]
    pub fn heaps(&self) -> Heaps<'_> {
        Heaps(&self.shared)
    }

    /// The figures as of now. Allocates; for reports.
    #[must_use]
    pub fn stats(&self) -> SystemStats {
        let shared = &*self.shared;
        let sums = shared.counters.sums();
        SystemStats {
            totals: MemoryStats::totals(&sums),
            levels: sums.routes.each_ref().map(MemoryStats::of),
            budget: shared.budget.snapshot(),
            pressure: shared.budget.pressure(),
            buffers: shared.hierarchy.buffer_stats(),
            pools: shared.pools.stats(),
            arenas: shared.arenas.stats(),
            caches: shared.caches.stats(),
            #[cfg(target_pointer_width = "64")]
            heaps: shared.heaps.stats(),
            sites: shared.sites.biggest(),
            failures: shared.observers.failures(),
            reconcile: Reconcile::of(shared.budget.used()),
        }
    }

    /// What is to be known after a restart: the settings, with the limit that [`set_limit`](MemorySystem::set_limit) has set, the figures so far, and whatever parts the program adds, such as the contents of
    /// a cache. See [`SystemState`].
    #[must_use]
    pub fn state(&self) -> SystemState {
        SystemState::of(self)
    }

    /// Takes a plugin out by name; whether there was one. It is dropped with the system.
    pub fn unplug(&self, name: &str) -> bool {
        self.shared.observers.unplug(name)
    }

    /// Gives the figures to the receivers of metrics: once before each time that an exporter is asked.
    pub fn publish_metrics(&self) {
        let stats = self.stats();
        self.shared.observers.publish(stats.pool_hit_rate(), &stats.gauges());
    }
}

/// Memory.
impl MemorySystem {
    /// Hands out `size` bytes, all zero. The size decides which [level](MemorySystem::hierarchy) serves; where that is full and the budget has
    /// more, the system does.
    ///
    /// # Errors
    /// [`MemoryError::BudgetExceeded`](crate::MemoryError::BudgetExceeded) when the budget has too little left, after everybody was asked
    /// to give something up; others when there is no memory or such a size cannot be.
    #[track_caller]
    #[inline]
    pub fn allocate(&self, size: usize) -> Result<Allocation> {
        let (shared, site) = (&self.shared, Location::caller());
        if shared.is_watched || shared.budget.has_deferred() || !shared.hierarchy.is_small(size) {
            return self.granted(size, site, || shared.hierarchy.take(size));
        }
        // The short way, where nobody looks on.
        match shared.hierarchy.pools.take(size) {
            Ok(buffer) => Ok(Allocation::pooled(buffer, self.ticket(Route::Pools, size, site))),
            Err(error) => self.granted(size, site, || shared.hierarchy.take_instead(size, error)),
        }
    }

    /// Takes memory back. Dropping it does the same. What another system handed out goes back there.
    pub fn deallocate(&self, memory: Allocation) {
        drop(memory);
    }

    /// One level as a component of its own, which serves requests of every size.
    #[must_use]
    pub fn level(&self, route: Route) -> MemoryLevel {
        MemoryLevel { system: self.clone(), route }
    }

    /// Runs `work` with the stack of this thread: room for short-lived values, last in, first out, of the configured size (1 KiB). Calls
    /// within calls share it. The fastest level: pushing is moving a cursor.
    ///
    /// ```
    /// # let system = terrane::MemorySystem::builder().build()?;
    /// let sum = system.stack(|stack| {
    ///     let one = stack.push(1);
    ///     let two = stack.push(2);
    ///     *one + *two
    /// })?;
    /// assert_eq!(sum, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When this is the first call on this thread and the budget has no room for a stack.
    ///
    /// # Panics
    /// When `work` does.
    pub fn stack<R>(&self, work: impl FnOnce(&StackArena) -> R) -> Result<R> {
        stack::with(&self.shared, work)
    }

    #[track_caller]
    pub(crate) fn allocate_from(&self, route: Route, size: usize) -> Result<Allocation> {
        let take = || self.shared.hierarchy.take_from(route, size).map(|taken| (route, taken));
        self.granted(size, Location::caller(), take)
    }

    /// Counts and reports what `take` takes.
    #[inline(never)]
    fn granted<'a>(
        &'a self,
        size: usize,
        site: &'static Location<'static>,
        take: impl FnOnce() -> Result<(Route, Taken<'a>)>,
    ) -> Result<Allocation> {
        let shared = &self.shared;
        shared.budget.serve_deferred();
        let started = shared.measures_times().then(Instant::now);
        let (route, taken) = take().inspect_err(|_| shared.counters.failed())?;
        let mut allocation = Allocation::new(taken, self.ticket(route, size, site));
        let duration = started.map(|started| started.elapsed());
        if shared.config.enable_profiling {
            shared.sites.allocated(site, size, duration.unwrap_or(Duration::ZERO));
        }
        if shared.observers.any() {
            let event = AllocationEvent { system: shared.id, size, route, site, duration };
            allocation.note_told(shared.observers.allocated(&event));
        }
        Ok(allocation)
    }

    /// Counts an allocation; dropping the ticket counts its end.
    #[inline]
    fn ticket(&self, route: Route, size: usize, site: &'static Location<'static>) -> Ticket {
        self.shared.counters.allocated(route, size);
        Ticket { system: Arc::clone(&self.shared), route, size, site, told: Told::Nobody }
    }
}

/// Scarcity.
impl MemorySystem {
    /// How scarce memory is: the highest of what use of the budget, the operating system and the program say.
    #[must_use]
    pub fn pressure(&self) -> PressureLevel {
        self.shared.budget.pressure()
    }

    /// The program says how scarce memory is; that stands until it says something else. When the level rises by this, at
    /// [`Moderate`](PressureLevel::Moderate) what is idle is given up, at [`Critical`](PressureLevel::Critical) caches are emptied and
    /// heaps asked to collect too.
    pub fn notify(&self, level: PressureLevel) {
        self.shared.budget.notify(level);
    }

    /// Looks what the operating system says (control group, stalls), takes it into account, and answers the level that counts now. To
    /// be called from time to time, unless the option `watch_pressure` has a thread do it. Reads some small files.
    ///
    /// While more is used than a lowered limit allows, everybody is asked again to give something up. (The thread does not do that.)
    pub fn poll_pressure(&self) -> PressureLevel {
        self.shared.pressure.poll(&self.shared.budget)
    }

    /// Sets the limit of the whole system while it runs. Where more is used, everybody is asked to give something up: pools trim, caches
    /// shrink, heaps are asked to collect at their next safepoint. Answers how much is still used beyond the limit; until that has
    /// come back, requests are refused. [`state`](MemorySystem::state) saves the limit for the next start.
    ///
    /// # Errors
    /// [`MemoryError::InvalidLimit`](crate::MemoryError::InvalidLimit) when it is zero, or below what is promised to parts of the budget.
    pub fn set_limit(&self, limit: Bytes) -> Result<Bytes> {
        self.shared.budget.set_max(limit)
    }

    /// Asks everybody to give up `wanted` together, though nothing is full; answers by how much use has fallen.
    pub fn reclaim(&self, wanted: Bytes) -> Bytes {
        self.shared.budget.reclaim(wanted)
    }
}

impl Shared {
    fn measures_times(&self) -> bool {
        self.config.enable_profiling || self.observers.want_times()
    }

    #[inline]
    pub(crate) fn note_deallocation(&self, ticket: &Ticket) {
        self.counters.deallocated(ticket.route, ticket.size);
        if self.is_watched {
            self.tell_of_deallocation(ticket);
        }
    }

    #[inline(never)]
    fn tell_of_deallocation(&self, ticket: &Ticket) {
        let &Ticket { route, size, site, told, .. } = ticket;
        if self.config.enable_profiling {
            self.sites.deallocated(site, size);
        }
        if told != Told::Nobody {
            self.observers.deallocated(&DeallocationEvent { system: self.id, size, route, site }, told);
        }
    }
}

impl fmt::Debug for MemorySystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySystem")
            .field("id", &self.id)
            .field("budget", &self.budget)
            .field("observers", &self.observers)
            .finish_non_exhaustive()
    }
}
