//! Stress mode: a collection at every n-th allocation, all kinds in turn, so that a missed root or barrier shows at once.

use core::num::NonZeroU64;

use super::heap::Heap;
use super::record::{CollectionCause, CollectionKind};
use super::{ObjectModel, RootSource};

/// What emptied memory is filled with in stress mode.
pub(crate) const POISON: u8 = 0xDB;

#[derive(Debug)]
pub(crate) struct Stress {
    every: NonZeroU64,
    allocations: u64,
    collections: usize,
}

impl Stress {
    pub(crate) fn new(every: NonZeroU64) -> Self {
        Self { every, allocations: 0, collections: 0 }
    }

    /// Counts an allocation; the kind of the collection that is due before it, if one is.
    fn tick(&mut self) -> Option<CollectionKind> {
        self.allocations += 1;
        if !self.allocations.is_multiple_of(self.every.get()) {
            return None;
        }
        self.collections += 1;
        Some(CollectionKind::ALL[self.collections % CollectionKind::ALL.len()])
    }
}

impl<M: ObjectModel> Heap<M> {
    /// Counts an allocation in stress mode.
    #[inline]
    pub(crate) fn stress_tick<R: RootSource>(&mut self, roots: &mut R) {
        if let Some(kind) = self.stress.as_mut().and_then(Stress::tick) {
            self.collect_quietly(kind, CollectionCause::Stress, roots);
        }
    }
}
