//! Time for pause figures. A value of the configuration, so that a system without `std` can bring its own.

/// A monotonic clock in nanoseconds from an arbitrary start.
pub type Clock = fn() -> u64;

/// The monotonic clock of the system with the feature `std`; otherwise a clock that stands still.
#[must_use]
pub fn default_clock() -> Clock {
    #[cfg(feature = "std")]
    {
        monotonic_ns
    }
    #[cfg(not(feature = "std"))]
    {
        || 0
    }
}

#[cfg(feature = "std")]
fn monotonic_ns() -> u64 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}
