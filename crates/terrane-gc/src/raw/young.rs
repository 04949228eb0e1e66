//! The young range: one run of addresses for everything that the write barrier calls young.
//!
//! ```text
//! | frame region | nursery, first half | nursery, second half | 64 KiB blocks for arenas … |
//!   └── moved out whole ┘└─────── moved out whole ───────────┘  └── moved out per arena
//! ```
//!
//! "Is it young" is a subtraction and a comparison, and so is "is it from-space" for a collection that takes the frame region and
//! the nursery, which are neighbours. The second half of the nursery is used in stress mode only: the halves then take turns and the
//! idle one is poisoned, so that a stale reference meets poison instead of a new object.
//!
//! The nursery's half is longer than the nursery: one request for more than the nursery holds (`Heap::reserve`) extends it
//! until the next collection.

use alloc::sync::Arc;
use core::ptr::NonNull;

use terrane_base::MemoryError;
use terrane_pages::{AddressRange, PageError, PageSource};

use super::errors;
use super::old_space::block::BLOCK_SIZE;

/// A run of addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    pub(crate) base: usize,
    pub(crate) len: usize,
}

impl Span {
    #[inline(always)]
    pub(crate) fn contains(self, address: usize) -> bool {
        address.wrapping_sub(self.base) < self.len
    }

    pub(crate) fn end(self) -> usize {
        self.base + self.len
    }
}

#[derive(Debug)]
pub(crate) struct YoungRange {
    range: AddressRange,
    /// All of it.
    pub(crate) all: Span,
    pub(crate) frames: Span,
    /// Both halves of the nursery.
    pub(crate) nursery_area: Span,
    /// Blocks for arenas.
    pub(crate) blocks: Span,
    half_len: usize,
    /// The half in use.
    half: usize,
    committed: [usize; 2],
}

impl YoungRange {
    /// Reserves the range and commits the frame region. Sizes are rounded up to blocks.
    pub(crate) fn new(
        pages: &Arc<dyn PageSource>,
        size: usize,
        frames: usize,
        nursery: usize,
    ) -> Result<Self, PageError> {
        let unit = BLOCK_SIZE.max(pages.page_size());
        let frames = frames.next_multiple_of(unit);
        let half_len = (size / 8).max(nursery).next_multiple_of(unit);
        let size = size.max(frames + 2 * half_len + 16 * unit).next_multiple_of(unit);
        let range = AddressRange::reserve(Arc::clone(pages), size, unit)?;
        range.commit(0, frames)?;
        let base = range.base().as_ptr() as usize;
        let nursery_area = Span { base: base + frames, len: 2 * half_len };
        Ok(Self {
            range,
            all: Span { base, len: size },
            frames: Span { base, len: frames },
            nursery_area,
            blocks: Span { base: nursery_area.end(), len: base + size - nursery_area.end() },
            half_len,
            half: 0,
            committed: [0; 2],
        })
    }

    pub(crate) fn frame_pointer(&self) -> NonNull<u8> {
        self.range.base()
    }

    /// The half of the nursery in use.
    pub(crate) fn nursery(&self) -> Span {
        Span { base: self.nursery_area.base + self.half * self.half_len, len: self.half_len }
    }

    /// Commits the first `len` bytes of the half in use.
    pub(crate) fn commit_nursery(&mut self, len: usize) -> Result<(), MemoryError> {
        let len = len.next_multiple_of(BLOCK_SIZE).min(self.half_len);
        let done = self.committed[self.half];
        if len > done {
            let offset = self.nursery().base - self.all.base;
            self.range.commit(offset + done, len - done).map_err(errors::pages)?;
            self.committed[self.half] = len;
        }
        Ok(())
    }

    /// Gives back what the half in use has committed beyond `len`. A refusal keeps the memory, which is no error.
    pub(crate) fn trim_nursery(&mut self, len: usize) {
        let len = len.next_multiple_of(BLOCK_SIZE);
        let done = self.committed[self.half];
        let offset = self.nursery().base - self.all.base;
        // SAFETY: the caller has emptied the nursery, and will commit before it allocates beyond `len`.
        if done > len && unsafe { self.range.decommit(offset + len, done - len) }.is_ok() {
            self.committed[self.half] = len;
        }
    }

    /// Makes the other half the one in use.
    pub(crate) fn swap_halves(&mut self) {
        self.half ^= 1;
    }

    /// Bytes committed of the half in use.
    pub(crate) fn committed_nursery(&self) -> usize {
        self.committed[self.half]
    }

    pub(crate) fn committed_nursery_bytes(&self) -> usize {
        self.committed[0] + self.committed[1]
    }

    /// Commits memory of arena blocks.
    pub(crate) fn commit_blocks(&self, address: usize, len: usize) -> Result<(), MemoryError> {
        self.range.commit(address - self.all.base, len).map_err(errors::pages)
    }

    /// Gives memory of arena blocks back; a refusal keeps it, which is no error.
    ///
    /// # Safety
    ///
    /// The blocks hold nothing that is referenced, and are committed again before they are used.
    pub(crate) unsafe fn decommit_blocks(&self, address: usize, len: usize) {
        // SAFETY: the caller's promise.
        _ = unsafe { self.range.decommit(address - self.all.base, len) };
    }
}
