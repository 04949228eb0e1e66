//! Sweeping: what a marking did not reach becomes free memory, one chunk at a time.
//!
//! Nothing is written into dead objects; the sweep of a block reads its line marks and start bits, a few hundred bytes,
//! and decides what promotion may use it for. It also clears the tables that the next marking begins with. Chunks can be
//! swept in slices, with promotions in between: these are born marked, and the blocks that are being filled are left out
//! until the next cycle.

use core::ptr::NonNull;

use super::block::{BLOCK_SIZE, BLOCKS_PER_CHUNK};
use super::chunk::{Chunk, DATA_BLOCKS, METADATA_BLOCKS};
use super::line::{self, LINE_SIZE, LINES_PER_BLOCK};
use super::{DATA_BLOCKS_PER_CHUNK, OldSpace, State};

/// Fewer free lines than this in a block are not worth a visit.
const RECYCLED_LINES_MIN: usize = 2;
/// A block is fragmented when so much of it is dead, as far as the mean size of objects tells, and less than half of
/// that in free lines.
const FRAGMENTED_BYTES_MIN: usize = BLOCK_SIZE / 8;

impl OldSpace {
    /// How many chunks are left to sweep.
    pub(crate) fn chunks_to_sweep(&self) -> usize {
        self.chunks.len() - self.swept.min(self.chunks.len())
    }

    /// Memory of the dead may be reused from now on.
    pub(crate) fn begin_sweep(&mut self) {
        debug_assert_eq!(self.state, State::Clearing);
        self.state = State::Sweeping;
        self.gaps = self.live;
        self.swept = 0;
    }

    /// Sweeps the next chunk; false when there is none left, which ends the cycle. Dead memory is filled with `poison`,
    /// if any.
    pub(crate) fn sweep_next(&mut self, poison: Option<u8>) -> bool {
        let Some(&chunk) = self.chunks.get(self.swept) else {
            self.state = State::Settled;
            return false;
        };
        self.sweep_chunk(chunk);
        if let Some(byte) = poison {
            self.poison_free(chunk, byte);
        }
        self.recyclable_from = self.recyclable_from.min(self.swept);
        self.fragmented_from = self.fragmented_from.min(self.swept);
        self.free_from = self.free_from.min(self.swept);
        self.swept += 1;
        true
    }

    pub(super) fn sweep_chunk(&mut self, chunk: Chunk) {
        let open = self.open_blocks(chunk);
        let (mut free, mut recyclable, mut fragmented, mut used) = (0_u64, 0_u64, 0_u64, 0);
        for block in METADATA_BLOCKS..BLOCKS_PER_CHUNK {
            // SAFETY: the chunk is in use, and nobody else accesses its marks.
            let used_lines = unsafe { line::sweep_lines(chunk, block, self.epoch) };
            used += used_lines;
            let bit = 1 << block;
            if open & bit != 0 {
                continue;
            }
            if used_lines == 0 {
                free |= bit;
                continue;
            }
            let free_lines = LINES_PER_BLOCK - used_lines;
            let live = chunk.starts_in_block(self.live, block) * self.object_bytes_mean;
            let dead = BLOCK_SIZE.saturating_sub(live);
            if dead >= FRAGMENTED_BYTES_MIN && free_lines * LINE_SIZE < dead / 2 {
                fragmented |= bit;
            } else if free_lines >= RECYCLED_LINES_MIN {
                recyclable |= bit;
            }
        }
        if chunk.candidate().is_some() {
            // It is to be emptied, so nothing more is put in.
            (free, recyclable, fragmented) = (0, 0, 0);
        }
        chunk.clear_start_bits(self.live.other());
        chunk.clear_snapshot_bits();
        chunk.clear_runs();
        // SAFETY: the chunk is in use; nobody else accesses the header now.
        unsafe {
            let header = chunk.header();
            self.free_blocks += free.count_ones() as usize;
            self.free_blocks -= (*header).free_blocks.count_ones() as usize;
            (*header).free_blocks = free;
            (*header).recyclable_blocks = recyclable;
            (*header).fragmented_blocks = fragmented;
            (*header).pinned_blocks &= !free;
            (*header).used_lines = used as u32;
        }
    }

    /// The blocks of a chunk that are being filled.
    fn open_blocks(&self, chunk: Chunk) -> u64 {
        [self.hole, self.overflow, self.pinned, self.mutator]
            .iter()
            .fold(0, |bits, hole| bits | hole.block_in(chunk))
    }

    /// Hands one chunk that holds nothing to `give_back`, if `keep_blocks` free blocks remain without it; false if there is
    /// no such chunk. Not while a cycle is under way.
    pub(crate) fn release_empty_chunk(
        &mut self,
        keep_blocks: usize,
        give_back: impl FnOnce(NonNull<u8>),
    ) -> bool {
        if self.state != State::Settled || self.free_blocks < keep_blocks + DATA_BLOCKS_PER_CHUNK {
            return false;
        }
        // SAFETY: chunks in the list are in use.
        let is_empty = |chunk: &Chunk| unsafe { (*chunk.header()).free_blocks } == DATA_BLOCKS;
        let Some(index) = self.chunks.iter().rposition(is_empty) else { return false };
        let chunk = self.chunks.swap_remove(index);
        self.free_blocks -= DATA_BLOCKS_PER_CHUNK;
        (self.recyclable_from, self.fragmented_from, self.free_from) = (0, 0, 0);
        give_back(chunk.base_pointer());
        true
    }

    /// Fills the free lines and blocks of a chunk that was just swept with `byte`, so that a stale reference is noticed.
    pub(super) fn poison_free(&self, chunk: Chunk, byte: u8) {
        let open = self.open_blocks(chunk);
        for block in (METADATA_BLOCKS..BLOCKS_PER_CHUNK).filter(|block| open >> block & 1 == 0) {
            let mut line = 0;
            while line < LINES_PER_BLOCK {
                // SAFETY: the chunk is in use, and memory of unmarked lines holds no live object right after a sweep.
                let Some((start, end)) = (unsafe { line::next_hole(chunk, block, line) }) else { break };
                // SAFETY: as above.
                unsafe { core::ptr::write_bytes(start as *mut u8, byte, end - start) };
                line = (end - chunk.base() - block * BLOCK_SIZE) / LINE_SIZE;
            }
        }
    }
}
