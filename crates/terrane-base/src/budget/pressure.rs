//! How scarce memory is: three levels, from what a tree of budgets uses and from what others say.
//!
//! Use is compared with thresholds in per cent of the root's maximum. A level is entered at its upper threshold and left below
//! its lower one (*hysteresis*, as in a Schmitt trigger), so that use which swings around a threshold does not turn reclaiming
//! on and off at each swing. Beside it stand the levels that the system (cgroup, PSI) and the application report; the level that
//! counts is the highest of the three.

use core::sync::atomic::{
    AtomicU8, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};

use super::limits::LimitProblem;

/// How scarce memory is.
///
/// ```
/// use terrane_base::{Budget, Bytes, PressureLevel};
///
/// let root = Budget::root(Bytes::new(100));
/// let held = root.try_reserve(Bytes::new(80))?;
/// assert_eq!(root.pressure(), PressureLevel::Moderate);
/// drop(held);
/// assert_eq!(root.pressure(), PressureLevel::Normal);
/// # Ok::<(), terrane_base::MemoryError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PressureLevel {
    /// There is enough.
    #[default]
    Normal,
    /// Give up what costs little to make again.
    Moderate,
    /// Give up whatever can be given up.
    Critical,
}

impl PressureLevel {
    /// All levels, lowest first.
    pub const ALL: [Self; 3] = [Self::Normal, Self::Moderate, Self::Critical];

    /// "normal", "moderate" or "critical".
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Moderate => "moderate",
            Self::Critical => "critical",
        }
    }

    const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Normal,
            1 => Self::Moderate,
            _ => Self::Critical,
        }
    }
}

impl core::fmt::Display for PressureLevel {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

/// Who says how scarce memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PressureOrigin {
    /// The operating system: limits and stalls of a cgroup or of the machine.
    System,
    /// The program itself.
    Application,
}

/// When use of a budget is pressure, in per cent of the root's maximum.
///
/// A level is entered when use reaches `…_from` and left when it falls below `…_until`.
///
/// ```
/// use terrane_base::{PressureLevel, PressureThresholds};
///
/// let thresholds = PressureThresholds::default();
/// let mut level = PressureLevel::Normal;
/// let mut levels = Vec::new();
/// for percent in [74, 75, 66, 64, 95, 85, 79] {
///     level = thresholds.level(level, percent, 100);
///     levels.push(level.name());
/// }
/// assert_eq!(levels, ["normal", "moderate", "moderate", "normal", "critical", "critical", "moderate"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PressureThresholds {
    /// Use from which on pressure is moderate: 75 %.
    pub moderate_from: u8,
    /// Use below which it is normal again: 65 %.
    pub moderate_until: u8,
    /// Use from which on pressure is critical: 90 %.
    pub critical_from: u8,
    /// Use below which it is moderate again: 80 %.
    pub critical_until: u8,
}

impl Default for PressureThresholds {
    fn default() -> Self {
        Self { moderate_from: 75, moderate_until: 65, critical_from: 90, critical_until: 80 }
    }
}

impl PressureThresholds {
    /// The level after `level`, when `used` bytes of `limit` are used. Without a limit (`usize::MAX`) it is normal.
    #[must_use]
    pub const fn level(&self, level: PressureLevel, used: usize, limit: usize) -> PressureLevel {
        Bounds::new(self, limit).next(level, used)
    }

    pub(crate) fn check(&self) -> Result<(), LimitProblem> {
        let rising = 1 <= self.moderate_until
            && self.moderate_until <= self.moderate_from
            && self.moderate_from < self.critical_from
            && self.moderate_until < self.critical_until
            && self.critical_until <= self.critical_from
            && self.critical_from <= 100;
        if rising { Ok(()) } else { Err(LimitProblem::Thresholds) }
    }
}

/// Thresholds in bytes.
#[derive(Clone, Copy)]
struct Bounds {
    moderate_from: usize,
    moderate_until: usize,
    critical_from: usize,
    critical_until: usize,
}

impl Bounds {
    const fn new(thresholds: &PressureThresholds, limit: usize) -> Self {
        Self {
            moderate_from: part(limit, thresholds.moderate_from),
            moderate_until: part(limit, thresholds.moderate_until),
            critical_from: part(limit, thresholds.critical_from),
            critical_until: part(limit, thresholds.critical_until),
        }
    }

    const fn next(&self, level: PressureLevel, used: usize) -> PressureLevel {
        let critical = match level {
            PressureLevel::Critical => used >= self.critical_until,
            _ => used >= self.critical_from,
        };
        let moderate = match level {
            PressureLevel::Normal => used >= self.moderate_from,
            _ => used >= self.moderate_until,
        };
        match (critical, moderate) {
            (true, _) => PressureLevel::Critical,
            (false, true) => PressureLevel::Moderate,
            (false, false) => PressureLevel::Normal,
        }
    }
}

/// So many per cent, rounded up, and at least 1; of no limit, an amount that is never reached.
const fn part(limit: usize, percent: u8) -> usize {
    if limit == usize::MAX {
        return usize::MAX;
    }
    let part = (limit as u128 * percent as u128).div_ceil(100) as usize;
    if part == 0 { 1 } else { part }
}

/// The levels of one tree.
pub(crate) struct Pressure {
    limit: AtomicUsize,
    thresholds: [AtomicU8; 4],
    /// From which use on, and below which, the level of use is another one.
    rise_at: AtomicUsize,
    fall_below: AtomicUsize,
    by_use: AtomicU8,
    by_system: AtomicU8,
    by_application: AtomicU8,
    /// The level that listeners were last told.
    #[cfg(feature = "std")]
    announced: AtomicU8,
}

impl Pressure {
    pub(crate) fn new(limit: usize) -> Self {
        let this = Self {
            limit: AtomicUsize::new(limit),
            thresholds: Default::default(),
            rise_at: AtomicUsize::new(usize::MAX),
            fall_below: AtomicUsize::new(0),
            by_use: AtomicU8::new(0),
            by_system: AtomicU8::new(0),
            by_application: AtomicU8::new(0),
            #[cfg(feature = "std")]
            announced: AtomicU8::new(0),
        };
        this.set_thresholds(PressureThresholds::default());
        this
    }

    pub(crate) fn set_limit(&self, limit: usize) {
        self.limit.store(limit, SeqCst);
        self.renew_band();
    }

    pub(crate) fn set_thresholds(&self, new: PressureThresholds) {
        let new = [new.moderate_from, new.moderate_until, new.critical_from, new.critical_until];
        for (place, percent) in self.thresholds.iter().zip(new) {
            place.store(percent, SeqCst);
        }
        self.renew_band();
    }

    fn bounds(&self) -> Bounds {
        let [moderate_from, moderate_until, critical_from, critical_until] =
            core::array::from_fn(|place| self.thresholds[place].load(SeqCst));
        let thresholds = PressureThresholds { moderate_from, moderate_until, critical_from, critical_until };
        Bounds::new(&thresholds, self.limit.load(SeqCst))
    }

    /// Whether that use is perhaps another level. Two loads and two comparisons.
    #[inline]
    pub(crate) fn is_out_of_band(&self, used: usize) -> bool {
        used >= self.rise_at.load(Relaxed) || used < self.fall_below.load(Relaxed)
    }

    /// Computes the level of that use; whether it is another one than before.
    pub(crate) fn set_use(&self, used: usize) -> bool {
        let bounds = self.bounds();
        let before = self.by_use.load(SeqCst);
        let next = bounds.next(PressureLevel::from_number(before), used) as u8;
        // Where two threads do this at once, one of them wins; the loser saw a state that is past.
        let changed = next != before && self.by_use.compare_exchange(before, next, SeqCst, SeqCst).is_ok();
        self.renew_band();
        changed
    }

    /// Keeps the band in step with level and limits. A racing thread may leave the band of a level that is past: then the
    /// next change of use is taken for out of band, or is noticed one change later.
    fn renew_band(&self) {
        let bounds = self.bounds();
        let (fall_below, rise_at) = match PressureLevel::from_number(self.by_use.load(SeqCst)) {
            PressureLevel::Normal => (0, bounds.moderate_from),
            PressureLevel::Moderate => (bounds.moderate_until, bounds.critical_from),
            PressureLevel::Critical => (bounds.critical_until, usize::MAX),
        };
        self.rise_at.store(rise_at, SeqCst);
        self.fall_below.store(fall_below, SeqCst);
    }

    /// Where use should go when the level has risen to `level`: below the lower threshold, and where it is not use that
    /// is high, by an eighth or a quarter.
    #[cfg(feature = "std")]
    pub(crate) fn relief_target(&self, level: PressureLevel, used: usize) -> usize {
        let bounds = self.bounds();
        match level {
            PressureLevel::Normal => used,
            PressureLevel::Moderate => (used - used / 8).min(bounds.moderate_until - 1),
            PressureLevel::Critical => (used - used / 4).min(bounds.critical_until - 1),
        }
    }

    pub(crate) fn report(&self, origin: PressureOrigin, level: PressureLevel) {
        let place = match origin {
            PressureOrigin::System => &self.by_system,
            PressureOrigin::Application => &self.by_application,
        };
        place.store(level as u8, SeqCst);
    }

    /// The level that counts.
    pub(crate) fn level(&self) -> PressureLevel {
        let all = [&self.by_use, &self.by_system, &self.by_application];
        PressureLevel::from_number(all.map(|level| level.load(SeqCst)).into_iter().max().unwrap_or(0))
    }

    /// Whether the level that counts is another one than was told.
    #[cfg(feature = "std")]
    pub(crate) fn is_unannounced(&self) -> bool {
        self.level() as u8 != self.announced.load(SeqCst)
    }

    /// The level that counts, with the one that was told before, if it is another one. Each change is handed out once.
    #[cfg(feature = "std")]
    pub(crate) fn take_change(&self) -> Option<(PressureLevel, PressureLevel)> {
        let now = self.level();
        let before = self.announced.swap(now as u8, SeqCst);
        (before != now as u8).then(|| (PressureLevel::from_number(before), now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_hysteresis_and_may_be_skipped() {
        let pressure = Pressure::new(1000);
        let mut levels = std::vec::Vec::new();
        for used in [749, 750, 700, 650, 649, 749, 950, 899, 800, 799, 640, 1000, 10] {
            if pressure.is_out_of_band(used) {
                pressure.set_use(used);
            }
            levels.push(pressure.level() as u8);
        }
        assert_eq!(levels, [0, 1, 1, 1, 0, 0, 2, 2, 2, 1, 0, 2, 0]);
    }

    #[test]
    #[cfg(feature = "std")]
    fn the_highest_level_counts_and_each_change_is_told_once() {
        let pressure = Pressure::new(1000);
        pressure.report(PressureOrigin::System, PressureLevel::Moderate);
        assert_eq!(pressure.take_change(), Some((PressureLevel::Normal, PressureLevel::Moderate)));
        pressure.report(PressureOrigin::Application, PressureLevel::Critical);
        pressure.report(PressureOrigin::System, PressureLevel::Normal);
        assert_eq!(pressure.take_change(), Some((PressureLevel::Moderate, PressureLevel::Critical)));
        assert_eq!(pressure.take_change(), None);
    }

    #[test]
    fn a_limit_that_changes_moves_the_thresholds() {
        let pressure = Pressure::new(usize::MAX);
        assert!(!pressure.is_out_of_band(usize::MAX - 1), "no limit, no pressure");
        pressure.set_limit(100);
        assert!(pressure.is_out_of_band(80) && pressure.set_use(80));
        assert_eq!(pressure.level(), PressureLevel::Moderate);
        pressure.set_limit(1000);
        assert!(pressure.is_out_of_band(80) && pressure.set_use(80));
        assert_eq!(pressure.level(), PressureLevel::Normal);
    }

    #[test]
    fn thresholds_have_to_rise() {
        let good = PressureThresholds::default();
        assert_eq!(good.check(), Ok(()));
        for bad in [
            PressureThresholds { moderate_until: 0, ..good },
            PressureThresholds { moderate_until: 76, ..good },
            PressureThresholds { critical_from: 75, ..good },
            PressureThresholds { critical_until: 65, ..good },
            PressureThresholds { critical_until: 91, ..good },
            PressureThresholds { critical_from: 101, ..good },
        ] {
            assert_eq!(bad.check(), Err(LimitProblem::Thresholds), "{bad:?}");
        }
    }
}
