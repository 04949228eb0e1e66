//! The figures of a system, as of one moment.

use core::fmt;

use terrane_base::{BudgetSnapshot, Bytes, PressureLevel};
use terrane_cache::CacheStats;
use terrane_pages::process_memory;
use terrane_pool::PoolStats;

#[cfg(target_pointer_width = "64")]
use crate::NamedHeapStats;
use crate::{
    CallSite, NamedArenaStats, ObserverFailure, Route,
    counters::{RouteSums, Sums},
};

/// What was handed out and taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryStats {
    /// How many requests were served.
    pub allocations: u64,
    /// How many of them were given back.
    pub deallocations: u64,
    /// How many are held.
    pub live: u64,
    /// The bytes of all requests that were served.
    pub bytes_total: Bytes,
    /// The bytes of those that are held.
    pub bytes_live: Bytes,
    /// How many requests were refused. A level does not know that; the system does.
    pub failures: u64,
}

/// Everything that a system knows of itself. The figures of allocations belong to one moment; those of budgets, pools, arenas, caches
/// and heaps are read right after it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SystemStats {
    /// All levels together.
    pub totals: MemoryStats,
    /// Each level, in the order of [`Route::ALL`].
    pub levels: [MemoryStats; Route::ALL.len()],
    /// The budget and its parts.
    pub budget: BudgetSnapshot,
    /// How scarce memory is.
    pub pressure: PressureLevel,
    /// The buffers of the pools' level.
    pub buffers: PoolStats,
    /// Pools by name.
    pub pools: Vec<(String, PoolStats)>,
    /// Arenas by name.
    pub arenas: Vec<NamedArenaStats>,
    /// Caches by name.
    pub caches: Vec<(String, CacheStats)>,
    /// Collected heaps by name.
    #[cfg(target_pointer_width = "64")]
    pub heaps: Vec<NamedHeapStats>,
    /// The places in the program that allocated most, where profiling is enabled.
    pub sites: Vec<CallSite>,
    /// What panicked and is not called any more.
    pub failures: Vec<ObserverFailure>,
    /// What is accounted for, beside what the process has.
    pub reconcile: Reconcile,
}

/// What a system accounts for, beside what the operating system says the process has.
///
/// With several systems in a process, each accounts for its own part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reconcile {
    /// What the budget has granted.
    pub accounted: Bytes,
    /// Addresses of the process, most of them perhaps only reserved; `None` where the system does not say.
    pub mapped: Option<Bytes>,
    /// Memory that the process has in use (RSS).
    pub resident: Option<Bytes>,
}

impl Reconcile {
    pub(crate) fn of(accounted: Bytes) -> Self {
        let process = process_memory();
        Self {
            accounted,
            mapped: process.map(|process| Bytes::new(process.mapped)),
            resident: process.map(|process| Bytes::new(process.resident)),
        }
    }

    /// What is in use and not accounted for: code, libraries, memory of the program that no budget knows. Negative where
    /// more was granted than was touched. `None` where the system does not say what is in use.
    #[must_use]
    pub fn unexplained(&self) -> Option<i64> {
        let signed = |amount: Bytes| i64::try_from(amount.as_u64()).unwrap_or(i64::MAX);
        self.resident.map(|resident| signed(resident).saturating_sub(signed(self.accounted)))
    }
}

impl MemoryStats {
    pub(crate) fn of(sums: &RouteSums) -> Self {
        Self {
            allocations: sums.allocations,
            deallocations: sums.deallocations,
            live: sums.allocations - sums.deallocations,
            bytes_total: Bytes::new(sums.bytes_allocated),
            bytes_live: Bytes::new(sums.bytes_allocated - sums.bytes_deallocated),
            failures: 0,
        }
    }

    pub(crate) fn totals(sums: &Sums) -> Self {
        let mut totals = Self { failures: sums.failures, ..Self::default() };
        for level in sums.routes.iter().map(Self::of) {
            totals.allocations += level.allocations;
            totals.deallocations += level.deallocations;
            totals.live += level.live;
            totals.bytes_total = totals.bytes_total.saturating_add(level.bytes_total);
            totals.bytes_live = totals.bytes_live.saturating_add(level.bytes_live);
        }
        totals
    }
}

impl SystemStats {
    /// The figures of one level.
    #[must_use]
    pub fn level(&self, route: Route) -> MemoryStats {
        self.levels[route.index()]
    }

    /// How many of the acquisitions of all pools found an idle object, from 0 to 1; `None` before the first.
    #[must_use]
    pub fn pool_hit_rate(&self) -> Option<f64> {
        let sum = self.pools.iter().fold(self.buffers, |sum, (_, stats)| sum.plus(*stats));
        (sum.acquired > 0).then(|| sum.hit_ratio())
    }

    /// How many of the look-ups in all caches found a value, from 0 to 1; `None` before the first.
    #[must_use]
    pub fn cache_hit_rate(&self) -> Option<f64> {
        let hits: u64 = self.caches.iter().map(|(_, stats)| stats.hits).sum();
        let misses: u64 = self.caches.iter().map(|(_, stats)| stats.misses).sum();
        (hits + misses > 0).then(|| hits as f64 / (hits + misses) as f64)
    }

    /// The figures by name, for exporters: those of `terrane_budget_used_bytes` and so on.
    #[must_use]
    pub fn gauges(&self) -> Vec<(&'static str, f64)> {
        let bytes = |amount: Bytes| amount.as_u64() as f64;
        let mut gauges = vec![
            ("terrane_live_allocations", self.totals.live as f64),
            ("terrane_live_bytes", bytes(self.totals.bytes_live)),
            ("terrane_allocation_failures", self.totals.failures as f64),
            ("terrane_pressure_level", f64::from(self.pressure as u8)),
            ("terrane_unplugged_observers", self.failures.len() as f64),
            ("terrane_accounted_bytes", bytes(self.reconcile.accounted)),
        ];
        if let Some(root) = self.budget.entries().first() {
            gauges.push(("terrane_budget_used_bytes", bytes(root.used)));
            gauges.push(("terrane_budget_peak_bytes", bytes(root.peak)));
            if root.max < Bytes::MAX {
                gauges.push(("terrane_budget_limit_bytes", bytes(root.max)));
            }
        }
        if let Some(rate) = self.cache_hit_rate() {
            gauges.push(("terrane_cache_hit_rate", rate));
        }
        if let Some(resident) = self.reconcile.resident {
            gauges.push(("terrane_resident_bytes", bytes(resident)));
        }
        gauges
    }
}

/// One line: `accounted 9 MiB, mapped 1.2 GiB, RSS 14 MiB, unexplained 5 MiB`. What is unexplained is negative where memory that is
/// accounted for was not touched yet.
impl fmt::Display for Reconcile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "accounted {}", self.accounted)?;
        let (Some(mapped), Some(resident), Some(unexplained)) =
            (self.mapped, self.resident, self.unexplained())
        else {
            return f.write_str(" (the system does not say what the process has)");
        };
        let sign = if unexplained < 0 { "-" } else { "" };
        let unexplained = Bytes::new(unexplained.unsigned_abs());
        write!(f, ", mapped {mapped}, RSS {resident}, unexplained {sign}{unexplained}")
    }
}

impl fmt::Display for MemoryStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} live in {} allocations", self.bytes_live, self.live)?;
        write!(f, ", {} in {} ever", self.bytes_total, self.allocations)?;
        if self.failures > 0 {
            write!(f, ", {} refused", self.failures)?;
        }
        Ok(())
    }
}

/// A report of some lines.
impl fmt::Display for SystemStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.totals)?;
        for (route, level) in Route::ALL.iter().zip(&self.levels) {
            writeln!(f, "  {route:<8} {level}")?;
        }
        // Below the managers' parts: the size classes, most of which are never used.
        write!(f, "{}", self.budget.clone().without_unused_below(2))?;
        for (name, pool) in &self.pools {
            let rate = 100.0 * pool.hit_ratio();
            writeln!(f, "pool {name}: {} in use, {} idle, {rate:.0} % hits", pool.in_use, pool.idle)?;
        }
        for (name, cache) in &self.caches {
            let rate = 100.0 * cache.hit_ratio();
            writeln!(f, "cache {name}: {rate:.0} % hits, {} evicted", cache.evicted)?;
        }
        for arenas in &self.arenas {
            writeln!(f, "{arenas}")?;
        }
        #[cfg(target_pointer_width = "64")]
        for heap in &self.heaps {
            writeln!(f, "{heap}")?;
        }
        for site in &self.sites {
            writeln!(f, "{site}")?;
        }
        for failure in &self.failures {
            writeln!(f, "{failure}")?;
        }
        writeln!(f, "reconcile: {}", self.reconcile)
    }
}
