//! What happened in a cache.

use std::fmt;
use std::time::Duration;

/// Counts of what happened in a cache since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Look-ups that found a value.
    pub hits: u64,
    /// Look-ups that did not.
    pub misses: u64,
    /// Entries that came in, those that replaced another value of the same key left out.
    pub inserted: u64,
    /// Entries that had to leave for lack of room.
    pub evicted: u64,
    /// What they weighed.
    pub evicted_weight: u64,
    /// Entries that were found to be past their time.
    pub expired: u64,
    /// Entries that were not taken, for their weight, for the budget, or because all others are pinned.
    pub rejected: u64,
    /// Values that were computed by `get_or_compute`.
    pub loads: u64,
    /// Computations that failed or panicked.
    pub failed_loads: u64,
    /// How long computations took, together. Not measured by a [`ThreadLocalCache`](crate::ThreadLocalCache).
    pub load_time: Duration,
    /// Calls of the removal listener that panicked.
    pub listener_panics: u64,
}

impl CacheStats {
    /// Hits per look-up; 0 where there was none.
    #[must_use]
    pub fn hit_ratio(&self) -> f64 {
        let lookups = self.hits + self.misses;
        if lookups == 0 {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "a ratio needs no more digits")]
        let ratio = self.hits as f64 / lookups as f64;
        ratio
    }

    /// The mean time of a computation.
    #[must_use]
    pub fn mean_load_time(&self) -> Duration {
        let loads = u128::from(self.loads) + u128::from(self.failed_loads);
        let mean_ns = self.load_time.as_nanos().checked_div(loads).unwrap_or(0);
        Duration::from_nanos(u64::try_from(mean_ns).unwrap_or(u64::MAX))
    }
}

/// One line: hits and misses, and of the rest what happened.
///
/// ```
/// use terrane_cache::Cache;
///
/// let cache = Cache::new(10);
/// cache.insert(1, "one");
/// assert_eq!((cache.get(&1), cache.get(&2)), (Some("one"), None));
/// assert_eq!(cache.stats().to_string(), "1 hits, 1 misses (50.0 % hits), 1 inserted");
/// ```
impl fmt::Display for CacheStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = 100.0 * self.hit_ratio();
        write!(f, "{} hits, {} misses ({percent:.1} % hits)", self.hits, self.misses)?;
        let counts = [
            (self.inserted, "inserted"),
            (self.evicted, "evicted"),
            (self.expired, "expired"),
            (self.rejected, "rejected"),
            (self.loads, "computed"),
            (self.failed_loads, "failed to compute"),
            (self.listener_panics, "panics of the listener"),
        ];
        counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .try_for_each(|(count, what)| write!(f, ", {count} {what}"))
    }
}
