//! Time that a program spends computing.
//!
//! Where the system has it (Linux), this is CPU time of the whole process, its helper threads included: what other
//! processes take from the core does not count, work moved to another thread does. Elsewhere it is wall time.

/// Runs `program` and says how many nanoseconds it took, and what it computed.
pub fn time<T>(program: impl FnOnce() -> T) -> (f64, T) {
    let start = now();
    let result = program();
    (since(start), result)
}

#[cfg(target_os = "linux")]
use linux::{now, since};

#[cfg(target_os = "linux")]
mod linux {
    use rustix::time::{ClockId, Timespec, clock_gettime};

    pub(super) fn now() -> Timespec {
        clock_gettime(ClockId::ProcessCPUTime)
    }

    #[expect(clippy::cast_precision_loss, reason = "a measurement is far below 2^53 ns")]
    pub(super) fn since(start: Timespec) -> f64 {
        let end = now();
        (end.tv_sec - start.tv_sec) as f64 * 1e9 + (end.tv_nsec - start.tv_nsec) as f64
    }
}

#[cfg(not(target_os = "linux"))]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

#[cfg(not(target_os = "linux"))]
fn since(start: std::time::Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e9
}
