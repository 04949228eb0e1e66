//! Defragmentation: what lives in the candidates of a cycle is moved out of them, so that their memory can be given back.
//!
//! A cycle that begins in idle time chooses [candidates](super::old_space::candidates) and records, as it marks, what refers
//! into each of their blocks. Once everything is swept, the blocks are emptied one after the other, as many in a slice as
//! its time allows: each object is copied into a hole elsewhere and a forwarding word left in its place; then the
//! slots of the copies, what was recorded for the block, and at the end of the slice the roots, are brought up to date. A block
//! that was emptied is not used again before all are, so that an old address which is still recorded leads to a forwarding word.
//!
//! This is only done while nothing is young, right after a minor collection: then the record and the roots are all that refers into a
//! candidate. Where the program goes on and the heap grows instead, what is left is given up: defragmentation is opportunistic, as
//! in Blackburn & McKinley, *Immix* (PLDI 2008).

use super::cycle::{CHUNK_UNITS, Phase};
use super::evacuate::copy_words;
use super::heap::Heap;
use super::old_space::DATA_BLOCKS_PER_CHUNK;
use super::old_space::block::BLOCK_SIZE;
use super::old_space::chunk::{BlockBits, Chunk};
use super::old_space::line::{LINE_SIZE, mark_lines, unmark_lines};
use super::old_space::records::Record;
use super::record::CollectionCause;
use super::remembered::WHOLE_LOG_MAX;
use super::slice::Slice;
use super::{ObjectModel, RootScope, RootSource, WORD_BYTES, Word};

/// Fewer chunks than this are not worth it.
const CHUNKS_MIN: usize = 8;
/// The part of the chunks that one cycle may empty.
const CHUNKS_PART: usize = 4;
/// Free blocks that the copies of one block may take.
const BLOCKS_AHEAD: usize = 2;
/// Units of work that emptying a block counts.
const BLOCK_UNITS: usize = BLOCK_SIZE / 64;
/// Where there are more roots than this, all of which every slice visits, it is left at one slice.
const ROOTS_MAX: usize = 20_000;

impl<M: ObjectModel> Heap<M> {
    /// A cycle begins: chooses what it will empty, if it should empty anything.
    pub(crate) fn choose_candidates<R: RootSource>(&mut self) {
        if !self.may_defragment::<R>(self.cycle.cause) {
            return;
        }
        let mut most = self.old.chunks().len() / CHUNKS_PART;
        if self.stress.is_some() {
            most = self.old.chunks().len().div_ceil(2);
            // A small heap has its reserve where it has all the rest.
            _ = self.grow_to(self.held_reserve() + DATA_BLOCKS_PER_CHUNK);
        }
        let reserve = self.held_reserve();
        let pinned = self.pins.words().filter_map(M::address);
        self.old.choose_candidates(most, reserve, pinned, &mut self.chunks, self.owner);
    }

    /// Whether a cycle that begins for this cause may move old objects.
    pub(crate) fn may_defragment<R: RootSource>(&self, cause: CollectionCause) -> bool {
        let idle = cause == CollectionCause::Idle && self.old.chunks().len() >= CHUNKS_MIN;
        R::FOLLOWS_OLD_MOVES && self.defragments && self.generational && (idle || self.stress.is_some())
    }

    /// Nothing is left to do in idle time: whether another cycle should defragment, since the last one has gained chunks and a fifth
    /// of what is there is still unused.
    pub(crate) fn should_defragment_on<R: RootSource>(&self) -> bool {
        let chunks = self.old.chunks().len();
        let used = (self.old.live_bytes / BLOCK_SIZE + self.reserve_target()).div_ceil(DATA_BLOCKS_PER_CHUNK);
        chunks < self.idle_chunks
            && self.may_defragment::<R>(CollectionCause::Idle)
            && chunks.saturating_sub(used) > chunks / 5
    }

    /// Everything is swept: goes on with the candidates, if there are any that are worth it.
    pub(crate) fn begin_defragmenting(&mut self) {
        let spare = self.old.free_blocks().saturating_sub(self.held_reserve());
        let all = self.stress.is_some();
        if self.old.candidates.is_tracking() && self.old.settle_candidates(spare, all) {
            self.cycle.phase = Phase::Defragment;
        } else {
            self.end_defragmenting();
        }
    }

    /// Whatever was not moved stays.
    pub(crate) fn end_defragmenting(&mut self) {
        self.cycle.watching = false;
        self.cycle.phase = Phase::Reopen;
    }

    pub(crate) fn reopen_slice(&mut self, slice: &mut Slice) {
        let poison = self.poison();
        if self.old.reopen_candidate(&mut self.chunks, poison) {
            slice.spend(CHUNK_UNITS);
        } else {
            self.cycle.phase = Phase::Release;
        }
    }

    /// Whether nothing refers into the old space but old objects, roots, the frame region and the arenas. The
    /// mutator's cursor was taken note of.
    pub(crate) fn is_nothing_young<R: RootSource>(&mut self, roots: &mut R) -> bool {
        let mut remembers = self.rebuild_remembered || self.remembered.len() > 0 || self.has_fresh();
        roots.visit_remembered(|_| remembers = true);
        !remembers && self.nursery_cursor == self.young.nursery().base
    }

    /// Whether it is a minor collection that must come before old objects can be moved. What is remembered outlasts it. The
    /// mutator's cursor was taken note of.
    pub(crate) fn would_moving_wait(&self) -> bool {
        let is_something_young = self.nursery_cursor > self.young.nursery().base || self.has_fresh();
        is_something_young && !self.rebuild_remembered && self.remembered.len() == 0
    }

    /// Empties blocks, as far as the slice allows.
    pub(crate) fn defragment_slice<R: RootSource>(&mut self, roots: &mut R, slice: &mut Slice) {
        if !self.is_nothing_young(roots) {
            if slice.is_limited() && self.would_moving_wait() {
                return slice.end();
            }
            return self.end_defragmenting();
        }
        let mut done = false;
        while !done && !slice.is_over() {
            let room = self.held_reserve() + BLOCKS_AHEAD;
            let next = if self.old.candidates.is_given_up() || self.grow_to(room).is_err() {
                None
            } else {
                self.old.candidates.take_next()
            };
            match next {
                Some((chunk, block)) => self.empty_block(chunk, block),
                None => done = true,
            }
            slice.spend(BLOCK_UNITS);
        }
        if self.update_roots(roots) > ROOTS_MAX || done {
            self.end_defragmenting();
        }
    }

    /// Moves what lives in a block of a candidate, and brings up to date what refers to it from the old space.
    fn empty_block(&mut self, chunk: Chunk, block: usize) {
        self.old.candidates.sort_staying();
        let start = chunk.base() + block * BLOCK_SIZE;
        self.move_objects(chunk, start);
        let staying = self.update_block(chunk, start);
        let live = self.old.live_table();
        chunk.set_block_starts(live, block, &staying);
        // SAFETY: the block lies in the chunk, and nobody marks now.
        unsafe { unmark_lines(chunk, block) };
        let epoch = self.old.epoch();
        self.for_each_start(chunk, start, |address| {
            // SAFETY: an initialised object that was not moved starts there.
            unsafe { mark_lines(chunk, address, M::size(M::word_at(address)), epoch) };
        });
        let mut next = self.old.candidates.first_record();
        while let Some(index) = next {
            let (record, after) = self.old.candidates.record_at(index);
            self.update_recorded(record);
            next = after;
        }
    }

    /// Visits the start of each object in the block from `start` on.
    fn for_each_start(&self, chunk: Chunk, start: usize, mut visit: impl FnMut(usize)) {
        let (live, end) = (self.old.live_table(), start + BLOCK_SIZE);
        let mut from = start;
        while let Some(address) = chunk.next_start(live, from, end) {
            visit(address);
            // No object is shorter.
            from = address + 2 * WORD_BYTES;
            if from >= end {
                return;
            }
        }
    }

    /// Copies the objects of a block that may be moved, and leaves forwarding words in their place.
    fn move_objects(&mut self, chunk: Chunk, start: usize) {
        let (live, end) = (self.old.live_table(), start + BLOCK_SIZE);
        let mut from = start;
        while from < end
            && let Some(address) = chunk.next_start(live, from, end)
        {
            // SAFETY: an initialised object, which was not moved, starts at each start bit. The room that is promised to its
            // copy is as long as it is, and nobody else's.
            unsafe {
                let word = M::word_at(address);
                let size = M::size(word);
                from = address + size;
                if self.old.candidates.stays(address) || self.pins.count(address) > 0 {
                    continue;
                }
                let to = self.old.place(size);
                copy_words(address, to, size);
                (address as *mut Word).write(M::forwarding(to));
                if M::TRACKS_MOVES {
                    M::moved(M::with_address(word, to));
                }
                self.stats.bytes_defragmented += size as u64;
            }
        }
    }

    /// Brings the slots of what lay in a block up to date, moved or not, and records those that lead into blocks which are
    /// emptied later. Answers where the objects start that stay.
    fn update_block(&mut self, chunk: Chunk, start: usize) -> BlockBits {
        let (live, end) = (self.old.live_table(), start + BLOCK_SIZE);
        let mut staying: BlockBits = [0; _];
        let mut from = start;
        while from < end
            && let Some(address) = chunk.next_start(live, from, end)
        {
            from = address + 2 * WORD_BYTES;
            // SAFETY: an object starts there, or the forwarding word that leads to its copy, which is whole.
            unsafe {
                let at = M::forwarded(*(address as *const Word)).unwrap_or(address);
                let word = M::word_at(at);
                if at == address {
                    let bit = (address - start) / WORD_BYTES;
                    staying[bit / 64] |= 1 << (bit % 64);
                }
                M::visit_slots(word, |slot| {
                    self.update(slot);
                    if let Some(target) = M::address(*slot)
                        && !self.young.all.contains(target)
                    {
                        self.old.candidates.record_late(at, slot as usize, target);
                    }
                });
            }
        }
        staying
    }

    /// Brings up to date what a record tells of.
    fn update_recorded(&mut self, record: Record) {
        let address = record.parent;
        // SAFETY: what was marked or moved since the cycle began is not freed before the next, and where it was moved from
        // is not used again before the candidates are closed. Slots are visited by the object's own account.
        unsafe {
            if M::forwarded(*(address as *const Word)).is_some() {
                // It was brought up to date when it was moved.
                return;
            }
            let parent = M::word_at(address);
            match record.slot().filter(|_| M::size(parent) > WHOLE_LOG_MAX) {
                Some(slot) => {
                    M::visit_slots_within(parent, slot, slot + WORD_BYTES, |slot| self.update(slot))
                }
                None => M::visit_slots(parent, |slot| self.update(slot)),
            }
        }
    }

    /// Replaces a reference to what was moved.
    ///
    /// # Safety
    ///
    /// `slot` is a root, or a slot of a live object.
    #[inline(always)]
    unsafe fn update(&self, slot: *mut Word) {
        // SAFETY: the caller's promise: the slot holds a valid word, whose object is there, or what was left of it when
        // it was moved.
        unsafe {
            let word = *slot;
            if let Some(address) = M::address(word)
                && !self.young.all.contains(address)
                && self.old.candidates.block_of(address).is_some()
                && let Some(to) = M::forwarded(*(address as *const Word))
            {
                slot.write(M::with_address(word, to));
            }
        }
    }

    /// Brings up to date what refers to old objects from elsewhere; how many roots there are.
    fn update_roots<R: RootSource>(&mut self, roots: &mut R) -> usize {
        let mut count = 0;
        roots.visit_roots(RootScope::All, |root| {
            count += 1;
            // SAFETY: roots are valid words.
            unsafe { self.update(root) };
        });
        self.update_dense(self.young.frames.base, roots.frame_top());
        for segment in self.arenas.live_segments() {
            self.update_dense(segment.span.base, segment.top);
        }
        count
    }

    /// The same for the objects that lie dense in `[start, end)`.
    fn update_dense(&self, start: usize, end: usize) {
        let mut address = start;
        while address < end {
            // SAFETY: initialised objects lie dense in the range.
            unsafe {
                let word = M::word_at(address);
                M::visit_slots(word, |slot| self.update(slot));
                address += M::size(word);
            }
        }
    }
}

const _: () = assert!(BLOCK_SIZE.is_multiple_of(LINE_SIZE));
