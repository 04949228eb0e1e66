//! A chunk of the old space or of the large-object space: 4 MiB, aligned, so that the metadata of any object
//! is found by masking its address.
//!
//! ```text
//! block 0      header: kind, block bitmaps, one mark byte per line or one bit per granule
//! blocks 1, 2  start bits, one per 8 bytes, twice: an object that was found alive starts here
//! block 3      log bits, one per 8 bytes: the object or card that starts here is in the remembered set
//! block 4      snapshot bits, one per 8 bytes: the slots of the object or card that starts here were marked from
//! block 5…     objects
//! ```
//!
//! The two tables of start bits take turns. One tells which objects the last marking found alive. While the next
//! marking is under way, the other one holds its mark bits, and when that ends they change places. The table that is
//! out of use is cleared when its chunk is swept, so that a marking begins without touching every chunk.
//!
//! What is promoted between two markings gets no start bit: it lies dense from the start of a hole, and the header
//! has where such a *run* ends. [`runs`](super::runs) turns runs into bits where bits are asked for.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use terrane_pages::CHUNK_SIZE;

use super::block::{BLOCK_SIZE, BLOCKS_PER_CHUNK};
use super::line::{EPOCHS, LINE_SIZE, LINES_PER_CHUNK};
use crate::raw::WORD_BYTES;

/// Blocks at the start of a chunk that hold metadata.
pub(crate) const METADATA_BLOCKS: usize = 5;
/// Offset of the first object in a chunk.
pub(crate) const DATA_OFFSET: usize = METADATA_BLOCKS * BLOCK_SIZE;

const LOG_BITS: usize = 3 * BLOCK_SIZE;
const SNAPSHOT_BITS: usize = 4 * BLOCK_SIZE;
/// A bit for each word of a block.
pub(crate) type BlockBits = [u64; BLOCK_SIZE / WORD_BYTES / 64];
const BIT_WORDS: usize = CHUNK_SIZE / WORD_BYTES / 64;

/// Mark of the lines of chunks that hold large objects; no epoch.
const LARGE: u8 = u8::MAX;
const _: () = assert!(EPOCHS < LARGE);

const _: () = assert!(size_of::<ChunkHeader>() <= BLOCK_SIZE);
const _: () = assert!(BIT_WORDS * 8 == BLOCK_SIZE);

/// One of the two tables of start bits, by its offset in a chunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct StartTable(usize);

impl StartTable {
    pub(crate) const FIRST: Self = Self(BLOCK_SIZE);

    /// The other table.
    pub(crate) const fn other(self) -> Self {
        Self(3 * BLOCK_SIZE - self.0)
    }
}

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
    /// Old space: bit `b` tells that block `b` has gaps between its objects that promotion may use.
    pub(crate) fragmented_blocks: u64,
    /// Old space: bit `b` tells that block `b` was taken for objects that never move.
    pub(crate) pinned_blocks: u64,
    /// Old space: 0, or one more than the number that the chunk has among those that the cycle under way may empty.
    pub(crate) candidate: u32,
    /// Old space: lines in use when the chunk was swept last.
    pub(crate) used_lines: u32,
    /// Old space: a run was noted since the chunk was swept.
    pub(crate) has_runs: bool,
    /// A snapshot bit was set since the chunk was swept.
    pub(crate) has_snapshots: bool,
    /// The epoch of the last marking that found part of a live object in the line, 0 if it is free; [`LARGE`] where the
    /// chunk holds large objects.
    pub(crate) line_marks: [u8; LINES_PER_CHUNK],
    /// Old space: length in words of the run of objects, promoted since the last marking, that starts at the line.
    pub(crate) run_words: [u16; LINES_PER_CHUNK],
    /// Large objects: bit `g` tells that granule `g` is in use.
    pub(crate) granules: [u64; CHUNK_SIZE / 4096 / 64],
    /// Large objects: words that a marking has scanned of the object that starts at the granule.
    pub(crate) scanned_words: [u32; CHUNK_SIZE / 4096],
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
        unsafe {
            (*chunk.0.as_ptr()).kind = kind;
            if kind != ChunkKind::Old {
                (*chunk.0.as_ptr()).line_marks = [LARGE; LINES_PER_CHUNK];
            }
        }
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

    /// Whether the object at `address`, which starts in this chunk, is a large one. The chunk's kind says it too; but the
    /// kinds of all chunks lie at the same offset and push each other out of the cache, while the byte that is looked at
    /// here is the one that marking the object writes.
    #[inline(always)]
    pub(crate) fn is_large(self, address: usize) -> bool {
        let line = (address & (CHUNK_SIZE - 1)) / LINE_SIZE;
        // SAFETY: a `Chunk` is only made for initialised chunks that are in use, so its header can be read; the index is
        // below the number of lines. The read goes through the raw pointer, and nobody else accesses the header now.
        unsafe { (&raw const (*self.0.as_ptr()).line_marks).cast::<u8>().add(line).read() == LARGE }
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

    /// Where the start bit of the object at `address` is, for prefetching.
    #[inline(always)]
    pub(crate) fn start_word(table: StartTable, address: usize) -> usize {
        let (chunk, offset) = (address & !(CHUNK_SIZE - 1), address & (CHUNK_SIZE - 1));
        chunk + table.0 + offset / WORD_BYTES / 64 * 8
    }

    /// The number that the chunk has among those that the cycle under way may empty, if it is one of them.
    #[inline]
    pub(crate) fn candidate(self) -> Option<usize> {
        // SAFETY: a `Chunk` is only made for initialised chunks that are in use, whose header can be read.
        let number = unsafe { (*self.0.as_ptr()).candidate };
        (number as usize).checked_sub(1)
    }

    pub(crate) fn set_candidate(self, number: Option<usize>) {
        let number = number.map_or(0, |number| number as u32 + 1);
        // SAFETY: as above, and nobody else accesses the header now.
        unsafe { (*self.0.as_ptr()).candidate = number };
    }

    /// Replaces the start bits of a block.
    pub(crate) fn set_block_starts(self, table: StartTable, block: usize, bits: &BlockBits) {
        let first = (self.base() + table.0 + block * (BLOCK_SIZE / WORD_BYTES / 8)) as *const AtomicU64;
        for (index, &word) in bits.iter().enumerate() {
            // SAFETY: the words of one block lie in the table, which is only accessed atomically.
            unsafe { (*first.add(index)).store(word, Relaxed) };
        }
    }

    /// Where the mark of the line at `address` is, for prefetching.
    #[inline(always)]
    pub(crate) fn line_mark(address: usize) -> usize {
        let (chunk, offset) = (address & !(CHUNK_SIZE - 1), address & (CHUNK_SIZE - 1));
        chunk + core::mem::offset_of!(ChunkHeader, line_marks) + offset / LINE_SIZE
    }

    /// Where the log bit for `address` is, for prefetching.
    #[inline(always)]
    pub(crate) fn log_word(address: usize) -> usize {
        let (chunk, offset) = (address & !(CHUNK_SIZE - 1), address & (CHUNK_SIZE - 1));
        chunk + LOG_BITS + offset / WORD_BYTES / 64 * 8
    }

    #[inline(always)]
    fn test_bit(self, offset: usize, address: usize) -> bool {
        let (word, mask) = self.bit(offset, address);
        word.load(Relaxed) & mask != 0
    }

    /// Sets a bit; answers whether it was clear before.
    #[inline(always)]
    fn set_bit(self, offset: usize, address: usize) -> bool {
        let (word, mask) = self.bit(offset, address);
        let before = word.load(Relaxed);
        word.store(before | mask, Relaxed);
        before & mask == 0
    }

    #[inline(always)]
    fn clear_bit(self, offset: usize, address: usize) {
        let (word, mask) = self.bit(offset, address);
        word.store(word.load(Relaxed) & !mask, Relaxed);
    }

    fn clear_table(self, offset: usize) {
        // SAFETY: the table is part of the chunk, and nobody holds a reference into it.
        unsafe { core::ptr::write_bytes((self.base() + offset) as *mut u8, 0, BLOCK_SIZE) };
    }

    #[inline(always)]
    pub(crate) fn has_start_bit(self, table: StartTable, address: usize) -> bool {
        self.test_bit(table.0, address)
    }

    /// Sets the start bit; answers whether it was clear before.
    #[inline(always)]
    pub(crate) fn set_start_bit(self, table: StartTable, address: usize) -> bool {
        self.set_bit(table.0, address)
    }

    pub(crate) fn clear_start_bit(self, table: StartTable, address: usize) {
        self.clear_bit(table.0, address);
    }

    /// Adds the bits of the other table to `table`, and clears the other.
    pub(crate) fn merge_start_bits(self, table: StartTable) {
        for index in 0..BIT_WORDS {
            let word = |table: StartTable| (self.base() + table.0 + index * 8) as *const AtomicU64;
            // SAFETY: `index < BIT_WORDS`, so the words lie in the tables, which are only accessed atomically.
            let (into, from) = unsafe { (&*word(table), &*word(table.other())) };
            let more = from.load(Relaxed);
            if more != 0 {
                into.store(into.load(Relaxed) | more, Relaxed);
                from.store(0, Relaxed);
            }
        }
    }

    /// Clears every bit of a table.
    pub(crate) fn clear_start_bits(self, table: StartTable) {
        self.clear_table(table.0);
    }

    #[inline(always)]
    pub(crate) fn has_log_bit(self, address: usize) -> bool {
        self.test_bit(LOG_BITS, address)
    }

    /// Sets the log bit; answers whether it was clear before.
    #[inline(always)]
    pub(crate) fn set_log_bit(self, address: usize) -> bool {
        self.set_bit(LOG_BITS, address)
    }

    #[inline(always)]
    pub(crate) fn clear_log_bit(self, address: usize) {
        self.clear_bit(LOG_BITS, address);
    }

    /// Clears every log bit.
    pub(crate) fn clear_log_bits(self) {
        self.clear_table(LOG_BITS);
    }

    #[inline(always)]
    pub(crate) fn has_snapshot_bit(self, address: usize) -> bool {
        self.test_bit(SNAPSHOT_BITS, address)
    }

    /// Sets the snapshot bit; answers whether it was clear before.
    #[inline(always)]
    pub(crate) fn set_snapshot_bit(self, address: usize) -> bool {
        // SAFETY: a `Chunk` is only made for chunks in use, and nobody else accesses the header now.
        unsafe { (*self.header()).has_snapshots = true };
        self.set_bit(SNAPSHOT_BITS, address)
    }

    /// Clears every snapshot bit, if any was set.
    pub(crate) fn clear_snapshot_bits(self) {
        // SAFETY: as above.
        if unsafe { core::mem::take(&mut (*self.header()).has_snapshots) } {
            self.clear_table(SNAPSHOT_BITS);
        }
    }

    /// Forgets where runs lie.
    pub(crate) fn clear_runs(self) {
        // SAFETY: the table is part of the chunk in use, and nobody holds a reference into it.
        unsafe {
            if core::mem::take(&mut (*self.header()).has_runs) {
                (&raw mut (*self.header()).run_words).cast::<u16>().write_bytes(0, LINES_PER_CHUNK);
            }
        }
    }

    /// How many words of the large object at `address` a marking has scanned.
    ///
    /// # Safety
    ///
    /// A large object starts there, and nobody else accesses the count while the reference lives.
    pub(crate) unsafe fn scanned_words(self, address: usize) -> &'static mut u32 {
        let granule = (address - self.base()) / 4096;
        // SAFETY: a large object starts in its first chunk, whose header has a count for each granule; the caller
        // promises the rest. The lifetime is longer than the truth, but callers let go of it at once.
        unsafe { &mut (*self.header()).scanned_words[granule] }
    }

    /// The start bits of a block, in words of 64.
    fn start_words(self, table: StartTable, block: usize) -> impl Iterator<Item = u64> {
        let first = (self.base() + table.0 + block * (BLOCK_SIZE / WORD_BYTES / 8)) as *const AtomicU64;
        // SAFETY: the words of one block lie in the table, which is only accessed atomically.
        (0..BLOCK_SIZE / WORD_BYTES / 64).map(move |index| unsafe { (*first.add(index)).load(Relaxed) })
    }

    /// How many start bits of a block are set.
    pub(crate) fn starts_in_block(self, table: StartTable, block: usize) -> usize {
        self.start_words(table, block).map(|word| word.count_ones() as usize).sum()
    }

    /// The first start at or after `address`, before `end`; both lie in one block, which `end` may be the end of.
    pub(crate) fn next_start(self, table: StartTable, address: usize, end: usize) -> Option<usize> {
        let mut index = (address - self.base()) / WORD_BYTES;
        let last = (end - self.base()) / WORD_BYTES;
        while index < last {
            let word = (self.base() + table.0 + index / 64 * 8) as *const AtomicU64;
            // SAFETY: `index` is below the number of bits of the table, which is only accessed atomically.
            let bits = unsafe { (*word).load(Relaxed) } >> (index % 64);
            if bits != 0 {
                let found = index + bits.trailing_zeros() as usize;
                return (found < last).then_some(self.base() + found * WORD_BYTES);
            }
            index = (index / 64 + 1) * 64;
        }
        None
    }

    /// Visits the address of each set start bit, in order. The visitor may set further bits; those that it
    /// sets before the current position are not visited.
    pub(crate) fn for_each_start(self, table: StartTable, mut visit: impl FnMut(usize)) {
        for index in 0..BIT_WORDS {
            let word = (self.base() + table.0 + index * 8) as *const AtomicU64;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_tables_of_start_bits_are_apart_from_the_rest() {
        let (first, second) = (StartTable::FIRST, StartTable::FIRST.other());
        assert_eq!(second.other(), first);
        let mut offsets = [first.0, second.0, LOG_BITS, SNAPSHOT_BITS];
        offsets.sort_unstable();
        assert_eq!(offsets, [1, 2, 3, 4].map(|block| block * BLOCK_SIZE));
        assert_eq!(DATA_OFFSET, 5 * BLOCK_SIZE);
    }
}
