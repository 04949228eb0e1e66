//! Finalizer queues, seen from the mutator.

use alloc::sync::Arc;

use terrane_base::MemoryError;

use crate::object::header::{Header, header_of};
use crate::raw::Word;

use super::Mutator;

impl Mutator<'_, '_> {
    pub(crate) fn open_queue(&self) -> (u32, Arc<()>) {
        // SAFETY: nobody else has the state meanwhile.
        unsafe { (*self.state()).roots.queues.open() }
    }

    /// Makes room, so that to watch an object takes no memory.
    pub(crate) fn reserve_side_block(&self) -> Result<(), MemoryError> {
        // SAFETY: nobody else has the state meanwhile.
        unsafe { (*self.state()).try_reserve_side_block() }
    }

    /// # Safety
    ///
    /// `object` is a reference of this heap; the queue is one of its own.
    pub(crate) unsafe fn watch_object(&self, queue: u32, object: Word) {
        // SAFETY: the caller's promise; nobody else has the state meanwhile.
        unsafe {
            let state = &mut *self.state();
            let block = &mut *state.side_block(object);
            if let Some(before) = block.finalizer() {
                state.roots.queues.unregister(before);
            }
            state.roots.queues.register(queue);
            block.set_finalizer(Some(queue));
        }
    }

    pub(crate) fn pop_finalized(&self, queue: u32) -> Option<Word> {
        // SAFETY: nobody else has the state meanwhile.
        unsafe {
            let state = &mut *self.state();
            let index = state.roots.queues.pop(&state.roots.side, queue)?;
            let block = &*state.roots.side.block(index);
            let (word, info) = (block.object, block.info);
            // It was made before the last collection, so the table does not know it as young any more.
            if block.is_idle() {
                *header_of(word) = Header::of(info);
                state.roots.side.remove(index);
            }
            // The queue is no object, so what leaves it is told to a marking under way.
            state.raw.weak_read(word)
        }
    }

    pub(crate) fn finalized(&self, queue: u32) -> usize {
        // SAFETY: nobody else has the state meanwhile.
        unsafe { (*self.state()).roots.queues.pending(queue) }
    }
}
