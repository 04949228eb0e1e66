//! Holes: the free memory that promotion bumps through.
//!
//! Lines serve objects that die in groups. Where long-lived objects die one by one, at random, as in a cache, hardly
//! ever are all objects of a line dead: with eight in a line, the heap settles at almost three times what lives. So in
//! blocks that have much dead memory but few free lines, promotion uses the *gaps* between live objects, which it finds
//! by their start bits and sizes while it goes through the block. That costs a look at each live object, and is paid
//! only in such blocks. (Blackburn & McKinley, PLDI 2008, copy objects out of fragmented blocks instead; gaps need
//! neither a pause nor free memory.)

use terrane_pages::CHUNK_SIZE;

use super::block::BLOCK_SIZE;
use super::chunk::Chunk;
use super::line::{LINE_SIZE, LINES_PER_BLOCK, next_hole};
use super::{OldSpace, State};

/// The smallest object, hence the smallest gap of use.
const GAP_MIN: usize = 16;

/// A run of free memory that is being filled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hole {
    start: usize,
    pub(super) cursor: usize,
    pub(super) limit: usize,
    /// Start bits are set one by one; otherwise what is in the hole is a run.
    pub(super) notes_births: bool,
}

impl Hole {
    pub(super) const NONE: Self = Self { start: 0, cursor: 0, limit: 0, notes_births: true };

    pub(super) fn new(start: usize, limit: usize, notes_births: bool) -> Self {
        Self { start, cursor: start, limit, notes_births }
    }

    pub(super) fn room(&self) -> usize {
        self.limit - self.cursor
    }

    /// Takes `size` bytes, which are there.
    pub(super) fn take(&mut self, size: usize) -> usize {
        let address = self.cursor;
        self.cursor += size;
        address
    }

    /// Notes how far the hole was filled, if it holds a run.
    pub(super) fn note_run(&self) {
        if !self.notes_births {
            OldSpace::note_run(self.start, self.cursor);
        }
    }

    /// From now on, start bits are set.
    pub(super) fn begin_noting(&mut self) {
        self.note_run();
        self.notes_births = true;
    }

    /// The block that the hole lies in, as a bit of its chunk; `None` if it is another chunk's.
    pub(super) fn block_in(&self, chunk: Chunk) -> u64 {
        let offset = self.start.wrapping_sub(chunk.base());
        if self.start != 0 && offset < CHUNK_SIZE { 1 << (offset / BLOCK_SIZE) } else { 0 }
    }
}

/// Where the next hole is looked for first.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Nowhere,
    /// From this line of a block on.
    Lines(Chunk, usize, usize),
    /// From this address of a block on, which ends at the other.
    Gaps(Chunk, usize, usize),
}

impl Place {
    pub(super) fn is_gap(self) -> bool {
        matches!(self, Self::Gaps(..))
    }
}

impl OldSpace {
    /// Opens the next hole.
    pub(super) fn next_hole(&mut self) {
        self.hole.note_run();
        if let Some((start, end)) = self.find_here() {
            return self.open_hole(start, end);
        }
        while let Some((chunk, block)) = self.take_recyclable_block() {
            self.place = Place::Lines(chunk, block, 0);
            if let Some((start, end)) = self.find_here() {
                return self.open_hole(start, end);
            }
        }
        while let Some((chunk, block)) = self.take_fragmented_block() {
            let start = chunk.base() + block * BLOCK_SIZE;
            self.place = Place::Gaps(chunk, start, start + BLOCK_SIZE);
            if let Some((start, end)) = self.find_here() {
                return self.open_hole(start, end);
            }
        }
        let (chunk, block) = self.take_free_block();
        let start = chunk.base() + block * BLOCK_SIZE;
        self.place = Place::Lines(chunk, block, LINES_PER_BLOCK);
        self.open_hole(start, start + BLOCK_SIZE);
    }

    fn open_hole(&mut self, start: usize, end: usize) {
        self.hole = Hole::new(start, end, self.state != State::Settled || self.place.is_gap());
    }

    /// The next hole of the present block.
    fn find_here(&mut self) -> Option<(usize, usize)> {
        match self.place {
            Place::Nowhere => None,
            Place::Lines(chunk, block, line) if line < LINES_PER_BLOCK => {
                // SAFETY: chunks in the list are in use, and nobody marks while objects are promoted.
                let (start, end) = unsafe { next_hole(chunk, block, line) }?;
                let next = (end - chunk.base() - block * BLOCK_SIZE) / LINE_SIZE;
                self.place = Place::Lines(chunk, block, next);
                Some((start, end))
            }
            Place::Lines(..) => None,
            Place::Gaps(chunk, mut from, end) => loop {
                if end - from < GAP_MIN {
                    return None;
                }
                let next = chunk.next_start(self.gaps, from, end);
                let (gap, next) = match next {
                    // SAFETY: an initialised object starts at each start bit.
                    Some(object) => ((from, object), object + unsafe { (self.size_at)(object) }),
                    None => ((from, end), end),
                };
                self.place = Place::Gaps(chunk, next, end);
                if gap.1 - gap.0 >= GAP_MIN {
                    return Some(gap);
                }
                from = next;
            },
        }
    }

    /// The hole that the mutator bumps in.
    pub(crate) fn mutator_window(&self) -> (usize, usize) {
        (self.mutator.cursor, self.mutator.limit)
    }

    /// Sets the bits of what the mutator has filled in since the last call, where they must be: while a full collection is
    /// under way, what is born is born marked. All of it is initialised.
    pub(crate) fn note_mutator_births(&mut self) {
        if !self.mutator.notes_births {
            return;
        }
        let mut address = self.mutator_noted;
        while address < self.mutator.cursor {
            // SAFETY: initialised objects lie dense in what was filled, in a chunk in use.
            unsafe {
                let size = (self.size_at)(address);
                self.note_birth(address, size);
                address += size;
            }
        }
        self.mutator_noted = self.mutator.cursor;
    }

    /// Whether the mutator has put an object at `address` whose bits are not set yet.
    pub(crate) fn is_unnoted_birth(&self, address: usize) -> bool {
        (self.mutator_noted..self.mutator.cursor).contains(&address)
    }

    /// Whether promotion could use gaps.
    pub(crate) fn has_fragmented_blocks(&mut self) -> bool {
        while let Some(&chunk) = self.chunks.get(self.fragmented_from) {
            // SAFETY: chunks in the list are in use; nobody else accesses the header now.
            if unsafe { (*chunk.header()).fragmented_blocks } != 0 {
                return true;
            }
            self.fragmented_from += 1;
        }
        false
    }

    /// Takes back the mutator's cursor; how many bytes it filled.
    pub(crate) fn set_mutator_cursor(&mut self, cursor: usize) -> usize {
        let bytes = cursor - self.mutator.cursor;
        if bytes > 0 {
            // What is stored into an object that is born old, the barrier does not see.
            self.candidates.give_up();
        }
        self.mutator.cursor = cursor;
        self.live_bytes += bytes;
        bytes
    }

    /// Gives the mutator a hole of at least `bytes`: free lines, or a free block if it may take one. Holes that are too
    /// short are left for the next cycle.
    pub(crate) fn refill_mutator(&mut self, bytes: usize, with_free_block: bool) -> bool {
        if self.mutator.room() >= bytes {
            return true;
        }
        loop {
            if let Place::Lines(chunk, block, line) = self.mutator_place
                && line < LINES_PER_BLOCK
                // SAFETY: chunks in the list are in use; marking goes on in slices, between which the mutator comes here.
                && let Some((start, end)) = unsafe { next_hole(chunk, block, line) }
            {
                let next = (end - chunk.base() - block * BLOCK_SIZE) / LINE_SIZE;
                self.mutator_place = Place::Lines(chunk, block, next);
                if end - start >= bytes {
                    self.open_mutator(start, end);
                    return true;
                }
                continue;
            }
            let Some((chunk, block)) = self.take_recyclable_block() else { break };
            self.mutator_place = Place::Lines(chunk, block, 0);
        }
        // The block that was gone through last counts as closed: it may be swept, and handed out again from its start.
        self.mutator_place = Place::Nowhere;
        if !with_free_block {
            return false;
        }
        let (chunk, block) = self.take_free_block();
        let start = chunk.base() + block * BLOCK_SIZE;
        self.mutator_place = Place::Lines(chunk, block, LINES_PER_BLOCK);
        self.open_mutator(start, start + BLOCK_SIZE);
        true
    }

    fn open_mutator(&mut self, start: usize, end: usize) {
        self.mutator.note_run();
        self.mutator = Hole::new(start, end, self.state != State::Settled);
        self.mutator_noted = start;
    }

    /// Closes the mutator's hole. What is left of it is free once its block was swept.
    pub(crate) fn retire_mutator(&mut self) {
        self.mutator.note_run();
        self.mutator_noted = 0;
        (self.mutator, self.mutator_place) = (Hole::NONE, Place::Nowhere);
    }

    fn take_recyclable_block(&mut self) -> Option<(Chunk, usize)> {
        while let Some(&chunk) = self.chunks.get(self.recyclable_from) {
            // SAFETY: chunks in the list are in use; nobody else accesses the header now.
            if let Some(block) = take_bit(unsafe { &mut (*chunk.header()).recyclable_blocks }) {
                return Some((chunk, block));
            }
            self.recyclable_from += 1;
        }
        None
    }

    fn take_fragmented_block(&mut self) -> Option<(Chunk, usize)> {
        while let Some(&chunk) = self.chunks.get(self.fragmented_from) {
            // SAFETY: chunks in the list are in use; nobody else accesses the header now.
            if let Some(block) = take_bit(unsafe { &mut (*chunk.header()).fragmented_blocks }) {
                return Some((chunk, block));
            }
            self.fragmented_from += 1;
        }
        None
    }
}

/// Clears the lowest bit that is set; which it was.
fn take_bit(bits: &mut u64) -> Option<usize> {
    if *bits == 0 {
        return None;
    }
    let bit = bits.trailing_zeros() as usize;
    *bits &= *bits - 1;
    Some(bit)
}
