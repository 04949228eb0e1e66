//! Records of what refers into candidates: lists, one for each block, in memory that is given back by and by.
//!
//! They lie in chunks of the heap's own page source, so that nothing of them stays behind in an allocator, and a chunk that
//! no record reached costs no memory.

use alloc::vec::Vec;
use core::ptr::NonNull;

use terrane_pages::{CHUNK_SIZE, ChunkSpace, Owner};

use crate::raw::WORD_BYTES;

/// End of a list.
pub(super) const NONE: u32 = u32::MAX;
/// Records in a segment, which is a chunk.
const SEGMENT_RECORDS: usize = CHUNK_SIZE / size_of::<Record>();

/// An object that refers into a block of a candidate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    /// Where the object starts.
    pub(crate) parent: usize,
    /// Its word that does, counted from the start; `u32::MAX` where that is no object's.
    word: u32,
    /// The next record for the same block.
    pub(super) next: u32,
}

impl Record {
    /// The slot, if it is one of the object's own words.
    pub(crate) fn slot(self) -> Option<usize> {
        (self.word != u32::MAX).then_some(self.parent + self.word as usize * WORD_BYTES)
    }
}

#[derive(Debug)]
pub(super) struct Records {
    segments: Vec<NonNull<Record>>,
    len: usize,
}

impl Records {
    pub(super) const fn new() -> Self {
        Self { segments: Vec::new(), len: 0 }
    }

    /// Takes so many segments; false when they are refused.
    pub(super) fn reserve(&mut self, segments: usize, space: &mut ChunkSpace, owner: Owner) -> bool {
        if self.segments.try_reserve_exact(segments).is_err() {
            return false;
        }
        for _ in 0..segments {
            let Ok(base) = space.try_allocate(1, owner) else { return false };
            self.segments.push(base.cast());
        }
        true
    }

    /// Gives a segment back, with all that is recorded; false if there is none left.
    pub(super) fn release_segment(&mut self, space: &mut ChunkSpace) -> bool {
        self.len = 0;
        let Some(segment) = self.segments.pop() else { return false };
        // SAFETY: the chunk was taken from this space, and nothing refers to it any more. Only a wrong run is refused.
        _ = unsafe { space.free(segment.cast(), 1) };
        true
    }

    pub(super) fn is_full(&self) -> bool {
        self.len == self.segments.len() * SEGMENT_RECORDS
    }

    /// Adds a record before the list that starts with `next`; its index, or `None` if there is no room.
    pub(super) fn push(&mut self, parent: usize, slot: usize, next: u32) -> Option<u32> {
        if self.is_full() {
            return None;
        }
        let index = self.len as u32;
        let word = u32::try_from(slot.wrapping_sub(parent) / WORD_BYTES).unwrap_or(u32::MAX);
        // SAFETY: below the end of the segment, which is ours.
        unsafe { self.place(index).write(Record { parent, word, next }) };
        self.len += 1;
        Some(index)
    }

    /// The record with this index, which was pushed.
    pub(super) fn at(&self, index: u32) -> Record {
        debug_assert!((index as usize) < self.len);
        // SAFETY: records below `len` were written.
        unsafe { self.place(index).read() }
    }

    fn place(&self, index: u32) -> *mut Record {
        let index = index as usize;
        let segment = self.segments[index / SEGMENT_RECORDS];
        segment.as_ptr().wrapping_add(index % SEGMENT_RECORDS)
    }
}
