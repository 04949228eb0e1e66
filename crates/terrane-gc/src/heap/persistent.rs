//! The table behind [`Root`](crate::Root).
//!
//! An entry shares its slot with the roots by reference count. When the table holds the last share, the entry is
//! free: it is found by the full collections, and before the table would grow.

use alloc::collections::TryReserveError;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::handle::{HeapId, RootSlot};
use crate::raw::{RootScope, Word};

#[derive(Debug)]
pub(crate) struct PersistentRoots {
    entries: Vec<Entry>,
    free: Vec<usize>,
    /// Entries set since the young range was last emptied.
    young: Vec<usize>,
    /// Entries below are not yet part of the snapshot that is being taken.
    undelivered: usize,
}

#[derive(Debug)]
struct Entry {
    word: Word,
    /// Whether it is in the list of young entries.
    young: bool,
    slot: Arc<RootSlot>,
}

impl PersistentRoots {
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new(), free: Vec::new(), young: Vec::new(), undelivered: 0 }
    }

    /// Makes room for a root, so that the next insertion takes no memory but for the slot; amortised O(1).
    pub(crate) fn try_reserve(&mut self) -> Result<(), TryReserveError> {
        if self.free.is_empty() && self.entries.len() == self.entries.capacity() {
            self.release();
            // Few that are free would be gone soon, and the search for them is of all entries.
            if self.free.len() < self.entries.len() / 2 {
                self.entries.try_reserve(1)?;
            }
        }
        // Entries become free inside a collection, which takes no memory.
        self.free.try_reserve(self.entries.capacity() - self.free.len())?;
        self.young.try_reserve(1)?;
        // The slot is made a moment later, where a refusal would end the process: whether there is memory for it, and for
        // its two counts, is asked now.
        let mut slot = Vec::<[usize; 2 + size_of::<RootSlot>() / size_of::<usize>()]>::new();
        let answer = slot.try_reserve_exact(1);
        // Else the compiler might see that nobody uses the memory, and not ask.
        core::hint::black_box(&slot);
        answer
    }

    /// Adds a root; amortised O(1).
    pub(crate) fn insert(&mut self, heap: HeapId, word: Word) -> Arc<RootSlot> {
        if self.try_reserve().is_err() {
            // What cannot answer with an error ends as the growth of any vector does.
            self.free.reserve(self.entries.len() + 1);
            self.entries.reserve(1);
        }
        let index = self.free.pop().unwrap_or(self.entries.len());
        let slot = Arc::new(RootSlot { heap, index });
        let listed = self.entries.get(index).is_some_and(|entry| entry.young);
        let entry = Entry { word, young: true, slot: Arc::clone(&slot) };
        match self.entries.get_mut(index) {
            Some(place) => *place = entry,
            None => self.entries.push(entry),
        }
        if !listed {
            self.young.push(index);
        }
        slot
    }

    /// What the entry of a slot of this heap refers to.
    pub(crate) fn word(&self, slot: &RootSlot) -> Word {
        self.entries[slot.index].word
    }

    /// The snapshot under way is given up.
    pub(crate) fn abort_snapshot(&mut self) {
        self.undelivered = 0;
    }

    /// Frees the entries that no root shares; O(entries).
    pub(crate) fn release(&mut self) {
        // What a snapshot has not come to is kept as it was.
        for (index, entry) in self.entries.iter_mut().enumerate().skip(self.undelivered) {
            if entry.word != Word(0) && Arc::strong_count(&entry.slot) == 1 {
                entry.word = Word(0);
                self.free.push(index);
            }
        }
    }

    /// Roots in use, as far as is known.
    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    pub(crate) fn visit(&mut self, scope: RootScope, visit: &mut impl FnMut(&mut Word)) {
        match scope {
            RootScope::Young => self.young.iter().for_each(|&index| visit(&mut self.entries[index].word)),
            _ => self.entries.iter_mut().for_each(|entry| visit(&mut entry.word)),
        }
    }

    /// Begins the snapshot of a full collection. An entry does not change before the snapshot has come to it, so all may
    /// be delivered later.
    pub(crate) fn begin_snapshot(&mut self) {
        self.undelivered = self.entries.len();
    }

    /// The next entry for the snapshot.
    pub(crate) fn next_undelivered(&mut self) -> Option<Word> {
        self.undelivered = self.undelivered.checked_sub(1)?;
        Some(self.entries[self.undelivered].word)
    }

    pub(crate) fn collected(&mut self) {
        self.young.drain(..).for_each(|index| self.entries[index].young = false);
    }
}
