//! The remembered set: which old objects may refer into the young range.
//!
//! The write barrier *logs* an old object at the first store of a young reference after a collection: a bit
//! beside the object is set, so that the next store costs a test, and the object is entered in a sequential
//! buffer. The next collection visits the logged objects instead of the old space. Objects longer than
//! [`WHOLE_LOG_MAX`] are logged by cards of [`CARD_SIZE`] bytes, so that one store into a long vector does
//! not cost a visit of all of it. Blackburn & Hosking, *Barriers: friend or foe?* (ISMM 2004), call the first
//! part an object barrier.
//!
//! The log bit of a whole object is the one of its first word; that of a card is the one of the card's first
//! word inside the object, but never the object's first. A set bit at the object's first word thus says
//! "logged, whole" without a look at the object's size.
//!
//! The buffer grows in a reserved address range. When that is full, or pages are refused, entries are lost
//! and the loss noted: the next collection then scans every old object and rebuilds the set. Neither a store
//! nor a collection can fail for it.

use alloc::sync::Arc;

use terrane_pages::{AddressRange, PageError, PageSource};

use super::old_space::chunk::{Chunk, ChunkKind, DATA_OFFSET};
use super::{ObjectModel, Word};

/// Largest object that is logged as a whole.
pub const WHOLE_LOG_MAX: usize = 256;
/// Bytes of a longer object that are logged together.
pub const CARD_SIZE: usize = 512;
/// Bytes by which the buffer is committed.
const GROWTH: usize = 256 * 1024;

/// A logged object or card.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// The object.
    pub(crate) parent: Word,
    /// Address of the card's log bit, or 0 when the whole object is logged.
    pub(crate) card: usize,
}

impl Entry {
    /// Addresses of the slots of the entry: all of the object, or `[start, end)`.
    #[inline(always)]
    pub(crate) fn card_range(self, parent: usize) -> Option<(usize, usize)> {
        if self.card == 0 {
            return None;
        }
        let start = if self.card == parent + 8 { parent } else { self.card };
        Some((start, (self.card & !(CARD_SIZE - 1)) + CARD_SIZE))
    }
}

/// Where the log bit of the card with `slot` is. A hidden slot, outside the object of `size` bytes, belongs to the
/// first card.
fn card_address(parent: usize, size: usize, slot: usize) -> usize {
    let slot = if slot.wrapping_sub(parent) < size { slot } else { parent };
    (parent + 8).max(slot & !(CARD_SIZE - 1))
}

/// Bytes of card marks that a run of chunks with an object of `size` bytes needs after its metadata.
pub(crate) const fn run_card_bytes(size: usize) -> usize {
    size.div_ceil(CARD_SIZE)
}

/// Card mark of an object with chunks of its own, whose later chunks have no metadata.
///
/// # Safety
///
/// The object at `parent` lies in a run of chunks starting with `chunk`, and `card` in the object.
unsafe fn run_card(chunk: Chunk, parent: usize, card: usize) -> *mut u8 {
    (chunk.base() + DATA_OFFSET + (card - parent) / CARD_SIZE) as *mut u8
}

/// Bits of the card mark of an object with chunks of its own.
const LOGGED: u8 = 1;
const SNAPSHOT: u8 = 2;

/// Notes that the slots of `slot`'s card, or of the whole object, are about to be marked from, before the first write of
/// the cycle. `None` if that was done; otherwise the range of the card, as of [`Entry::card_range`].
///
/// # Safety
///
/// `parent` refers to the object at `address`, of the old space or large, and `slot` is one of its slots.
#[inline]
pub(crate) unsafe fn begin_snapshot<M: ObjectModel>(
    parent: Word,
    address: usize,
    slot: usize,
) -> Option<Option<(usize, usize)>> {
    // SAFETY: the caller's promise.
    unsafe {
        let chunk = Chunk::containing(address);
        if chunk.has_snapshot_bit(address) {
            return None;
        }
        let size = M::size(parent);
        if size <= WHOLE_LOG_MAX {
            chunk.set_snapshot_bit(address);
            return Some(None);
        }
        let card = card_address(address, size, slot);
        let first = if chunk.kind() == ChunkKind::LargeRun {
            set_run_bit(chunk, address, card, SNAPSHOT)
        } else {
            chunk.set_snapshot_bit(card)
        };
        first.then(|| Entry { parent, card }.card_range(address))
    }
}

/// Clears what [`begin_snapshot`] noted of an object with chunks of its own.
///
/// # Safety
///
/// `chunk` is the first of the run, and has so many card marks.
pub(crate) unsafe fn clear_run_snapshots(chunk: Chunk, cards: usize) {
    // SAFETY: the caller's promise.
    let marks = unsafe { core::slice::from_raw_parts_mut((chunk.base() + DATA_OFFSET) as *mut u8, cards) };
    marks.iter_mut().for_each(|mark| *mark &= !SNAPSHOT);
}

/// Clears the log marks of an object with chunks of its own.
///
/// # Safety
///
/// As for [`clear_run_snapshots`].
pub(crate) unsafe fn clear_run_logs(chunk: Chunk, cards: usize) {
    // SAFETY: the caller's promise.
    let marks = unsafe { core::slice::from_raw_parts_mut((chunk.base() + DATA_OFFSET) as *mut u8, cards) };
    marks.iter_mut().for_each(|mark| *mark &= !LOGGED);
}

/// Sets a bit of a card mark; answers whether it was clear.
///
/// # Safety
///
/// As for [`run_card`].
unsafe fn set_run_bit(chunk: Chunk, parent: usize, card: usize, bit: u8) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let mark = run_card(chunk, parent, card);
        let clear = *mark & bit == 0;
        *mark |= bit;
        clear
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
            return self.push(Entry { parent, card: 0 });
        }
        let card = card_address(address, size, slot);
        // SAFETY: the caller's promise.
        if unsafe { set_card_bit(chunk, address, card) } {
            self.push(Entry { parent, card });
        }
    }

    /// Address of the log bit that a store into `slot` would find set; `None` if it is clear.
    ///
    /// # Safety
    ///
    /// As for [`log`](Self::log).
    pub(crate) unsafe fn logged_at<M: ObjectModel>(
        parent: Word,
        address: usize,
        slot: usize,
    ) -> Option<usize> {
        // SAFETY: the caller's promise.
        unsafe {
            let chunk = Chunk::containing(address);
            let size = M::size(parent);
            let bit = if size <= WHOLE_LOG_MAX { address } else { card_address(address, size, slot) };
            let set = match chunk.kind() {
                ChunkKind::LargeRun => *run_card(chunk, address, bit) & LOGGED != 0,
                _ => chunk.has_log_bit(bit),
            };
            set.then_some(bit)
        }
    }
}

/// Sets the bit of a card; answers whether it was clear.
unsafe fn set_card_bit(chunk: Chunk, parent: usize, card: usize) -> bool {
    if chunk.kind() != ChunkKind::LargeRun {
        return chunk.set_log_bit(card);
    }
    // SAFETY: the object has chunks of its own, and the card lies in it.
    unsafe { set_run_bit(chunk, parent, card, LOGGED) }
}

/// Clears the log bit of an entry.
///
/// # Safety
///
/// `entry` is in the set and its object starts at `parent`, not yet freed.
pub(crate) unsafe fn clear_log(entry: Entry, parent: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let chunk = Chunk::containing(parent);
        match entry.card {
            0 => chunk.clear_log_bit(parent),
            card if chunk.kind() == ChunkKind::LargeRun => *run_card(chunk, parent, card) &= !LOGGED,
            card => chunk.clear_log_bit(card),
        }
    }
}

/// Sets the log bit of an entry again that was just cleared.
///
/// # Safety
///
/// As for [`clear_log`].
pub(crate) unsafe fn restore_log(entry: Entry, parent: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let chunk = Chunk::containing(parent);
        match entry.card {
            0 => _ = chunk.set_log_bit(parent),
            card => _ = set_card_bit(chunk, parent, card),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever slot is logged, the card that is entered covers it; and a card stands for at most two
        /// cards' bytes.
        #[test]
        fn a_card_covers_its_slot(
            parent in prop_oneof![Just(63_usize), 1_usize..130],
            slot in prop_oneof![0_usize..2, 0_usize..4000],
        ) {
            let (parent, slot) = (parent * 8 + (1 << 22), parent * 8 + (1 << 22) + slot * 8);
            let entry = Entry { parent: Word(0), card: card_address(parent, usize::MAX - parent, slot) };
            let (start, end) = entry.card_range(parent).unwrap();
            prop_assert!(start <= slot && slot < end, "{start:#x} {slot:#x} {end:#x}");
            prop_assert!(start >= parent && end - start <= 2 * CARD_SIZE);
            prop_assert!(entry.card > parent, "the bit of the first word says that the whole object is logged");
        }
    }

    #[test]
    fn a_full_set_loses_entries_and_says_so() {
        let pages = terrane_pages::system_pages();
        let mut set = RememberedSet::new(&pages, GROWTH + 4096).unwrap();
        let capacity = (GROWTH + 4096) / size_of::<Entry>();
        for i in 0..capacity {
            set.push(Entry { parent: Word(i as u64), card: i });
        }
        assert!(!set.overflowed());
        assert_eq!((set.entry(0).card, set.entry(capacity - 1).card, set.len()), (0, capacity - 1, capacity));
        set.push(Entry { parent: Word(0), card: 0 });
        assert!(set.overflowed());
        set.begin_rebuild();
        assert!(!set.overflowed() && set.len() == 0);
    }
}
