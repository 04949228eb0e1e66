//! The old space: chunks of blocks of lines, filled by promotion, swept by lines.
//!
//! Promotion bumps through *holes*: first those that the last sweep found between live lines, then whole free
//! blocks. An object longer than a line that does not fit the current hole goes to a block of its own kind
//! instead (Immix's overflow block), so that short holes are not thrown away for it. Promotion never fails:
//! the heap keeps enough free blocks ([`block::blocks_to_copy`]) for all that could be promoted, and takes
//! new chunks only between collections.

pub(crate) mod block;
pub(crate) mod chunk;
pub(crate) mod line;
mod runs;

use alloc::vec::Vec;

use terrane_base::MemoryError;
use terrane_pages::{CHUNK_SIZE, ChunkSpace, Owner};

use block::{BLOCK_SIZE, BLOCKS_PER_CHUNK, SMALL_OBJECT_MAX};
use chunk::{Chunk, ChunkKind, DATA_BLOCKS, METADATA_BLOCKS};
use line::{LINE_SIZE, LINES_PER_BLOCK};

use super::errors;

/// Blocks of a chunk that hold objects.
pub(crate) const DATA_BLOCKS_PER_CHUNK: usize = BLOCKS_PER_CHUNK - METADATA_BLOCKS;
/// Fewer free lines than this in a block are not worth a visit.
const RECYCLED_LINES_MIN: usize = 2;

#[derive(Debug)]
pub(crate) struct OldSpace {
    /// A marking is under way: what is promoted gets its start bit at once.
    pub(crate) born_marked: bool,
    /// Where the current hole starts.
    start: usize,
    /// Next free byte of the current hole.
    cursor: usize,
    /// End of the current hole.
    limit: usize,
    /// The same for the overflow block.
    overflow_start: usize,
    overflow_cursor: usize,
    overflow_limit: usize,
    /// The same for the block of objects that never move.
    pinned_cursor: usize,
    pinned_limit: usize,
    /// Where the current hole lies, to find the next one: block of a chunk and the line after the hole.
    hole: Option<(Chunk, usize, usize)>,
    chunks: Vec<Chunk>,
    /// No chunk before this index has a recyclable block.
    recyclable_from: usize,
    /// No chunk before this index has a free block.
    free_from: usize,
    free_blocks: usize,
    /// Bytes of objects: live at the last full collection plus promoted since.
    pub(crate) live_bytes: usize,
}

impl OldSpace {
    pub(crate) fn new() -> Self {
        Self {
            born_marked: false,
            start: 0,
            cursor: 0,
            limit: 0,
            overflow_start: 0,
            overflow_cursor: 0,
            overflow_limit: 0,
            pinned_cursor: 0,
            pinned_limit: 0,
            hole: None,
            chunks: Vec::new(),
            recyclable_from: 0,
            free_from: 0,
            free_blocks: 0,
            live_bytes: 0,
        }
    }

    /// Blocks that hold nothing and are ready for promotion.
    pub(crate) fn free_blocks(&self) -> usize {
        self.free_blocks
    }

    /// Blocks that hold objects.
    pub(crate) fn used_blocks(&self) -> usize {
        self.chunks.len() * DATA_BLOCKS_PER_CHUNK - self.free_blocks
    }

    pub(crate) fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// The current hole: next free byte and end. Promotion bumps in it and calls
    /// [`promote_slow`](Self::promote_slow) when it is full.
    #[inline(always)]
    pub(crate) fn hole(&self) -> (usize, usize) {
        (self.cursor, self.limit)
    }

    /// Takes back the cursor of the current hole.
    #[inline(always)]
    pub(crate) fn set_cursor(&mut self, cursor: usize) {
        self.cursor = cursor;
    }

    /// Room for an object of `size` bytes that does not fit the current hole. May move to another hole.
    ///
    /// Aborts when the copy reserve is used up or the object is too long for a block, which the heap's accounting
    /// and the promises of embedders exclude.
    #[cold]
    #[inline(never)]
    pub(crate) fn promote_slow(&mut self, size: usize) -> usize {
        if size > LINE_SIZE {
            return self.promote_overflow(size);
        }
        while size > self.limit - self.cursor {
            self.next_hole();
        }
        let address = self.cursor;
        self.cursor += size;
        address
    }

    fn promote_overflow(&mut self, size: usize) -> usize {
        if size > self.overflow_limit - self.overflow_cursor {
            // What is longer than a block would be copied over its neighbours.
            if size > SMALL_OBJECT_MAX {
                corrupt("an object outside the large objects is longer than a small object can be");
            }
            if !self.born_marked {
                Self::note_run(self.overflow_start, self.overflow_cursor);
            }
            let (chunk, block) = self.take_free_block();
            self.overflow_start = chunk.base() + block * BLOCK_SIZE;
            self.overflow_cursor = self.overflow_start;
            self.overflow_limit = self.overflow_cursor + BLOCK_SIZE;
        }
        let address = self.overflow_cursor;
        self.overflow_cursor += size;
        address
    }

    fn next_hole(&mut self) {
        if let Some((chunk, block, line)) = self.hole
            && line < LINES_PER_BLOCK
            // SAFETY: chunks in the list are in use, and promotion never runs while marking.
            && let Some((start, end)) = unsafe { line::next_hole(chunk, block, line) }
        {
            return self.open_hole(chunk, block, start, end);
        }
        if let Some((chunk, block)) = self.take_recyclable_block()
            // SAFETY: as above.
            && let Some((start, end)) = unsafe { line::next_hole(chunk, block, 0) }
        {
            return self.open_hole(chunk, block, start, end);
        }
        let (chunk, block) = self.take_free_block();
        let start = chunk.base() + block * BLOCK_SIZE;
        self.open_hole(chunk, block, start, start + BLOCK_SIZE);
    }

    fn open_hole(&mut self, chunk: Chunk, block: usize, start: usize, end: usize) {
        if !self.born_marked {
            Self::note_run(self.start, self.cursor);
        }
        self.start = start;
        let next_line = (end - chunk.base() - block * BLOCK_SIZE) / LINE_SIZE;
        self.hole = Some((chunk, block, next_line));
        self.cursor = start;
        self.limit = end;
    }

    fn take_recyclable_block(&mut self) -> Option<(Chunk, usize)> {
        while let Some(&chunk) = self.chunks.get(self.recyclable_from) {
            // SAFETY: chunks in the list are in use; nobody else accesses the header now.
            let bits = unsafe { &mut (*chunk.header()).recyclable_blocks };
            if *bits != 0 {
                let block = bits.trailing_zeros() as usize;
                *bits &= *bits - 1;
                return Some((chunk, block));
            }
            self.recyclable_from += 1;
        }
        None
    }

    fn take_free_block(&mut self) -> (Chunk, usize) {
        while let Some(&chunk) = self.chunks.get(self.free_from) {
            // SAFETY: chunks in the list are in use; nobody else accesses the header now.
            let bits = unsafe { &mut (*chunk.header()).free_blocks };
            if *bits != 0 {
                let block = bits.trailing_zeros() as usize;
                *bits &= *bits - 1;
                self.free_blocks -= 1;
                return (chunk, block);
            }
            self.free_from += 1;
        }
        corrupt("copy reserve used up: the object model's sizes are inconsistent");
    }

    /// Bytes left in the block of objects that never move.
    pub(crate) fn pinned_room(&self) -> usize {
        self.pinned_limit - self.pinned_cursor
    }

    /// Room, cleared, for a live object of `size` bytes, at most [`SMALL_OBJECT_MAX`], in a block whose objects
    /// never move. Takes a free block if there is no room; the caller sees to it that there is one.
    pub(crate) fn allocate_pinned(&mut self, size: usize) -> usize {
        if self.pinned_room() < size {
            let (chunk, block) = self.take_free_block();
            self.pinned_cursor = chunk.base() + block * BLOCK_SIZE;
            self.pinned_limit = self.pinned_cursor + BLOCK_SIZE;
            // SAFETY: chunks in the list are in use; nobody else accesses the header now.
            unsafe { (*chunk.header()).immovable_blocks |= 1 << block };
        }
        let address = self.pinned_cursor;
        self.pinned_cursor += size;
        self.live_bytes += size;
        // SAFETY: the room was free, lies in a chunk in use and belongs to nobody else.
        unsafe {
            core::ptr::write_bytes(address as *mut u8, 0, size);
            Chunk::containing(address).set_start_bit(address);
        }
        address
    }

    /// Adds a chunk of free blocks. Never called during a collection.
    pub(crate) fn grow(&mut self, space: &mut ChunkSpace, owner: Owner) -> Result<(), MemoryError> {
        self.chunks.try_reserve(1).map_err(|_| errors::table(CHUNK_SIZE))?;
        let base = space.try_allocate(1, owner).map_err(errors::pages)?;
        // SAFETY: a fresh chunk: aligned, zero, ours until `release_empty_chunks` gives it back.
        let chunk = unsafe { Chunk::initialise(base, ChunkKind::Old) };
        // SAFETY: nobody else knows the chunk yet.
        unsafe { (*chunk.header()).free_blocks = DATA_BLOCKS };
        self.chunks.push(chunk);
        self.free_blocks += DATA_BLOCKS_PER_CHUNK;
        Ok(())
    }

    /// Prepares all chunks for marking: every object counts as dead until it is marked.
    pub(crate) fn begin_mark(&mut self) {
        for chunk in &self.chunks {
            chunk.clear_marks();
        }
        self.live_bytes = 0;
        self.born_marked = true;
    }

    /// Counts an object that was just marked.
    ///
    /// # Safety
    ///
    /// An object of `size` bytes lies at `address` in `chunk`, a chunk of this space.
    #[inline(always)]
    pub(crate) unsafe fn note_marked(&mut self, chunk: Chunk, address: usize, size: usize) {
        self.live_bytes += size;
        // SAFETY: the caller's promise.
        unsafe { line::mark_lines(chunk, address, size) };
    }

    /// Finds free blocks and blocks with free lines from the line marks. Ends a marking.
    pub(crate) fn sweep(&mut self) {
        self.born_marked = false;
        (self.start, self.cursor, self.limit, self.hole) = (0, 0, 0, None);
        (self.overflow_start, self.overflow_cursor, self.overflow_limit) = (0, 0, 0);
        (self.pinned_cursor, self.pinned_limit) = (0, 0);
        (self.recyclable_from, self.free_from) = (0, 0);
        self.free_blocks = 0;
        for &chunk in &self.chunks {
            let (mut free, mut recyclable) = (0_u64, 0_u64);
            for block in METADATA_BLOCKS..BLOCKS_PER_CHUNK {
                // SAFETY: the chunk is in use and marking is over.
                match unsafe { line::marked_lines(chunk, block) } {
                    0 => free |= 1 << block,
                    marked if LINES_PER_BLOCK - marked >= RECYCLED_LINES_MIN => recyclable |= 1 << block,
                    _ => {}
                }
            }
            self.free_blocks += free.count_ones() as usize;
            // SAFETY: the chunk is in use; nobody else accesses the header now.
            unsafe {
                (*chunk.header()).free_blocks = free;
                (*chunk.header()).immovable_blocks &= !free;
                (*chunk.header()).recyclable_blocks = recyclable;
            }
        }
    }

    /// Gives chunks back that hold nothing, as long as `keep_blocks` free blocks remain.
    pub(crate) fn release_empty_chunks(&mut self, space: &mut ChunkSpace, keep_blocks: usize) {
        let mut index = self.chunks.len();
        while index > 0 && self.free_blocks >= keep_blocks + DATA_BLOCKS_PER_CHUNK {
            index -= 1;
            let chunk = self.chunks[index];
            // SAFETY: the chunk is in use.
            if unsafe { (*chunk.header()).free_blocks } == DATA_BLOCKS {
                self.chunks.swap_remove(index);
                self.free_blocks -= DATA_BLOCKS_PER_CHUNK;
                (self.recyclable_from, self.free_from) = (0, 0);
                // SAFETY: the chunk holds nothing and left the list. Only a wrong run is refused, and this is
                // one of ours.
                _ = unsafe { space.free(chunk.base_pointer(), 1) };
            }
        }
    }

    /// Fills the free lines and blocks with `byte`, so that a stale reference is noticed.
    pub(crate) fn poison_free(&self, byte: u8) {
        for &chunk in &self.chunks {
            // SAFETY: the chunk is in use.
            let (free, recyclable) =
                unsafe { ((*chunk.header()).free_blocks, (*chunk.header()).recyclable_blocks) };
            for block in (METADATA_BLOCKS..BLOCKS_PER_CHUNK).filter(|b| (free | recyclable) >> b & 1 == 1) {
                let mut line = 0;
                // SAFETY: no marking runs, and memory of unmarked lines holds no live object right after a
                // sweep.
                while let Some((start, end)) = unsafe { line::next_hole(chunk, block, line) } {
                    // SAFETY: as above.
                    unsafe { core::ptr::write_bytes(start as *mut u8, byte, end - start) };
                    line = (end - chunk.base() - block * BLOCK_SIZE) / LINE_SIZE;
                    if line == LINES_PER_BLOCK {
                        break;
                    }
                }
            }
        }
    }
}

/// Says what is wrong and aborts. In the middle of a collection every other object may have moved: nobody may
/// catch this and go on with the heap.
#[cold]
#[inline(never)]
fn corrupt(what: &str) -> ! {
    // To unwind out of a function with this interface aborts, also where there is no standard library.
    extern "C" fn abort(what: &&str) -> ! {
        panic!("heap corrupt: {what}");
    }
    abort(&what)
}

#[cfg(test)]
mod tests {
    use super::block::blocks_to_copy;
    use super::*;
    use proptest::prelude::*;

    /// Promotes as the copying loop does.
    fn promote(old: &mut OldSpace, size: usize) -> usize {
        let (cursor, limit) = old.hole();
        if size > limit - cursor {
            return old.promote_slow(size);
        }
        old.set_cursor(cursor + size);
        cursor
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// The copy reserve suffices for every sequence of sizes, also after a sweep that left single lines
        /// free.
        #[test]
        fn promotion_needs_no_more_blocks_than_reserved(
            survivors in prop::collection::vec((3..62_usize, 0..255_usize, 1..8000_usize), 0..300),
            sizes in prop::collection::vec(
                prop_oneof![Just(16), Just(8192), 2..33_usize, 2..1025_usize].prop_map(|w| if w > 1024 { w } else { w.max(2) * 8 }),
                1..400,
            )
        ) {
            let owner = Owner::new(1).unwrap();
            let mut space = ChunkSpace::reserve(terrane_pages::system_pages(), 1 << 28).unwrap();
            let mut old = OldSpace::new();
            for _ in 0..2 {
                old.grow(&mut space, owner).unwrap();
            }
            let chunk = old.chunks()[0];
            let mut taken: Vec<(usize, usize)> = Vec::new();
            for (block, line, size) in survivors {
                let address = chunk.base() + block * BLOCK_SIZE + line * LINE_SIZE;
                let size = size.min(BLOCK_SIZE - line * LINE_SIZE);
                // SAFETY: the object lies in the block.
                unsafe { old.note_marked(chunk, address, size) };
                taken.push((address, address + size));
            }
            old.sweep();
            let before = old.free_blocks();
            for &size in &sizes {
                let address = promote(&mut old, size);
                prop_assert!(address.is_multiple_of(8) && address / BLOCK_SIZE == (address + size - 1) / BLOCK_SIZE);
                prop_assert!(address % CHUNK_SIZE >= METADATA_BLOCKS * BLOCK_SIZE);
                taken.push((address, address + size));
            }
            prop_assert!(before - old.free_blocks() <= blocks_to_copy(sizes.iter().sum()));
            let promoted = taken.split_off(taken.len() - sizes.len());
            for (i, &(start, end)) in promoted.iter().enumerate() {
                prop_assert!(taken.iter().chain(&promoted[..i]).all(|&(s, e)| end <= s || e <= start));
            }
        }
    }

    #[test]
    fn empty_chunks_go_back_but_not_what_is_to_be_kept() {
        let owner = Owner::new(1).unwrap();
        let mut space = ChunkSpace::reserve(terrane_pages::system_pages(), 1 << 28).unwrap();
        let mut old = OldSpace::new();
        for _ in 0..5 {
            old.grow(&mut space, owner).unwrap();
        }
        promote(&mut old, 64);
        old.release_empty_chunks(&mut space, 2 * DATA_BLOCKS_PER_CHUNK);
        assert_eq!((old.chunks().len(), space.committed_bytes()), (3, 3 * CHUNK_SIZE));
        assert_eq!((old.free_blocks(), old.used_blocks()), (3 * DATA_BLOCKS_PER_CHUNK - 1, 1));
        old.release_empty_chunks(&mut space, 0);
        assert_eq!((old.chunks().len(), old.used_blocks()), (1, 1));
    }
}
