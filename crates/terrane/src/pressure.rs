//! How a system learns that memory is scarce, and tells its plugins.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use terrane_base::{Budget, BudgetName, Bytes, PressureLevel, PressureListener, PressureOrigin};
use terrane_pages::{PressureMonitor, PressureWatcher};

use crate::{ObserverFailure, SystemId, observers::Observers};

/// The system's eye on the operating system.
#[derive(Debug)]
pub(crate) struct Pressure {
    monitor: Mutex<PressureMonitor>,
    /// Asked for by the option `watch_pressure`. Dropping it ends its thread.
    _watcher: Option<PressureWatcher>,
    /// Kept, since the budget only refers to it.
    _announcer: Arc<Announcer>,
}

impl Pressure {
    /// `root` is the folder that stands for `/`.
    pub(crate) fn new(root: &Path, announcer: Arc<Announcer>, watcher: Option<PressureWatcher>) -> Self {
        let monitor = Mutex::new(PressureMonitor::new(root));
        Self { monitor, _watcher: watcher, _announcer: announcer }
    }

    pub(crate) fn poll(&self, budget: &Budget) -> PressureLevel {
        let level = self.monitor.lock().unwrap_or_else(PoisonError::into_inner).poll();
        // Without the lock: reclaimers and plugins run.
        budget.notify_from(PressureOrigin::System, level);
        budget.serve_deferred();
        relieve(budget);
        budget.pressure()
    }
}

/// Where more is used than the limit, which was lowered, says: asks again, as what could not be given up then may be now.
fn relieve(budget: &Budget) {
    let excess = budget.used().saturating_sub(budget.limit());
    if excess > Bytes::ZERO {
        budget.reclaim(excess);
    }
}

/// A thread that polls.
pub(crate) fn watch(root: &Path, interval: Duration, budget: &Budget) -> io::Result<PressureWatcher> {
    let budget = budget.clone();
    let tell = move |level| budget.notify_from(PressureOrigin::System, level);
    PressureWatcher::start(PressureMonitor::new(root), interval, tell)
}

/// Tells the plugins of each change.
#[derive(Debug)]
pub(crate) struct Announcer {
    pub(crate) system: SystemId,
    pub(crate) observers: Arc<Observers>,
}

impl PressureListener for Announcer {
    fn pressure_changed(&self, level: PressureLevel) {
        self.observers.pressure_changed(self.system, level);
    }

    fn taken_out(&self, name: BudgetName) {
        self.observers.report(ObserverFailure {
            name: name.as_str().to_owned(),
            hook: "reclaim",
            message: "a reclaimer or listener of the budget was taken out".to_owned(),
        });
    }
}
