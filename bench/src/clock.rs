//! Time that a program spends computing.
//!
//! Where the system has it (Linux), this is CPU time of the whole process, its helper threads included: what other
//! processes take from the core does not count, work moved to another thread does. Elsewhere it is wall time.

use crate::statistics::median;

/// Runs `program` and says how many nanoseconds it took, and what it computed.
pub fn time<T>(program: impl FnOnce() -> T) -> (f64, T) {
    measure(Scope::Process, program)
}

/// The same for the calling thread alone: what other threads do meanwhile is left out.
pub fn thread_time<T>(program: impl FnOnce() -> T) -> (f64, T) {
    measure(Scope::Thread, program)
}

/// CPU time of the calling thread in nanoseconds, from an arbitrary start; a heap's clock.
#[must_use]
pub fn thread_now_ns() -> u64 {
    nanoseconds(now(Scope::Thread))
}

/// Whose time is measured.
#[derive(Clone, Copy)]
enum Scope {
    Process,
    Thread,
}

fn measure<T>(scope: Scope, program: impl FnOnce() -> T) -> (f64, T) {
    let start = now(scope);
    let result = program();
    let end = now(scope);
    (between(start, end), result)
}

/// What [`time`] itself takes, in nanoseconds: the time of nothing.
#[must_use]
pub fn cost_ns() -> f64 {
    let costs: Vec<f64> = (0..101).map(|_| time(|| ()).0).collect();
    median(&costs)
}

#[cfg(target_os = "linux")]
use linux::{between, nanoseconds, now};

#[cfg(target_os = "linux")]
mod linux {
    use super::Scope;
    use rustix::time::{ClockId, Timespec, clock_gettime};

    pub(super) fn now(scope: Scope) -> Timespec {
        clock_gettime(match scope {
            Scope::Process => ClockId::ProcessCPUTime,
            Scope::Thread => ClockId::ThreadCPUTime,
        })
    }

    pub(super) fn nanoseconds(time: Timespec) -> u64 {
        // CPU time is not negative, and shorter than some centuries.
        (time.tv_sec as u64) * 1_000_000_000 + time.tv_nsec as u64
    }

    #[expect(clippy::cast_precision_loss, reason = "a measurement is far below 2^53 ns")]
    pub(super) fn between(start: Timespec, end: Timespec) -> f64 {
        (end.tv_sec - start.tv_sec) as f64 * 1e9 + (end.tv_nsec - start.tv_nsec) as f64
    }
}

#[cfg(not(target_os = "linux"))]
fn now(_scope: Scope) -> std::time::Instant {
    std::time::Instant::now()
}

#[cfg(not(target_os = "linux"))]
fn nanoseconds(time: std::time::Instant) -> u64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    time.saturating_duration_since(*START.get_or_init(|| time)).as_nanos() as u64
}

#[cfg(not(target_os = "linux"))]
fn between(start: std::time::Instant, end: std::time::Instant) -> f64 {
    end.duration_since(start).as_secs_f64() * 1e9
}
