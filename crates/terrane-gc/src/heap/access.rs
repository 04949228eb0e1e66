//! Roots without a lifetime, seen from the mutator.

use terrane_base::MemoryError;

use crate::handle::{Gc, Root, RootError, RootSlot};
use crate::object::{At, Static, Trace};
use crate::raw::errors;

use super::Mutator;

impl<'h> Mutator<'h, '_> {
    /// Keeps the object alive for as long as the answer, or a clone of it, lives: beyond [`enter`](crate::Heap::enter).
    ///
    /// When there is no memory the process ends, as when any vector grows; see [`try_persist`](Self::try_persist).
    #[must_use]
    pub fn persist<T: Trace>(&self, object: Gc<'h, '_, T>) -> Root<Static<T>> {
        // SAFETY: nobody else has the state meanwhile; the entry refers to a `T`.
        unsafe {
            let state = &mut *self.state();
            Root::new(state.roots.persistent.insert(state.id, object.word()))
        }
    }

    /// The same with an error where there is no memory for one root more.
    ///
    /// # Errors
    ///
    /// When the table of roots cannot grow, or there is no memory for the root itself. (For that it is asked twice, the first
    /// time with an error for an answer; a refusal of the second request alone ends the process.)
    ///
    /// ```
    /// # let mut heap = terrane_gc::Heap::new()?;
    /// let root = heap.enter(|mu| mu.try_persist(mu.try_alloc(7)?))?;
    /// heap.enter(|mu| assert_eq!(*mu.load(&root).unwrap(), 7));
    /// # Ok::<(), terrane_gc::MemoryError>(())
    /// ```
    pub fn try_persist<T: Trace>(&self, object: Gc<'h, '_, T>) -> Result<Root<Static<T>>, MemoryError> {
        // SAFETY: nobody else has the state meanwhile.
        let persistent = unsafe { &mut (*self.state()).roots.persistent };
        persistent.try_reserve().map_err(|_| errors::table(size_of::<RootSlot>()))?;
        Ok(self.persist(object))
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
