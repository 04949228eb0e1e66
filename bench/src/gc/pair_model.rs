//! The object model of our side: pairs of two tagged words, 16 bytes, without a header.
//!
//! The three low bits of a word tell what it is: `000` a number (61 bits), `001` a reference to a pair, `010` the mark of
//! a pair that was moved. The reference to nothing is the number 0.

use terrane_gc::raw::{ObjectModel, Word};

/// Bytes of a pair.
pub(super) const PAIR_BYTES: usize = 2 * size_of::<Word>();

/// The reference to nothing.
pub(super) const NIL: Word = Word(0);

const TAG_BITS: u32 = 3;
const TAG_MASK: u64 = (1 << TAG_BITS) - 1;
const NUMBER_TAG: u64 = 0;
const PAIR_TAG: u64 = 1;
const MOVED_TAG: u64 = 2;

/// A number as a word.
///
/// The three highest bits of `number` are lost; the programs count no further than 2^61.
#[inline]
pub(super) fn number(number: u64) -> Word {
    Word(number << TAG_BITS | NUMBER_TAG)
}

/// The number that [`number`] made a word of.
#[inline]
pub(super) fn number_of(word: Word) -> u64 {
    word.0 >> TAG_BITS
}

/// The reference to the pair at `address`.
#[inline]
pub(super) fn pair_at(address: usize) -> Word {
    Word(address as u64 | PAIR_TAG)
}

/// Where the pair of this reference is.
#[inline]
pub(super) fn pair_address(word: Word) -> Option<usize> {
    address_tagged(word, PAIR_TAG)
}

#[inline]
fn address_tagged(word: Word, tag: u64) -> Option<usize> {
    // Addresses fit `usize`: the words were made of addresses.
    (word.0 & TAG_MASK == tag).then_some((word.0 & !TAG_MASK) as usize)
}

/// Nothing but pairs.
#[derive(Debug)]
pub(super) struct PairModel;

// SAFETY: every object is a pair, whose size and slots are the same everywhere and whose address is the word without
// its tag. A first word is `NIL`, a number or a reference to a pair, never tagged as moved, until the collector makes it
// so. Nothing here allocates, unwinds or reads memory.
#[expect(unsafe_code, reason = "an object model is a promise to the collector")]
unsafe impl ObjectModel for PairModel {
    #[inline]
    fn address(word: Word) -> Option<usize> {
        pair_address(word)
    }

    #[inline]
    fn with_address(_word: Word, address: usize) -> Word {
        pair_at(address)
    }

    #[inline]
    unsafe fn size(_word: Word) -> usize {
        PAIR_BYTES
    }

    // Not only a hint: out of line, it costs the collector a third of its time on lists.
    #[inline(always)]
    unsafe fn visit_slots<F: FnMut(*mut Word)>(word: Word, mut visit: F) {
        if let Some(address) = pair_address(word) {
            let first = std::ptr::with_exposed_provenance_mut::<Word>(address);
            visit(first);
            visit(first.wrapping_add(1));
        }
    }

    #[inline]
    unsafe fn visit_slots_within<F: FnMut(*mut Word)>(word: Word, start: usize, end: usize, mut visit: F) {
        let within = |slot: *mut Word| {
            if (start..end).contains(&slot.addr()) {
                visit(slot);
            }
        };
        // SAFETY: the caller keeps the contract of `visit_slots`, which is the same.
        unsafe { Self::visit_slots(word, within) }
    }

    #[inline]
    unsafe fn word_at(address: usize) -> Word {
        pair_at(address)
    }

    #[inline]
    fn forwarding(address: usize) -> Word {
        Word(address as u64 | MOVED_TAG)
    }

    #[inline]
    fn forwarded(first: Word) -> Option<usize> {
        address_tagged(first, MOVED_TAG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_kinds_of_words_are_told_apart() {
        let words = [NIL, number(5), pair_at(64), PairModel::forwarding(64)];
        assert_eq!(words.map(PairModel::address), [None, None, Some(64), None]);
        assert_eq!(words.map(PairModel::forwarded), [None, None, None, Some(64)]);
        assert_eq!(number_of(number(5)), 5);
        assert_eq!(PairModel::with_address(pair_at(64), 128), pair_at(128));
    }

    #[test]
    #[expect(unsafe_code, reason = "a contract to test")]
    fn a_pair_has_its_two_words_as_slots() {
        let pair = [NIL; 2];
        let base = pair.as_ptr().expose_provenance();
        let mut slots = Vec::new();
        // SAFETY: a pair starts at `base`.
        unsafe { PairModel::visit_slots(pair_at(base), |slot| slots.push(slot.addr() - base)) };
        assert_eq!(slots, [0, 8]);
        slots.clear();
        // SAFETY: as above.
        unsafe {
            PairModel::visit_slots_within(pair_at(base), base + 1, base + 16, |slot| {
                slots.push(slot.addr() - base)
            });
        }
        assert_eq!(slots, [8]);
    }
}
