//! Memory outside the heap that lives and dies with objects in it: file contents behind a handle, a texture, the
//! buffer of a growable vector.
//!
//! Such bytes count as if they lay in the old space: toward the threshold of the next full collection and against the
//! limit. A program that allocates small objects with much behind them would seldom fill its nursery, so
//! bytes charged since the last collection also bring a minor collection about.

use super::heap::Heap;
use super::{ObjectModel, RootSource};
use crate::raw::record::{CollectionCause, CollectionKind};

/// External bytes, as a multiple of the nursery's size, that make a minor collection due, and how many do at most. They are
/// not copied, so they cost a collection less than the nursery's own.
const NURSERIES_DUE: usize = 16;
const DUE_MAX: usize = 16 << 20;

/// More counts as this much, so that sums with it do not overflow.
const EXTERNAL_MAX: usize = isize::MAX as usize;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ExternalBytes {
    /// Charged now.
    pub(crate) now: usize,
    /// Of them, those that were there at the last full collection and are still.
    settled: usize,
    /// Charged since the last collection.
    new: usize,
    /// Bytes of the root source's tables.
    pub(crate) tables: usize,
    /// The same at the last full collection.
    tables_settled: usize,
}

impl ExternalBytes {
    fn charge(&mut self, bytes: isize) {
        let change = bytes.unsigned_abs();
        if bytes >= 0 {
            self.now = self.now.saturating_add(change).min(EXTERNAL_MAX);
            self.new = self.new.saturating_add(change);
        } else {
            self.now = self.now.saturating_sub(change);
            self.new = self.new.saturating_sub(change);
            self.settled = self.settled.min(self.now);
        }
    }

    /// What was charged since the last full collection, and what the tables have grown by.
    pub(crate) fn grown(&self) -> usize {
        (self.now - self.settled).saturating_add(self.tables.saturating_sub(self.tables_settled))
    }

    /// A minor collection ran.
    pub(crate) fn collected(&mut self) {
        self.new = 0;
    }

    /// A full collection ran.
    pub(crate) fn settle(&mut self) {
        (self.settled, self.tables_settled) = (self.now, self.tables);
    }
}

impl<M: ObjectModel> Heap<M> {
    /// Tells that so many bytes outside the heap are kept alive by objects in it (or, negative, that they are
    /// no longer). Never collects and never fails; O(1). Bytes above the limit make the next allocations
    /// fail, after the heap has tried to free some.
    ///
    /// Whoever charges bytes uncharges them when the object is dead: in a clear hook's aftermath, or by hand.
    pub fn charge_external(&mut self, bytes: isize) {
        self.external.charge(bytes);
        if self.enabled && self.external.new > self.nursery_size.saturating_mul(NURSERIES_DUE).min(DUE_MAX) {
            self.request_collection();
        }
    }

    /// Bytes charged by [`charge_external`](Self::charge_external).
    #[must_use]
    pub fn external_bytes(&self) -> usize {
        self.external.now
    }

    /// Whether the next call of [`alloc`](Self::alloc) or [`reserve`](Self::reserve) will collect although there
    /// is room. A runtime may look at this at its safepoints; `bump` answers `None` as long as it is so.
    #[inline(always)]
    #[must_use]
    pub fn gc_due(&self) -> bool {
        self.collection_due
    }

    /// Lets every allocation take the slow path until a collection has run.
    pub(crate) fn request_collection(&mut self) {
        self.collection_due = true;
        self.window.limit = self.window.cursor;
    }

    /// Runs the collection that was asked for, if any.
    #[inline]
    pub(crate) fn collect_if_due<R: RootSource>(&mut self, roots: &mut R) {
        if self.collection_due {
            self.collect_due(roots);
        }
    }

    #[cold]
    #[inline(never)]
    fn collect_due<R: RootSource>(&mut self, roots: &mut R) {
        self.collection_due = false;
        if !self.enabled {
            self.sync();
            return self.open_window();
        }
        self.collect_quietly(CollectionKind::Minor, CollectionCause::ExternalBytes, roots);
        self.collect_if_grown(roots);
    }

    /// Whether the old space, the large objects and what they keep outside have outgrown the threshold, with
    /// `more` bytes to come.
    pub(crate) fn has_grown(&self, more: usize) -> bool {
        let bytes = self.heap_bytes().saturating_add(self.external.grown()).saturating_add(more);
        self.enabled && bytes > self.full_threshold
    }

    /// Runs a full collection if the heap has outgrown the threshold and does not collect in slices.
    pub(crate) fn collect_if_grown<R: RootSource>(&mut self, roots: &mut R) {
        if !self.incremental && self.has_grown(0) {
            self.collect_quietly(CollectionKind::Full, CollectionCause::OldSpaceGrown, roots);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_freed_was_there_before_or_is_new() {
        let mut external = ExternalBytes::default();
        external.charge(100);
        external.settle();
        assert_eq!((external.now, external.grown()), (100, 0));
        external.charge(50);
        external.charge(-120);
        assert_eq!((external.now, external.grown()), (30, 0));
        external.charge(20);
        assert_eq!(external.grown(), 20);
        external.charge(isize::MIN);
        assert_eq!((external.now, external.grown()), (0, 0));
        external.charge(isize::MAX);
        external.charge(isize::MAX);
        external.charge(isize::MAX);
        assert_eq!(external.now, isize::MAX as usize);
    }
}
