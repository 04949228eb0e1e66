//! The safe tier's objects, as the raw tier sees them.
//!
//! A reference is the address of a *value*, eight bytes past its header, and null is no reference: so a Rust
//! pointer in a struct is a slot as it stands.

use crate::heap::side::SideBlock;
use crate::raw::{ObjectModel, Word};

use super::header::Header;
use super::{PAYLOAD_OFFSET, Shape, Tracer, TypeInfo};

/// The object model of the safe tier.
#[derive(Debug)]
pub(crate) struct SafeModel;

/// Header of the object that `word` refers to.
///
/// # Safety
///
/// `word` refers to an initialised object.
#[inline(always)]
pub(crate) unsafe fn header(word: Word) -> Header {
    // SAFETY: the caller's promise.
    unsafe { *core::ptr::with_exposed_provenance::<Header>(word.0 as usize - PAYLOAD_OFFSET) }
}

// SAFETY: a reference is a non-null address eight past a multiple of eight; an object is as long as its type's
// description (and for arrays its length, which never changes) says; headers have the lowest bit set only when moved.
unsafe impl ObjectModel for SafeModel {
    const TRACKS_MOVES: bool = true;
    const INITIALISED_AT_ONCE: bool = true;

    #[inline(always)]
    fn address(word: Word) -> Option<usize> {
        (word.0 as usize).checked_sub(PAYLOAD_OFFSET)
    }

    #[inline(always)]
    fn with_address(_: Word, address: usize) -> Word {
        Word((address + PAYLOAD_OFFSET) as u64)
    }

    #[inline(always)]
    unsafe fn size(word: Word) -> usize {
        // SAFETY: the caller's promise.
        unsafe {
            let info = header(word).info();
            if info.stride == 0 { info.size } else { array_size(info, word) }
        }
    }

    #[inline(always)]
    unsafe fn fixed_shape(first: Word) -> Option<(usize, u64)> {
        // SAFETY: the caller's promise.
        let info = unsafe { Header::from_bits(first.0).plain_info()? };
        (info.fixed_size != 0).then_some((info.fixed_size, info.fixed_slots))
    }

    #[inline(always)]
    unsafe fn visit_slots<F: FnMut(*mut Word)>(word: Word, mut visit: F) {
        // SAFETY: the caller's promise.
        unsafe {
            let header = header(word);
            if let Some(block) = header.side() {
                visit_side(block, &mut visit);
            }
            let info = header.info();
            let value = word.0 as usize;
            match info.shape {
                Shape::Words(words) if info.stride == 0 => visit_words(value, words, &mut visit),
                Shape::Words(0) => {}
                Shape::Words(words) => visit_array(info, value, value, usize::MAX, words, &mut visit),
                Shape::Dynamic => visit_dynamic(info, value, value, usize::MAX, &mut visit),
            }
        }
    }

    #[inline(always)]
    unsafe fn visit_slots_within<F: FnMut(*mut Word)>(word: Word, start: usize, end: usize, mut visit: F) {
        // SAFETY: the caller's promise.
        unsafe {
            let header = header(word);
            if let Some(block) = header.side() {
                visit_side(block, &mut visit);
            }
            let info = header.info();
            let mut within = |slot: *mut Word| {
                if (start..end).contains(&(slot as usize)) {
                    visit(slot);
                }
            };
            let value = word.0 as usize;
            match info.shape {
                Shape::Words(0) => {}
                Shape::Words(words) if info.stride == 0 => visit_words(value, words, &mut within),
                Shape::Words(words) => visit_array(info, value, start, end, words, &mut within),
                Shape::Dynamic => visit_dynamic(info, value, start, end, &mut within),
            }
        }
    }

    #[inline(always)]
    unsafe fn word_at(address: usize) -> Word {
        Word((address + PAYLOAD_OFFSET) as u64)
    }

    #[inline(always)]
    fn forwarding(address: usize) -> Word {
        Word(Header::moved_to(address).bits())
    }

    #[inline(always)]
    fn forwarded(first: Word) -> Option<usize> {
        Header::from_bits(first.0).moved()
    }

    #[inline(always)]
    unsafe fn moved(new: Word) {
        // SAFETY: the object was just moved here, header and all; its block is alive as long as it is.
        unsafe {
            if let Some(block) = header(new).side() {
                (*block).object = new;
            }
        }
    }
}

/// # Safety
///
/// `word` refers to an array of this kind.
#[inline(always)]
unsafe fn array_size(info: &TypeInfo, word: Word) -> usize {
    // SAFETY: an array starts with its length.
    let len = unsafe { *core::ptr::with_exposed_provenance::<usize>(word.0 as usize) };
    (info.size + info.stride * len).next_multiple_of(8)
}

/// Visits the marked words from `start` on.
#[inline(always)]
fn visit_words<F: FnMut(*mut Word)>(start: usize, words: u64, visit: &mut F) {
    let mut left = words;
    while left != 0 {
        let index = left.trailing_zeros() as usize;
        left &= left - 1;
        visit(core::ptr::with_exposed_provenance_mut(start + 8 * index));
    }
}

/// Which elements of the array whose value is at `value` touch `[start, end)`, by their addresses.
///
/// # Safety
///
/// An array of this kind is there.
#[inline(always)]
unsafe fn elements_within(
    info: &TypeInfo,
    value: usize,
    start: usize,
    end: usize,
) -> impl Iterator<Item = usize> {
    // SAFETY: an array starts with its length.
    let len = unsafe { *core::ptr::with_exposed_provenance::<usize>(value) };
    let (elements, stride) = (value + size_of::<usize>(), info.stride);
    let first = start.saturating_sub(elements) / stride;
    let last = end.saturating_sub(elements).div_ceil(stride).min(len);
    (first..last).map(move |index| elements + index * stride)
}

/// Visits the marked words of those elements of an array that touch `[start, end)`.
///
/// # Safety
///
/// As for [`elements_within`].
#[inline(never)]
unsafe fn visit_array<F: FnMut(*mut Word)>(
    info: &TypeInfo,
    value: usize,
    start: usize,
    end: usize,
    words: u64,
    visit: &mut F,
) {
    // SAFETY: the caller's promise.
    unsafe { elements_within(info, value, start, end) }.for_each(|at| visit_words(at, words, visit));
}

/// Visits what is traced by call; of an array only elements that touch `[start, end)`.
///
/// # Safety
///
/// `value` is that of an initialised object of this kind.
#[inline(never)]
unsafe fn visit_dynamic(
    info: &TypeInfo,
    value: usize,
    start: usize,
    end: usize,
    mut visit: &mut dyn FnMut(*mut Word),
) {
    // SAFETY: a value or an element lies there, by the caller's promise.
    let mut one = |at: usize| unsafe {
        (info.trace)(core::ptr::with_exposed_provenance_mut(at), &mut Tracer::new(&mut visit));
    };
    if info.stride == 0 {
        return one(value);
    }
    // SAFETY: the caller's promise.
    unsafe { elements_within(info, value, start, end) }.for_each(one);
}

/// Visits what weak maps keep for the object.
///
/// # Safety
///
/// The block belongs to a live object.
#[cold]
#[inline(never)]
unsafe fn visit_side(block: *mut SideBlock, visit: &mut dyn FnMut(*mut Word)) {
    // SAFETY: the caller's promise.
    unsafe { SideBlock::visit_values(block, visit) }
}
