//! Pinning, seen from the mutator.

use alloc::sync::Arc;
use alloc::vec::Vec;

use terrane_base::MemoryError;

use crate::handle::{Gc, Local, Pinned, RootError, RootSlot};
use crate::object::{At, Trace};
use crate::raw::Word;

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
        let state = self.state_mut();
        if state.pins.entries.len() == state.pins.entries.capacity() {
            state.release_pins();
        }
        // SAFETY: a handle refers to an initialised object of this heap.
        let word = unsafe { state.raw.pin(word, &mut state.roots)? };
        let slot = Arc::new(RootSlot { heap: state.id, index: 0 });
        state.pins.entries.push((Arc::clone(&slot), word));
        // SAFETY: the object is pinned while the slot is shared.
        Ok(unsafe { Pinned::new(slot, word.0 as usize) })
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
