//! Events for the crate `tracing`.

use crate::{AllocationEvent, DeallocationEvent, MemoryLogger, ObserverFailure, PressureLevel};

/// Gives what a system reports to the subscriber of the crate `tracing`: allocations at level `TRACE`, changes of pressure at `INFO`
/// (critical at `WARN`), failures at `ERROR`; all with the target `terrane`.
///
/// ```
/// use terrane::{MemorySystem, TracingLogger};
///
/// let system = MemorySystem::builder().with_logger(TracingLogger::new()).build()?;
/// drop(system.allocate(100)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingLogger(());

const TARGET: &str = "terrane";

impl TracingLogger {
    /// For the subscriber that counts on the thread where something happens.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }
}

impl MemoryLogger for TracingLogger {
    fn log_allocation(&self, event: AllocationEvent) {
        let AllocationEvent { system, size, route, site, duration } = event;
        let nanoseconds = duration.map(|time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        tracing::trace!(target: TARGET, %system, size, %route, %site, nanoseconds, "allocation");
    }

    fn log_deallocation(&self, event: DeallocationEvent) {
        let DeallocationEvent { system, size, route, site } = event;
        tracing::trace!(target: TARGET, %system, size, %route, %site, "deallocation");
    }

    fn log_pressure(&self, level: PressureLevel) {
        if level == PressureLevel::Critical {
            tracing::warn!(target: TARGET, %level, "pressure");
        } else {
            tracing::info!(target: TARGET, %level, "pressure");
        }
    }

    fn log_failure(&self, failure: &ObserverFailure) {
        tracing::error!(target: TARGET, "{failure}");
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fmt::Write,
        sync::{Arc, Mutex},
    };

    use tracing::{
        Event, Metadata, Subscriber,
        field::{Field, Visit},
        span::{Attributes, Id, Record},
    };

    use super::*;
    use crate::MemorySystem;

    /// Writes each event down as `LEVEL field=value …`.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<String>>>);

    struct Line(String);

    impl Visit for Line {
        fn record_debug(&mut self, field: &Field, value: &dyn core::fmt::Debug) {
            if !["site", "system"].contains(&field.name()) {
                let _ = write!(self.0, " {}={value:?}", field.name());
            }
        }
    }

    impl Subscriber for Lines {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target() == TARGET
        }
        fn new_span(&self, _span: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _span: &Id, _values: &Record<'_>) {}
        fn record_follows_from(&self, _span: &Id, _follows: &Id) {}
        fn event(&self, event: &Event<'_>) {
            let mut line = Line(event.metadata().level().to_string());
            event.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }
        fn enter(&self, _span: &Id) {}
        fn exit(&self, _span: &Id) {}
    }

    #[test]
    fn events_carry_their_figures() {
        let lines = Lines::default();
        tracing::subscriber::with_default(lines.clone(), || {
            let system = MemorySystem::builder().with_logger(TracingLogger::new()).build().unwrap();
            drop(system.allocate(100).unwrap());
            system.notify(PressureLevel::Critical);
            system.notify(PressureLevel::Normal);
        });
        assert_eq!(
            *lines.0.lock().unwrap(),
            [
                "TRACE message=allocation size=100 route=pools",
                "TRACE message=deallocation size=100 route=pools",
                "WARN message=pressure level=critical",
                "INFO message=pressure level=normal",
            ]
        );
    }
}
