//! Pinning, seen from the mutator.

use alloc::sync::Arc;
use alloc::vec::Vec;

use terrane_base::MemoryError;

use crate::handle::{Gc, Local, Pinned, RootError, RootSlot};
use crate::object::header::Header;
use crate::object::{At, InHeap, PAYLOAD_OFFSET, Static, Trace, TypeInfo};
use crate::raw::{SMALL_OBJECT_MAX, Word, errors};

use super::Mutator;
use super::state::State;

/// What is pinned, by handle. An object with two handles is there twice.
#[derive(Debug)]
pub(crate) struct PinTable {
    entries: Vec<(Arc<RootSlot>, Word)>,
}

impl PinTable {
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

impl State {
    /// Unpins what no handle holds any more. O(handles).
    pub(super) fn release_pins(&mut self) {
        self.pins.entries.retain(|(slot, word)| {
            let held = Arc::strong_count(slot) > 1;
            if !held {
                self.raw.unpin(*word);
            }
            held
        });
    }
}

impl State {
    /// # Safety
    ///
    /// `word` refers to an initialised object of this heap, of type `T` where `'static` stands for its lifetimes.
    unsafe fn pin<T>(&mut self, word: Word) -> Result<Pinned<T>, MemoryError> {
        if self.pins.entries.len() == self.pins.entries.capacity() {
            self.release_pins();
        }
        // SAFETY: the caller's promise.
        let word = unsafe { self.raw.pin(word, &mut self.roots)? };
        let slot = Arc::new(RootSlot { heap: self.id, index: 0 });
        self.pins.entries.push((Arc::clone(&slot), word));
        // SAFETY: the object is pinned while the slot is shared.
        Ok(unsafe { Pinned::new(slot, word.0 as usize) })
    }
}

impl<'h> Mutator<'h, '_> {
    /// Keeps the object alive and where it is, until the answer and all its clones are dropped. O(1), but for a young
    /// object, which is first moved to where it can stay, by a collection of the young objects. So to pin many, call
    /// this for each: the first call moves all.
    ///
    /// # Errors
    ///
    /// When there is no memory for the table of pinned objects.
    pub fn pin<T: Trace>(&mut self, object: Local<'h, '_, T>) -> Result<Pinned<T>, MemoryError> {
        // SAFETY: the handle's scope is open.
        let word = unsafe { self.handles().word(object.index) };
        // SAFETY: a handle refers to an initialised object of this heap.
        unsafe { self.state_mut().pin(word) }
    }

    /// Moves the value that `make` answers to where it stays, and pins it: [`pin`](Self::pin) without the collection
    /// that moves a young object. O(size), amortised.
    ///
    /// ```
    /// let mut heap = terrane_gc::Heap::new()?;
    /// heap.enter(|mu| -> Result<(), terrane_gc::MemoryError> {
    ///     let pinned = mu.alloc_pinned(|_| [0_u8; 100])?;
    ///     let address = pinned.as_ptr();
    ///     mu.collect_full();
    ///     assert_eq!(mu.load_pinned(&pinned).unwrap().len(), 100);
    ///     assert_eq!(pinned.as_ptr(), address);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), terrane_gc::MemoryError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the limit or the page source stands against it even after every kind of collection, or there is no memory for
    /// the table of pinned objects. `make` may or may not have run.
    pub fn alloc_pinned<'m, T, F>(&'m mut self, make: F) -> Result<Pinned<Static<T>>, MemoryError>
    where
        F: FnOnce(&'m Self) -> T,
        T: InHeap<'h, 'm>,
    {
        let info = TypeInfo::of::<T>();
        if info.size > SMALL_OBJECT_MAX {
            self.make_room(info.size)?;
        } else {
            let state = self.state_mut();
            state.raw.reserve_pinned(info.size, &mut state.roots)?;
        }
        let mu: &'m Self = self;
        let word = mu.place_pinned(make(mu))?;
        // SAFETY: nobody else has the state meanwhile; the object was just initialised, and lies where it stays, so that
        // to pin it takes no collection.
        unsafe { (*mu.state()).pin(word) }
    }

    /// Moves a value to where it stays. Does not collect.
    fn place_pinned<'m, T: InHeap<'h, 'm>>(&'m self, value: T) -> Result<Word, MemoryError> {
        let info = TypeInfo::of::<T>();
        if info.size > SMALL_OBJECT_MAX {
            return self.try_alloc(value).map(Gc::word);
        }
        if info.drop.is_some() {
            self.reserve_side_block()?;
        }
        // SAFETY: nobody else has the state meanwhile. The room is for an object of this type, and is filled before
        // anybody can collect.
        unsafe {
            let room = (*self.state()).raw.try_pinned(info.size)?;
            let room = room.ok_or(errors::out_of_memory(info.size, 0))?.as_ptr();
            room.cast::<Header>().write(Header::of(info));
            room.add(PAYLOAD_OFFSET).cast::<T>().write(value);
            let object = Word((room.expose_provenance() + PAYLOAD_OFFSET) as u64);
            if info.drop.is_some() {
                (*self.state()).side_block(object);
            }
            Ok(object)
        }
    }

    /// The object that is pinned. O(1).
    ///
    /// # Errors
    ///
    /// When it belongs to another heap.
    pub fn load_pinned<'m, T: Trace>(
        &'m self,
        pinned: &Pinned<T>,
    ) -> Result<Gc<'h, 'm, At<'h, 'm, T>>, RootError> {
        if pinned.slot.heap != self.heap_id() {
            return Err(RootError::OtherHeap);
        }
        // SAFETY: the object of a handle of this heap is there, and of this type.
        Ok(unsafe { Gc::from_word(Word(pinned.as_ptr().as_ptr().expose_provenance() as u64)) })
    }
}
