//! Cards: the parts of a long object that the write barrier keeps account of.
//!
//! A card is [`CARD_SIZE`] bytes at a multiple of that; the first of an object also has the words before. Its marks are
//! the log bits of its first two words inside the object, but never of the object's first word, whose log bit means that
//! the whole object is logged. (A card with fewer words has one mark only, and counts as crowded.) For an object with
//! chunks of its own, whose later chunks have no metadata, they are bits of a byte before the object.
//!
//! | mark | meaning |
//! |---|---|
//! | logged | the remembered set has an entry for a slot of the card |
//! | crowded | other slots of the card were written, too: all of it must be visited |
//! | snapshot | the card, with all hidden slots, was marked from in this cycle |
//!
//! The second mark lets a program that writes here and there into a large table pay for the slots that it writes, and one
//! that fills a card pay for the card once.

use super::old_space::chunk::{Chunk, ChunkKind, DATA_OFFSET};

/// Bytes of a longer object that are logged together.
pub const CARD_SIZE: usize = 512;

/// Bits of the mark of an object with chunks of its own.
const LOGGED: u8 = 1;
const SNAPSHOT: u8 = 2;
const CROWDED: u8 = 4;

/// Bytes of card marks that a run of chunks with an object of `size` bytes needs after its metadata.
pub(crate) const fn run_card_bytes(size: usize) -> usize {
    size.div_ceil(CARD_SIZE)
}

/// A card of an object of the old space or a large one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Card {
    chunk: Chunk,
    object: usize,
    /// Just past the object.
    end: usize,
    /// The word whose bits are the card's marks.
    address: usize,
}

impl Card {
    /// The card of an object of `size` bytes that has `slot`. A hidden slot, outside the object, belongs to the first
    /// card.
    ///
    /// # Safety
    ///
    /// The object starts at `object` in a chunk in use of the old space, or is a large one.
    #[inline(always)]
    pub(crate) unsafe fn of(object: usize, size: usize, slot: usize) -> Self {
        let slot = if slot.wrapping_sub(object) < size { slot } else { object };
        let address = (object + 8).max(slot & !(CARD_SIZE - 1));
        // SAFETY: the caller's promise.
        Self { chunk: unsafe { Chunk::containing(object) }, object, end: object + size, address }
    }

    /// Where the slots of the card lie.
    #[inline(always)]
    pub(crate) fn range(self) -> (usize, usize) {
        let start = if self.address == self.object + 8 { self.object } else { self.address };
        (start, (self.address & !(CARD_SIZE - 1)) + CARD_SIZE)
    }

    /// The marks, if they are bits of a byte.
    #[inline(always)]
    fn byte(self) -> Option<*mut u8> {
        let index = (self.address - self.object) / CARD_SIZE;
        (self.chunk.kind() == ChunkKind::LargeRun)
            .then(|| (self.chunk.base() + DATA_OFFSET + index) as *mut u8)
    }

    /// The second word of the card, if it has one.
    #[inline(always)]
    fn second(self) -> Option<usize> {
        let second = self.address + 8;
        (second < self.end && !second.is_multiple_of(CARD_SIZE)).then_some(second)
    }

    pub(crate) fn is_logged(self) -> bool {
        match self.byte() {
            // SAFETY: card marks lie between the metadata and the object.
            Some(byte) => unsafe { *byte & LOGGED != 0 },
            None => self.chunk.has_log_bit(self.address),
        }
    }

    /// Notes that the card has an entry; answers whether it had none.
    #[inline(always)]
    pub(crate) fn log(self) -> bool {
        match self.byte() {
            // SAFETY: as above.
            Some(byte) => unsafe { set(byte, LOGGED) },
            None => self.chunk.set_log_bit(self.address),
        }
    }

    /// Notes that more than one slot was written.
    #[inline(always)]
    pub(crate) fn crowd(self) {
        match (self.byte(), self.second()) {
            // SAFETY: as above.
            (Some(byte), _) => _ = unsafe { set(byte, CROWDED) },
            (None, Some(second)) => _ = self.chunk.set_log_bit(second),
            (None, None) => {}
        }
    }

    /// Whether all of the card must be visited.
    #[inline(always)]
    pub(crate) fn is_crowded(self) -> bool {
        match (self.byte(), self.second()) {
            // SAFETY: as above.
            (Some(byte), _) => unsafe { *byte & CROWDED != 0 },
            (None, Some(second)) => self.chunk.has_log_bit(second),
            (None, None) => true,
        }
    }

    /// Clears both marks of the log.
    #[inline(always)]
    pub(crate) fn clear(self) {
        match self.byte() {
            // SAFETY: as above.
            Some(byte) => unsafe { *byte &= !(LOGGED | CROWDED) },
            None => {
                self.chunk.clear_log_bit(self.address);
                if let Some(second) = self.second() {
                    self.chunk.clear_log_bit(second);
                }
            }
        }
    }

    /// Notes that the card is marked from; answers whether it was not before.
    pub(crate) fn begin_snapshot(self) -> bool {
        match self.byte() {
            // SAFETY: as above.
            Some(byte) => unsafe { set(byte, SNAPSHOT) },
            None => self.chunk.set_snapshot_bit(self.address),
        }
    }
}

/// Sets a bit; answers whether it was clear.
///
/// # Safety
///
/// `byte` is a card mark.
unsafe fn set(byte: *mut u8, bit: u8) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let clear = *byte & bit == 0;
        *byte |= bit;
        clear
    }
}

/// Clears the marks of an object with chunks of its own: those of the log, or those of the snapshot.
///
/// # Safety
///
/// `chunk` is the first of the run of an object of `size` bytes.
pub(crate) unsafe fn clear_run(chunk: Chunk, size: usize, log: bool) {
    let keep = if log { !(LOGGED | CROWDED) } else { !SNAPSHOT };
    let first = (chunk.base() + DATA_OFFSET) as *mut u8;
    // SAFETY: the marks lie after the metadata, and nobody else refers to them.
    let marks = unsafe { core::slice::from_raw_parts_mut(first, run_card_bytes(size)) };
    marks.iter_mut().for_each(|mark| *mark &= keep);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever slot is written, its card covers it, stands for at most two cards' bytes, and has marks that no
        /// other card and no other object has.
        #[test]
        fn a_card_covers_its_slot(
            object in prop_oneof![Just(62_usize), Just(63_usize), 1_usize..130],
            words in 33_usize..4000,
            slot in any::<prop::sample::Index>(),
            other in any::<prop::sample::Index>(),
        ) {
            let object = object * 8 + (5 << 22);
            let card = |slot: prop::sample::Index| {
                let slot = object + slot.index(words) * 8;
                // SAFETY: the chunk is not looked into.
                (slot, unsafe { Card::of(object, words * 8, slot) })
            };
            let ((slot, card), (_, other)) = (card(slot), card(other));
            let (start, end) = card.range();
            prop_assert!(start <= slot && slot < end, "{start:#x} {slot:#x} {end:#x}");
            prop_assert!(start >= object && end - start <= 2 * CARD_SIZE);
            prop_assert!(card.address > object, "the bit of the first word says that the whole object is logged");
            let marks = |card: Card| [Some(card.address), card.second()];
            prop_assert!(marks(card).iter().flatten().all(|&mark| mark < object + words * 8));
            if card.address != other.address {
                prop_assert!(marks(card).iter().flatten().all(|mark| !marks(other).contains(&Some(*mark))));
            } else {
                prop_assert_eq!(card.range(), other.range());
            }
            prop_assert!(card.second().is_some() || (start..end.min(object + words * 8)).len() <= 16);
        }
    }
}
