//! The old space: chunks of blocks of lines, filled by promotion, swept by lines.
//!
//! Promotion bumps through *holes*, of three kinds in this order: lines that the last sweep found free in blocks
//! partly in use; gaps between the objects of fragmented blocks ([`holes`]); whole free blocks. An object longer than a
//! line that does not fit the current hole goes to a block of its own kind instead (Immix's overflow block), so
//! that short holes are not thrown away for it. Promotion never fails: the heap keeps enough free blocks
//! ([`block::blocks_to_copy`]) for all that could be promoted, and takes new chunks only between collections.
//!
//! A full collection goes through the states of [`State`], in one pause or with the mutator and minor collections
//! running between its slices. From the beginning of marking to the end of sweeping, what is promoted is *born marked*:
//! its start bit and its lines are set at once, so that neither the end of marking nor the sweep of its block takes it
//! for dead.

pub(crate) mod block;
pub(crate) mod candidates;
pub(crate) mod chunk;
mod holes;
pub(crate) mod line;
pub(crate) mod records;
mod runs;
mod sweep;

use alloc::vec::Vec;
use core::ptr::NonNull;

use terrane_base::MemoryError;
use terrane_pages::{CHUNK_SIZE, ChunkSpace, PageError};

use block::{BLOCK_SIZE, BLOCKS_PER_CHUNK, SMALL_OBJECT_MAX};
use candidates::Candidates;
use chunk::{Chunk, ChunkKind, DATA_BLOCKS, METADATA_BLOCKS, StartTable};
use holes::{Hole, Place};
use line::LINE_SIZE;

use super::{ObjectModel, errors};

/// Blocks of a chunk that hold objects.
pub(crate) const DATA_BLOCKS_PER_CHUNK: usize = BLOCKS_PER_CHUNK - METADATA_BLOCKS;
/// Gaps that are tried for an object longer than most before it goes to the overflow block.
const GAPS_TRIED: usize = 4;

/// How far a full collection of the old space is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// None is under way.
    Settled,
    /// Objects are being marked, in the table that is not the live one.
    Marking,
    /// It is certain what lives; the dead can still be read.
    Clearing,
    /// Blocks are being swept.
    Sweeping,
}

#[derive(Debug)]
pub(crate) struct OldSpace {
    state: State,
    /// The start bits of what the last marking that has ended found alive.
    live: StartTable,
    /// The table that gaps are found by: the live one, but only once the dead need not be read any more.
    gaps: StartTable,
    /// The epoch of the last marking that was begun.
    epoch: u8,
    hole: Hole,
    overflow: Hole,
    /// The block of objects that never move.
    pinned: Hole,
    /// Where the next hole is looked for first.
    place: Place,
    /// The hole that the mutator bumps in, where there are no generations, and where its next is looked for.
    mutator: Hole,
    mutator_place: Place,
    /// In the mutator's hole, the bits of objects before this address were set, where they must be.
    mutator_noted: usize,
    chunks: Vec<Chunk>,
    /// No chunk before this index has a recyclable block.
    recyclable_from: usize,
    /// No chunk before this index has a fragmented block.
    fragmented_from: usize,
    /// No chunk before this index has a free block.
    free_from: usize,
    free_blocks: usize,
    /// Chunks before this index were swept since the last marking.
    swept: usize,
    /// Bytes of objects: live at the last full collection plus promoted since.
    pub(crate) live_bytes: usize,
    /// Bytes of objects marked, or born marked, by the marking under way.
    marked_bytes: usize,
    /// Mean size of the objects that the last marking found.
    object_bytes_mean: usize,
    /// What the cycle under way may empty.
    pub(crate) candidates: Candidates,
    /// Size of the object that starts at an address.
    size_at: unsafe fn(usize) -> usize,
}

/// # Safety
///
/// An initialised object that was not moved starts at `address`.
unsafe fn size_at<M: ObjectModel>(address: usize) -> usize {
    // SAFETY: the caller's promise.
    unsafe { M::size(M::word_at(address)) }
}

impl OldSpace {
    pub(crate) fn new<M: ObjectModel>() -> Self {
        Self {
            state: State::Settled,
            live: StartTable::FIRST,
            gaps: StartTable::FIRST,
            epoch: 1,
            hole: Hole::NONE,
            overflow: Hole::NONE,
            pinned: Hole::NONE,
            place: Place::Nowhere,
            mutator: Hole::NONE,
            mutator_place: Place::Nowhere,
            mutator_noted: 0,
            chunks: Vec::new(),
            recyclable_from: 0,
            fragmented_from: 0,
            free_from: 0,
            free_blocks: 0,
            swept: 0,
            live_bytes: 0,
            marked_bytes: 0,
            object_bytes_mean: 16,
            candidates: Candidates::new(),
            size_at: size_at::<M>,
        }
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// The table that says what is alive, as of the last marking that has ended.
    pub(crate) fn live_table(&self) -> StartTable {
        self.live
    }

    /// The table in which objects are marked, and new ones are born.
    #[inline(always)]
    pub(crate) fn birth_table(&self) -> StartTable {
        if self.state == State::Marking { self.live.other() } else { self.live }
    }

    /// Whether an object is known to start at `address`, which lies in a chunk of the old space or is the start of a
    /// large object. (Runs are not looked at.)
    pub(crate) fn has_start(&self, chunk: Chunk, address: usize) -> bool {
        chunk.has_start_bit(self.live, address) || chunk.has_start_bit(self.birth_table(), address)
    }

    /// Blocks that hold nothing and are ready for promotion.
    pub(crate) fn free_blocks(&self) -> usize {
        self.free_blocks
    }

    /// Blocks that hold objects.
    pub(crate) fn used_blocks(&self) -> usize {
        self.chunks.len() * DATA_BLOCKS_PER_CHUNK - self.free_blocks - self.candidates.hidden_blocks
    }

    pub(crate) fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// The current hole: next free byte and end, and whether each birth in it must be noted
    /// ([`note_birth`](Self::note_birth)). Promotion bumps in it and calls [`promote_slow`](Self::promote_slow)
    /// when it is full.
    #[inline(always)]
    pub(crate) fn hole(&self) -> (usize, usize, bool) {
        (self.hole.cursor, self.hole.limit, self.hole.notes_births)
    }

    /// Takes back the cursor of the current hole.
    #[inline(always)]
    pub(crate) fn set_cursor(&mut self, cursor: usize) {
        self.hole.cursor = cursor;
    }

    /// Room for an object of `size` bytes, whose birth is noted where it must be. Aborts as
    /// [`promote_slow`](Self::promote_slow) does.
    #[inline]
    pub(crate) fn place(&mut self, size: usize) -> usize {
        if size > self.hole.room() {
            return self.promote_slow(size);
        }
        let address = self.hole.take(size);
        self.note_birth_in(self.hole, address, size);
        address
    }

    /// Room for an object of `size` bytes that does not fit the current hole. May move to another hole. The birth is
    /// noted where it must be.
    ///
    /// Aborts when the copy reserve is used up or the object is too long for a block, which the heap's accounting
    /// and the promises of embedders exclude.
    #[cold]
    #[inline(never)]
    pub(crate) fn promote_slow(&mut self, size: usize) -> usize {
        if size > LINE_SIZE {
            return self.promote_overflow(size);
        }
        let mut gaps = 0;
        while size > self.hole.room() {
            if gaps == GAPS_TRIED {
                return self.promote_overflow(size);
            }
            gaps += usize::from(self.place.is_gap() && size > self.object_bytes_mean);
            self.next_hole();
        }
        let address = self.hole.take(size);
        self.note_birth_in(self.hole, address, size);
        address
    }

    fn promote_overflow(&mut self, size: usize) -> usize {
        if size > self.overflow.room() {
            // What is longer than a block would be copied over its neighbours.
            if size > SMALL_OBJECT_MAX {
                corrupt("an object outside the large objects is longer than a small object can be");
            }
            self.overflow.note_run();
            let (chunk, block) = self.take_free_block();
            let start = chunk.base() + block * BLOCK_SIZE;
            self.overflow = Hole::new(start, start + BLOCK_SIZE, self.state != State::Settled);
        }
        let address = self.overflow.take(size);
        self.note_birth_in(self.overflow, address, size);
        address
    }

    #[inline]
    fn note_birth_in(&mut self, hole: Hole, address: usize, size: usize) {
        if hole.notes_births {
            // SAFETY: the hole lies in a chunk in use, and the object in the hole.
            unsafe { self.note_birth(address, size) };
        }
    }

    /// Notes that an object of `size` bytes was placed at `address`.
    ///
    /// # Safety
    ///
    /// The object lies in a chunk of this space.
    #[inline]
    pub(crate) unsafe fn note_birth(&mut self, address: usize, size: usize) {
        // SAFETY: the caller's promise.
        let chunk = unsafe { Chunk::containing(address) };
        let first = chunk.set_start_bit(self.birth_table(), address);
        if self.state != State::Settled {
            // What the mutator bumps may have been met by the marking before.
            self.marked_bytes += if first { size } else { 0 };
            // SAFETY: the caller's promise.
            unsafe { line::mark_lines(chunk, address, size, self.epoch) };
        }
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
        self.pinned.room()
    }

    /// Room, cleared, for a live object of `size` bytes, at most [`SMALL_OBJECT_MAX`], in a block whose objects
    /// never move. Takes a free block if there is no room; the caller sees to it that there is one.
    pub(crate) fn allocate_pinned(&mut self, size: usize) -> usize {
        if self.pinned.room() < size {
            let (chunk, block) = self.take_free_block();
            let start = chunk.base() + block * BLOCK_SIZE;
            // SAFETY: the chunk is in use; nobody else accesses the header now.
            unsafe { (*chunk.header()).pinned_blocks |= 1 << block };
            self.pinned = Hole::new(start, start + BLOCK_SIZE, true);
        }
        let address = self.pinned.take(size);
        self.live_bytes += size;
        // SAFETY: the room was free, lies in a chunk in use and belongs to nobody else.
        unsafe {
            core::ptr::write_bytes(address as *mut u8, 0, size);
            self.note_birth(address, size);
        }
        address
    }

    /// Adds a chunk of free blocks, which `take` takes from the system: committed and zero. Never called during a collection.
    pub(crate) fn grow(
        &mut self,
        take: impl FnOnce() -> Result<NonNull<u8>, PageError>,
    ) -> Result<(), MemoryError> {
        self.chunks.try_reserve(1).map_err(|_| errors::table(CHUNK_SIZE))?;
        let base = take().map_err(errors::pages)?;
        // SAFETY: a fresh chunk: aligned, zero, ours until `release_empty_chunks` gives it back.
        let chunk = unsafe { Chunk::initialise(base, ChunkKind::Old) };
        // SAFETY: nobody else knows the chunk yet.
        unsafe { (*chunk.header()).free_blocks = DATA_BLOCKS };
        self.chunks.push(chunk);
        self.free_blocks += DATA_BLOCKS_PER_CHUNK;
        Ok(())
    }

    /// Begins a marking: every object counts as dead until it is marked. O(1), since the table was cleared by the last
    /// sweep.
    pub(crate) fn begin_mark(&mut self) {
        debug_assert_eq!(self.state, State::Settled);
        self.hole.begin_noting();
        self.overflow.begin_noting();
        self.retire_mutator();
        self.state = State::Marking;
        self.epoch = line::next_epoch(self.epoch);
        self.marked_bytes = 0;
    }

    /// Counts an object that was just marked.
    ///
    /// # Safety
    ///
    /// An object of `size` bytes lies at `address` in `chunk`, a chunk of this space.
    #[inline(always)]
    pub(crate) unsafe fn note_marked(&mut self, chunk: Chunk, address: usize, size: usize) {
        self.marked_bytes += size;
        // SAFETY: the caller's promise.
        unsafe { line::mark_lines(chunk, address, size, self.epoch) };
    }

    /// The epoch of the marking under way, which lines are marked with.
    pub(crate) fn epoch(&self) -> u8 {
        self.epoch
    }

    /// Counts bytes of objects that were marked, with their lines.
    pub(crate) fn add_marked(&mut self, bytes: usize) {
        self.marked_bytes += bytes;
    }

    /// Bytes marked, or born marked, so far.
    pub(crate) fn marked_bytes(&self) -> usize {
        self.marked_bytes
    }

    /// Ends a marking of `objects` objects: what is not marked now is dead.
    pub(crate) fn finish_mark(&mut self, objects: u64) {
        debug_assert_eq!(self.state, State::Marking);
        self.state = State::Clearing;
        self.live = self.live.other();
        self.live_bytes = self.marked_bytes;
        let objects = usize::try_from(objects).unwrap_or(usize::MAX);
        self.object_bytes_mean =
            self.marked_bytes.checked_div(objects).unwrap_or(0).clamp(16, SMALL_OBJECT_MAX);
    }

    /// Gives a marking up: what was alive before it, or born since, counts as alive.
    pub(crate) fn abort_mark(&mut self, space: &mut ChunkSpace) {
        if self.state == State::Marking {
            self.restore_candidates(space);
            for chunk in &self.chunks {
                chunk.merge_start_bits(self.live);
                chunk.clear_snapshot_bits();
            }
            self.state = State::Settled;
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
    use crate::raw::Word;
    use proptest::prelude::*;
    use terrane_pages::Owner;

    /// Objects whose first word is their size.
    struct Sized8;

    // SAFETY: sizes are asked of objects that the tests have written.
    unsafe impl ObjectModel for Sized8 {
        fn address(word: Word) -> Option<usize> {
            Some(word.0 as usize)
        }
        fn with_address(_: Word, address: usize) -> Word {
            Word(address as u64)
        }
        unsafe fn size(word: Word) -> usize {
            // SAFETY: the caller's promise.
            unsafe { *(word.0 as *const usize) }
        }
        unsafe fn visit_slots<F: FnMut(*mut Word)>(_: Word, _: F) {}
        unsafe fn visit_slots_within<F: FnMut(*mut Word)>(_: Word, _: usize, _: usize, _: F) {}
        unsafe fn word_at(address: usize) -> Word {
            Word(address as u64)
        }
        fn forwarding(address: usize) -> Word {
            Word(address as u64 | 1)
        }
        fn forwarded(first: Word) -> Option<usize> {
            (first.0 & 1 == 1).then_some(first.0 as usize - 1)
        }
    }

    /// Promotes as the copying loop does.
    fn promote(old: &mut OldSpace, size: usize) -> usize {
        let (cursor, limit, notes_births) = old.hole();
        if size > limit - cursor {
            return old.promote_slow(size);
        }
        old.set_cursor(cursor + size);
        if notes_births {
            // SAFETY: the object lies in the hole.
            unsafe { old.note_birth(cursor, size) };
        }
        cursor
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// The copy reserve suffices for every sequence of sizes, also after a sweep that left single lines
        /// free.
        #[test]
        fn promotion_needs_no_more_blocks_than_reserved(
            survivors in prop::collection::vec((5..64_usize, 0..255_usize, 1..8000_usize), 0..300),
            sizes in prop::collection::vec(
                prop_oneof![Just(16), Just(8192), 2..33_usize, 2..1025_usize].prop_map(|w| if w > 1024 { w } else { w.max(2) * 8 }),
                1..400,
            )
        ) {
            let owner = Owner::new(1).unwrap();
            let mut space = ChunkSpace::reserve(terrane_pages::system_pages(), 1 << 28).unwrap();
            let mut old = OldSpace::new::<Sized8>();
            for _ in 0..2 {
                old.grow(|| space.try_allocate(1, owner)).unwrap();
            }
            old.begin_mark();
            let chunk = old.chunks()[0];
            let mut taken: Vec<(usize, usize)> = Vec::new();
            for (block, line, size) in survivors {
                let address = chunk.base() + block * BLOCK_SIZE + line * LINE_SIZE;
                let size = size.min(BLOCK_SIZE - line * LINE_SIZE);
                // SAFETY: the object lies in the block.
                unsafe { old.note_marked(chunk, address, size) };
                taken.push((address, address + size));
            }
            old.finish_mark(0);
            old.begin_sweep();
            while old.sweep_next(None) {}
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Objects die here and there, cycle after cycle; new ones take their places without touching those that
        /// live, and the space hardly grows.
        #[test]
        fn gaps_between_objects_are_filled(
            sizes in prop::collection::vec(prop_oneof![Just(16_usize), Just(24), Just(40)], 3000..6000),
            deaths in prop::collection::vec(any::<u64>(), 1..5),
        ) {
            let mut space = ChunkSpace::reserve(terrane_pages::system_pages(), 1 << 28).unwrap();
            let mut old = OldSpace::new::<Sized8>();
            old.grow(|| space.try_allocate(1, Owner::new(1).unwrap())).unwrap();
            let mut live: Vec<(usize, usize)> = Vec::new();
            let make = |old: &mut OldSpace, live: &mut Vec<(usize, usize)>, size: usize| {
                let address = promote(old, size);
                // SAFETY: fresh room.
                unsafe { (address as *mut usize).write(size) };
                live.push((address, size));
            };
            sizes.iter().for_each(|&size| make(&mut old, &mut live, size));
            for seed in deaths {
                let mut state = seed;
                let mut dead = Vec::new();
                live.retain(|&object| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let lives = state >> 62 != 0;
                    if !lives { dead.push(object.1) }
                    lives
                });
                old.begin_mark();
                for &(address, size) in &live {
                    // SAFETY: the object is there.
                    unsafe {
                        let chunk = Chunk::containing(address);
                        chunk.set_start_bit(old.birth_table(), address);
                        old.note_marked(chunk, address, size);
                    }
                }
                old.finish_mark(live.len() as u64);
                // Promotions go on while the space is swept.
                let later = dead.split_off(dead.len() / 2);
                old.begin_sweep();
                dead.iter().for_each(|&size| make(&mut old, &mut live, size));
                while old.sweep_next(None) {}
                later.iter().for_each(|&size| make(&mut old, &mut live, size));
                let mut sorted = live.clone();
                sorted.sort_unstable();
                prop_assert!(sorted.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0));
                for &(address, size) in &live {
                    // SAFETY: the object is there.
                    prop_assert_eq!(unsafe { *(address as *const usize) }, size);
                }
            }
            let bytes: usize = sizes.iter().sum();
            prop_assert!(old.used_blocks() <= bytes * 3 / 2 / BLOCK_SIZE + 4, "{} {bytes}", old.used_blocks());
        }
    }

    #[test]
    fn empty_chunks_go_back_but_not_what_is_to_be_kept() {
        let owner = Owner::new(1).unwrap();
        let mut space = ChunkSpace::reserve(terrane_pages::system_pages(), 1 << 28).unwrap();
        let mut old = OldSpace::new::<Sized8>();
        for _ in 0..5 {
            old.grow(|| space.try_allocate(1, owner)).unwrap();
        }
        promote(&mut old, 64);
        let release = |old: &mut OldSpace, space: &mut ChunkSpace, keep_blocks| {
            // SAFETY: the chunk holds nothing.
            while old.release_empty_chunk(keep_blocks, |chunk| unsafe { space.free(chunk, 1).unwrap() }) {}
        };
        release(&mut old, &mut space, 2 * DATA_BLOCKS_PER_CHUNK);
        assert_eq!((old.chunks().len(), space.committed_bytes()), (3, 3 * CHUNK_SIZE));
        assert_eq!((old.free_blocks(), old.used_blocks()), (3 * DATA_BLOCKS_PER_CHUNK - 1, 1));
        release(&mut old, &mut space, 0);
        assert_eq!((old.chunks().len(), old.used_blocks()), (1, 1));
    }
}
