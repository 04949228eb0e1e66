//! Handles that survive collections.

use core::fmt;
use core::marker::PhantomData;

use crate::heap::Mutator;
use crate::object::{At, Trace};

use super::{Gc, Invariant, InvariantType};

/// A handle to an object of the heap `'h`, good until the scope `'s` ends, collections notwithstanding.
///
/// It is an index into the heap's handle stack, which the collector updates. `T` is the type apart from the heap, with
/// `'static` for both lifetimes; name it once:
///
/// ```
/// use terrane_gc::{GcField, Heap, Local, Mutator, Trace};
///
/// #[derive(Trace)]
/// struct Node<'h, 'm> {
///     value: i64,
///     next: GcField<'h, 'm, Node<'h, 'm>>,
/// }
/// type List<'h, 's> = Local<'h, 's, Node<'static, 'static>>;
///
/// fn push<'h, 's>(mu: &mut Mutator<'h, 's>, list: List<'h, '_>, value: i64) -> List<'h, 's> {
///     mu.safepoint();
///     let node = mu.alloc(Node { value, next: list.get(mu).into() });
///     mu.root(node)
/// }
///
/// let mut heap = Heap::new()?;
/// heap.enter(|mu| {
///     let last = mu.alloc(Node { value: 2, next: GcField::null() });
///     let last = mu.root(last);
///     let list = push(mu, last, 1);
///     mu.collect_full();
///     assert_eq!(list.get(mu).next.get().unwrap().value, 2);
/// });
/// # Ok::<(), terrane_base::MemoryError>(())
/// ```
///
/// A function takes handles of any scope, `Local<'h, '_, T>`, and returns those of its caller's, `Local<'h, 's, T>` with
/// the `'s` of the mutator. A handle does not leave its scope:
///
/// ```compile_fail
/// # let mut heap = terrane_gc::Heap::new().unwrap();
/// heap.enter(|mu| {
///     let mut kept = None;
///     mu.scope(|mu| {
///         let number = mu.alloc(1_i64);
///         kept = Some(mu.root(number));
///     });
/// });
/// ```
pub struct Local<'h, 's, T> {
    pub(crate) index: u32,
    brand: Invariant<'h>,
    scope: Invariant<'s>,
    /// The handle can be made to refer to another object.
    target: InvariantType<T>,
    thread: PhantomData<*const ()>,
}

impl<T> Clone for Local<'_, '_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Local<'_, '_, T> {}

impl<T> fmt::Debug for Local<'_, '_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Local").field(&self.index).finish()
    }
}

impl<'h, 's, T> Local<'h, 's, T> {
    /// # Safety
    ///
    /// For the scope `'s` the handle stack of the heap `'h` has an entry `index`, which refers to an object of type `T`.
    pub(crate) unsafe fn at(index: u32) -> Self {
        Self { index, brand: PhantomData, scope: PhantomData, target: PhantomData, thread: PhantomData }
    }
}

impl<'h, T: Trace> Local<'h, '_, T> {
    /// The object, for this moment. A load.
    #[inline(always)]
    #[must_use]
    pub fn get<'m>(self, mu: &'m Mutator<'h, '_>) -> Gc<'h, 'm, At<'h, 'm, T>> {
        // SAFETY: the scope lasts, so the entry is there and refers to a `T`; a collection would need `&mut`.
        unsafe { Gc::from_word(mu.handles().word(self.index)) }
    }

    /// Makes the handle refer to another object. For loops, which would otherwise fill the scope with handles.
    ///
    /// ```
    /// # let mut heap = terrane_gc::Heap::new()?;
    /// heap.enter(|mu| {
    ///     let sum = mu.alloc(0_i64);
    ///     let sum = mu.root(sum);
    ///     for i in 1..=10 {
    ///         let next = mu.alloc(*sum.get(mu) + i);
    ///         sum.set(mu, next);
    ///         mu.safepoint();
    ///     }
    ///     assert_eq!(*sum.get(mu), 55);
    /// });
    /// # Ok::<(), terrane_base::MemoryError>(())
    /// ```
    #[inline(always)]
    pub fn set<'m, U>(self, mu: &'m Mutator<'h, '_>, target: Gc<'h, 'm, U>)
    where
        U: Trace<At<'static, 'static> = T>,
    {
        // SAFETY: the scope lasts, so the entry is there; the new target is of the same type and heap.
        unsafe {
            if mu.handles().is_undelivered(self.index) {
                mu.keep_handle(self.index);
            }
            mu.handles_mut().replace(self.index, target.word());
        }
    }
}
