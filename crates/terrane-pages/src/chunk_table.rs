//! The table behind the address map: one entry for each chunk of the large range.
//!
//! Pure bookkeeping of indices; it touches no chunk. A *run* is a group of adjacent chunks handed out together;
//! its first entry is marked, so that only whole runs are taken back.

use alloc::vec::Vec;
use core::ops::Range;

use crate::{Owner, zeroed::zeroed};

/// The state of each chunk of a range, by index.
#[derive(Debug, Default)]
pub(crate) struct ChunkTable {
    entries: Vec<Entry>,
    /// No chunk below this index is free.
    first_free: usize,
    /// All chunks from this index on are free and were never used.
    untouched: usize,
}

/// Owner (0 for none) in the low half, flags above. Zero is a free chunk without memory.
type Entry = u32;

/// The chunk is the first one of a run.
const RUN_START: Entry = 1 << 16;
/// There is memory behind the chunk. A free chunk has it only after a refused decommit, and is then not zero.
const COMMITTED: Entry = 1 << 17;

const fn owner_of(entry: Entry) -> Option<Owner> {
    Owner::new(entry as u16)
}

impl ChunkTable {
    /// A table of that many free chunks; `None` when there is no memory for it.
    pub(crate) fn new(chunks: usize) -> Option<Self> {
        Some(Self { entries: zeroed(chunks)?, first_free: 0, untouched: 0 })
    }

    pub(crate) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whose chunk that is: `Some(None)` for nobody's, `None` for an index beyond the table.
    #[inline]
    pub(crate) fn owner(&self, index: usize) -> Option<Option<Owner>> {
        self.entries.get(index).map(|entry| owner_of(*entry))
    }

    /// Whether there is memory behind the chunk.
    pub(crate) fn is_committed(&self, index: usize) -> bool {
        self.entries[index] & COMMITTED != 0
    }

    /// The lowest free run of that many chunks. O(chunks in use).
    pub(crate) fn find_free(&self, count: usize) -> Option<Range<usize>> {
        let mut start = self.first_free;
        for index in self.first_free..self.untouched {
            if owner_of(self.entries[index]).is_some() {
                start = index + 1;
            } else if index + 1 - start == count {
                return Some(start..index + 1);
            }
        }
        let end = start.checked_add(count)?;
        (end <= self.len()).then_some(start..end)
    }

    /// Notes a free run, now with memory, as handed out.
    pub(crate) fn take(&mut self, run: Range<usize>, owner: Owner) {
        self.entries[run.clone()].fill(COMMITTED | Entry::from(owner.0.get()));
        self.entries[run.start] |= RUN_START;
        if run.start == self.first_free {
            self.first_free = run.end;
        }
        self.untouched = self.untouched.max(run.end);
    }

    /// Whether exactly these chunks were handed out together.
    pub(crate) fn is_run(&self, run: &Range<usize>) -> bool {
        if run.is_empty() || run.end > self.len() {
            return false;
        }
        let starts = |index: usize| self.entries[index] & RUN_START != 0;
        let continues = |index: usize| owner_of(self.entries[index]).is_some() && !starts(index);
        let ends = run.end == self.len() || !continues(run.end);
        starts(run.start) && (run.start + 1..run.end).all(continues) && ends
    }

    /// Notes a run as free; `committed` when there is still memory behind it.
    pub(crate) fn give_back(&mut self, run: Range<usize>, committed: bool) {
        self.entries[run.clone()].fill(if committed { COMMITTED } else { 0 });
        self.first_free = self.first_free.min(run.start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Owner = Owner::new(1).unwrap();
    const B: Owner = Owner::new(u16::MAX).unwrap();

    #[test]
    fn runs_are_taken_first_fit_from_the_low_end() {
        let mut table = ChunkTable::new(8).unwrap();
        table.take(table.find_free(3).unwrap(), A);
        table.take(table.find_free(2).unwrap(), B);
        table.give_back(0..3, false);
        assert_eq!(table.find_free(2), Some(0..2), "the hole at the start");
        assert_eq!(table.find_free(4), None, "holes of 3 and 3");
        table.give_back(3..5, false);
        assert_eq!(table.find_free(8), Some(0..8), "free neighbours join");
        assert_eq!(table.find_free(9), None);
    }

    #[test]
    fn only_whole_runs_are_runs() {
        let mut table = ChunkTable::new(6).unwrap();
        table.take(0..2, A);
        table.take(2..5, A);
        assert!(table.is_run(&(0..2)) && table.is_run(&(2..5)));
        for part in [0..1, 1..2, 0..5, 3..5, 2..4, 2..6, 5..6, 0..0, 5..9] {
            assert!(!table.is_run(&part), "{part:?}");
        }
        table.give_back(0..2, true);
        assert!(!table.is_run(&(0..2)), "already free");
    }

    #[test]
    fn owner_and_flags_do_not_mix() {
        let mut table = ChunkTable::new(2).unwrap();
        table.take(0..2, A);
        assert_eq!([table.owner(0), table.owner(1)], [Some(Some(A)); 2]);
        table.give_back(0..2, false);
        table.take(0..1, B);
        assert_eq!((table.owner(0), table.is_committed(0)), (Some(Some(B)), true));
        table.give_back(0..1, true);
        assert_eq!((table.owner(0), table.is_committed(0)), (Some(None), true));
        assert_eq!((table.owner(1), table.is_committed(1)), (Some(None), false));
        assert_eq!(table.owner(2), None);
    }
}
