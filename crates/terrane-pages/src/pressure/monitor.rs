//! One level of pressure out of what the system says.
//!
//! - **Room.** For each cgroup with a limit, its use in per cent of the tighter of `memory.high` and `memory.max`, with the thresholds and the
//!   hysteresis of budgets. Use counts the page cache, which the kernel can drop, so this alone is never more than *moderate*.
//! - **Events.** `high` has risen since the last time: moderate. `max` or `oom` has risen: critical.
//! - **Stalls.** Some task waits 10 % of the time: moderate. All wait 5 % of the time, or some 40 %: critical. A level is left at half of that.
//!
//! The highest counts.

use std::path::{Path, PathBuf};

use terrane_base::{Bytes, PressureLevel, PressureThresholds};

use super::{
    cgroup::{Cgroup, MemoryEvents, text_of},
    psi::StallShares,
};

/// Shares of time in hundredths of a per cent.
const SOME_MODERATE: u32 = 1_000;
const SOME_CRITICAL: u32 = 4_000;
const FULL_CRITICAL: u32 = 500;

/// Tells how scarce memory is, by what the system says, each time it is asked.
///
/// ```
/// use std::path::Path;
/// use terrane_base::{Budget, Bytes, PressureOrigin};
/// use terrane_pages::PressureMonitor;
///
/// let budget = Budget::root(Bytes::from_mib(64));
/// let mut monitor = PressureMonitor::new(Path::new("/"));
/// budget.notify_from(PressureOrigin::System, monitor.poll()); // again from time to time
/// ```
#[derive(Clone, Debug)]
pub struct PressureMonitor {
    cgroup: Option<Cgroup>,
    stall_file: Option<PathBuf>,
    /// Whether the files are those of the kernel, and not of a made-up tree.
    #[cfg(target_os = "linux")]
    real: bool,
    thresholds: PressureThresholds,
    events: MemoryEvents,
    by_room: PressureLevel,
    by_stalls: PressureLevel,
}

impl PressureMonitor {
    /// Looks up which files the system below `root` has (`/` for the real one). Where it has none, the level is always normal:
    /// see [`is_blind`](PressureMonitor::is_blind).
    #[must_use]
    pub fn new(root: &Path) -> Self {
        let cgroup = Cgroup::of_this_process(root);
        let of_machine = root.join("proc/pressure/memory");
        let of_machine = text_of(&of_machine).map(|_| of_machine);
        let stall_file = cgroup.as_ref().and_then(Cgroup::stall_file).or(of_machine);
        Self {
            events: cgroup.as_ref().map(Cgroup::events).unwrap_or_default(),
            cgroup,
            stall_file,
            #[cfg(target_os = "linux")]
            real: root == Path::new("/"),
            thresholds: PressureThresholds::default(),
            by_room: PressureLevel::Normal,
            by_stalls: PressureLevel::Normal,
        }
    }

    /// Whether the system says nothing at all about memory.
    #[must_use]
    pub fn is_blind(&self) -> bool {
        self.cgroup.is_none() && self.stall_file.is_none()
    }

    /// The cgroup that is looked at.
    #[must_use]
    pub fn cgroup(&self) -> Option<&Cgroup> {
        self.cgroup.as_ref()
    }

    /// The file with stall information that is read: of the cgroup, or else of the machine.
    #[must_use]
    pub fn stall_file(&self) -> Option<&Path> {
        self.stall_file.as_deref()
    }

    /// The level now. Reads some small files.
    pub fn poll(&mut self) -> PressureLevel {
        let by_events = self.poll_events();
        self.by_room = self.poll_room();
        self.by_stalls = self.poll_stalls();
        by_events.max(self.by_room).max(self.by_stalls)
    }

    #[cfg(target_os = "linux")]
    pub(super) fn is_real(&self) -> bool {
        self.real
    }

    fn poll_room(&self) -> PressureLevel {
        let Some(cgroup) = &self.cgroup else { return PressureLevel::Normal };
        let levels = cgroup.limits().filter_map(|limits| {
            let limit = limits.max.min(limits.high);
            let (current, limit) = (limits.current.as_usize(), limit.as_usize());
            (limit < Bytes::MAX.as_usize()).then(|| self.thresholds.level(self.by_room, current, limit))
        });
        levels.max().unwrap_or_default().min(PressureLevel::Moderate)
    }

    fn poll_events(&mut self) -> PressureLevel {
        let Some(cgroup) = &self.cgroup else { return PressureLevel::Normal };
        let (before, now) = (self.events, cgroup.events());
        self.events = now;
        if now.max > before.max || now.oom > before.oom {
            PressureLevel::Critical
        } else if now.high > before.high {
            PressureLevel::Moderate
        } else {
            PressureLevel::Normal
        }
    }

    fn poll_stalls(&self) -> PressureLevel {
        let shares = self.stall_file.as_deref().and_then(text_of).and_then(|text| text.parse().ok());
        shares.map_or(PressureLevel::Normal, |shares| level_of(shares, self.by_stalls))
    }
}

fn level_of(shares: StallShares, before: PressureLevel) -> PressureLevel {
    let reaches =
        |share: u32, threshold: u32, held: bool| share >= if held { threshold / 2 } else { threshold };
    let was_critical = before == PressureLevel::Critical;
    let was_moderate = before >= PressureLevel::Moderate;
    if reaches(shares.full, FULL_CRITICAL, was_critical) || reaches(shares.some, SOME_CRITICAL, was_critical)
    {
        PressureLevel::Critical
    } else if reaches(shares.some, SOME_MODERATE, was_moderate) {
        PressureLevel::Moderate
    } else {
        PressureLevel::Normal
    }
}
