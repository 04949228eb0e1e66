//! Which block serves a request that the current one cannot take, and where blocks come from and go.
//!
//! The largest of the next few spares, so that a program that does the same again comes by with few blocks; else the next spare
//! that is large enough; if there is none, a new one, twice the size of the last. The current block is given up only for one
//! that will have more room left afterwards. Otherwise the request gets a block of its own, of just its size, and bumping goes
//! on where it was: a huge request in the midst of small ones wastes nothing. As every new block doubles the next size, a
//! stream of equal requests soon fits into common blocks, whatever their size. Spares that all together are smaller than the
//! current block are given up for one new block, so that an arena that is reset again and again settles in one.

use super::BlockChain;
use crate::block::{BLOCK_ALIGN, Block};
use crate::refusal::Refusal;
use crate::strategy::ArenaStrategy;
use core::iter;
use terrane_base::Bytes;

/// How many spares are compared to find a large one. Each look at a block may be a cache miss.
const SPARES_COMPARED: usize = 16;

impl BlockChain {
    /// Takes a spare block of at least `need` bytes out of the chain: the largest of the next few, or else the next one.
    pub(super) fn unlink_spare(&mut self, need: usize) -> Option<Block> {
        let mut best: Option<(Option<Block>, Block)> = None;
        let mut before = self.current;
        let mut seen = 0;
        while let Some(block) = self.after(before) {
            if block.size() >= need && best.is_none_or(|(_, best)| block.size() > best.size()) {
                best = Some((before, block));
            }
            before = Some(block);
            seen += 1;
            if block.size() == self.largest_block || (seen >= SPARES_COMPARED && best.is_some()) {
                break;
            }
        }
        let (before, block) = best?;
        self.set_after(before, block.next());
        Some(block)
    }

    /// Exchanges the spares for one new block of the doubled size, where they are smaller than the current block even all
    /// together. An arena that is reset again and again so comes to do with one block, instead of going through its
    /// small beginnings each time.
    pub(super) fn replace_spares(
        &mut self,
        need: usize,
        room_bytes: usize,
        strategy: ArenaStrategy,
    ) -> Option<Block> {
        let current = self.current?;
        let mut spare_bytes = 0;
        let mut spare = current.next();
        while let Some(block) = spare
            && spare_bytes < current.size()
        {
            spare_bytes += block.size();
            spare = block.next();
        }
        let worthwhile = self.next_block.checked_sub(need).is_some_and(|left| left > room_bytes);
        if spare_bytes == 0 || spare_bytes >= current.size() || !worthwhile {
            return None;
        }
        let block = self.allocate(self.next_block, strategy)?;
        self.free_spares();
        self.largest_block = self.largest_block.max(block.size());
        self.next_block = strategy.next_block(self.next_block);
        Some(block)
    }

    /// Makes a new block of at least `need` bytes: a common one where that can be had and has more than `room_bytes`,
    /// which is what the current block has, left afterwards; otherwise one of just `need`.
    pub(super) fn add_block(
        &mut self,
        need: usize,
        room_bytes: usize,
        strategy: ArenaStrategy,
    ) -> Result<Block, Refusal> {
        let common_bytes = self.next_block.max(strategy.first_block);
        let common = common_bytes.min(self.available_bytes(strategy) / BLOCK_ALIGN * BLOCK_ALIGN);
        let halves = iter::successors(Some(common), |size| Some(size / 2 / BLOCK_ALIGN * BLOCK_ALIGN));
        let worthwhile =
            halves.take_while(|size| size.checked_sub(need).is_some_and(|left| left > room_bytes));
        let mut block = worthwhile.chain([need]).find_map(|size| self.allocate(size, strategy));
        // Before giving up, what lies idle goes back to the allocator.
        if block.is_none() && self.after(self.current).is_some() {
            self.free_spares();
            block = self.allocate(need, strategy);
        }
        if block.is_some() {
            self.next_block = strategy.next_block(common_bytes);
        }
        block.ok_or_else(|| self.refusal(need, strategy))
    }

    pub(super) fn refusal(&self, need: usize, strategy: ArenaStrategy) -> Refusal {
        if self.refused_by_budget.is_some() {
            return Refusal::ByBudget;
        }
        match self.available_bytes(strategy) {
            available_bytes if available_bytes < need => {
                Refusal::OutOfMemory { requested_bytes: need, available_bytes }
            }
            _ => Refusal::by_allocator(need),
        }
    }

    /// Asks the global allocator for a block, within the limit.
    fn allocate(&mut self, size: usize, strategy: ArenaStrategy) -> Option<Block> {
        if size > self.available_bytes(strategy) {
            return None;
        }
        if let Some(reservation) = &mut self.reservation
            && let Err(error) = reservation.try_grow(Bytes::from_usize(size))
        {
            self.refused_by_budget = Some(error);
            return None;
        }
        let Some(block) = Block::allocate(size) else {
            self.give_back_to_budget(size);
            return None;
        };
        self.refused_by_budget = None;
        self.blocks += 1;
        self.committed_bytes += size;
        self.largest_block = self.largest_block.max(size);
        Some(block)
    }

    fn give_back_to_budget(&mut self, size: usize) {
        if let Some(reservation) = &mut self.reservation {
            reservation.shrink(Bytes::from_usize(size));
        }
    }

    fn available_bytes(&self, strategy: ArenaStrategy) -> usize {
        strategy.max_bytes.saturating_sub(self.committed_bytes)
    }

    pub(super) fn free_spares(&mut self) {
        while let Some(block) = self.after(self.current) {
            self.set_after(self.current, block.next());
            self.discard(block);
        }
        self.largest_block = self.in_use().map(Block::size).max().unwrap_or(0);
    }

    /// Frees a block that is in no list.
    pub(super) fn discard(&mut self, block: Block) {
        self.blocks -= 1;
        self.committed_bytes -= block.size();
        self.give_back_to_budget(block.size());
        // SAFETY: spares lie behind the current block. Checkpoints that are open, and entries of open frames, name blocks up to the
        // current one only; entries of forgotten frames may name this one, but are never gone back to, as their index died
        // with the frame.
        unsafe { block.free() };
    }
}
