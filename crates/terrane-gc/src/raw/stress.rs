//! Stress mode: a collection, or a slice of one, at every n-th allocation, so that a missed root or barrier shows at
//! once.

use core::num::NonZeroU64;

use super::heap::Heap;
use super::record::{CollectionCause, CollectionKind};
use super::{ObjectModel, RootSource};

/// What emptied memory is filled with in stress mode.
pub(crate) const POISON: u8 = 0xDB;

/// Units of work of a slice: few, so that the mutator runs in the middle of everything.
const SLICE_UNITS: usize = 24;

/// What is done at an allocation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Action {
    Collect(CollectionKind),
    /// Begins a full collection in slices.
    Begin,
    /// Goes on with it.
    Slice,
}

/// What is done in turn. Some full collections in slices come to their end, others are overtaken.
const TURNS: [Action; 16] = [
    Action::Collect(CollectionKind::Evacuate),
    Action::Collect(CollectionKind::Full),
    Action::Collect(CollectionKind::Minor),
    Action::Begin,
    Action::Slice,
    Action::Slice,
    Action::Collect(CollectionKind::Minor),
    Action::Slice,
    Action::Slice,
    Action::Collect(CollectionKind::Evacuate),
    Action::Slice,
    Action::Slice,
    Action::Slice,
    Action::Slice,
    Action::Slice,
    Action::Slice,
];

#[derive(Debug)]
pub(crate) struct Stress {
    every: NonZeroU64,
    allocations: u64,
    turns: usize,
}

impl Stress {
    pub(crate) fn new(every: NonZeroU64) -> Self {
        Self { every, allocations: 0, turns: 0 }
    }

    /// Counts an allocation; what is to be done before it, if anything.
    fn tick(&mut self) -> Option<Action> {
        self.allocations += 1;
        if !self.allocations.is_multiple_of(self.every.get()) {
            return None;
        }
        let action = TURNS[self.turns % TURNS.len()];
        self.turns += 1;
        Some(action)
    }
}

impl<M: ObjectModel> Heap<M> {
    /// Counts an allocation in stress mode.
    #[inline]
    pub(crate) fn stress_tick<R: RootSource>(&mut self, roots: &mut R) {
        match self.stress.as_mut().and_then(Stress::tick) {
            None => {}
            Some(Action::Collect(kind)) => self.collect_quietly(kind, CollectionCause::Stress, roots),
            Some(Action::Begin) => self.begin_full(roots),
            Some(Action::Slice) => {
                _ = self.step_units(SLICE_UNITS, roots);
                self.verify_between(roots);
            }
        }
    }

    /// Runs the verifier between two slices, where it is to run after every collection.
    fn verify_between<R: RootSource>(&mut self, roots: &mut R) {
        if self.verify_always {
            self.verify_or_dump(roots, format_args!("after a slice"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_nth_allocation_is_due_and_all_kinds_take_turns() {
        let mut stress = Stress::new(NonZeroU64::new(3).unwrap());
        let due: [Option<Action>; 96] = core::array::from_fn(|_| stress.tick());
        for (index, action) in due.iter().enumerate() {
            assert_eq!(action.is_some(), (index + 1) % 3 == 0);
        }
        for kind in CollectionKind::ALL {
            assert!(due.contains(&Some(Action::Collect(kind))));
        }
        assert_eq!(due[2], due[50]);
    }
}
