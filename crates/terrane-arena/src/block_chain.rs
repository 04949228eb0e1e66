//! The blocks of one arena, and the choice of the block that serves a request.
//!
//! ```text
//! first ─▶ … ─▶ current ─▶ spare ─▶ spare      blocks that are bumped, oldest first, then those that wait for use
//! large ─▶ large ─▶ …                          blocks that hold one value each, newest first
//! ```
//!
//! Going back to an earlier position therefore frees nothing: what lies behind the earlier current block *is* spare.
//! Only the large blocks that came after the position have to be moved over.
//!
//! **Which block serves a request that the current one cannot take.** The smallest spare that is large enough; if
//! there is none, a new one, twice the size of the last. The current block is given up only for one that will have more
//! room left afterwards. Otherwise the request gets a block of its own, of just its size, and bumping goes on where
//! it was: a huge request in the midst of small ones wastes nothing. As every new block doubles the next size, a stream
//! of equal requests soon fits into common blocks, whatever their size. Spares that all together are smaller than the
//! current block are given up for one new block, so that an arena that is reset again and again settles in one.

use crate::block::{BLOCK_ALIGN, Block};
use crate::bumping;
use crate::refusal::Refusal;
use core::alloc::Layout;
use core::iter;
use core::ptr::{self, NonNull};

/// The smallest first block, and the default.
const MIN_FIRST_BLOCK: usize = 1024;

/// Blocks stop doubling here; a request beyond it gets a block of its own.
const MAX_GROWN_BLOCK: usize = 16 << 20;

/// What the user may choose about the blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    first_block: usize,
    max_bytes: usize,
}

impl Settings {
    pub(crate) const DEFAULT: Self = Self { first_block: MIN_FIRST_BLOCK, max_bytes: usize::MAX };

    /// Sets the size of the first block; what lies outside of the possible is clamped.
    pub(crate) fn set_first_block(&mut self, bytes: usize) {
        self.first_block = bytes.clamp(MIN_FIRST_BLOCK, MAX_GROWN_BLOCK).next_multiple_of(BLOCK_ALIGN);
    }

    /// Limits the bytes of all blocks together.
    pub(crate) fn set_max_bytes(&mut self, bytes: usize) {
        self.max_bytes = bytes;
    }
}

/// The part of the current block that is still free: `floor..cursor`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) cursor: *mut u8,
    pub(crate) floor: usize,
}

impl Room {
    /// Room for nothing: the place of the cursor before there is any block.
    pub(crate) const NONE: Self =
        Self { cursor: ptr::without_provenance_mut(bumping::LOWEST), floor: bumping::LOWEST };

    /// Takes room for one value of this layout, if it fits.
    fn take(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let start = bumping::bump(self.cursor.addr(), self.floor, layout.size(), layout.align())?;
        self.cursor = self.cursor.with_addr(start);
        NonNull::new(self.cursor)
    }

    fn bytes(&self) -> usize {
        self.cursor.addr() - self.floor
    }
}

/// A state that the chain can go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    current: Option<Block>,
    large: Option<Block>,
    cursor: *mut u8,
    retired_bytes: usize,
}

#[derive(Debug)]
pub(crate) struct BlockChain {
    first: Option<Block>,
    current: Option<Block>,
    large: Option<Block>,
    /// Bytes in use in all blocks but the current one.
    retired_bytes: usize,
    peak_bytes: usize,
    committed_bytes: usize,
    blocks: usize,
    /// The size of the largest block, used or spare.
    largest_block: usize,
    /// The size of the next new block, unless the request needs more; zero before the first.
    next_block: usize,
}

impl BlockChain {
    pub(crate) const fn new() -> Self {
        Self {
            first: None,
            current: None,
            large: None,
            retired_bytes: 0,
            peak_bytes: 0,
            committed_bytes: 0,
            blocks: 0,
            largest_block: 0,
            next_block: 0,
        }
    }

    pub(crate) fn committed_bytes(&self) -> usize {
        self.committed_bytes
    }

    pub(crate) fn blocks(&self) -> usize {
        self.blocks
    }

    /// Bytes in use when the cursor stands there.
    pub(crate) fn used_bytes(&self, cursor: *mut u8) -> usize {
        let current = self.current.map_or(0, |block| block.end().addr() - cursor.addr());
        self.retired_bytes + current
    }

    pub(crate) fn peak_bytes(&self, cursor: *mut u8) -> usize {
        self.peak_bytes.max(self.used_bytes(cursor))
    }

    /// Whether the address belongs to a value that was handed out.
    pub(crate) fn owns(&self, address: usize, cursor: *mut u8) -> bool {
        self.in_use().any(|block| {
            let top = if Some(block) == self.current { cursor } else { block.top() };
            block.holds(address, top)
        })
    }

    /// Serves a request that did not fit into `room`, which is the current one. Where another block becomes the current
    /// one, `room` is replaced by what is left of that.
    pub(crate) fn serve(
        &mut self,
        layout: Layout,
        settings: Settings,
        room: &mut Room,
    ) -> Result<NonNull<u8>, Refusal> {
        let Some(need) = Block::bytes_for(layout) else {
            return Err(Refusal::TooLarge { requested_bytes: layout.size() });
        };
        let spare = self.replace_spares(need, room.bytes(), settings).or_else(|| self.unlink_spare(need));
        let block = match spare {
            Some(block) => block,
            None => self.add_block(need, room.bytes(), settings)?,
        };
        let mut fresh = Room { cursor: block.end(), floor: block.floor() };
        let Some(start) = fresh.take(layout) else {
            // Only a block at the very bottom of the address space has less room than its size promises.
            self.discard(block);
            return Err(self.refusal(need, settings));
        };
        if fresh.bytes() < room.bytes() {
            self.keep_large(block, fresh.cursor);
        } else {
            self.make_current(block, room.cursor);
            *room = fresh;
        }
        Ok(start)
    }

    /// The state to go back to later.
    pub(crate) fn position(&self, cursor: *mut u8) -> Position {
        Position { current: self.current, large: self.large, cursor, retired_bytes: self.retired_bytes }
    }

    /// Goes back to a position; everything that was handed out after it is forgotten, and its blocks are spare.
    ///
    /// The chain must not have gone back beyond the position, nor freed its used blocks, since it was taken.
    #[inline]
    pub(crate) fn rewind(&mut self, position: &Position, room: &mut Room) {
        self.peak_bytes = self.peak_bytes(room.cursor);
        self.current = position.current;
        if self.large != position.large {
            self.spare_large_blocks(position.large);
        }
        self.retired_bytes = position.retired_bytes;
        room.cursor = position.cursor;
        room.floor = position.current.map_or(Room::NONE.floor, Block::floor);
    }

    /// Moves the large blocks that are newer than `until` to the spares.
    #[cold]
    fn spare_large_blocks(&mut self, until: Option<Block>) {
        while self.large != until
            && let Some(block) = self.large
        {
            self.large = block.next();
            self.link_after(self.current, block);
        }
    }

    /// Forgets everything that was handed out, keeps all blocks, and makes the largest one current.
    ///
    /// Constant time while the largest block stays the same and no request got a block of its own.
    pub(crate) fn reset(&mut self, room: &mut Room) {
        let empty = Position { current: None, large: None, cursor: Room::NONE.cursor, retired_bytes: 0 };
        self.rewind(&empty, room);
        if self.first.is_none_or(|first| first.size() < self.largest_block) {
            let largest = self.unlink_spare(self.largest_block);
            if let Some(block) = largest {
                self.link_after(None, block);
            }
        }
        if let Some(first) = self.first {
            self.current = Some(first);
            *room = Room { cursor: first.end(), floor: first.floor() };
        }
    }

    /// Forgets everything that was handed out and gives all blocks back.
    pub(crate) fn release(&mut self, room: &mut Room) {
        self.reset(room);
        self.current = None;
        *room = Room::NONE;
        self.free_spares();
        self.next_block = 0;
    }

    /// Takes the smallest spare block of at least `need` bytes out of the chain.
    fn unlink_spare(&mut self, need: usize) -> Option<Block> {
        let mut best: Option<(Option<Block>, Block)> = None;
        let mut before = self.current;
        while let Some(block) = self.after(before) {
            if block.size() >= need && best.is_none_or(|(_, best)| block.size() < best.size()) {
                best = Some((before, block));
            }
            before = Some(block);
        }
        let (before, block) = best?;
        self.set_after(before, block.next());
        Some(block)
    }

    /// Exchanges the spares for one new block of the doubled size, where they are smaller than the current block even all
    /// together. An arena that is reset again and again so comes to do with one block, instead of going through its
    /// small beginnings each time.
    fn replace_spares(&mut self, need: usize, room_bytes: usize, settings: Settings) -> Option<Block> {
        let current = self.current?;
        let spares = iter::successors(current.next(), |block| block.next());
        let spare_bytes: usize = spares.map(Block::size).sum();
        let worthwhile = self.next_block.checked_sub(need).is_some_and(|left| left > room_bytes);
        if spare_bytes == 0 || spare_bytes >= current.size() || !worthwhile {
            return None;
        }
        let block = self.allocate(self.next_block, settings)?;
        self.free_spares();
        self.largest_block = self.largest_block.max(block.size());
        self.double(self.next_block);
        Some(block)
    }

    /// Makes a new block of at least `need` bytes: a common one where that can be had and has more than `room_bytes`,
    /// which is what the current block has, left afterwards; otherwise one of just `need`.
    fn add_block(&mut self, need: usize, room_bytes: usize, settings: Settings) -> Result<Block, Refusal> {
        let doubled = self.next_block.max(settings.first_block);
        let common = doubled.min(self.available_bytes(settings) / BLOCK_ALIGN * BLOCK_ALIGN);
        let halves = iter::successors(Some(common), |size| Some(size / 2 / BLOCK_ALIGN * BLOCK_ALIGN));
        let worthwhile =
            halves.take_while(|size| size.checked_sub(need).is_some_and(|left| left > room_bytes));
        let mut block = worthwhile.chain([need]).find_map(|size| self.allocate(size, settings));
        // Before giving up, what lies idle goes back to the allocator.
        if block.is_none() && self.after(self.current).is_some() {
            self.free_spares();
            block = self.allocate(need, settings);
        }
        if block.is_some() {
            self.double(doubled);
        }
        block.ok_or_else(|| self.refusal(need, settings))
    }

    fn double(&mut self, size: usize) {
        self.next_block = size.max((size * 2).min(MAX_GROWN_BLOCK));
    }

    fn refusal(&self, need: usize, settings: Settings) -> Refusal {
        match self.available_bytes(settings) {
            available_bytes if available_bytes < need => {
                Refusal::OutOfMemory { requested_bytes: need, available_bytes }
            }
            _ => Refusal::by_allocator(need),
        }
    }

    /// Asks the global allocator for a block, within the limit.
    fn allocate(&mut self, size: usize, settings: Settings) -> Option<Block> {
        if size > self.available_bytes(settings) {
            return None;
        }
        let block = Block::allocate(size)?;
        self.blocks += 1;
        self.committed_bytes += size;
        self.largest_block = self.largest_block.max(size);
        Some(block)
    }

    fn available_bytes(&self, settings: Settings) -> usize {
        settings.max_bytes.saturating_sub(self.committed_bytes)
    }

    /// Puts a block that is in no list behind the current one and makes it current.
    fn make_current(&mut self, block: Block, old_cursor: *mut u8) {
        self.retired_bytes = self.used_bytes(old_cursor);
        if let Some(old) = self.current {
            old.set_top(old_cursor);
        }
        self.link_after(self.current, block);
        self.current = Some(block);
    }

    /// Notes that a block that is in no list holds one value, which starts at `top`.
    fn keep_large(&mut self, block: Block, top: *mut u8) {
        self.retired_bytes += block.end().addr() - top.addr();
        block.set_top(top);
        block.set_next(self.large);
        self.large = Some(block);
    }

    fn free_spares(&mut self) {
        while let Some(block) = self.after(self.current) {
            self.set_after(self.current, block.next());
            self.discard(block);
        }
        self.largest_block = self.in_use().map(Block::size).max().unwrap_or(0);
    }

    /// Frees a block that is in no list.
    fn discard(&mut self, block: Block) {
        self.blocks -= 1;
        self.committed_bytes -= block.size();
        // SAFETY: a block that is in no list is in no used part of the chain and in no open position either, so that
        // nobody holds a value in it or will ask for it again.
        unsafe { block.free() };
    }

    /// The blocks that hold values.
    fn in_use(&self) -> impl Iterator<Item = Block> {
        let last = self.current;
        let first = last.and(self.first);
        let bumped =
            iter::successors(first, move |block| if Some(*block) == last { None } else { block.next() });
        bumped.chain(iter::successors(self.large, |block| block.next()))
    }

    /// The block behind `before`; behind none is the first.
    fn after(&self, before: Option<Block>) -> Option<Block> {
        before.map_or(self.first, Block::next)
    }

    fn set_after(&mut self, before: Option<Block>, block: Option<Block>) {
        match before {
            Some(before) => before.set_next(block),
            None => self.first = block,
        }
    }

    /// Puts a block that is in no list behind `before`.
    fn link_after(&mut self, before: Option<Block>, block: Block) {
        block.set_next(self.after(before));
        self.set_after(before, Some(block));
    }
}

impl Drop for BlockChain {
    fn drop(&mut self) {
        for first in [self.first, self.large] {
            let mut rest = first;
            while let Some(block) = rest {
                rest = block.next();
                // SAFETY: the chain ends here, and with it everything that was handed out.
                unsafe { block.free() };
            }
        }
    }
}
