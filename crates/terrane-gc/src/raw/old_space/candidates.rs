//! Candidates: chunks that a cycle empties by moving what lives in them elsewhere.
//!
//! Sweeping in place gives memory back only where a whole chunk has died. So in idle time a cycle chooses, before it
//! marks, some chunks to be emptied. Nothing more is put into them, and while it marks, it *records* every object that refers into one of
//! their blocks from outside the block. When all is swept, [`defragment`](crate::raw::defragment) moves the objects out, one block after
//! the other, and visits what was recorded for it. Detlefs, Flood, Heller & Printezis, *Garbage-first garbage collection* (ISMM 2004), keep such
//! a set for each region at all times; here it exists only while a cycle wants it.
//!
//! The mutator runs meanwhile. What it stores a reference to, and what a promoted object refers to, would have to be recorded
//! too; instead such an object *stays* where it is, and its block with it, until the next time. Where memory for the
//! record is short the whole is given up: nothing depends on it.

use alloc::vec::Vec;

use terrane_pages::{CHUNK_SIZE, ChunkSpace, Owner};

use super::OldSpace;
use super::block::{BLOCK_SIZE, BLOCKS_PER_CHUNK};
use super::chunk::{Chunk, DATA_BLOCKS};
use super::holes::{Hole, Place};
use super::line::LINES_PER_BLOCK;
use super::records::{NONE, Record, Records};
use super::{DATA_BLOCKS_PER_CHUNK, State};

/// Objects that stay, at most.
const STAYING_MAX: usize = 4096;
/// One record for so many bytes of the candidates, at most.
const BYTES_PER_RECORD: usize = 256;
/// A block that is referred to from more places is left alone: to visit them all would be a long pause.
const RECORDS_PER_BLOCK_MAX: u32 = 4096;
/// Chunks of candidates for one of records.
const CHUNKS_PER_SEGMENT: usize = BYTES_PER_RECORD / size_of::<Record>();
/// A chunk with more lines in use is not worth being emptied.
const WORTHWHILE_LINES_MAX: usize = DATA_BLOCKS_PER_CHUNK * LINES_PER_BLOCK / 8 * 7;

/// What a candidate offered to promotion before it was one.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    chunk: Chunk,
    /// It was found not to be one after all.
    dropped: bool,
    free: u64,
    recyclable: u64,
    fragmented: u64,
}

/// The records for a block.
#[derive(Clone, Copy, Debug)]
struct List {
    first: u32,
    len: u32,
}

#[derive(Debug)]
pub(crate) struct Candidates {
    list: Vec<Candidate>,
    /// Free blocks that they had when they were chosen: nothing is in them, though nothing may be put in.
    pub(super) hidden_blocks: usize,
    /// A bit for each chunk of 16 GiB, where a candidate may be: most references are told from those into one by it.
    filter: [u64; 64],
    records: Records,
    /// The records for each block.
    lists: Vec<List>,
    staying: Vec<usize>,
    /// How many of them are in order, and each there once.
    sorted: usize,
    /// The block that is emptied next.
    next: usize,
    given_up: bool,
}

impl Candidates {
    pub(crate) const fn new() -> Self {
        Self {
            list: Vec::new(),
            hidden_blocks: 0,
            filter: [0; 64],
            records: Records::new(),
            lists: Vec::new(),
            staying: Vec::new(),
            sorted: 0,
            next: 0,
            given_up: false,
        }
    }

    /// Whether there are any, so that references into them must be recorded.
    #[inline(always)]
    pub(crate) fn is_tracking(&self) -> bool {
        !self.list.is_empty()
    }

    /// Whether there is nothing left to be gained.
    pub(crate) fn is_given_up(&self) -> bool {
        self.given_up
    }

    /// Nothing more is moved in this cycle, since something was missed.
    pub(crate) fn give_up(&mut self) {
        self.given_up |= self.is_tracking();
    }

    /// The number of the block that `address` lies in, if it is one of a candidate.
    ///
    /// # Safety
    ///
    /// An object of the old space or a large one starts at the address.
    #[inline(always)]
    pub(crate) unsafe fn block_of(&self, address: usize) -> Option<usize> {
        let chunk = address / CHUNK_SIZE;
        if (self.filter[chunk / 64 % 64] >> (chunk % 64)) & 1 == 0 {
            return None;
        }
        // SAFETY: the caller's promise.
        let number = unsafe { Chunk::containing(address) }.candidate()?;
        Some(number * BLOCKS_PER_CHUNK + address % CHUNK_SIZE / BLOCK_SIZE)
    }

    /// Records that `slot` of the object at `parent` refers to the object at `address`, if that lies in a candidate; not where both lie
    /// in one block.
    ///
    /// # Safety
    ///
    /// As for [`block_of`](Self::block_of).
    #[inline(always)]
    pub(crate) unsafe fn record(&mut self, parent: usize, slot: usize, address: usize) {
        // SAFETY: the caller's promise.
        if let Some(block) = unsafe { self.block_of(address) }
            && slot / BLOCK_SIZE != address / BLOCK_SIZE
        {
            self.push(parent, slot, block);
        }
    }

    #[inline(never)]
    fn push(&mut self, parent: usize, slot: usize, block: usize) {
        let list = self.lists[block];
        if list.len == RECORDS_PER_BLOCK_MAX {
            return;
        }
        match self.records.push(parent, slot, list.first) {
            Some(first) => self.lists[block] = List { first, len: list.len + 1 },
            None => self.give_up(),
        }
    }

    /// The same while blocks are being emptied. What cannot be recorded stays where it is.
    ///
    /// # Safety
    ///
    /// As for [`block_of`](Self::block_of).
    pub(crate) unsafe fn record_late(&mut self, parent: usize, slot: usize, address: usize) {
        // SAFETY: the caller's promise.
        let Some(block) = (unsafe { self.block_of(address) }) else { return };
        if block < self.next {
            return;
        }
        if self.records.is_full() {
            return self.stay(address);
        }
        self.push(parent, slot, block);
    }

    /// The object that `address` is the start of stays where it is, if it lies in a candidate.
    ///
    /// # Safety
    ///
    /// As for [`block_of`](Self::block_of).
    #[cold]
    pub(crate) unsafe fn keep_in_place(&mut self, address: usize) {
        // SAFETY: the caller's promise.
        if unsafe { self.block_of(address) }.is_some() {
            self.stay(address);
        }
    }

    fn stay(&mut self, address: usize) {
        if self.staying.len() == self.staying.capacity() {
            self.sort_staying();
            if self.staying.len() > STAYING_MAX / 2 {
                return self.give_up();
            }
        }
        self.staying.push(address);
    }

    /// Puts what stays in order, for [`stays`](Self::stays).
    pub(crate) fn sort_staying(&mut self) {
        if self.sorted < self.staying.len() {
            self.staying.sort_unstable();
            self.staying.dedup();
            self.sorted = self.staying.len();
        }
    }

    /// Whether the object that starts at `address` stays where it is.
    pub(crate) fn stays(&self, address: usize) -> bool {
        debug_assert_eq!(self.sorted, self.staying.len());
        self.staying.binary_search(&address).is_ok()
    }

    /// The next block to be emptied, by its chunk and its number there.
    pub(crate) fn take_next(&mut self) -> Option<(Chunk, usize)> {
        loop {
            let candidate = self.list.get(self.next / BLOCKS_PER_CHUNK)?;
            let block = self.next % BLOCKS_PER_CHUNK;
            self.next += 1;
            let is_popular = self.lists[self.next - 1].len == RECORDS_PER_BLOCK_MAX;
            if !candidate.dropped && !is_popular && (DATA_BLOCKS >> block) & 1 != 0 {
                return Some((candidate.chunk, block));
            }
        }
    }

    /// The first record for the block that was taken last.
    pub(crate) fn first_record(&self) -> Option<u32> {
        self.next.checked_sub(1).map(|block| self.lists[block].first).filter(|&first| first != NONE)
    }

    /// A record, and the next for the same block.
    pub(crate) fn record_at(&self, index: u32) -> (Record, Option<u32>) {
        let record = self.records.at(index);
        (record, Some(record.next).filter(|&next| next != NONE))
    }
}

impl OldSpace {
    /// Chooses chunks to be emptied: `most` of those that are least in use. None of them has a block of objects that never move,
    /// or one of the `pinned` addresses; and `reserve` free blocks remain. Nothing is chosen where memory for the records is
    /// refused.
    pub(crate) fn choose_candidates(
        &mut self,
        most: usize,
        reserve: usize,
        pinned: impl Iterator<Item = usize> + Clone,
        space: &mut ChunkSpace,
        owner: Owner,
    ) {
        debug_assert!(self.state == State::Settled && !self.candidates.is_tracking());
        let mut order = Vec::new();
        let mut pinned_chunks = Vec::new();
        if order.try_reserve_exact(self.chunks.len()).is_err()
            || pinned_chunks.try_reserve_exact(pinned.clone().count()).is_err()
            || !self.reserve_records(most, space, owner)
        {
            return self.forget_candidates(space);
        }
        pinned_chunks.extend(pinned.map(|address| address & !(CHUNK_SIZE - 1)));
        pinned_chunks.sort_unstable();
        // SAFETY: chunks in the list are in use; nobody else accesses the header now.
        let header = |chunk: Chunk| unsafe { &*chunk.header() };
        order.extend(self.chunks.iter().copied().filter(|&chunk| {
            let header = header(chunk);
            header.pinned_blocks == 0
                && header.free_blocks != DATA_BLOCKS
                && pinned_chunks.binary_search(&chunk.base()).is_err()
        }));
        // Those first that promotion has used least since they were swept, and of these the emptiest.
        order.sort_unstable_by_key(|&chunk| {
            let header = header(chunk);
            let unused = header.recyclable_blocks | header.fragmented_blocks | header.free_blocks;
            (core::cmp::Reverse(unused.count_ones() / 8), header.used_lines)
        });
        for chunk in order.into_iter().take(most) {
            let free = header(chunk).free_blocks.count_ones() as usize;
            if self.free_blocks - free >= reserve {
                self.hide(chunk);
            }
        }
        if !self.candidates.is_tracking() {
            return self.forget_candidates(space);
        }
        // What is being filled may be one of them.
        self.hole.note_run();
        self.overflow.note_run();
        (self.hole, self.overflow, self.place) = (Hole::NONE, Hole::NONE, Place::Nowhere);
        self.retire_mutator();
    }

    /// Gives the memory of the records back.
    fn forget_candidates(&mut self, space: &mut ChunkSpace) {
        while self.candidates.records.release_segment(space) {}
        self.candidates = Candidates::new();
    }

    fn reserve_records(&mut self, chunks: usize, space: &mut ChunkSpace, owner: Owner) -> bool {
        let candidates = &mut self.candidates;
        let blocks = chunks * BLOCKS_PER_CHUNK;
        let reserved = candidates.list.try_reserve_exact(chunks).is_ok()
            && candidates.lists.try_reserve_exact(blocks).is_ok()
            && candidates.staying.try_reserve_exact(STAYING_MAX).is_ok()
            && candidates.records.reserve(chunks.div_ceil(CHUNKS_PER_SEGMENT), space, owner);
        if reserved {
            candidates.lists.resize(blocks, List { first: NONE, len: 0 });
        }
        reserved
    }

    /// Makes a chunk a candidate, so that promotion leaves it alone.
    fn hide(&mut self, chunk: Chunk) {
        let number = self.candidates.list.len();
        // SAFETY: the chunk is in use; nobody else accesses the header now.
        let header = unsafe { &mut *chunk.header() };
        let free = header.free_blocks.count_ones() as usize;
        self.free_blocks -= free;
        self.candidates.hidden_blocks += free;
        self.candidates.list.push(Candidate {
            chunk,
            dropped: false,
            free: core::mem::take(&mut header.free_blocks),
            recyclable: core::mem::take(&mut header.recyclable_blocks),
            fragmented: core::mem::take(&mut header.fragmented_blocks),
        });
        chunk.set_candidate(Some(number));
        let index = chunk.base() / CHUNK_SIZE;
        self.candidates.filter[index / 64 % 64] |= 1 << (index % 64);
    }

    /// Everything is swept: keeps as many candidates as there is room for what lives in them elsewhere, in so many free
    /// blocks and in those partly in use; and, unless `all` are wanted, those whose emptying is worth it. False when none
    /// is left.
    pub(crate) fn settle_candidates(&mut self, spare_blocks: usize, all: bool) -> bool {
        debug_assert_eq!(self.state, State::Settled);
        if self.candidates.is_given_up() {
            return false;
        }
        // Holes are not filled to the last byte.
        let mut room = (spare_blocks * LINES_PER_BLOCK + self.recyclable_lines()) / 8 * 7;
        let mut fitting = 0;
        for candidate in &mut self.candidates.list {
            // SAFETY: the chunk is in use; nobody else accesses the header now.
            let used = unsafe { (*candidate.chunk.header()).used_lines } as usize;
            if all || (used <= room && used <= WORTHWHILE_LINES_MAX) {
                room = room.saturating_sub(used);
                fitting += 1;
            } else {
                candidate.dropped = true;
                candidate.chunk.set_candidate(None);
            }
        }
        fitting > 0
    }

    /// Free lines that promotion will find in blocks partly in use.
    fn recyclable_lines(&self) -> usize {
        let lines = |chunk: &Chunk| {
            // SAFETY: chunks in the list are in use; nobody else accesses the header now.
            let header = unsafe { &*chunk.header() };
            if header.recyclable_blocks == 0 {
                return 0;
            }
            let free = header.free_blocks.count_ones() as usize;
            (DATA_BLOCKS_PER_CHUNK - free) * LINES_PER_BLOCK - (header.used_lines as usize)
        };
        self.chunks.iter().map(lines).sum()
    }

    /// Puts the next candidate, emptied or not, at promotion's disposal again; false when that was the last. Everything is
    /// swept. What it was emptied of is filled with `poison`, if any.
    pub(crate) fn reopen_candidate(&mut self, space: &mut ChunkSpace, poison: Option<u8>) -> bool {
        debug_assert_eq!(self.state, State::Settled);
        if self.candidates.records.release_segment(space) {
            return true;
        }
        let Some(Candidate { chunk, free, .. }) = self.candidates.list.pop() else {
            self.candidates = Candidates::new();
            return false;
        };
        self.candidates.hidden_blocks -= free.count_ones() as usize;
        chunk.set_candidate(None);
        self.sweep_chunk(chunk);
        if let Some(byte) = poison {
            self.poison_free(chunk, byte);
        }
        // What promotion may use is looked for from the first chunk on.
        (self.recyclable_from, self.fragmented_from, self.free_from) = (0, 0, 0);
        true
    }

    /// The marking is given up, and with it the candidates: they are as they were.
    pub(super) fn restore_candidates(&mut self, space: &mut ChunkSpace) {
        while let Some(Candidate { chunk, free, recyclable, fragmented, .. }) = self.candidates.list.pop() {
            chunk.set_candidate(None);
            self.free_blocks += free.count_ones() as usize;
            // SAFETY: the chunk is in use; nobody else accesses the header now.
            let header = unsafe { &mut *chunk.header() };
            (header.free_blocks, header.recyclable_blocks) = (free, recyclable);
            header.fragmented_blocks = fragmented;
        }
        self.forget_candidates(space);
        (self.recyclable_from, self.fragmented_from, self.free_from) = (0, 0, 0);
    }
}
