//! Figures for the crate `metrics`, and so for any of its exporters.

use core::time::Duration;

use crate::MemoryMetrics;

/// Gives a system's figures to the recorder of the crate `metrics` that is installed, for Prometheus and others.
///
/// | Name | Kind | |
/// |---|---|---|
/// | `terrane_allocations_total` | counter | requests that were served |
/// | `terrane_allocated_bytes_total` | counter | their bytes |
/// | `terrane_deallocations_total` | counter | those given back |
/// | `terrane_deallocated_bytes_total` | counter | their bytes |
/// | `terrane_allocation_seconds` | histogram | how long they took |
/// | `terrane_pool_hit_rate` | gauge | acquisitions of pools that found an idle object, 0 to 1 |
/// | `terrane_cache_hit_rate` | gauge | look-ups in caches that found a value, 0 to 1 |
/// | `terrane_budget_used_bytes`, `…_peak_bytes`, `…_limit_bytes` | gauge | the budget |
/// | `terrane_live_bytes`, `terrane_live_allocations` | gauge | what is held |
/// | `terrane_accounted_bytes`, `terrane_resident_bytes` | gauge | the two sides of the reconcile line |
/// | `terrane_allocation_failures`, `terrane_unplugged_observers`, `terrane_pressure_level` | gauge | what to worry about |
///
/// Gauges are as of the last [`publish_metrics`](crate::MemorySystem::publish_metrics): call it before the exporter is asked.
///
/// ```
/// use metrics_exporter_prometheus::PrometheusBuilder;
/// use terrane::{MemorySystem, MetricsRecorder};
///
/// let prometheus = PrometheusBuilder::new().build_recorder();
/// let page = prometheus.handle();
/// metrics::with_local_recorder(&prometheus, || {
///     let system = MemorySystem::builder().with_metrics(MetricsRecorder::new()).build()?;
///     let _held = system.allocate(100)?;
///     system.publish_metrics();
///     Ok::<(), Box<dyn std::error::Error>>(())
/// })?;
/// let page = page.render();
/// assert!(page.contains("terrane_allocations_total 1") && page.contains("terrane_live_bytes 100"), "{page}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct MetricsRecorder(());

impl MetricsRecorder {
    /// For the recorder that is installed when something is recorded.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }
}

impl MemoryMetrics for MetricsRecorder {
    fn record_allocation(&self, size: usize, duration: Duration) {
        metrics::counter!("terrane_allocations_total").increment(1);
        metrics::counter!("terrane_allocated_bytes_total").increment(size as u64);
        metrics::histogram!("terrane_allocation_seconds").record(duration);
    }

    fn record_deallocation(&self, size: usize) {
        metrics::counter!("terrane_deallocations_total").increment(1);
        metrics::counter!("terrane_deallocated_bytes_total").increment(size as u64);
    }

    fn record_pool_hit_rate(&self, rate: f64) {
        metrics::gauge!("terrane_pool_hit_rate").set(rate);
    }

    fn record_gauge(&self, name: &'static str, value: f64) {
        metrics::gauge!(name).set(value);
    }
}
