//! How the collector sees Scheme objects.

use super::object::{HEADER_MASK, Header, Object};
use super::value::{TAG_MASK, TAG_OBJECT, TAG_PAIR};
use terrane_gc::raw::{ObjectModel, Word};

/// The object model of Aurora's heap.
#[derive(Debug)]
pub(crate) enum SchemeModel {}

const PAIR_BYTES: usize = 16;
const FORWARD_TAG: u64 = 0b1101;

fn slots_of(word: Word) -> (usize, usize) {
    let address = (word.0 & !TAG_MASK) as usize;
    if word.0 & TAG_MASK == TAG_PAIR {
        (address, 2)
    } else {
        (address + 8, Object::at(address).header().slots())
    }
}

// SAFETY: sizes and slots are read from the tag or the header, which never change while an object lives;
// headers and forwarding words have low bits (0101, 1101) that no value has, so a first word tells what
// starts at an address; every value in a slot is a `Word` of this model.
unsafe impl ObjectModel for SchemeModel {
    #[inline(always)]
    fn address(word: Word) -> Option<usize> {
        (word.0 & 5 == 1).then_some((word.0 & !TAG_MASK) as usize)
    }

    #[inline(always)]
    fn with_address(word: Word, address: usize) -> Word {
        Word(address as u64 | word.0 & TAG_MASK)
    }

    #[inline(always)]
    unsafe fn size(word: Word) -> usize {
        if word.0 & TAG_MASK == TAG_PAIR {
            PAIR_BYTES
        } else {
            Object::at((word.0 & !TAG_MASK) as usize).header().object_bytes()
        }
    }

    #[inline(always)]
    unsafe fn visit_slots<F: FnMut(*mut Word)>(word: Word, mut visit: F) {
        let (first, count) = slots_of(word);
        for index in 0..count {
            visit((first + index * 8) as *mut Word);
        }
    }

    #[inline]
    unsafe fn visit_slots_within<F: FnMut(*mut Word)>(word: Word, start: usize, end: usize, mut visit: F) {
        let (first, count) = slots_of(word);
        let mut at = first.max(start.next_multiple_of(8));
        let end = (first + count * 8).min(end);
        while at < end {
            visit(at as *mut Word);
            at += 8;
        }
    }

    #[inline(always)]
    unsafe fn word_at(address: usize) -> Word {
        // SAFETY: the caller names the start of an object, which has at least two words.
        let first = unsafe { (address as *const u64).read() };
        let tag = if Header::is_header(first) { TAG_OBJECT } else { TAG_PAIR };
        Word(address as u64 | tag)
    }

    #[inline(always)]
    fn forwarding(address: usize) -> Word {
        Word((address as u64) << 1 | FORWARD_TAG)
    }

    #[inline(always)]
    fn forwarded(first: Word) -> Option<usize> {
        (first.0 & HEADER_MASK == FORWARD_TAG).then_some((first.0 >> 1 & !TAG_MASK) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::{Kind, Value};

    #[test]
    fn headers_and_forwarding_words_are_told_from_values() {
        let forward = SchemeModel::forwarding(0x1234_5678);
        assert_eq!(SchemeModel::forwarded(forward), Some(0x1234_5678));
        assert_eq!(SchemeModel::address(forward), None);
        for value in [Value::fixnum(-1), Value::TRUE, Value::character('x'), Value::fixnum(6)] {
            assert_eq!(SchemeModel::forwarded(Word(value.bits())), None);
            assert!(!Header::is_header(value.bits()));
        }
    }

    #[test]
    fn sizes_cover_header_and_payload() {
        assert_eq!(Header::new(Kind::Vector, 0).object_bytes(), 16);
        assert_eq!(Header::new(Kind::Vector, 3).object_bytes(), 32);
        assert_eq!(Header::new(Kind::Bytes, 9).object_bytes(), 24);
        assert_eq!(Header::new(Kind::Bytes, 9).slots(), 0);
    }
}
