//! What a pool tells about itself.

use core::{fmt, time::Duration};

/// The figures of a pool.
///
/// `acquired == hits + misses`, and `created == dropped + detached + idle + in_use`, in every pool that nobody uses at the moment;
/// while other threads use it, the figures are of slightly different moments.
///
/// ```
/// use terrane_pool::ObjectPool;
///
/// let pool = ObjectPool::<String>::new(8);
/// let (one, other) = (pool.acquire()?, pool.acquire()?);
/// drop(one);
/// let again = pool.acquire()?;
/// let stats = pool.stats();
/// assert_eq!((stats.acquired, stats.hits, stats.misses), (3, 1, 2));
/// assert_eq!((stats.in_use, stats.idle, stats.peak_in_use), (2, 0, 2));
/// assert!((stats.hit_ratio() - 1.0 / 3.0).abs() < 1e-12);
/// assert_eq!(
///     stats.to_string(),
///     "2 in use (peak 2), 0 idle; 3 acquired, 1 of them idle before (33.3 %), 0 refused; 2 created, 0 dropped, 0 detached"
/// );
/// # Ok::<(), terrane_pool::MemoryError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// How often an object was handed out.
    pub acquired: u64,
    /// How often that was an idle one.
    pub hits: u64,
    /// How often it had to be made.
    pub misses: u64,
    /// How often `acquire` ended in an error.
    pub refused: u64,
    /// Objects that were made, those of `warm_up` and growth included.
    pub created: u64,
    /// Objects that the pool dropped: evicted, found invalid, too many, or lost to a panic.
    pub dropped: u64,
    /// Objects that were taken out for good.
    pub detached: u64,
    /// Objects that can be handed out at once.
    pub idle: usize,
    /// Objects that are handed out.
    pub in_use: usize,
    /// The most that were handed out at one time. Exact in pools of one thread. In those for several it may be too high, by as many
    /// objects as idled with single threads at that time, and is never too low.
    pub peak_in_use: usize,
    /// How often `acquire` had to wait for somebody else.
    pub waits: u64,
    /// How long it waited, all waits together.
    pub wait_time: Duration,
}

impl PoolStats {
    /// The part of all acquisitions for which nothing had to be made, between 0 and 1; 0 when there were none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a ratio needs no 64 bits")]
    pub fn hit_ratio(&self) -> f64 {
        if self.acquired == 0 { 0.0 } else { self.hits as f64 / self.acquired as f64 }
    }

    /// The sum of two pools' figures; the peaks may have been at different times.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            acquired: self.acquired + other.acquired,
            hits: self.hits + other.hits,
            misses: self.misses + other.misses,
            refused: self.refused + other.refused,
            created: self.created + other.created,
            dropped: self.dropped + other.dropped,
            detached: self.detached + other.detached,
            idle: self.idle + other.idle,
            in_use: self.in_use + other.in_use,
            peak_in_use: self.peak_in_use + other.peak_in_use,
            waits: self.waits + other.waits,
            wait_time: self.wait_time.saturating_add(other.wait_time),
        }
    }
}

/// On one line: the objects, the acquisitions, where they came from and went; the waits where there were any.
impl fmt::Display for PoolStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in use (peak {}), {} idle; ", self.in_use, self.peak_in_use, self.idle)?;
        let percent = self.hit_ratio() * 100.0;
        write!(f, "{} acquired, {} of them idle before ({percent:.1} %), ", self.acquired, self.hits)?;
        write!(f, "{} refused; ", self.refused)?;
        write!(f, "{} created, {} dropped, {} detached", self.created, self.dropped, self.detached)?;
        if self.waits > 0 {
            write!(f, "; {} waits, {:?} in all", self.waits, self.wait_time)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn waits_are_told_where_there_were_any() {
        let stats = PoolStats { waits: 2, wait_time: Duration::from_millis(30), ..PoolStats::default() };
        assert!(stats.to_string().ends_with("0 detached; 2 waits, 30ms in all"), "{stats}");
        assert!(PoolStats::default().to_string().ends_with("0 detached"));
    }
}
