//! Side blocks on behalf of the mutator: weak references, identities, finalizers, entries of weak maps.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use terrane_base::MemoryError;

use crate::handle::{Gc, HeapId};
use crate::object::Trace;
use crate::object::header::{Header, header_of};
use crate::raw::{Word, errors};

use super::Mutator;
use super::side::{MapEntry, SideBlock};
use super::state::State;

/// The weak maps of a heap: how many entries each has, and whether anybody still uses it.
#[derive(Debug)]
pub(crate) struct WeakMaps {
    maps: Vec<MapState>,
}

#[derive(Debug)]
struct MapState {
    len: usize,
    handle: Weak<()>,
}

/// What a weak map holds of its heap.
#[derive(Debug)]
pub(crate) struct MapHandle {
    pub(crate) heap: HeapId,
    pub(crate) index: u32,
    /// Keeps the map open.
    _open: Arc<()>,
}

impl WeakMaps {
    pub(crate) const fn new() -> Self {
        Self { maps: Vec::new() }
    }

    fn open(&mut self, heap: HeapId) -> MapHandle {
        let open = Arc::new(());
        let state = MapState { len: 0, handle: Arc::downgrade(&open) };
        // A map that was dropped leaves entries behind until a full collection has passed.
        let free = self.maps.iter().position(|map| map.len == 0 && map.handle.strong_count() == 0);
        let index = free.unwrap_or(self.maps.len());
        match self.maps.get_mut(index) {
            Some(place) => *place = state,
            None => self.maps.push(state),
        }
        MapHandle { heap, index: index as u32, _open: open }
    }

    /// The object of a block died.
    pub(super) fn forget(&mut self, block: &SideBlock) {
        for entry in block.entries() {
            self.maps[entry.map as usize].len -= 1;
        }
    }

    /// Takes entries of maps that were dropped off the block of a living object.
    pub(super) fn forget_closed(&mut self, block: &mut SideBlock) {
        while let Some(map) = self.closed_entry(block) {
            block.remove(map);
            self.maps[map as usize].len -= 1;
        }
    }

    fn closed_entry(&self, block: &SideBlock) -> Option<u32> {
        let closed = |map: u32| self.maps[map as usize].handle.strong_count() == 0;
        block.entries().map(|entry| entry.map).find(|&map| closed(map))
    }
}

impl State {
    /// The same as [`side_block`](Self::side_block) with an error where there is no memory.
    ///
    /// # Safety
    ///
    /// As for [`side_block`](Self::side_block).
    pub(super) unsafe fn try_side_block(&mut self, object: Word) -> Result<*mut SideBlock, MemoryError> {
        self.try_reserve_side_block()?;
        // SAFETY: the caller's promise.
        Ok(unsafe { self.side_block(object) })
    }

    /// Makes room, so that the next side block takes no memory.
    pub(super) fn try_reserve_side_block(&mut self) -> Result<(), MemoryError> {
        self.roots.side.try_reserve().map_err(|_| errors::table(size_of::<SideBlock>()))
    }

    /// The block of an object, made if there is none yet.
    ///
    /// # Safety
    ///
    /// `object` refers to an initialised object of this heap.
    pub(super) unsafe fn side_block(&mut self, object: Word) -> *mut SideBlock {
        // SAFETY: the caller's promise.
        unsafe {
            let header = header_of(object);
            if let Some(block) = (*header).side() {
                return block;
            }
            let is_young = self.is_young(object.0 as usize);
            let block = self.roots.side.insert((*header).info(), object, is_young);
            *header = Header::with_side(block);
            block
        }
    }
}

impl<'h> Mutator<'h, '_> {
    /// A weak reference to the object. The first for an object costs some 50 bytes.
    ///
    /// # Panics
    ///
    /// When there is no memory for them; see [`try_downgrade`](Self::try_downgrade).
    #[must_use]
    pub fn downgrade<T: Trace>(&self, object: Gc<'h, '_, T>) -> crate::Weak<crate::Static<T>> {
        let (index, generation) = self.block_of(object);
        // SAFETY: the block was made for this object, and is its own until the generation changes.
        unsafe { crate::Weak::new(self.heap_id(), index, generation) }
    }

    /// The same with an error where `downgrade` panics.
    ///
    /// # Errors
    ///
    /// When there is no memory for what hangs on the object.
    ///
    /// ```
    /// # let mut heap = terrane_gc::Heap::new()?;
    /// heap.enter(|mu| {
    ///     let object = mu.alloc(1_i64);
    ///     let weak = mu.try_downgrade(object)?;
    ///     assert!(weak.upgrade(mu).is_some_and(|found| found.same(object)));
    ///     Ok::<(), terrane_gc::MemoryError>(())
    /// })?;
    /// # Ok::<(), terrane_gc::MemoryError>(())
    /// ```
    pub fn try_downgrade<T: Trace>(
        &self,
        object: Gc<'h, '_, T>,
    ) -> Result<crate::Weak<crate::Static<T>>, MemoryError> {
        self.reserve_side_block()?;
        Ok(self.downgrade(object))
    }

    /// A number that belongs to this object alone and stays the same wherever it moves: to hash by, or to print. It is
    /// not given to another object while this one lives.
    ///
    /// ```
    /// # let mut heap = terrane_gc::Heap::new()?;
    /// heap.enter(|mu| {
    ///     let object = mu.alloc(1_i64);
    ///     let (identity, kept) = (mu.identity(object), mu.root(object));
    ///     mu.collect_full();
    ///     assert_eq!(mu.identity(kept.get(mu)), identity);
    /// });
    /// # Ok::<(), terrane_base::MemoryError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// When there is no memory for what hangs on the object, some 50 bytes; see [`try_identity`](Self::try_identity).
    #[must_use]
    pub fn identity<T: Trace>(&self, object: Gc<'h, '_, T>) -> u64 {
        let (index, generation) = self.block_of(object);
        mix(u64::from(generation) << 32 | u64::from(index))
    }

    /// The same with an error where `identity` panics.
    ///
    /// # Errors
    ///
    /// When there is no memory for what hangs on the object.
    pub fn try_identity<T: Trace>(&self, object: Gc<'h, '_, T>) -> Result<u64, MemoryError> {
        self.reserve_side_block()?;
        Ok(self.identity(object))
    }

    fn block_of<T>(&self, object: Gc<'h, '_, T>) -> (u32, u32) {
        // SAFETY: a reference of this heap; the block is ours while we look at it.
        unsafe {
            let block = (*self.state()).side_block(object.word());
            (*block).is_known = true;
            ((*block).index, (*block).generation)
        }
    }

    /// Whether the object of a weak reference is alive, as far as is known. Unlike a look at the object this keeps nothing
    /// alive.
    pub(crate) fn is_weak_alive(&self, index: u32, generation: u32) -> bool {
        // SAFETY: nobody else has the state while we look; the table never shrinks.
        unsafe {
            let block = (*self.state()).roots.side.block(index);
            (*block).generation == generation && (*block).object != Word(0)
        }
    }

    /// What a weak reference leads to.
    pub(crate) fn read_weak(&self, index: u32, generation: u32) -> Option<Word> {
        // SAFETY: nobody else has the state while we look; the table never shrinks.
        unsafe {
            let state = &mut *self.state();
            let block = state.roots.side.block(index);
            if (*block).generation != generation || (*block).object == Word(0) {
                return None;
            }
            let marked = state.raw.cycle.objects;
            let object = state.raw.weak_read((*block).object);
            if state.raw.cycle.objects != marked {
                state.roots.note_revival();
            }
            object
        }
    }

    pub(crate) fn open_map(&self) -> MapHandle {
        // SAFETY: nobody else has the state meanwhile.
        let state = unsafe { &mut *self.state() };
        state.roots.maps.open(state.id)
    }

    pub(crate) fn map_len(&self, map: u32) -> usize {
        // SAFETY: nobody else has the state meanwhile.
        unsafe { (&(*self.state()).roots.maps.maps)[map as usize].len }
    }

    /// The value that a map keeps for a key.
    pub(crate) fn map_value(&self, map: u32, key: Word) -> Option<Word> {
        // SAFETY: `key` is a reference of this heap.
        // The value is as good as a field of the key: a marking that comes to the key comes to it.
        unsafe { (*header_of(key)).side().and_then(|block| (*block).value(map)) }
    }

    /// Makes room, so that [`map_insert`](Self::map_insert) takes no memory.
    ///
    /// # Safety
    ///
    /// The key is a reference of this heap.
    pub(crate) unsafe fn map_reserve(&self, map: u32, key: Word) -> Result<(), MemoryError> {
        // SAFETY: the caller's promise; nobody else has the state meanwhile.
        unsafe {
            let block = (*self.state()).try_side_block(key)?;
            (*block).try_reserve(map).map_err(|_| errors::table(size_of::<MapEntry>()))
        }
    }

    /// # Safety
    ///
    /// Key and value are references of this heap.
    pub(crate) unsafe fn map_insert(&self, map: u32, key: Word, value: Word) -> Option<Word> {
        // SAFETY: the caller's promise; nobody else has the state meanwhile.
        unsafe {
            let state = &mut *self.state();
            let block = state.side_block(key);
            state.raw.record(key, hidden_slot(block), value);
            let before = (*block).insert(map, value);
            if before.is_none() {
                state.roots.maps.maps[map as usize].len += 1;
            }
            before
        }
    }

    /// # Safety
    ///
    /// The key is a reference of this heap.
    pub(crate) unsafe fn map_remove(&self, map: u32, key: Word) -> Option<Word> {
        // SAFETY: the caller's promise; nobody else has the state meanwhile.
        unsafe {
            let block = (*header_of(key)).side()?;
            let state = &mut *self.state();
            state.raw.record(key, hidden_slot(block), Word(0));
            let before = (*block).remove(map)?;
            state.roots.maps.maps[map as usize].len -= 1;
            Some(before)
        }
    }
}

/// The values of a key lie beside it, in its side block. To the barrier, any address outside the key stands for them: one
/// inside would be taken for a slot of the key.
fn hidden_slot(block: *mut SideBlock) -> *mut Word {
    block.cast()
}

/// Spreads the bits of a counter over a word (Steele et al., "Fast splittable pseudorandom number generators", OOPSLA
/// 2014). A bijection, so numbers stay distinct.
fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ bits >> 31
}
