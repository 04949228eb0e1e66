//! The blocks of one arena, and the choice of the block that serves a request.
//!
//! ```text
//! first ─▶ … ─▶ current ─▶ spare ─▶ spare      blocks that are bumped, oldest first, then those that wait for use
//! large ─▶ large ─▶ …                          blocks that hold one value each, newest first
//! ```
//!
//! Going back to an earlier position therefore frees nothing: what lies behind the earlier current block *is* spare.
//! Only the large blocks that came after the position have to be moved over, and a reset moves the whole list at once.
//! Which block serves a request that the current one cannot take is decided in `supply.rs`.

mod supply;

use crate::block::{Block, HEADER_BYTES};
use crate::bumping;
use crate::refusal::Refusal;
use crate::shadow;
use crate::stats::ArenaStats;
use crate::strategy::{ArenaStrategy, Overflow};
use core::alloc::Layout;
use core::iter;
use core::ptr::{self, NonNull};
use terrane_base::{Budget, Bytes, MemoryError, Reservation};

/// The part of the current block that is still free: `floor..cursor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) cursor: *mut u8,
    pub(crate) floor: usize,
}

impl Room {
    /// Room for nothing: the place of the cursor before there is any block.
    pub(crate) const NONE: Self =
        Self { cursor: ptr::without_provenance_mut(bumping::LOWEST), floor: bumping::LOWEST };

    /// Not a room.
    pub(crate) const UNKNOWN: Self = Self { cursor: ptr::null_mut(), floor: 0 };

    /// All the room of a block.
    fn of(block: Block) -> Self {
        Self { cursor: block.end(), floor: block.floor() }
    }

    /// Takes room for one value of this layout, if it fits.
    fn take(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let start = bumping::bump(self.cursor.addr(), self.floor, layout.size(), layout.align())?;
        self.cursor = self.cursor.with_addr(start);
        NonNull::new(self.cursor)
    }

    #[inline(always)]
    pub(crate) fn bytes(&self) -> usize {
        self.cursor.addr() - self.floor
    }
}

/// Where a value may be put that the current block has no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// Where it wastes least: in a block of its own, if the current block has more room than the new one would have left.
    Anywhere,
    /// Where the cursor then is: the current block is given up, whatever room it has. For small values only.
    AtCursor,
}

/// A state that the chain can go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    current: Option<Block>,
    large: Option<Block>,
    room: Room,
    retired_bytes: usize,
}

impl Position {
    /// Whether the cursor stood there.
    pub(crate) fn is_at(&self, cursor: *mut u8) -> bool {
        self.room.cursor == cursor
    }
}

#[derive(Debug)]
pub(crate) struct BlockChain {
    first: Option<Block>,
    current: Option<Block>,
    large: Option<Block>,
    /// The oldest of the large blocks, while there are any.
    oldest_large: Option<Block>,
    /// Bytes in use in all blocks but the current one.
    retired_bytes: usize,
    peak_bytes: usize,
    committed_bytes: usize,
    blocks: usize,
    /// The size of the largest block, used or spare.
    largest_block: usize,
    /// The size of the next new block, unless the request needs more; zero before the first.
    next_block: usize,
    /// What a budget has granted for the blocks, if there is one.
    reservation: Option<Reservation>,
    /// Why the budget refused the last block.
    refused_by_budget: Option<MemoryError>,
}

impl BlockChain {
    pub(crate) const fn new() -> Self {
        Self {
            first: None,
            current: None,
            large: None,
            oldest_large: None,
            retired_bytes: 0,
            peak_bytes: 0,
            committed_bytes: 0,
            blocks: 0,
            largest_block: 0,
            next_block: 0,
            reservation: None,
            refused_by_budget: None,
        }
    }

    /// Has the blocks charged to a budget from now on, those that are there already too.
    pub(crate) fn set_budget(&mut self, budget: &Budget) -> Result<(), MemoryError> {
        // The old one is discharged first: both may be of one tree.
        self.reservation = None;
        self.reservation = Some(budget.try_reserve(Bytes::from_usize(self.committed_bytes))?);
        Ok(())
    }

    /// Why the budget refused the last block.
    pub(crate) fn refused_by_budget(&self) -> Option<MemoryError> {
        self.refused_by_budget
    }

    pub(crate) fn committed_bytes(&self) -> usize {
        self.committed_bytes
    }

    pub(crate) fn blocks(&self) -> usize {
        self.blocks
    }

    /// What there is to say about the blocks when so much of the current one is free. Linear in their number.
    pub(crate) fn stats(&self, room: Room) -> ArenaStats {
        let retired = self.bumped().filter(|block| Some(*block) != self.current);
        ArenaStats {
            used_bytes: self.used_bytes(room),
            peak_bytes: self.peak_bytes(room),
            committed_bytes: self.committed_bytes,
            wasted_bytes: retired.map(|block| block.top().addr() - block.low()).sum(),
            metadata_bytes: self.blocks * HEADER_BYTES,
            blocks: self.blocks,
            overflow_blocks: self.overflow().count(),
            allocations: None,
        }
    }

    /// Notes how few bytes were left in the current block, before something was given back.
    pub(crate) fn note_least_left(&mut self, left: usize) {
        self.peak_bytes = self.peak_bytes.max(self.used_bytes_beside(left));
    }

    /// Bytes in use if so many were left in the current block; zero where it does not have as many.
    pub(crate) fn used_bytes_beside(&self, left: usize) -> usize {
        let bytes = |block: Block| (block.end().addr() - block.floor()).checked_sub(left);
        self.current.and_then(bytes).map_or(0, |bytes| self.retired_bytes + bytes)
    }

    /// The parts of each block that hold values; newest blocks first.
    pub(crate) fn parts_in_use(&self, room: Room) -> impl Iterator<Item = (*mut u8, usize)> {
        self.in_use().flat_map(move |block| {
            let free = self.free_part(block, room);
            let low = (block.end().with_addr(block.floor()), free.floor - block.floor());
            let high = (free.cursor, block.end().addr() - free.cursor.addr());
            iter::once(high).chain((low.1 != 0).then_some(low))
        })
    }

    /// Which part of a block is free.
    fn free_part(&self, block: Block, room: Room) -> Room {
        if Some(block) == self.current { room } else { Room { cursor: block.top(), floor: block.low() } }
    }

    /// Bytes in use when so much of the current block is free.
    pub(crate) fn used_bytes(&self, room: Room) -> usize {
        let bytes = |block: Block| block.end().addr() - room.cursor.addr() + (room.floor - block.floor());
        self.retired_bytes + self.current.map_or(0, bytes)
    }

    pub(crate) fn peak_bytes(&self, room: Room) -> usize {
        self.peak_bytes.max(self.used_bytes(room))
    }

    /// Whether the address belongs to a value that was handed out.
    pub(crate) fn owns(&self, address: usize, room: Room) -> bool {
        self.in_use().any(|block| {
            let free = self.free_part(block, room);
            block.holds(address, free.floor, free.cursor)
        })
    }

    /// Serves a request that did not fit into `room`, which is the current one. Where another block becomes the current
    /// one, `room` is replaced by what is left of that.
    pub(crate) fn serve(
        &mut self,
        layout: Layout,
        put: Put,
        strategy: ArenaStrategy,
        room: &mut Room,
    ) -> Result<NonNull<u8>, Refusal> {
        let Some(need) = Block::bytes_for(layout) else {
            return Err(Refusal::TooLarge { requested_bytes: layout.size() });
        };
        if strategy.overflow == Overflow::Refuse && need > strategy.max_block {
            let max_bytes = strategy.max_block.saturating_sub(need - layout.size());
            return Err(Refusal::BeyondBlock { requested_bytes: layout.size(), max_bytes });
        }
        self.refused_by_budget = None;
        let least_bytes = match put {
            Put::Anywhere => room.bytes(),
            Put::AtCursor => 0,
        };
        let spare = self.replace_spares(need, least_bytes, strategy).or_else(|| self.unlink_spare(need));
        let block = match spare {
            Some(block) => block,
            None => self.add_block(need, least_bytes, strategy)?,
        };
        let mut fresh = Room::of(block);
        let Some(start) = fresh.take(layout) else {
            // Only a block at the very bottom of the address space has less room than its size promises.
            self.discard(block);
            return Err(self.refusal(need, strategy));
        };
        let floor = fresh.cursor.with_addr(fresh.floor);
        shadow::hide(floor, block.end().addr().saturating_sub(fresh.floor));
        shadow::reveal(start.as_ptr(), layout.size());
        if fresh.bytes() < least_bytes {
            self.keep_large(block, fresh.cursor);
        } else {
            self.make_current(block, *room);
            *room = fresh;
        }
        Ok(start)
    }

    /// The state to go back to later.
    pub(crate) fn position(&self, room: Room) -> Position {
        Position { current: self.current, large: self.large, room, retired_bytes: self.retired_bytes }
    }

    /// Whether the position is the present one.
    #[inline]
    pub(crate) fn is_at(&self, position: &Position, room: Room) -> bool {
        self.in_same_blocks(position) == Some(room)
    }

    /// What was free at a position, if the blocks in use are the same now as then.
    #[inline]
    pub(crate) fn in_same_blocks(&self, position: &Position) -> Option<Room> {
        (position.current == self.current && position.large == self.large).then_some(position.room)
    }

    /// Goes back to a position; everything that was handed out after it is forgotten, and its blocks are spare.
    ///
    /// The chain must not have gone back beyond the position, nor freed its used blocks, since it was taken.
    pub(crate) fn rewind(&mut self, position: &Position, room: &mut Room, poison: bool) {
        self.peak_bytes = self.peak_bytes(*room);
        if poison || cfg!(terrane_asan) {
            self.forget_values_since(position, *room, poison);
        }
        self.current = position.current;
        if self.large != position.large {
            self.spare_large_blocks(position.large);
        }
        self.retired_bytes = position.retired_bytes;
        *room = position.room;
    }

    /// Poisons what was handed out since a position.
    #[cold]
    fn forget_values_since(&self, position: &Position, room: Room, poison: bool) {
        let newer = iter::successors(self.large, |block| block.next());
        for block in newer.take_while(|block| Some(*block) != position.large) {
            // SAFETY: the values of this block are forgotten.
            unsafe { shadow::forget(block.top(), block.end().addr(), poison) };
        }
        let mut reached = position.current.is_none();
        for block in self.bumped() {
            let now = self.free_part(block, room);
            let is_start = Some(block) == position.current;
            let then = if is_start { position.room } else { Room::of(block) };
            reached |= is_start;
            if reached {
                // SAFETY: what was free at the position is newer and forgotten.
                unsafe {
                    shadow::forget(now.cursor, then.cursor.addr(), poison);
                    shadow::forget(then.cursor.with_addr(then.floor), now.floor, poison);
                }
            }
        }
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
    /// Constant time while the largest block stays the same.
    pub(crate) fn reset(&mut self, room: &mut Room, poison: bool) {
        self.peak_bytes = self.peak_bytes(*room);
        if poison || cfg!(terrane_asan) {
            let empty = Position { current: None, large: None, room: Room::NONE, retired_bytes: 0 };
            self.forget_values_since(&empty, *room, poison);
        }
        self.current = None;
        self.retired_bytes = 0;
        if let (Some(newest), Some(oldest)) = (self.large.take(), self.oldest_large) {
            // Behind the first block, which is the largest as a rule.
            oldest.set_next(self.after(self.first));
            self.set_after(self.first, Some(newest));
        }
        self.start_in_largest(room);
    }

    /// Makes the largest block the first and current one. No block is in use.
    fn start_in_largest(&mut self, room: &mut Room) {
        if self.first.is_some_and(|first| first.size() < self.largest_block)
            && let Some(largest) = self.unlink_spare(self.largest_block)
        {
            self.link_after(None, largest);
        }
        self.current = self.first;
        *room = self.first.map_or(Room::NONE, Room::of);
    }

    /// Makes the largest block the first and current one if no block holds a value. There must be no position that
    /// could still be gone back to, and nobody who has taken note of the room.
    pub(crate) fn settle(&mut self, room: &mut Room) {
        if self.is_empty(*room) {
            self.current = None;
            self.start_in_largest(room);
        }
    }

    /// Whether there are blocks, none of which holds a value.
    pub(crate) fn is_empty(&self, room: Room) -> bool {
        self.large.is_none()
            && self.current == self.first
            && self.first.is_some_and(|first| Room::of(first) == room)
    }

    /// The room that a reset has to restore, if there is nothing else for it to do with the blocks.
    pub(crate) fn home(&self) -> Room {
        match self.first {
            Some(first)
                if self.current == self.first
                    && self.large.is_none()
                    && first.size() == self.largest_block =>
            {
                Room::of(first)
            }
            _ => Room::UNKNOWN,
        }
    }

    /// Forgets everything that was handed out and gives all blocks back.
    pub(crate) fn release(&mut self, room: &mut Room) {
        self.reset(room, false);
        self.current = None;
        *room = Room::NONE;
        self.free_spares();
        self.next_block = 0;
    }

    /// Notes that values came down to `cursor` in an earlier block, which is the one with that floor, after it was left.
    pub(crate) fn note_left(&mut self, floor: usize, cursor: *mut u8) {
        let left = self.bumped().find(|block| Some(*block) != self.current && block.low() == floor);
        if let Some(block) = left
            && cursor < block.top()
        {
            self.retired_bytes += block.top().addr() - cursor.addr();
            block.note_free(floor, cursor);
        }
    }

    /// Puts a block that is in no list behind the current one and makes it current.
    fn make_current(&mut self, block: Block, old: Room) {
        self.retired_bytes = self.used_bytes(old);
        if let Some(retired) = self.current {
            retired.note_free(old.floor, old.cursor);
        }
        self.link_after(self.current, block);
        self.current = Some(block);
    }

    /// Notes that a block that is in no list holds one value, which starts at `top`.
    fn keep_large(&mut self, block: Block, top: *mut u8) {
        self.retired_bytes += block.end().addr() - top.addr();
        block.note_free(block.floor(), top);
        block.set_next(self.large);
        if self.large.is_none() {
            self.oldest_large = Some(block);
        }
        self.large = Some(block);
    }

    /// The blocks that hold values.
    fn in_use(&self) -> impl Iterator<Item = Block> {
        self.bumped().chain(self.overflow())
    }

    /// The blocks that are bumped, oldest first.
    fn bumped(&self) -> impl Iterator<Item = Block> {
        let last = self.current;
        let first = last.and(self.first);
        iter::successors(first, move |block| if Some(*block) == last { None } else { block.next() })
    }

    /// The blocks that hold one value each, newest first.
    fn overflow(&self) -> impl Iterator<Item = Block> {
        iter::successors(self.large, |block| block.next())
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
