//! An object model with more than pairs: arrays of references and strings of bytes, as small runtimes have them.
//!
//! Words are tagged as in [`super::pair_model`], with more tags: `011` refers to an array, `100` to bytes. Both begin with
//! a header, the length tagged `110` or `111`, from which the collector tells them from pairs, which have none.

use super::pair_model::{PAIR_BYTES, PairModel, pair_at};
use terrane_gc::raw::{ObjectModel, WORD_BYTES, Word};

const TAG_BITS: u32 = 3;
const TAG_MASK: u64 = (1 << TAG_BITS) - 1;
const PAIR_TAG: u64 = 1;
const ARRAY_TAG: u64 = 3;
const BYTES_TAG: u64 = 4;
const ARRAY_HEADER: u64 = 6;
const BYTES_HEADER: u64 = 7;

/// The reference to the array at `address`.
#[inline]
pub(super) fn array_at(address: usize) -> Word {
    Word(address as u64 | ARRAY_TAG)
}

/// The reference to the bytes at `address`.
#[inline]
pub(super) fn bytes_at(address: usize) -> Word {
    Word(address as u64 | BYTES_TAG)
}

/// The first word of an array of so many references.
#[inline]
pub(super) fn array_header(length: usize) -> Word {
    Word((length as u64) << TAG_BITS | ARRAY_HEADER)
}

/// The first word of so many bytes.
#[inline]
pub(super) fn bytes_header(length: usize) -> Word {
    Word((length as u64) << TAG_BITS | BYTES_HEADER)
}

/// The length that a header tells.
#[inline]
pub(super) fn length_of(header: Word) -> usize {
    (header.0 >> TAG_BITS) as usize
}

/// Bytes of an array object; no array is empty.
#[inline]
pub(super) fn array_size(length: usize) -> usize {
    WORD_BYTES * (1 + length.max(1))
}

/// Bytes of a bytes object.
#[inline]
pub(super) fn bytes_size(length: usize) -> usize {
    WORD_BYTES * (1 + length.div_ceil(WORD_BYTES).max(1))
}

/// The address of the object of any kind that this word refers to.
#[inline]
pub(super) fn cell_address(word: Word) -> Option<usize> {
    matches!(word.0 & TAG_MASK, PAIR_TAG | ARRAY_TAG | BYTES_TAG).then_some((word.0 & !TAG_MASK) as usize)
}

/// Pairs, arrays and bytes.
#[derive(Debug)]
pub(super) struct CellModel;

impl CellModel {
    /// The addresses of the slots.
    ///
    /// # Safety
    ///
    /// The word refers to an initialised object that was not moved.
    #[inline(always)]
    #[expect(unsafe_code, reason = "a reference of the raw tier is an address")]
    unsafe fn slots(word: Word) -> (usize, usize) {
        let address = (word.0 & !TAG_MASK) as usize;
        match word.0 & TAG_MASK {
            PAIR_TAG => (address, address + PAIR_BYTES),
            // SAFETY: the caller's promise.
            ARRAY_TAG => (address + WORD_BYTES, address + array_size(length_of(unsafe { header(address) }))),
            _ => (address, address),
        }
    }
}

/// The first word of an object.
///
/// # Safety
///
/// An initialised object is at the address.
#[inline]
#[expect(unsafe_code, reason = "a reference of the raw tier is an address")]
unsafe fn header(address: usize) -> Word {
    // SAFETY: the caller's promise.
    unsafe { std::ptr::with_exposed_provenance::<Word>(address).read() }
}

#[inline(always)]
fn visit_range<F: FnMut(*mut Word)>(start: usize, end: usize, mut visit: F) {
    let mut slot = start;
    while slot < end {
        visit(std::ptr::with_exposed_provenance_mut(slot));
        slot += WORD_BYTES;
    }
}

// SAFETY: the tag of a reference and the length in the header say size and slots; neither ever changes. A first word is
// a header or, of a pair, a number or a reference; the tag that marks what was moved is none of theirs. Nothing here
// allocates, unwinds, or reads memory of another object.
#[expect(unsafe_code, reason = "an object model is a promise to the collector")]
unsafe impl ObjectModel for CellModel {
    #[inline]
    fn address(word: Word) -> Option<usize> {
        cell_address(word)
    }

    #[inline]
    fn with_address(word: Word, address: usize) -> Word {
        Word(address as u64 | word.0 & TAG_MASK)
    }

    #[inline]
    unsafe fn size(word: Word) -> usize {
        let address = (word.0 & !TAG_MASK) as usize;
        match word.0 & TAG_MASK {
            PAIR_TAG => PAIR_BYTES,
            // SAFETY: the caller's promise.
            ARRAY_TAG => array_size(length_of(unsafe { header(address) })),
            // SAFETY: the same.
            _ => bytes_size(length_of(unsafe { header(address) })),
        }
    }

    #[inline(always)]
    unsafe fn visit_slots<F: FnMut(*mut Word)>(word: Word, visit: F) {
        // SAFETY: the caller's promise.
        let (start, end) = unsafe { Self::slots(word) };
        visit_range(start, end, visit);
    }

    #[inline]
    unsafe fn visit_slots_within<F: FnMut(*mut Word)>(word: Word, start: usize, end: usize, visit: F) {
        // SAFETY: the caller's promise.
        let (first, last) = unsafe { Self::slots(word) };
        visit_range(first.max(start), last.min(end), visit);
    }

    #[inline]
    unsafe fn word_at(address: usize) -> Word {
        // SAFETY: the caller's promise.
        match unsafe { header(address) }.0 & TAG_MASK {
            ARRAY_HEADER => array_at(address),
            BYTES_HEADER => bytes_at(address),
            _ => pair_at(address),
        }
    }

    #[inline(always)]
    unsafe fn fixed_shape(first: Word) -> Option<(usize, u64)> {
        match first.0 & TAG_MASK {
            ARRAY_HEADER | BYTES_HEADER => None,
            _ => Some((PAIR_BYTES, 0b11)),
        }
    }

    #[inline]
    fn forwarding(address: usize) -> Word {
        PairModel::forwarding(address)
    }

    #[inline]
    fn forwarded(first: Word) -> Option<usize> {
        PairModel::forwarded(first)
    }
}

#[cfg(test)]
mod tests {
    use super::super::pair_model::{NIL, number};
    use super::*;

    #[test]
    fn the_kinds_of_words_are_told_apart() {
        let words = [NIL, number(5), array_header(9), bytes_header(9), CellModel::forwarding(64)];
        assert_eq!(words.map(CellModel::address), [None; 5]);
        assert_eq!(words.map(CellModel::forwarded), [None, None, None, None, Some(64)]);
        let references = [pair_at(64), array_at(64), bytes_at(64)];
        assert_eq!(references.map(CellModel::address), [Some(64); 3]);
        assert_eq!(references.map(|word| CellModel::with_address(word, 128).0 - word.0), [64; 3]);
        assert_eq!(references.map(CellModel::forwarded), [None; 3]);
    }

    #[test]
    #[expect(unsafe_code, reason = "a contract to test")]
    fn an_array_has_its_elements_as_slots_and_bytes_have_none() {
        let array = [array_header(3), NIL, number(1), number(2)];
        let bytes = [bytes_header(17), Word(1), Word(1), Word(1)];
        let (array, bytes) = (array.as_ptr().expose_provenance(), bytes.as_ptr().expose_provenance());
        let mut slots = Vec::new();
        // SAFETY: an array of three references and 17 bytes are at these addresses.
        unsafe {
            assert_eq!(CellModel::word_at(array), array_at(array));
            assert_eq!(CellModel::word_at(bytes), bytes_at(bytes));
            assert_eq!([array_at(array), bytes_at(bytes)].map(|word| CellModel::size(word)), [32, 32]);
            CellModel::visit_slots(array_at(array), |slot| slots.push(slot.addr() - array));
            CellModel::visit_slots(bytes_at(bytes), |_| panic!("bytes have no slots"));
            CellModel::visit_slots_within(array_at(array), array, array + 16, |slot| {
                slots.push(slot.addr() - array);
            });
        }
        assert_eq!(slots, [8, 16, 24, 8]);
    }
}
