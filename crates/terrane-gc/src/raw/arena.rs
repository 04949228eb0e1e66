//! Arenas: sets of blocks in the young range with a lifetime of their own.
//!
//! An arena is filled by bumping, its objects do not move while it lives, and a minor collection scans only
//! what was allocated since the last one (each segment remembers how far it was scanned). Destroying an arena
//! makes its segments from-space of one collection: what is still referenced is moved to the old space and
//! counted, the rest is gone.
//!
//! A *segment* is a run of consecutive blocks; the first has the size asked for, later ones are one block
//! unless a request needs more.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use terrane_base::MemoryError;

use super::errors;
use super::old_space::block::BLOCK_SIZE;
use super::young::{Span, YoungRange};

/// Names an arena. An identifier of a destroyed arena is recognised for ever.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ArenaId {
    index: u32,
    generation: u32,
}

impl ArenaId {
    /// Both parts in one word, for embedders that store identifiers in objects.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        (self.generation as u64) << 32 | self.index as u64
    }

    /// The reverse of [`to_bits`](Self::to_bits). Any bits are safe: what was never an arena is not live.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self { index: bits as u32, generation: (bits >> 32) as u32 }
    }
}

/// Why an operation on an arena was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ArenaError {
    /// The arena was destroyed, or never was.
    Destroyed,
    /// The arena is entered; leave it before destroying it.
    Entered,
    /// No memory for the arena or for its survivors. The arena is as it was.
    Memory(MemoryError),
}

impl fmt::Display for ArenaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Destroyed => f.write_str("the arena was destroyed"),
            Self::Entered => f.write_str("the arena is in use and cannot be destroyed"),
            Self::Memory(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ArenaError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Memory(error) => Some(error),
            _ => None,
        }
    }
}

impl From<MemoryError> for ArenaError {
    fn from(error: MemoryError) -> Self {
        Self::Memory(error)
    }
}

/// What destroying an arena did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct ArenaSummary {
    /// Bytes of objects that died with the arena.
    pub bytes_freed: u64,
    /// Objects that were still referenced and live on in the old space.
    pub survivors: u64,
    /// Their bytes.
    pub survivor_bytes: u64,
}

/// No segment, no arena. As the segment of a block: free, and without memory.
const NONE: u32 = u32::MAX;
/// As the segment of a block: free, and committed.
const READY: u32 = u32::MAX - 1;
/// Free blocks that stay committed, so that arenas which come and go cost no system call.
const READY_BLOCKS_MAX: usize = 16;

/// A run of blocks of one arena.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) span: Span,
    /// End of the objects. Behind the truth while the segment is allocated into; `Heap::sync` brings it up.
    pub(crate) top: usize,
    /// Objects below were scanned by a collection.
    pub(crate) scanned: usize,
    arena: u32,
    next: u32,
}

impl Segment {
    /// Bytes of a segment that holds `bytes`.
    pub(crate) fn len_for(bytes: usize) -> usize {
        bytes.max(1).next_multiple_of(BLOCK_SIZE)
    }

    /// The arena that the segment belongs to.
    pub(crate) fn arena(&self) -> u32 {
        self.arena
    }
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    generation: u32,
    live: bool,
    first: u32,
    last: u32,
    next_free: u32,
}

#[derive(Debug)]
pub(crate) struct Arenas {
    slots: Vec<Slot>,
    free_slot: u32,
    segments: Vec<Segment>,
    free_segment: u32,
    /// Segment of each block of the young range, `NONE` or `READY` when free. As long as blocks were ever
    /// used.
    segment_of_block: Vec<u32>,
    blocks: Span,
    /// No block before this one is free.
    free_from: usize,
    ready_blocks: usize,
    /// Arenas entered, innermost last.
    entered: Vec<u32>,
    /// Bytes in segments.
    pub(crate) committed_bytes: usize,
}

impl Arenas {
    pub(crate) fn new(blocks: Span) -> Self {
        Self {
            slots: Vec::new(),
            free_slot: NONE,
            segments: Vec::new(),
            free_segment: NONE,
            segment_of_block: Vec::new(),
            blocks,
            free_from: 0,
            ready_blocks: 0,
            entered: Vec::new(),
            committed_bytes: 0,
        }
    }

    pub(crate) fn is_live(&self, id: ArenaId) -> bool {
        self.slots.get(id.index as usize).is_some_and(|s| s.live && s.generation == id.generation)
    }

    pub(crate) fn check(&self, id: ArenaId) -> Result<u32, ArenaError> {
        if self.is_live(id) { Ok(id.index) } else { Err(ArenaError::Destroyed) }
    }

    pub(crate) fn is_entered(&self, index: u32) -> bool {
        self.entered.contains(&index)
    }

    pub(crate) fn innermost(&self) -> Option<u32> {
        self.entered.last().copied()
    }

    pub(crate) fn enter(&mut self, index: u32) -> Result<(), MemoryError> {
        self.entered.try_reserve(1).map_err(|_| errors::table(size_of::<u32>()))?;
        self.entered.push(index);
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.entered.pop();
    }

    /// Makes an arena without segments.
    pub(crate) fn create(&mut self) -> Result<ArenaId, MemoryError> {
        if let Some(slot) = self.slots.get_mut(self.free_slot as usize) {
            let index = core::mem::replace(&mut self.free_slot, slot.next_free);
            (slot.live, slot.first, slot.last) = (true, NONE, NONE);
            return Ok(ArenaId { index, generation: slot.generation });
        }
        self.slots.try_reserve(1).map_err(|_| errors::table(size_of::<Slot>()))?;
        let index = u32::try_from(self.slots.len()).map_err(|_| errors::table(size_of::<Slot>()))?;
        self.slots.push(Slot { generation: 1, live: true, first: NONE, last: NONE, next_free: NONE });
        Ok(ArenaId { index, generation: 1 })
    }

    /// Adds a segment of at least `bytes` to an arena and makes it the one that is allocated into.
    pub(crate) fn extend(
        &mut self,
        index: u32,
        bytes: usize,
        young: &mut YoungRange,
    ) -> Result<(), MemoryError> {
        let count = Segment::len_for(bytes) / BLOCK_SIZE;
        let first = self.find_blocks(count).ok_or(errors::out_of_memory(bytes, 0))?;
        let table_len = self.segment_of_block.len().max(first + count);
        self.segment_of_block
            .try_reserve(table_len - self.segment_of_block.len())
            .map_err(|_| errors::table(bytes))?;
        self.segments.try_reserve(1).map_err(|_| errors::table(bytes))?;
        let span = Span { base: self.blocks.base + first * BLOCK_SIZE, len: count * BLOCK_SIZE };
        self.segment_of_block.resize(table_len, NONE);
        self.commit(first..first + count, young)?;
        let segment =
            self.add_segment(Segment { span, top: span.base, scanned: span.base, arena: index, next: NONE });
        self.segment_of_block[first..first + count].fill(segment);
        self.committed_bytes += span.len;
        let slot = &mut self.slots[index as usize];
        let last = core::mem::replace(&mut slot.last, segment);
        if last == NONE {
            slot.first = segment;
        } else {
            self.segments[last as usize].next = segment;
        }
        Ok(())
    }

    /// Commits free blocks.
    fn commit(&mut self, blocks: Range<usize>, young: &YoungRange) -> Result<(), MemoryError> {
        let ready = self.segment_of_block[blocks.clone()].iter().filter(|&&s| s == READY).count();
        if ready < blocks.len() {
            young.commit_blocks(self.blocks.base + blocks.start * BLOCK_SIZE, blocks.len() * BLOCK_SIZE)?;
        }
        self.ready_blocks -= ready;
        Ok(())
    }

    fn add_segment(&mut self, segment: Segment) -> u32 {
        if let Some(free) = self.segments.get_mut(self.free_segment as usize) {
            let index = core::mem::replace(&mut self.free_segment, free.next);
            *free = segment;
            return index;
        }
        self.segments.push(segment);
        (self.segments.len() - 1) as u32
    }

    fn find_blocks(&mut self, count: usize) -> Option<usize> {
        let used = &self.segment_of_block;
        let taken = |block: usize| used.get(block).is_some_and(|&segment| segment < READY);
        while taken(self.free_from) {
            self.free_from += 1;
        }
        let (mut start, mut end) = (self.free_from, self.free_from);
        while end - start < count {
            if end * BLOCK_SIZE >= self.blocks.len {
                return None;
            }
            if taken(end) {
                start = end + 1;
            }
            end += 1;
        }
        Some(start)
    }

    /// The segment that the innermost arena entered allocates into.
    pub(crate) fn open_segment(&self) -> Option<&Segment> {
        self.segments.get(self.slots[self.innermost()? as usize].last as usize)
    }

    /// Bytes committed, of blocks in use and ready.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.committed_bytes + self.ready_blocks * BLOCK_SIZE
    }

    /// The segment that an arena allocates into.
    pub(crate) fn current_segment(&mut self, index: u32) -> Option<&mut Segment> {
        self.segments.get_mut(self.slots[index as usize].last as usize)
    }

    /// The segment and arena that an address in the block part of the young range belongs to.
    #[inline]
    pub(crate) fn segment_at(&self, address: usize) -> Option<&Segment> {
        let block = address.wrapping_sub(self.blocks.base) / BLOCK_SIZE;
        self.segments.get(*self.segment_of_block.get(block)? as usize)
    }

    #[inline]
    pub(crate) fn arena_at(&self, address: usize) -> Option<u32> {
        self.segment_at(address).map(|segment| segment.arena)
    }

    /// Segments of all live arenas.
    pub(crate) fn live_segments(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().filter(|segment| segment.arena != NONE)
    }

    /// The same, to be changed.
    pub(crate) fn live_segments_mut(&mut self) -> impl Iterator<Item = &mut Segment> {
        self.segments.iter_mut().filter(|segment| segment.arena != NONE)
    }

    /// Bytes of objects in all arenas.
    pub(crate) fn used_bytes(&self) -> usize {
        self.live_segments().map(|segment| segment.top - segment.span.base).sum()
    }

    /// Bytes of objects in one arena.
    pub(crate) fn used_bytes_of(&self, index: u32) -> usize {
        let mut bytes = 0;
        let mut next = self.slots[index as usize].first;
        while let Some(segment) = self.segments.get(next as usize) {
            bytes += segment.top - segment.span.base;
            next = segment.next;
        }
        bytes
    }

    /// Frees an arena whose survivors were moved out. Its identifier is dead from now on.
    pub(crate) fn destroy(&mut self, index: u32, young: &mut YoungRange, poison: Option<u8>) {
        let mut next = self.slots[index as usize].first;
        while let Some(segment) = self.segments.get_mut(next as usize) {
            let freed = next;
            next = segment.next;
            segment.arena = NONE;
            segment.next = self.free_segment;
            self.free_segment = freed;
            let span = segment.span;
            self.free_blocks(span, young, poison);
        }
        let slot = &mut self.slots[index as usize];
        slot.live = false;
        slot.generation = slot.generation.wrapping_add(1);
        // A slot whose generations are used up is never used again, so that no identifier comes back to life.
        if slot.generation != 0 {
            slot.next_free = self.free_slot;
            self.free_slot = index;
        }
    }

    fn free_blocks(&mut self, span: Span, young: &mut YoungRange, poison: Option<u8>) {
        let first = (span.base - self.blocks.base) / BLOCK_SIZE;
        let count = span.len / BLOCK_SIZE;
        if let Some(byte) = poison {
            // SAFETY: the segment is committed and holds nothing that is referenced.
            unsafe { core::ptr::write_bytes(span.base as *mut u8, byte, span.len) };
        }
        // SAFETY: the blocks hold nothing that is referenced, and `extend` commits those that are not ready.
        let keep = poison.is_some()
            || self.ready_blocks + count <= READY_BLOCKS_MAX
            || !unsafe { young.decommit_blocks(span.base, span.len) };
        self.ready_blocks += if keep { count } else { 0 };
        self.segment_of_block[first..first + count].fill(if keep { READY } else { NONE });
        self.free_from = self.free_from.min(first);
        self.committed_bytes -= span.len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use terrane_pages::{FaultyPages, system_pages};

    fn young(pages: &alloc::sync::Arc<dyn terrane_pages::PageSource>) -> YoungRange {
        YoungRange::new(pages, 8 << 20, BLOCK_SIZE, BLOCK_SIZE).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Segments never overlap, addresses lead to their arena, freed blocks are found again.
        #[test]
        fn blocks_belong_to_one_arena(steps in prop::collection::vec((0..4_usize, 1..9_usize), 1..100)) {
            let pages = terrane_pages::system_pages();
            let mut young = young(&pages);
            let mut arenas = Arenas::new(young.blocks);
            let mut live: Vec<(ArenaId, usize)> = Vec::new();
            let total = young.blocks.len / BLOCK_SIZE;
            for (action, blocks) in steps {
                if action == 0 && !live.is_empty() {
                    let (id, _) = live.swap_remove(blocks % live.len());
                    arenas.destroy(arenas.check(id).unwrap(), &mut young, None);
                    prop_assert!(!arenas.is_live(id));
                    continue;
                }
                if action == 1 || live.is_empty() {
                    live.push((arenas.create().unwrap(), 0));
                }
                let len = live.len();
                let (id, held) = &mut live[blocks % len];
                let index = arenas.check(*id).unwrap();
                let before = arenas.committed_bytes;
                match arenas.extend(index, blocks * BLOCK_SIZE, &mut young) {
                    Ok(()) => *held += blocks,
                    Err(_) => prop_assert!(before / BLOCK_SIZE + blocks > total / 8, "refused without need"),
                }
                let mut covered = alloc::vec![NONE; total];
                for segment in arenas.live_segments() {
                    let first = (segment.span.base - young.blocks.base) / BLOCK_SIZE;
                    let blocks = first..first + segment.span.len / BLOCK_SIZE;
                    prop_assert!(covered[blocks.clone()].iter().all(|&arena| arena == NONE));
                    covered[blocks.clone()].fill(segment.arena);
                    for block in blocks {
                        let address = young.blocks.base + block * BLOCK_SIZE + 24;
                        prop_assert_eq!(arenas.arena_at(address), Some(segment.arena));
                    }
                }
                let used = covered.iter().filter(|&&arena| arena != NONE).count();
                prop_assert_eq!(used, live.iter().map(|(_, held)| held).sum::<usize>());
                prop_assert_eq!(arenas.committed_bytes, used * BLOCK_SIZE);
            }
        }
    }

    #[test]
    fn a_refused_commit_changes_nothing() {
        let pages = alloc::sync::Arc::new(FaultyPages::new(system_pages()));
        let mut young = young(&(pages.clone() as _));
        let mut arenas = Arenas::new(young.blocks);
        let id = arenas.create().unwrap();
        pages.fail_nth(1);
        assert!(arenas.extend(id.index, 3 * BLOCK_SIZE, &mut young).is_err());
        assert_eq!((arenas.committed_bytes, arenas.live_segments().count()), (0, 0));
        arenas.extend(id.index, 3 * BLOCK_SIZE, &mut young).unwrap();
        assert_eq!(arenas.memory_bytes(), 3 * BLOCK_SIZE);
    }

    #[test]
    fn a_slot_is_retired_before_its_generations_repeat() {
        let pages = terrane_pages::system_pages();
        let mut young = young(&pages);
        let mut arenas = Arenas::new(young.blocks);
        let first = arenas.create().unwrap();
        arenas.slots[first.index as usize].generation = u32::MAX;
        arenas.destroy(first.index, &mut young, None);
        let second = arenas.create().unwrap();
        assert_ne!(first.index, second.index);
        assert!(!arenas.is_live(ArenaId { index: first.index, generation: 0 }));
    }
}
