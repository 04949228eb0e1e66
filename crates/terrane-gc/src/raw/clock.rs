//! Time for pause figures. A value of the configuration, so that a system without `std` can bring its own.

/// A monotonic clock in nanoseconds from an arbitrary start.
///
/// It is asked in the middle of collections. One that panics ends the process, since the heap could not be used
/// afterwards; one that jumps or stands still makes figures and pacing wrong, and nothing else.
pub type Clock = fn() -> u64;

/// What the clock says.
#[inline]
pub(crate) fn now_ns(clock: Clock) -> u64 {
    // To unwind out of a function with this interface aborts, also where there is no standard library.
    #[expect(improper_ctypes_definitions, reason = "nobody but Rust calls it")]
    extern "C" fn ask(clock: Clock) -> u64 {
        clock()
    }
    ask(clock)
}

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
