//! Side blocks: what hangs on the few objects that somebody outside the graph of references is interested in.
//!
//! A block belongs to one object from the first request (a weak reference, a finalizer, an identity hash, an entry in
//! a weak map, a value with a destructor) until the object dies. The object's header leads to the block, and the block
//! knows where the object is. So one mechanism tells of deaths: blocks made since the last collection of the young
//! range are looked at after each such collection, and the whole table, in slices, after marking. Blocks lie in
//! segments that never move.
//!
//! *Ephemerons* (Hayes, OOPSLA 1997) are kept inside out: the value that a weak map holds for a key hangs on the key's
//! block and is traced as if it were a field of the key. No fixpoint is needed, and a look-up is two loads. The price:
//! a value lives as long as its key even if the map is dropped, until the next full collection has cleared it.

use alloc::boxed::Box;
use alloc::collections::TryReserveError;
use alloc::vec::Vec;

use crate::object::TypeInfo;
use crate::raw::Word;

/// No index.
pub(super) const NONE: u32 = u32::MAX;
const SEGMENT_BLOCKS: usize = 1024;

/// Instead of a map: the entries of several maps lie in a vector of their own.
const SEVERAL: u32 = u32::MAX - 1;

/// A value that a weak map keeps for the object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MapEntry {
    pub(crate) map: u32,
    pub(crate) value: Word,
}

/// What hangs on an object.
#[repr(align(8))]
#[derive(Debug)]
pub(crate) struct SideBlock {
    pub(crate) info: &'static TypeInfo,
    /// The object; null while the block is free.
    pub(crate) object: Word,
    /// What the weak map keeps; with [`SEVERAL`] entries, the address of their vector.
    value: Word,
    /// The weak map that has an entry, if any.
    map: u32,
    /// Counts the objects that the block belonged to.
    pub(crate) generation: u32,
    pub(crate) index: u32,
    /// Finalizer queue that the object goes to when it dies.
    finalizer: u32,
    /// The next block of the list that this one is in: of the free, of the dying, or of a finalizer queue.
    pub(super) next: u32,
    /// Somebody outside may know the block by index and generation.
    pub(super) is_known: bool,
}

const _: () = assert!(size_of::<usize>() < 8 || size_of::<SideBlock>() == 48);

impl SideBlock {
    /// A block that was never used.
    fn blank(index: u32) -> Self {
        Self {
            info: TypeInfo::of::<i64>(),
            object: Word(0),
            value: Word(0),
            map: NONE,
            generation: 0,
            index,
            finalizer: NONE,
            next: NONE,
            is_known: false,
        }
    }

    /// The value that a map keeps. O(maps that have an entry).
    pub(crate) fn value(&self, map: u32) -> Option<Word> {
        if self.map == map {
            return Some(self.value);
        }
        self.several()?.iter().find(|entry| entry.map == map).map(|entry| entry.value)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = MapEntry> {
        let only = (self.map < SEVERAL).then_some(MapEntry { map: self.map, value: self.value });
        only.into_iter().chain(self.several().into_iter().flatten().copied())
    }

    fn vector(&self) -> Option<*mut Vec<MapEntry>> {
        (self.map == SEVERAL).then(|| core::ptr::with_exposed_provenance_mut(self.value.0 as usize))
    }

    fn several(&self) -> Option<&Vec<MapEntry>> {
        // SAFETY: the vector is the block's own, and borrowed as the block is.
        self.vector().map(|vector| unsafe { &*vector })
    }

    fn several_mut(&mut self) -> Option<&mut Vec<MapEntry>> {
        // SAFETY: as above.
        self.vector().map(|vector| unsafe { &mut *vector })
    }

    /// Makes room for an entry of `map`, so that the next insertion takes no memory.
    pub(crate) fn try_reserve(&mut self, map: u32) -> Result<(), TryReserveError> {
        if self.map == NONE || self.value(map).is_some() {
            return Ok(());
        }
        if let Some(entries) = self.several_mut() {
            return entries.try_reserve(1);
        }
        let mut both = Vec::new();
        both.try_reserve_exact(2)?;
        both.push(MapEntry { map: self.map, value: self.value });
        self.keep_several(both)
    }

    /// From now on the entries lie in this vector.
    fn keep_several(&mut self, entries: Vec<MapEntry>) -> Result<(), TryReserveError> {
        let mut place = Vec::new();
        place.try_reserve_exact(1)?;
        place.push(entries);
        // A box of one, made where memory may be refused: its layout is that of the box it is freed as.
        let vector: *mut Vec<MapEntry> = Box::into_raw(place.into_boxed_slice()).cast();
        (self.map, self.value) = (SEVERAL, Word(vector.expose_provenance() as u64));
        Ok(())
    }

    /// Sets the value that a map keeps; answers the one before.
    pub(crate) fn insert(&mut self, map: u32, value: Word) -> Option<Word> {
        let entry = MapEntry { map, value };
        if self.map == NONE {
            (self.map, self.value) = (map, value);
            return None;
        }
        if self.map == map {
            return Some(core::mem::replace(&mut self.value, value));
        }
        if self.vector().is_none()
            && let Err(error) = self.try_reserve(map)
        {
            panic!("no memory for another entry of a weak map: {error}");
        }
        let entries = self.several_mut()?;
        match entries.iter_mut().find(|entry| entry.map == map) {
            Some(entry) => Some(core::mem::replace(&mut entry.value, value)),
            None => {
                entries.push(entry);
                None
            }
        }
    }

    /// Takes out the value that a map keeps.
    pub(crate) fn remove(&mut self, map: u32) -> Option<Word> {
        if self.map == map {
            self.map = NONE;
            return Some(self.value);
        }
        let entries = self.several_mut()?;
        let position = entries.iter().position(|entry| entry.map == map)?;
        Some(entries.swap_remove(position).value)
    }

    /// Lets go of the entries of all maps.
    fn remove_all(&mut self) {
        if let Some(vector) = self.vector() {
            // SAFETY: made from a box, and forgotten here.
            drop(unsafe { Box::from_raw(vector) });
        }
        self.map = NONE;
    }

    /// The finalizer queue that the object is registered for.
    pub(crate) fn finalizer(&self) -> Option<u32> {
        (self.finalizer != NONE).then_some(self.finalizer)
    }

    pub(crate) fn set_finalizer(&mut self, queue: Option<u32>) {
        self.finalizer = queue.unwrap_or(NONE);
    }

    /// Whether nobody would miss the block.
    pub(super) fn is_idle(&self) -> bool {
        self.map == NONE && self.finalizer == NONE && !self.is_known && self.info.drop.is_none()
    }

    /// Shows the values of weak maps to a collection, as slots of the object.
    ///
    /// # Safety
    ///
    /// `block` is a block of a table that still exists, and nobody else accesses it meanwhile.
    pub(crate) unsafe fn visit_values(block: *mut Self, visit: &mut dyn FnMut(*mut Word)) {
        // SAFETY: the caller's promise.
        let block = unsafe { &mut *block };
        match block.map {
            NONE => {}
            SEVERAL => {
                block.several_mut().into_iter().flatten().for_each(|entry| visit(&raw mut entry.value))
            }
            _ => visit(&raw mut block.value),
        }
    }
}

impl Drop for SideBlock {
    fn drop(&mut self) {
        self.remove_all();
    }
}

/// All side blocks of a heap.
#[derive(Debug)]
pub(crate) struct SideTable {
    /// Arrays of [`SEGMENT_BLOCKS`] blocks, owned.
    segments: Vec<*mut SideBlock>,
    /// Blocks ever used.
    len: u32,
    free: u32,
    in_use: usize,
    /// Blocks made since the young range was last emptied; their objects may be young.
    pub(crate) young: Vec<u32>,
}

impl SideTable {
    pub(crate) const fn new() -> Self {
        Self { segments: Vec::new(), len: 0, free: NONE, in_use: 0, young: Vec::new() }
    }

    /// Blocks to look at, from 0, whether in use or free.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// Blocks in use.
    pub(crate) fn in_use(&self) -> usize {
        self.in_use
    }

    /// Bytes of the table.
    pub(crate) fn bytes(&self) -> usize {
        self.segments.len() * SEGMENT_BLOCKS * size_of::<SideBlock>()
    }

    /// The block of an index below [`len`](Self::len).
    pub(crate) fn block(&self, index: u32) -> *mut SideBlock {
        let (segment, offset) = (index as usize / SEGMENT_BLOCKS, index as usize % SEGMENT_BLOCKS);
        self.segments[segment].wrapping_add(offset)
    }

    /// Makes room for a block, so that the next [`insert`](Self::insert) takes no memory.
    pub(crate) fn try_reserve(&mut self) -> Result<(), TryReserveError> {
        self.young.try_reserve(1)?;
        if self.free == NONE && self.len as usize == self.segments.len() * SEGMENT_BLOCKS {
            self.try_grow()?;
        }
        Ok(())
    }

    /// Adds a segment of blocks that were never used.
    #[cold]
    fn try_grow(&mut self) -> Result<(), TryReserveError> {
        self.segments.try_reserve(1)?;
        let mut segment = Vec::new();
        segment.try_reserve_exact(SEGMENT_BLOCKS)?;
        segment.extend((self.len..).take(SEGMENT_BLOCKS).map(SideBlock::blank));
        self.segments.push(Box::into_raw(segment.into_boxed_slice()).cast());
        Ok(())
    }

    /// Gives an object a block; amortised O(1).
    pub(crate) fn insert(&mut self, info: &'static TypeInfo, object: Word, is_young: bool) -> *mut SideBlock {
        let block = self.take_free().unwrap_or_else(|| self.append());
        // SAFETY: a free block of ours.
        let fresh = unsafe { &mut *block };
        (fresh.info, fresh.object, fresh.is_known) = (info, object, false);
        self.in_use += 1;
        if is_young {
            self.young.push(fresh.index);
        }
        block
    }

    fn take_free(&mut self) -> Option<*mut SideBlock> {
        if self.free == NONE {
            return None;
        }
        let block = self.block(self.free);
        // SAFETY: a block of ours.
        self.free = unsafe { (*block).next };
        Some(block)
    }

    fn append(&mut self) -> *mut SideBlock {
        if self.len as usize == self.segments.len() * SEGMENT_BLOCKS
            && let Err(error) = self.try_grow()
        {
            panic!("no memory for what hangs on objects: {error}");
        }
        self.len += 1;
        self.block(self.len - 1)
    }

    /// Takes the block from its object, which is dead. Weak references to it find the generation changed.
    pub(crate) fn remove(&mut self, index: u32) {
        let block = self.block(index);
        // SAFETY: a block of ours.
        let block = unsafe { &mut *block };
        block.object = Word(0);
        block.remove_all();
        block.finalizer = NONE;
        self.in_use -= 1;
        // A block whose generations are used up is not used again: an old weak reference would take a new object for its
        // own.
        if let Some(generation) = block.generation.checked_add(1) {
            block.generation = generation;
            block.next = self.free;
            self.free = index;
        }
    }
}

impl Drop for SideTable {
    fn drop(&mut self) {
        for &segment in &self.segments {
            // SAFETY: made from a box of this length.
            drop(unsafe { Box::from_raw(core::ptr::slice_from_raw_parts_mut(segment, SEGMENT_BLOCKS)) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_keeps_entries_of_several_maps() {
        let mut table = SideTable::new();
        let block = table.insert(TypeInfo::of::<i64>(), Word(16), true);
        // SAFETY: the table lives.
        let block = unsafe { &mut *block };
        assert_eq!(block.insert(1, Word(8)), None);
        assert_eq!(block.insert(2, Word(24)), None);
        assert_eq!(block.insert(3, Word(32)), None);
        assert_eq!(block.insert(2, Word(40)), Some(Word(24)));
        assert_eq!(block.remove(1), Some(Word(8)));
        assert_eq!((block.value(1), block.value(2), block.value(3)), (None, Some(Word(40)), Some(Word(32))));
        assert_eq!(
            (block.remove(3), block.remove(2), block.remove(2)),
            (Some(Word(32)), Some(Word(40)), None)
        );
        assert_eq!(block.entries().count(), 0);
        assert!(block.is_idle() || block.map == SEVERAL);
        table.remove(0);
        // SAFETY: as above.
        assert_eq!(unsafe { (*table.block(0)).map }, NONE);
    }

    #[test]
    fn a_block_without_generations_left_is_retired() {
        let mut table = SideTable::new();
        let block = table.insert(TypeInfo::of::<i64>(), Word(16), true);
        // SAFETY: the table lives.
        unsafe { (*block).generation = u32::MAX };
        table.remove(0);
        let next = table.insert(TypeInfo::of::<i64>(), Word(16), true);
        // SAFETY: the table lives.
        assert_eq!(unsafe { ((*next).index, (*next).generation, (*block).object) }, (1, 0, Word(0)));
    }

    #[test]
    fn blocks_are_reused_with_another_generation() {
        let mut table = SideTable::new();
        for index in 0..3000_u64 {
            table.insert(TypeInfo::of::<i64>(), Word(index * 16 + 8), true);
        }
        assert_eq!((table.len(), table.in_use()), (3000, 3000));
        table.remove(1500);
        let block = table.insert(TypeInfo::of::<u8>(), Word(8), true);
        // SAFETY: the table lives.
        assert_eq!(unsafe { ((*block).index, (*block).generation) }, (1500, 1));
        assert_eq!((table.len(), table.in_use()), (3000, 3000));
    }
}
