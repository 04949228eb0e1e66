//! Scopes: how long handles last.

use core::cell::UnsafeCell;

use terrane_base::MemoryError;

use crate::handle::{Gc, Local};
use crate::object::{Static, Trace};
use crate::raw::Word;

use super::Mutator;
use super::state::State;

/// Cuts the handle stack back when a scope ends, by whatever way.
struct Cut<'h> {
    state: &'h UnsafeCell<State>,
    len: usize,
}

impl Drop for Cut<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: the heap outlives the scope, and its last operation is over.
        unsafe { (*self.state.get()).truncate_handles(self.len) }
    }
}

impl State {
    #[inline(always)]
    fn truncate_handles(&mut self, len: usize) {
        let raw = &mut self.raw;
        let handles = &mut self.roots.handles;
        if handles.are_undelivered_from(len) {
            handles.deliver_from(len, |word| {
                // SAFETY: handles refer to objects of this heap.
                _ = unsafe { raw.weak_read(word) };
            });
        }
        handles.truncate(len);
    }
}

impl<'h, 's> Mutator<'h, 's> {
    /// Keeps the object alive, and findable, until the scope ends; amortised O(1), a push on a stack.
    ///
    /// # Panics
    ///
    /// When four thousand million handles are open. When there is no memory the process ends, as when any vector grows; see
    /// [`try_root`](Self::try_root).
    #[inline(always)]
    pub fn root<T: Trace>(&self, object: Gc<'h, '_, T>) -> Local<'h, 's, Static<T>> {
        let index = self.handles_mut().push(object.word());
        // SAFETY: the entry just pushed lasts as long as the scope, and refers to a `T`.
        unsafe { Local::at(index) }
    }

    /// The same with an error where there is no memory for one handle more.
    ///
    /// # Errors
    ///
    /// When the stack of handles cannot grow.
    ///
    /// ```
    /// # let mut heap = terrane_gc::Heap::new()?;
    /// heap.enter(|mu| {
    ///     let number = mu.try_root(mu.try_alloc(7)?)?;
    ///     mu.collect_minor();
    ///     assert_eq!(*number.get(mu), 7);
    ///     Ok::<(), terrane_gc::MemoryError>(())
    /// })?;
    /// # Ok::<(), terrane_gc::MemoryError>(())
    /// ```
    #[inline]
    pub fn try_root<T: Trace>(&self, object: Gc<'h, '_, T>) -> Result<Local<'h, 's, Static<T>>, MemoryError> {
        self.handles_mut().try_reserve()?;
        Ok(self.root(object))
    }

    /// Runs `body` in a scope of its own: the handles that it makes end with it.
    ///
    /// ```
    /// # let mut heap = terrane_gc::Heap::new()?;
    /// heap.enter(|mu| {
    ///     for i in 0..1_000_000 {
    ///         mu.scope(|mu| {
    ///             let number = mu.alloc_local(|_| i);
    ///             assert_eq!(*number.get(mu), i);
    ///         });
    ///     }
    /// });
    /// # Ok::<(), terrane_base::MemoryError>(())
    /// ```
    #[inline]
    pub fn scope<R>(&mut self, body: impl for<'t> FnOnce(&mut Mutator<'h, 't>) -> R) -> R {
        let cut = self.open_scope();
        // SAFETY: `self` is borrowed while the inner mutator is used; `cut` ends the scope.
        let mut inner = unsafe { Mutator::new(self.state_cell()) };
        let result = body(&mut inner);
        drop(cut);
        result
    }

    /// Runs `body` in a scope of its own and keeps one object of it, in this scope.
    ///
    /// ```
    /// use terrane_gc::{Gc, Heap, Local, Mutator, Trace};
    ///
    /// #[derive(Trace)]
    /// struct Tree<'h, 'm> {
    ///     left: Option<Gc<'h, 'm, Tree<'h, 'm>>>,
    ///     right: Option<Gc<'h, 'm, Tree<'h, 'm>>>,
    /// }
    /// type TreeLocal<'h, 's> = Local<'h, 's, Tree<'static, 'static>>;
    ///
    /// fn tree<'h, 's>(mu: &mut Mutator<'h, 's>, depth: u32) -> TreeLocal<'h, 's> {
    ///     mu.scope_local(|mu| {
    ///         if depth == 0 {
    ///             return mu.alloc_local(|_| Tree { left: None, right: None });
    ///         }
    ///         let (left, right) = (tree(mu, depth - 1), tree(mu, depth - 1));
    ///         mu.alloc_local(|mu| Tree { left: Some(left.get(mu)), right: Some(right.get(mu)) })
    ///     })
    /// }
    ///
    /// Heap::new()?.enter(|mu| _ = tree(mu, 12));
    /// # Ok::<(), terrane_base::MemoryError>(())
    /// ```
    #[inline]
    pub fn scope_local<T: Trace>(
        &mut self,
        body: impl for<'t> FnOnce(&mut Mutator<'h, 't>) -> Local<'h, 't, T>,
    ) -> Local<'h, 's, T> {
        let cut = self.open_scope();
        // SAFETY: as for `scope`.
        let mut inner = unsafe { Mutator::new(self.state_cell()) };
        let kept = body(&mut inner);
        // SAFETY: the inner scope has not ended yet.
        let word: Word = unsafe { inner.handles().word(kept.index) };
        drop(cut);
        // SAFETY: the entry just pushed lasts as long as this scope, and refers to a `T`.
        unsafe { Local::at(self.handles_mut().push(word)) }
    }

    fn open_scope(&mut self) -> Cut<'h> {
        Cut { state: self.state_cell(), len: self.handles().len() }
    }
}
