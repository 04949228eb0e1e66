//! What a program can add to a system: plugins, a logger, a receiver of metrics.
//!
//! All are called without any lock of the system, on the thread on which something happened. Each may use the system it belongs to; what
//! it causes there is not reported again (a plugin that allocates in `on_allocation` would never end). One that panics is reported to the
//! loggers and in the statistics, and is not called any more.
//!
//! Of memory whose allocation was not reported, the end is not reported either, wherever that comes: so what an observer is told was given
//! back, it was told of before. The opposite can be: memory that is given back within a function of an observer ends unreported.

use core::time::Duration;

use crate::{AllocationEvent, DeallocationEvent, MemorySystem, ObserverFailure, PressureLevel};

/// Something that takes part in the life of a system.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicUsize, Ordering}};
/// use terrane::{AllocationEvent, MemoryPlugin, MemorySystem};
///
/// struct Largest(Arc<AtomicUsize>);
///
/// impl MemoryPlugin for Largest {
///     fn name(&self) -> &str {
///         "largest"
///     }
///     fn on_allocation(&self, event: &AllocationEvent) {
///         self.0.fetch_max(event.size, Ordering::Relaxed);
///     }
/// }
///
/// let largest = Arc::new(AtomicUsize::new(0));
/// let system = MemorySystem::builder().with_plugin(Largest(largest.clone())).build()?;
/// let _held = [system.allocate(100)?, system.allocate(5000)?, system.allocate(7)?];
/// assert_eq!(largest.load(Ordering::Relaxed), 5000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait MemoryPlugin: Send + Sync {
    /// What it is called in reports.
    fn name(&self) -> &str;

    /// The system is complete; called once, before anything is reported. A plugin that keeps a clone of the system keeps it from
    /// ever being dropped.
    fn on_init(&mut self, _system: &MemorySystem) {}

    /// Memory was allocated.
    fn on_allocation(&self, _event: &AllocationEvent) {}

    /// Memory was given back.
    fn on_deallocation(&self, _event: &DeallocationEvent) {}

    /// The level of pressure has changed.
    fn on_pressure(&self, _level: PressureLevel) {}
}

/// Something that writes down what a system reports. With the feature `tracing`, `TracingLogger` is one.
pub trait MemoryLogger: Send + Sync {
    /// Memory was allocated.
    fn log_allocation(&self, event: AllocationEvent);

    /// Memory was given back.
    fn log_deallocation(&self, event: DeallocationEvent);

    /// The level of pressure has changed.
    fn log_pressure(&self, _level: PressureLevel) {}

    /// Something panicked and is not called any more.
    fn log_failure(&self, _failure: &ObserverFailure) {}
}

/// Something that receives figures. With the feature `metrics`, `MetricsRecorder` is one.
pub trait MemoryMetrics: Send + Sync {
    /// Memory was allocated, and how long that took.
    fn record_allocation(&self, size: usize, duration: Duration);

    /// How many of the acquisitions of all pools found an idle object, from 0 to 1; with each
    /// [`MemorySystem::publish_metrics`].
    fn record_pool_hit_rate(&self, rate: f64);

    /// Memory was given back.
    fn record_deallocation(&self, _size: usize) {}

    /// A figure of the statistics, with each [`MemorySystem::publish_metrics`]. The name is like
    /// `terrane_budget_used_bytes`.
    fn record_gauge(&self, _name: &'static str, _value: f64) {}
}
