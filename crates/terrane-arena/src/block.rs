//! One block of memory from the global allocator, with its header at its low end.
//!
//! ```text
//! base                                                                   base + size
//! ┌───────────────┬──────────────────┬──────────────────┬──────────────────────┐
//! │ header (32 B) │ buffers, low →   │ free       ← top │ values               │
//! └───────────────┴──────────────────┴──────────────────┴──────────────────────┘
//!              floor()             floor              cursor                  end
//! ```
//!
//! The end is rounded down to a cache line, so that no value of 16, 32 or 64 bytes among its like lies across two lines
//! (on a Zen 4 core that takes a tenth off the time for 64-byte values).
//!
//! While a block is the arena's current one the cursor and the floor live in the arena, and `top` and `low` here are out of
//! date.

use crate::bumping::LOWEST;
use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::ptr::NonNull;

/// Blocks start at a multiple of this, and their sizes are multiples of it.
pub(crate) const BLOCK_ALIGN: usize = 16;

/// The highest value of a block ends at a multiple of this.
const CACHE_LINE: usize = 64;

/// Bytes at the low end of each block that hold no values.
pub(crate) const HEADER_BYTES: usize = size_of::<Header>();

#[repr(C, align(16))]
struct Header {
    next: Option<Block>,
    /// Bytes of the whole block.
    size: usize,
    /// Where the cursor stood when the block ceased to be the current one.
    top: *mut u8,
    /// Where the floor was then: below it lie buffers.
    low: usize,
}

/// A block that is alive; its owner is the chain that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block(NonNull<Header>);

impl Block {
    /// The largest value of a small alignment that a block could hold.
    pub(crate) const MAX_VALUE_BYTES: usize =
        (isize::MAX as usize - HEADER_BYTES) / BLOCK_ALIGN * BLOCK_ALIGN;

    /// The bytes of a block that can surely take one value of this layout; `None` beyond what a layout can say.
    pub(crate) fn bytes_for(layout: Layout) -> Option<usize> {
        // Rounding the end costs less than a cache line, and a great alignment may cost that much once more.
        let rounding = CACHE_LINE - BLOCK_ALIGN;
        let slack = if layout.align() > BLOCK_ALIGN { layout.align() + rounding } else { rounding };
        let bytes = layout.size().checked_add(slack)?.checked_add(HEADER_BYTES)?;
        let bytes = bytes.checked_next_multiple_of(BLOCK_ALIGN)?;
        Layout::from_size_align(bytes, BLOCK_ALIGN).ok().map(|whole| whole.size())
    }

    /// Asks the global allocator for a block of `size` bytes: a multiple of [`BLOCK_ALIGN`], at least the header,
    /// and not more than a layout can say. `None` when the allocator refuses.
    pub(crate) fn allocate(size: usize) -> Option<Self> {
        debug_assert!(size >= HEADER_BYTES && size.is_multiple_of(BLOCK_ALIGN));
        let layout = Layout::from_size_align(size, BLOCK_ALIGN).ok()?;
        // SAFETY: the size is not zero, it has room for a header.
        let header = NonNull::new(unsafe { alloc(layout) })?.cast::<Header>();
        // SAFETY: the new memory is aligned and large enough for a header, and nobody else has it.
        unsafe { header.write(Header { next: None, size, top: header.as_ptr().cast(), low: 0 }) };
        Some(Self(header))
    }

    /// Gives the block back to the global allocator.
    ///
    /// # Safety
    ///
    /// No copy of this handle and no pointer into the block is used afterwards.
    pub(crate) unsafe fn free(self) {
        crate::shadow::reveal(self.0.as_ptr().cast(), self.size());
        // SAFETY: this is the layout it was allocated with, and the caller gives it up.
        unsafe {
            dealloc(self.0.as_ptr().cast(), Layout::from_size_align_unchecked(self.size(), BLOCK_ALIGN))
        };
    }

    pub(crate) fn size(self) -> usize {
        // SAFETY: a block that its chain still holds has a valid header.
        unsafe { (*self.0.as_ptr()).size }
    }

    pub(crate) fn next(self) -> Option<Self> {
        // SAFETY: as in `size`.
        unsafe { (*self.0.as_ptr()).next }
    }

    pub(crate) fn set_next(self, next: Option<Self>) {
        // SAFETY: as in `size`; headers are reached by one thread at a time, because no arena is `Sync`.
        unsafe { (*self.0.as_ptr()).next = next };
    }

    pub(crate) fn top(self) -> *mut u8 {
        // SAFETY: as in `size`.
        unsafe { (*self.0.as_ptr()).top }
    }

    /// The address at which the buffers at the low end stop; not below [`floor`](Self::floor).
    pub(crate) fn low(self) -> usize {
        // SAFETY: as in `size`.
        unsafe { (*self.0.as_ptr()).low }
    }

    /// Notes which part of the block is free when it ceases to be the current one.
    pub(crate) fn note_free(self, low: usize, top: *mut u8) {
        // SAFETY: as in `set_next`.
        unsafe {
            (*self.0.as_ptr()).top = top;
            (*self.0.as_ptr()).low = low;
        }
    }

    /// The address below which no value may start.
    pub(crate) fn floor(self) -> usize {
        (self.0.addr().get() + HEADER_BYTES).max(LOWEST)
    }

    /// Where the highest value ends; it carries the provenance of the whole block.
    pub(crate) fn end(self) -> *mut u8 {
        self.0.as_ptr().cast::<u8>().wrapping_add(self.size()).map_addr(|end| end & !(CACHE_LINE - 1))
    }

    /// Whether `address` lies at or above `top` in this block, or below `low`.
    pub(crate) fn holds(self, address: usize, low: usize, top: *mut u8) -> bool {
        (top.addr()..self.end().addr()).contains(&address) || (self.floor()..low).contains(&address)
    }
}
