//! Time as a value that can be exchanged: for tests, and for targets without a clock of the system.

use core::{
    fmt::Debug,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Says how much time has passed since some fixed moment, and never goes back.
///
/// ```
/// use core::time::Duration;
/// use terrane_base::{Clock, ManualClock};
///
/// fn is_stale(clock: &dyn Clock, written: Duration) -> bool {
///     clock.now() - written > Duration::from_secs(60)
/// }
///
/// let clock = ManualClock::new();
/// let written = clock.now();
/// clock.advance(Duration::from_secs(61));
/// assert!(is_stale(&clock, written));
/// ```
pub trait Clock: Debug + Send + Sync {
    /// The time since the moment that this clock counts from.
    fn now(&self) -> Duration;
}

impl<C: Clock + ?Sized> Clock for &C {
    fn now(&self) -> Duration {
        (**self).now()
    }
}

impl<C: Clock + ?Sized> Clock for alloc::sync::Arc<C> {
    fn now(&self) -> Duration {
        (**self).now()
    }
}

/// A clock that stands still until it is told how much time has passed. Starts at zero.
#[derive(Debug, Default)]
pub struct ManualClock {
    passed_ns: AtomicU64,
}

impl ManualClock {
    /// A clock at zero.
    #[must_use]
    pub const fn new() -> Self {
        Self { passed_ns: AtomicU64::new(0) }
    }

    /// Lets so much time pass. After 584 years in all it stands still for good.
    pub fn advance(&self, time: Duration) {
        let more_ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let mut passed_ns = self.passed_ns.load(Relaxed);
        loop {
            let sum_ns = passed_ns.saturating_add(more_ns);
            match self.passed_ns.compare_exchange_weak(passed_ns, sum_ns, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(now_ns) => passed_ns = now_ns,
            }
        }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.passed_ns.load(Relaxed))
    }
}

/// The system's monotonic clock, counted from when this value was made.
///
/// ```
/// use terrane_base::{Clock, SystemClock};
///
/// let clock = SystemClock::new();
/// assert!(clock.now() <= clock.now());
/// ```
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: std::time::Instant,
}

#[cfg(feature = "std")]
impl SystemClock {
    /// A clock that starts now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: std::time::Instant::now() }
    }
}

#[cfg(feature = "std")]
impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "std")]
impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_passes_as_much_as_it_is_told_and_ends() {
        let clock = ManualClock::new();
        clock.advance(Duration::from_nanos(3));
        clock.advance(Duration::from_secs(1));
        assert_eq!(Clock::now(&&clock), Duration::new(1, 3));
        clock.advance(Duration::MAX);
        assert_eq!(alloc::sync::Arc::new(clock).now(), Duration::from_nanos(u64::MAX));
    }
}
