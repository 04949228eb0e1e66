//! Roots without a lifetime, seen from the mutator.

use crate::handle::{Gc, Root, RootError};
use crate::object::{At, Static, Trace};

use super::Mutator;

impl<'h> Mutator<'h, '_> {
    /// Keeps the object alive for as long as the answer, or a clone of it, lives: beyond [`enter`](crate::Heap::enter).
    #[must_use]
    pub fn persist<T: Trace>(&self, object: Gc<'h, '_, T>) -> Root<Static<T>> {
        // SAFETY: nobody else has the state meanwhile; the entry refers to a `T`.
        unsafe {
            let state = &mut *self.state();
            Root::new(state.roots.persistent.insert(state.id, object.word()))
        }
    }

    /// The object of a root. O(1).
    ///
    /// # Errors
    ///
    /// When the root belongs to another heap.
    #[inline]
    pub fn load<'m, T: Trace>(&'m self, root: &Root<T>) -> Result<Gc<'h, 'm, At<'h, 'm, T>>, RootError> {
        // SAFETY: nobody else has the state meanwhile; an entry of this heap refers to a `T` while the root shares it.
        unsafe {
            let state = &*self.state();
            if root.slot.heap != state.id {
                return Err(RootError::OtherHeap);
            }
            Ok(Gc::from_word(state.roots.persistent.word(&root.slot)))
        }
    }
}
