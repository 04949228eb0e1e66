//! A chunk of the old space or of the large-object space: 4 MiB, aligned, so that the metadata of any object
//! is found by masking its address.
//!
//! ```text
//! block 0      header: kind, block bitmaps, one mark byte per line or one bit per granule
//! block 1      start bits, one per 8 bytes: an object that was found alive starts here
//! block 2      log bits, one per 8 bytes: the object or card that starts here is in the remembered set
//! block 3…     objects
//! ```
//!
//! Start bits are cleared for the whole chunk when marking starts, and set when an object is marked, or promoted
//! while marking goes on. So they are the mark bits during a full collection, and afterwards tell what it found
//! alive. What is promoted between two markings gets no bit: it lies dense from the start of a hole, and the header
//! has where such a *run* ends. [`runs`](super::runs) turns runs into bits where bits are asked for.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use terrane_pages::CHUNK_SIZE;

use super::block::{BLOCK_SIZE, BLOCKS_PER_CHUNK};
use super::line::LINES_PER_CHUNK;
use crate::raw::WORD_BYTES;

/// Blocks at the start of a chunk that hold metadata.
pub(crate) const METADATA_BLOCKS: usize = 3;
/// Offset of the first object in a chunk.
pub(crate) const DATA_OFFSET: usize = METADATA_BLOCKS * BLOCK_SIZE;

const START_BITS_OFFSET: usize = BLOCK_SIZE;
const LOG_BITS_OFFSET: usize = 2 * BLOCK_SIZE;
const BIT_WORDS: usize = CHUNK_SIZE / WORD_BYTES / 64;

const _: () = assert!(size_of::<ChunkHeader>() <= BLOCK_SIZE);
const _: () = assert!(BIT_WORDS * 8 == BLOCK_SIZE);

/// What a chunk holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(crate) enum ChunkKind {
    /// Blocks of the old space.
    Old = 0,
    /// Several large objects.
    LargeShared = 1,
    /// The first chunk of a run that holds one large object.
    LargeRun = 2,
}

/// First block of a chunk. All zero is a valid header.
#[repr(C)]
pub(crate) struct ChunkHeader {
    kind: ChunkKind,
    /// Old space: bit `b` tells that block `b` holds nothing.
    pub(crate) free_blocks: u64,
    /// Old space: bit `b` tells that block `b` has free lines that promotion may use.
    pub(crate) recyclable_blocks: u64,
    /// Old space: bit `b` tells that block `b` holds objects that were born pinned.
    pub(crate) immovable_blocks: u64,
    /// Old space: a line that holds part of a live object, as of the last full collection.
    pub(crate) line_marks: [u8; LINES_PER_CHUNK],
    /// Old space: length in words of the run of objects, promoted since the last marking, that starts at the line.
    pub(crate) run_words: [u16; LINES_PER_CHUNK],
    /// Large objects: bit `g` tells that granule `g` is in use.
    pub(crate) granules: [u64; CHUNK_SIZE / 4096 / 64],
    /// Large objects: granules from here on were never used and are zero.
    pub(crate) untouched_granule: usize,
}

/// A chunk by the address of its header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Chunk(NonNull<ChunkHeader>);

impl Chunk {
    /// Makes the header of a new chunk.
    ///
    /// # Safety
    ///
    /// `base` is the aligned start of [`CHUNK_SIZE`] bytes of zeroed memory that stay valid as long as the
    /// chunk is used.
    pub(crate) unsafe fn initialise(base: NonNull<u8>, kind: ChunkKind) -> Self {
        debug_assert_eq!(base.as_ptr() as usize % CHUNK_SIZE, 0);
        let chunk = Self(base.cast());
        // SAFETY: the memory is ours and zero, which is a valid header.
        unsafe { (*chunk.0.as_ptr()).kind = kind };
        chunk
    }

    /// The chunk that the object at `address` starts in.
    ///
    /// # Safety
    ///
    /// A chunk in use of the old space, or the first chunk of a large object, contains `address`.
    #[inline(always)]
    pub(crate) unsafe fn containing(address: usize) -> Self {
        // SAFETY: the mask gives the start of the chunk, which is not null.
        Self(unsafe { NonNull::new_unchecked((address & !(CHUNK_SIZE - 1)) as *mut ChunkHeader) })
    }

    #[inline(always)]
    pub(crate) fn base(self) -> usize {
        self.0.as_ptr() as usize
    }

    pub(crate) fn base_pointer(self) -> NonNull<u8> {
        self.0.cast()
    }

    /// The header. Reads and writes go through the raw pointer, one field at a time.
    #[inline(always)]
    pub(crate) fn header(self) -> *mut ChunkHeader {
        self.0.as_ptr()
    }

    #[inline(always)]
    pub(crate) fn kind(self) -> ChunkKind {
        // SAFETY: a `Chunk` is only made for initialised chunks that are in use.
        unsafe { (*self.0.as_ptr()).kind }
    }

    /// The side-table word and mask for `address` in the table at `offset`.
    #[inline(always)]
    fn bit(self, offset: usize, address: usize) -> (&'static AtomicU64, u64) {
        let index = (address & (CHUNK_SIZE - 1)) / WORD_BYTES;
        let word = (self.base() + offset + index / 64 * 8) as *const AtomicU64;
        // SAFETY: `index / 64 < BIT_WORDS`, so the word lies in the table and is aligned; while the reference lives
        // it is only accessed atomically. The lifetime is longer than the truth, but the reference does not leave
        // the functions below, which end before the chunk can be released or a table cleared.
        (unsafe { &*word }, 1 << (index % 64))
    }

    #[inline(always)]
    pub(crate) fn has_start_bit(self, address: usize) -> bool {
        let (word, mask) = self.bit(START_BITS_OFFSET, address);
        word.load(Relaxed) & mask != 0
    }

    /// Sets the start bit; answers whether it was clear before.
    #[inline(always)]
    pub(crate) fn set_start_bit(self, address: usize) -> bool {
        let (word, mask) = self.bit(START_BITS_OFFSET, address);
        let before = word.load(Relaxed);
        word.store(before | mask, Relaxed);
        before & mask == 0
    }

    pub(crate) fn clear_start_bit(self, address: usize) {
        let (word, mask) = self.bit(START_BITS_OFFSET, address);
        word.store(word.load(Relaxed) & !mask, Relaxed);
    }

    pub(crate) fn has_log_bit(self, address: usize) -> bool {
        let (word, mask) = self.bit(LOG_BITS_OFFSET, address);
        word.load(Relaxed) & mask != 0
    }

    /// Sets the log bit; answers whether it was clear before.
    #[inline(always)]
    pub(crate) fn set_log_bit(self, address: usize) -> bool {
        let (word, mask) = self.bit(LOG_BITS_OFFSET, address);
        let before = word.load(Relaxed);
        word.store(before | mask, Relaxed);
        before & mask == 0
    }

    #[inline(always)]
    pub(crate) fn clear_log_bit(self, address: usize) {
        let (word, mask) = self.bit(LOG_BITS_OFFSET, address);
        word.store(word.load(Relaxed) & !mask, Relaxed);
    }

    /// Clears every log bit.
    pub(crate) fn clear_log_bits(self) {
        // SAFETY: the table is part of the chunk, and nobody holds a reference into it.
        unsafe { core::ptr::write_bytes((self.base() + LOG_BITS_OFFSET) as *mut u8, 0, BLOCK_SIZE) };
    }

    /// Clears every start bit, line mark and run, which begins a marking of the chunk.
    pub(crate) fn clear_marks(self) {
        // SAFETY: both tables are part of the chunk, and nobody holds a reference into them.
        unsafe {
            core::ptr::write_bytes((self.base() + START_BITS_OFFSET) as *mut u8, 0, BLOCK_SIZE);
            (&raw mut (*self.header()).line_marks).cast::<u8>().write_bytes(0, LINES_PER_CHUNK);
            (&raw mut (*self.header()).run_words).cast::<u16>().write_bytes(0, LINES_PER_CHUNK);
        }
    }

    /// Visits the address of each set start bit, in order. The visitor may set further bits; those that it
    /// sets before the current position are not visited.
    pub(crate) fn for_each_start(self, mut visit: impl FnMut(usize)) {
        for index in 0..BIT_WORDS {
            let word = (self.base() + START_BITS_OFFSET + index * 8) as *const AtomicU64;
            // SAFETY: `index < BIT_WORDS`, so the word lies in the table, which is only accessed atomically.
            let mut bits = unsafe { (*word).load(Relaxed) };
            while bits != 0 {
                let bit = bits.trailing_zeros() as usize;
                visit(self.base() + (index * 64 + bit) * WORD_BYTES);
                bits &= bits - 1;
            }
        }
    }
}

/// Bitmap of all blocks that can hold objects.
pub(crate) const DATA_BLOCKS: u64 = !((1 << METADATA_BLOCKS) - 1);
const _: () = assert!(BLOCKS_PER_CHUNK == 64);
