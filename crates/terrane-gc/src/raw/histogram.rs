//! How long the mutator stood still, as a histogram.
//!
//! Buckets are log-linear, as in Gil Tene's HdrHistogram: each power of two is divided into eight buckets of equal width,
//! so a figure read from it is at most an eighth too high, whatever its size. They are part of the value: recording a
//! pause allocates nothing.

use core::fmt;

use super::record::Milliseconds;

/// Buckets for each power of two.
const PARTS: usize = 8;
const PART_BITS: u32 = 3;
/// Pauses of 2^40 ns, 18 minutes, and more share the last bucket.
const BUCKETS: usize = (40 - PART_BITS as usize + 1) * PARTS;

/// Pauses, by their length.
///
/// ```
/// use terrane_gc::raw::PauseHistogram;
///
/// let mut pauses = PauseHistogram::default();
/// (1..=1000).for_each(|us| pauses.record(us * 1000));
/// assert_eq!((pauses.count(), pauses.max_ns()), (1000, 1_000_000));
/// let median = pauses.percentile_ns(50.0);
/// assert!((500_000..=562_500).contains(&median), "{median}");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PauseHistogram {
    buckets: [u32; BUCKETS],
    count: u64,
    max_ns: u64,
}

impl Default for PauseHistogram {
    fn default() -> Self {
        Self { buckets: [0; BUCKETS], count: 0, max_ns: 0 }
    }
}

impl fmt::Debug for PauseHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PauseHistogram")
            .field("count", &self.count)
            .field("p50_ns", &self.percentile_ns(50.0))
            .field("p99_ns", &self.percentile_ns(99.0))
            .field("p99_9_ns", &self.percentile_ns(99.9))
            .field("max_ns", &self.max_ns)
            .finish()
    }
}

/// The line of a report: `pauses 1000: p50 0.500 ms, …`.
impl fmt::Display for PauseHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pauses {}: ", self.count)?;
        for (name, percent) in [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99.9", 99.9)] {
            write!(f, "{name} {}, ", Milliseconds(self.percentile_ns(percent)))?;
        }
        write!(f, "max {}", Milliseconds(self.max_ns))
    }
}

impl PauseHistogram {
    /// Counts a pause.
    pub fn record(&mut self, ns: u64) {
        let bucket = &mut self.buckets[bucket_of(ns)];
        *bucket = bucket.saturating_add(1);
        self.count += 1;
        self.max_ns = self.max_ns.max(ns);
    }

    /// How many were counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The longest.
    #[must_use]
    pub const fn max_ns(&self) -> u64 {
        self.max_ns
    }

    /// The pauses that were counted since this histogram was `earlier`, to within a bucket: the longest is at most an
    /// eighth too long, and never longer than the longest of all. O(buckets).
    ///
    /// ```
    /// use terrane_gc::raw::PauseHistogram;
    ///
    /// let mut pauses = PauseHistogram::default();
    /// pauses.record(9_000_000); // while the program starts
    /// let started = pauses;
    /// pauses.record(100_000);
    /// let since = pauses.since(&started);
    /// assert_eq!(since.count(), 1);
    /// assert!((100_000..=112_500).contains(&since.max_ns()));
    /// ```
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut since = Self::default();
        for (index, left) in since.buckets.iter_mut().enumerate() {
            *left = self.buckets[index].saturating_sub(earlier.buckets[index]);
            if *left > 0 {
                since.max_ns = end_of(index).min(self.max_ns);
            }
        }
        since.count = self.count.saturating_sub(earlier.count);
        since
    }

    /// A length that `percent` of the pauses do not exceed: the upper end of the bucket, and never more than the longest
    /// pause; 0 if there was none.
    #[must_use]
    pub fn percentile_ns(&self, percent: f64) -> u64 {
        let wanted = (self.count as f64 * percent.clamp(0.0, 100.0) / 100.0) as u64;
        let mut seen = 0;
        for (index, &count) in self.buckets.iter().enumerate() {
            seen += u64::from(count);
            if count > 0 && seen >= wanted.max(1) {
                return end_of(index).min(self.max_ns);
            }
        }
        self.max_ns
    }
}

fn bucket_of(ns: u64) -> usize {
    if ns < PARTS as u64 {
        return ns as usize;
    }
    let power = ns.ilog2();
    let part = (ns >> (power - PART_BITS)) as usize - PARTS;
    ((power - PART_BITS + 1) as usize * PARTS + part).min(BUCKETS - 1)
}

/// The longest pause of a bucket.
fn end_of(bucket: usize) -> u64 {
    if bucket < PARTS {
        return bucket as u64;
    }
    let shift = bucket / PARTS - 1;
    (((PARTS + bucket % PARTS + 1) as u64) << shift) - 1
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        for bucket in 0..BUCKETS - 1 {
            assert_eq!(bucket_of(end_of(bucket)), bucket);
            assert_eq!(bucket_of(end_of(bucket) + 1), bucket + 1);
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn what_was_counted_since_is_what_was_not_there_before() {
        let mut pauses = PauseHistogram::default();
        (0..1000).for_each(|ns| pauses.record(ns * 1000));
        let earlier = pauses;
        assert_eq!(pauses.since(&earlier), PauseHistogram::default());
        let mut alone = PauseHistogram::default();
        for ns in (0..500).map(|ns| ns * 777) {
            pauses.record(ns);
            alone.record(ns);
        }
        let since = pauses.since(&earlier);
        assert_eq!((since.count(), since.buckets), (500, alone.buckets));
        assert!((alone.max_ns()..=alone.max_ns() * 9 / 8).contains(&since.max_ns()), "{}", since.max_ns());
        pauses.record(u64::MAX);
        assert_eq!(pauses.since(&earlier).max_ns(), end_of(BUCKETS - 1));
    }

    #[test]
    fn percentiles_are_at_most_an_eighth_too_high() {
        let mut pauses = PauseHistogram::default();
        assert_eq!(pauses.percentile_ns(99.0), 0);
        for ns in 0..100_000 {
            pauses.record(ns);
        }
        for (percent, exact) in [(50.0, 50_000), (99.0, 99_000), (99.9, 99_900), (100.0, 99_999)] {
            let found = pauses.percentile_ns(percent);
            assert!(found + 1 >= exact && found <= exact + exact / 8, "{percent}: {found}");
        }
        assert_eq!(pauses.max_ns(), 99_999);
        assert!(pauses.to_string().ends_with("p99.9 0.099 ms, max 0.099 ms"), "{pauses}");
    }
}
