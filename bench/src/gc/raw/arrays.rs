//! Arrays of references and strings of bytes.

use super::super::cell_model::{
    CellModel, array_at, array_header, array_size, bytes_at, bytes_header, bytes_size, cell_address,
    length_of,
};
use super::super::pair_model::NIL;
use super::Cells;
use std::ptr::NonNull;
use terrane_gc::raw::{WORD_BYTES, Word};

impl Cells<CellModel> {
    /// Allocates an array of so many references to nothing.
    pub(super) fn array(&mut self, length: usize) -> Word {
        let place = self.room(array_size(length)).cast::<Word>();
        // SAFETY: the heap has just given the sole use of this room, 8-aligned.
        #[expect(unsafe_code, reason = "the raw tier hands out bare memory")]
        unsafe {
            place.write(array_header(length));
            std::slice::from_raw_parts_mut(place.as_ptr().add(1), length.max(1)).fill(NIL);
        }
        array_at(place.as_ptr().expose_provenance())
    }

    /// Allocates a string of so many zero bytes.
    pub(super) fn bytes(&mut self, length: usize) -> Word {
        let bytes = self.bare_bytes(length);
        self.bytes_mut(bytes).fill(0);
        bytes
    }

    /// Allocates a string of these bytes.
    #[inline]
    pub(super) fn bytes_like(&mut self, text: &[u8]) -> Word {
        let bytes = self.bare_bytes(text.len());
        self.bytes_mut(bytes).copy_from_slice(text);
        bytes
    }

    /// A string whose bytes are whatever was there before.
    #[inline]
    fn bare_bytes(&mut self, length: usize) -> Word {
        let place = self.room(bytes_size(length)).cast::<Word>();
        // SAFETY: the heap has just given the sole use of this room, 8-aligned. Its memory is initialised from the start
        // (as said in the documentation of the raw tier).
        #[expect(unsafe_code, reason = "the raw tier hands out bare memory")]
        unsafe {
            place.write(bytes_header(length));
        }
        bytes_at(place.as_ptr().expose_provenance())
    }

    #[inline]
    fn room(&mut self, size: usize) -> NonNull<u8> {
        match self.heap.bump(size) {
            Some(place) => place,
            None => self.heap.alloc(size, &mut self.roots).expect("the programs fit the heap"),
        }
    }

    /// The bytes of a string.
    ///
    /// # Panics
    ///
    /// When the word refers to nothing.
    #[inline]
    pub(super) fn bytes_of(&self, bytes: Word) -> &[u8] {
        let address = cell_address(bytes).expect("a string is an object");
        // SAFETY: the reference is up to date (invariant of `Cells`), so a string is at its address, and nothing writes
        // to it while `self` is borrowed.
        #[expect(unsafe_code, reason = "a reference of the raw tier is an address")]
        unsafe {
            let header = std::ptr::with_exposed_provenance::<Word>(address);
            std::slice::from_raw_parts(header.add(1).cast(), length_of(header.read()))
        }
    }

    /// The bytes of a string, to be written.
    #[inline]
    pub(super) fn bytes_mut(&mut self, bytes: Word) -> &mut [u8] {
        let address = cell_address(bytes).expect("a string is an object");
        // SAFETY: as in `bytes_of`, and `self` is borrowed alone.
        #[expect(unsafe_code, reason = "a reference of the raw tier is an address")]
        unsafe {
            let header = std::ptr::with_exposed_provenance_mut::<Word>(address);
            std::slice::from_raw_parts_mut(header.add(1).cast(), length_of(header.read()))
        }
    }

    /// An element of an array.
    #[inline]
    pub(super) fn element(&self, array: Word, index: usize) -> Word {
        // SAFETY: the slot is one of an initialised array.
        #[expect(unsafe_code, reason = "a reference of the raw tier is an address")]
        unsafe {
            self.slot(array, index).read()
        }
    }

    /// Stores a word in an array.
    #[inline]
    pub(super) fn set_element(&mut self, array: Word, index: usize, value: Word) {
        let slot = self.slot(array, index);
        // SAFETY: the slot is one of an initialised array, and the value is up to date (invariant of `Cells`).
        #[expect(unsafe_code, reason = "the raw tier trusts its user")]
        unsafe {
            self.heap.write(array, slot, value);
        }
    }

    /// Where an element is.
    #[inline]
    #[expect(clippy::unused_self, reason = "while the heap is borrowed, references are up to date")]
    fn slot(&self, array: Word, index: usize) -> *mut Word {
        let address = cell_address(array).expect("an array is an object");
        let header = std::ptr::with_exposed_provenance_mut::<Word>(address);
        // SAFETY: the reference is up to date (invariant of `Cells`), so an initialised array is at its address.
        #[expect(unsafe_code, reason = "a reference of the raw tier is an address")]
        let length = length_of(unsafe { header.read() });
        assert!(index < length, "an array of {length} has no element {index}");
        header.with_addr(address + WORD_BYTES * (1 + index))
    }
}
