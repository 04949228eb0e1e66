//! The trait of everything that may live in a collected heap.

use crate::raw::Word;

use super::Shape;

/// `T` with its heap brand and its moment replaced: `At<'h, 'm, Node<'static, 'static>>` is `Node<'h, 'm>`.
pub type At<'h, 'm, T> = <T as Trace>::At<'h, 'm>;

/// `T` named apart from any heap: `Static<Node<'h, 'm>>` is `Node<'static, 'static>`. Handles that outlive a
/// moment ([`Local`](crate::Local), [`Root`](crate::Root), [`Weak`](crate::Weak)) are generic over it.
pub type Static<T> = <T as Trace>::At<'static, 'static>;

/// A type whose values may live in a collected heap. Derive it.
///
/// ```
/// use terrane_gc::{GcField, Trace};
///
/// #[derive(Trace)]
/// struct Node<'h, 'm> {
///     value: i64,
///     next: GcField<'h, 'm, Node<'h, 'm>>,
/// }
/// ```
///
/// The two lifetimes are always called so: `'h` is the *brand*, which tells one heap from another, and `'m` is the
/// *moment*, the time until the next collection, for which a plain reference may be used. Types without references
/// need neither.
///
/// # Safety
///
/// For those who implement it by hand:
///
/// - `At<'h, 'm>` is the same type but for these two lifetimes, hence of the same layout.
/// - `trace` passes to the tracer each field that may hold a reference, each once, and nothing else; `SHAPE`
///   says the same.
/// - The type has no `Drop` implementation of its own that could look at a reference.
/// - Neither `trace` nor anything it calls unwinds, allocates or changes the value.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot live in a collected heap",
    label = "does not implement `Trace`",
    note = "put `#[derive(Trace)]` on a type of your own; wrap a foreign type without references in `Leaf<_>`, or mark \
            the field with `#[trace(skip)]`",
    note = "`Cell`, `RefCell` and `OnceCell` are traceable only around types without references: use `GcCell` or \
            `GcField` for references that change"
)]
pub unsafe trait Trace {
    /// This type in the heap `'h` at the moment `'m`.
    type At<'h, 'm>: Trace;

    /// Where the references are.
    const SHAPE: Shape;

    /// Passes each field that may hold a reference to the tracer.
    ///
    /// # Safety
    ///
    /// `this` points to an initialised value that nobody else accesses meanwhile.
    unsafe fn trace(this: *mut Self, tracer: &mut Tracer<'_>);
}

/// A type all of whose references are of the heap `'h` and the moment `'m`. Derived with [`Trace`](trait@Trace).
///
/// A `'static` type is in every heap: `Gc<'static, 'static, _>` can be named, but no such value can be made, since
/// [`enter`](crate::Heap::enter) takes any brand and a mutator is never lent out for `'static`.
///
/// It is what keeps heaps apart: a value goes into a heap, or into a cell of an object there, only if it is `InHeap` for
/// the brand of the [`Mutator`](crate::Mutator) at hand. Types without references are so for every heap.
///
/// # Safety
///
/// Every reference in the value has these two lifetimes: `At<'h, 'm>` is `Self`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a value of this heap at this moment",
    label = "holds references of another heap, or does not implement `Trace`",
    note = "put `#[derive(Trace)]` on a type of your own; its references carry the lifetimes `'h` and `'m` of the mutator"
)]
pub unsafe trait InHeap<'h, 'm>: Trace {}

/// What [`Trace::trace`] shows a value's references to.
pub struct Tracer<'a> {
    visit: &'a mut dyn FnMut(*mut Word),
}

impl core::fmt::Debug for Tracer<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Tracer").finish_non_exhaustive()
    }
}

impl<'a> Tracer<'a> {
    pub(crate) fn new(visit: &'a mut dyn FnMut(*mut Word)) -> Self {
        Self { visit }
    }

    /// Traces a field.
    ///
    /// # Safety
    ///
    /// As for [`Trace::trace`].
    #[inline]
    pub unsafe fn field<T: Trace>(&mut self, field: *mut T) {
        if !T::SHAPE.is_leaf() {
            // SAFETY: the caller's promise.
            unsafe { T::trace(field, self) }
        }
    }

    /// Shows one slot: a reference or null.
    #[inline]
    pub(crate) fn slot(&mut self, slot: *mut Word) {
        (self.visit)(slot);
    }
}
