//! Weak processing: what a collection lets the embedder do about objects that nothing refers to any more.
//!
//! The contract is told in the documentation of the raw tier; here are its terms. `young` and `old` hold what answers
//! them: an evacuation reads forwarding words, a marking reads mark bits.

pub(crate) mod old;
pub(crate) mod young;

use super::Word;

/// Tells the living from the dead by the collection that is being finished.
pub trait Liveness {
    /// The reference as it is now, if the object is alive; `None` if it is dead. Immediates are their own
    /// survivors. O(1).
    ///
    /// `word` must be valid; as told under [weak processing](crate::raw#weak-processing). Once `survivor` has answered `Some` for an object, it
    /// does so until the collection ends.
    fn survivor(&self, word: Word) -> Option<Word>;

    /// Tells that `survivor` will soon be asked about this reference, so that the answer may be on its way from memory.
    /// For hooks that go through long tables: some entries ahead. O(1).
    fn prefetch(&self, _word: Word) {}
}

/// Keeps objects that were not reached.
pub trait Keeper: Liveness {
    /// Reaches the object, so that it survives with all that it refers to, and answers the reference as it is
    /// now. For an object that is alive anyway this costs no more than [`survivor`](Liveness::survivor).
    ///
    /// In `revive_young` everything that the object refers to is alive, for `survivor`, when `keep`
    /// returns. In `revive_old` it is so at the next call of the hook, since the collector traces on
    /// between two calls.
    fn keep(&mut self, word: Word) -> Word;

    /// A number that is another one whenever an object has come to life since it was last asked, by `keep` or in
    /// any other way. As long as it stays the same, what was dead still is.
    fn epoch(&self) -> u64;
}

/// Whether a hook that works in slices has come to its end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use]
pub enum Progress {
    /// Nothing is left to do.
    Done,
    /// The hook wants to be called again.
    More,
}

/// How much a hook should do before it returns.
///
/// One unit is about the cost of one table entry or one object: a cache miss or two. The collector hands out
/// so many that a slice stays short, looks at the clock between two calls, and calls again as long as the answer is
/// [`Progress::More`]. A hook that does a little more than its budget does no harm.
///
/// ```
/// use terrane_gc::raw::{Progress, WorkBudget};
///
/// fn clear_in_slices(entries: &mut [u64], next: &mut usize, budget: &mut WorkBudget) -> Progress {
///     while let Some(entry) = entries.get_mut(*next) {
///         if !budget.spend(1) {
///             return Progress::More;
///         }
///         *entry = 0;
///         *next += 1;
///     }
///     Progress::Done
/// }
///
/// let (mut entries, mut next) = ([1; 5], 0);
/// assert_eq!(clear_in_slices(&mut entries, &mut next, &mut WorkBudget::new(3)), Progress::More);
/// assert_eq!(next, 3);
/// assert_eq!(clear_in_slices(&mut entries, &mut next, &mut WorkBudget::new(3)), Progress::Done);
/// assert_eq!(entries, [0; 5]);
/// ```
#[derive(Debug)]
pub struct WorkBudget {
    units: usize,
}

impl WorkBudget {
    /// So many units.
    #[must_use]
    pub const fn new(units: usize) -> Self {
        Self { units }
    }

    /// More units than any work has: for a collection that stops the mutator until it is through.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self { units: usize::MAX }
    }

    /// Takes `units` for what is about to be done; false when they are used up, and the work should wait for the
    /// next slice. The last units are granted even if there are fewer than asked for, so that every call
    /// with a fresh budget gets somewhere.
    #[inline]
    #[must_use]
    pub fn spend(&mut self, units: usize) -> bool {
        if self.units == 0 {
            return false;
        }
        self.units = self.units.saturating_sub(units);
        true
    }

    /// Units that are left.
    #[inline]
    #[must_use]
    pub const fn left(&self) -> usize {
        self.units
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_units_are_granted_in_part() {
        let mut budget = WorkBudget::new(5);
        assert!(budget.spend(3) && budget.spend(3) && !budget.spend(1));
        assert_eq!(budget.left(), 0);
        assert!(!WorkBudget::new(0).spend(1));
    }
}
