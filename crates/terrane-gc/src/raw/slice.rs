//! A slice: how much collection work runs before the mutator does again.
//!
//! Work is counted in units, each about one object, and the clock is asked after each [`BATCH`] of them. Where the clock
//! stands still, the units alone end a slice.

use super::clock::{Clock, now_ns};
use super::weak::WorkBudget;

/// Units between two looks at the clock: some ten microseconds when each misses the cache.
const BATCH: usize = 768;
/// Units that make up a slice where there is no clock: some 200 µs.
pub(crate) const UNITS_PER_SLICE: usize = 8192;

/// What is left of a slice.
#[derive(Debug)]
pub(crate) struct Slice {
    clock: Clock,
    /// When it ends, if it ends by time.
    deadline_ns: Option<u64>,
    units: usize,
}

impl Slice {
    /// Until the work is done.
    pub(crate) fn unlimited(clock: Clock) -> Self {
        Self { clock, deadline_ns: None, units: usize::MAX }
    }

    /// Until so many nanoseconds after `now` or so many units, whichever comes first.
    pub(crate) fn until(clock: Clock, deadline_ns: u64, units: usize) -> Self {
        Self { clock, deadline_ns: Some(deadline_ns), units }
    }

    /// Units that may be done before [`spend`](Self::spend) is called; 0 when the slice is over.
    pub(crate) fn batch(&self) -> usize {
        match self.deadline_ns {
            None => usize::MAX,
            Some(_) => self.units.min(BATCH),
        }
    }

    /// Takes note of units that were done, and of the time.
    pub(crate) fn spend(&mut self, units: usize) {
        if let Some(deadline) = self.deadline_ns {
            self.units = self.units.saturating_sub(units);
            if now_ns(self.clock) >= deadline {
                self.units = 0;
            }
        }
    }

    /// Whether anything but the work ends it.
    pub(crate) fn is_limited(&self) -> bool {
        self.deadline_ns.is_some()
    }

    /// Nothing more can be done in it.
    pub(crate) fn end(&mut self) {
        self.units = 0;
    }

    pub(crate) fn is_over(&self) -> bool {
        self.units == 0
    }

    /// A budget for a hook, to be settled with [`settle`](Self::settle).
    pub(crate) fn budget(&self) -> WorkBudget {
        WorkBudget::new(self.batch())
    }

    /// Takes note of what a hook has left of its budget.
    pub(crate) fn settle(&mut self, budget: &WorkBudget) {
        self.spend(self.batch().saturating_sub(budget.left()).max(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_ends_by_units_where_the_clock_stands_still_and_by_time_otherwise() {
        let mut slice = Slice::until(|| 5, 10, BATCH + 1);
        assert_eq!(slice.batch(), BATCH);
        slice.spend(BATCH);
        assert_eq!((slice.batch(), slice.is_over()), (1, false));
        slice.spend(1);
        assert!(slice.is_over());
        let mut late = Slice::until(|| 10, 10, BATCH);
        late.spend(1);
        assert!(late.is_over());
        let mut unlimited = Slice::unlimited(|| u64::MAX);
        unlimited.spend(usize::MAX);
        assert!(!unlimited.is_over());
    }
}
