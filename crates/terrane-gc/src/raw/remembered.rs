//! The remembered set: which old objects may refer into the young range.
//!
//! The write barrier *logs* an old object at the first store of a young reference after a collection: a bit
//! beside the object is set, so that the next store costs a test, and the object is entered in a sequential
//! buffer. The next collection visits the logged objects instead of the old space. Objects longer than
//! [`WHOLE_LOG_MAX`] are logged by cards of [`CARD_SIZE`](super::CARD_SIZE) bytes, so that one store into a long vector does
//! not cost a visit of all of it. Blackburn & Hosking, *Barriers: friend or foe?* (ISMM 2004), call the first
//! part an object barrier.
//!
//! An entry for a card has the slot that was written first. Only if there was another is the whole card visited
//! ([`card`](super::card)).
//!
//! The buffer grows in a reserved address range. When that is full, or pages are refused, entries are lost
//! and the loss noted: the next collection then scans every old object and rebuilds the set. Neither a store
//! nor a collection can fail for it.

use alloc::sync::Arc;

use terrane_pages::{AddressRange, PageError, PageSource};

use super::card::Card;
use super::old_space::chunk::Chunk;
use super::{ObjectModel, Word};

/// Largest object that is logged as a whole.
pub const WHOLE_LOG_MAX: usize = 256;
/// Bytes by which the buffer is committed.
const GROWTH: usize = 256 * 1024;

/// A logged object or slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// The object.
    pub(crate) parent: Word,
    /// The slot that was written first of its card, or 0 when the whole object is logged.
    pub(crate) slot: usize,
}

/// What an entry stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scope {
    Whole,
    Slot(usize),
    /// Slots from one address to the other, and hidden ones.
    Card(usize, usize),
}

impl Entry {
    /// Takes the entry's marks away, and answers what it stands for.
    ///
    /// # Safety
    ///
    /// The entry is in the set, and its object, not yet freed, starts at `address`.
    #[inline(always)]
    pub(crate) unsafe fn clear<M: ObjectModel>(self, address: usize) -> Scope {
        // SAFETY: the caller's promise.
        unsafe {
            if self.slot == 0 {
                Chunk::containing(address).clear_log_bit(address);
                return Scope::Whole;
            }
            let card = self.card::<M>(address);
            let scope = Self::scope(card, self.slot);
            card.clear();
            scope
        }
    }

    fn scope(card: Card, slot: usize) -> Scope {
        if card.is_crowded() {
            let (start, end) = card.range();
            Scope::Card(start, end)
        } else {
            Scope::Slot(slot)
        }
    }

    /// What an entry stands for, its marks being left alone.
    ///
    /// # Safety
    ///
    /// As for [`clear`](Self::clear).
    pub(crate) unsafe fn scope_of<M: ObjectModel>(self, address: usize) -> Scope {
        // SAFETY: the caller's promise.
        if self.slot == 0 { Scope::Whole } else { Self::scope(unsafe { self.card::<M>(address) }, self.slot) }
    }

    /// Sets the marks again that [`clear`](Self::clear) took away.
    ///
    /// # Safety
    ///
    /// As for `clear`.
    pub(crate) unsafe fn restore<M: ObjectModel>(self, address: usize, scope: Scope) {
        // SAFETY: the caller's promise.
        unsafe {
            if scope == Scope::Whole {
                _ = Chunk::containing(address).set_log_bit(address);
                return;
            }
            let card = self.card::<M>(address);
            _ = card.log();
            if let Scope::Card(..) = scope {
                card.crowd();
            }
        }
    }

    /// # Safety
    ///
    /// As for [`clear`](Self::clear).
    #[inline(always)]
    unsafe fn card<M: ObjectModel>(self, address: usize) -> Card {
        // SAFETY: the caller's promise.
        unsafe { Card::of(address, M::size(self.parent), self.slot) }
    }
}

/// What must be marked from before `slot` is written, so that the snapshot holds: all of an object that is logged as a
/// whole, once in a cycle; of a longer one the slot alone, or, for a hidden slot, its first card with all hidden slots,
/// once in a cycle. `None` if that was done.
///
/// # Safety
///
/// `parent` refers to the object at `address`, of the old space or large, and `slot` is one of its slots.
#[inline]
pub(crate) unsafe fn begin_snapshot<M: ObjectModel>(
    parent: Word,
    address: usize,
    slot: usize,
) -> Option<Scope> {
    // SAFETY: the caller's promise.
    unsafe {
        let chunk = Chunk::containing(address);
        if chunk.has_snapshot_bit(address) {
            return None;
        }
        let size = M::size(parent);
        if size <= WHOLE_LOG_MAX {
            chunk.set_snapshot_bit(address);
            return Some(Scope::Whole);
        }
        if slot.wrapping_sub(address) < size {
            return Some(Scope::Slot(slot));
        }
        let card = Card::of(address, size, slot);
        let (start, end) = card.range();
        card.begin_snapshot().then_some(Scope::Card(start, end))
    }
}

#[derive(Debug)]
pub(crate) struct RememberedSet {
    range: AddressRange,
    entries: *mut Entry,
    len: usize,
    capacity: usize,
    overflowed: bool,
}

impl RememberedSet {
    pub(crate) fn new(pages: &Arc<dyn PageSource>, bytes: usize) -> Result<Self, PageError> {
        let range = AddressRange::reserve(Arc::clone(pages), bytes.max(1), pages.page_size())?;
        let first = range.size().min(GROWTH);
        range.commit(0, first)?;
        let entries = range.base().as_ptr().cast();
        Ok(Self { range, entries, len: 0, capacity: first / size_of::<Entry>(), overflowed: false })
    }

    pub(crate) fn addresses(&self) -> core::ops::Range<usize> {
        self.range.addresses()
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes committed.
    pub(crate) fn bytes(&self) -> usize {
        self.capacity * size_of::<Entry>()
    }

    #[inline(always)]
    pub(crate) fn entry(&self, index: usize) -> Entry {
        debug_assert!(index < self.len);
        // SAFETY: entries below `len` were written by `push` or `replace`.
        unsafe { self.entries.add(index).read() }
    }

    /// Keeps `entry` as entry `index`, which must be one that was read already.
    #[inline(always)]
    pub(crate) fn replace(&mut self, index: usize, entry: Entry) {
        debug_assert!(index < self.len);
        // SAFETY: below `len`, so committed.
        unsafe { self.entries.add(index).write(entry) };
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Whether an entry was lost since the last [`begin_rebuild`](Self::begin_rebuild).
    pub(crate) fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Forgets everything. The caller clears all log bits and scans the whole old space.
    pub(crate) fn begin_rebuild(&mut self) {
        self.len = 0;
        self.overflowed = false;
    }

    fn push(&mut self, entry: Entry) {
        if self.len == self.capacity && !self.grow() {
            self.overflowed = true;
            return;
        }
        // SAFETY: `len < capacity`, and that many entries are committed.
        unsafe { self.entries.add(self.len).write(entry) };
        self.len += 1;
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) -> bool {
        let committed = self.bytes();
        let more = GROWTH.min(self.range.size() - committed);
        if more < size_of::<Entry>() || self.range.commit(committed, more).is_err() {
            return false;
        }
        self.capacity = (committed + more) / size_of::<Entry>();
        true
    }

    /// Logs the store of a young reference into `slot` of an old object.
    ///
    /// # Safety
    ///
    /// `parent` refers to an object of the old space or a large object, `slot` is one of its slots.
    #[inline]
    pub(crate) unsafe fn log<M: ObjectModel>(&mut self, parent: Word, address: usize, slot: usize) {
        // SAFETY: the caller's promise.
        let chunk = unsafe { Chunk::containing(address) };
        if chunk.has_log_bit(address) {
            return;
        }
        // SAFETY: the caller's promise.
        let size = unsafe { M::size(parent) };
        if size <= WHOLE_LOG_MAX {
            chunk.set_log_bit(address);
            return self.push(Entry { parent, slot: 0 });
        }
        // SAFETY: the caller's promise.
        let card = unsafe { Card::of(address, size, slot) };
        let hidden = slot.wrapping_sub(address) >= size;
        let first = card.log();
        if hidden || !first {
            card.crowd();
        }
        if first {
            self.push(Entry { parent, slot: if hidden { address } else { slot } });
        }
    }

    /// What the log would have to hold for a store into `slot`: the object or its card. `None` if neither is marked.
    ///
    /// # Safety
    ///
    /// As for [`log`](Self::log).
    pub(crate) unsafe fn logged_scope<M: ObjectModel>(
        parent: Word,
        address: usize,
        slot: usize,
    ) -> Option<Scope> {
        // SAFETY: the caller's promise.
        unsafe {
            let size = M::size(parent);
            if size <= WHOLE_LOG_MAX {
                return Chunk::containing(address).has_log_bit(address).then_some(Scope::Whole);
            }
            let card = Card::of(address, size, slot);
            card.is_logged().then(|| Entry::scope(card, slot))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_set_loses_entries_and_says_so() {
        let pages = terrane_pages::system_pages();
        let mut set = RememberedSet::new(&pages, GROWTH + 4096).unwrap();
        let capacity = (GROWTH + 4096) / size_of::<Entry>();
        for i in 0..capacity {
            set.push(Entry { parent: Word(i as u64), slot: i });
        }
        assert!(!set.overflowed());
        assert_eq!((set.entry(0).slot, set.entry(capacity - 1).slot, set.len()), (0, capacity - 1, capacity));
        set.push(Entry { parent: Word(0), slot: 0 });
        assert!(set.overflowed());
        set.begin_rebuild();
        assert!(!set.overflowed() && set.len() == 0);
    }
}
