//! Places inside an object whose references change: the write barrier as a type.

use core::cell::UnsafeCell;
use core::fmt;

use crate::heap::Mutator;
use crate::object::{InHeap, Shape, Trace, Tracer};

use super::Gc;

/// A reference in an object that may be absent and may change.
///
/// ```
/// use terrane_gc::{GcField, Heap, Trace};
///
/// #[derive(Trace)]
/// struct Node<'h, 'm> {
///     value: i64,
///     next: GcField<'h, 'm, Node<'h, 'm>>,
/// }
///
/// let mut heap = Heap::new()?;
/// heap.enter(|mu| {
///     let last = mu.alloc(Node { value: 2, next: GcField::null() });
///     let first = mu.alloc(Node { value: 1, next: last.into() });
///     assert_eq!(first.next.get().unwrap().value, 2);
///     first.next.set(mu, None);
///     assert!(first.next.get().is_none());
/// });
/// # Ok::<(), terrane_base::MemoryError>(())
/// ```
pub type GcField<'h, 'm, T> = GcCell<Option<Gc<'h, 'm, T>>>;

/// A place in an object whose value, with its references, is read by copy and replaced whole.
///
/// [`set`](Self::set) contains the write barrier. An enum with references is kept in a `GcCell`:
///
/// ```
/// use terrane_gc::{Gc, GcCell, Heap, Trace};
///
/// #[derive(Trace, Clone, Copy)]
/// enum Value<'h, 'm> {
///     Nil,
///     Number(f64),
///     Pair(Gc<'h, 'm, Pair<'h, 'm>>),
/// }
///
/// #[derive(Trace)]
/// struct Pair<'h, 'm> {
///     head: GcCell<Value<'h, 'm>>,
///     tail: GcCell<Value<'h, 'm>>,
/// }
///
/// let mut heap = Heap::new()?;
/// heap.enter(|mu| {
///     let pair = mu.alloc(Pair { head: GcCell::new(Value::Number(1.5)), tail: GcCell::new(Value::Nil) });
///     pair.tail.set(mu, Value::Pair(pair));
///     assert!(matches!(pair.tail.get(), Value::Pair(same) if same.same(pair)));
/// });
/// # Ok::<(), terrane_base::MemoryError>(())
/// ```
#[repr(transparent)]
pub struct GcCell<V> {
    value: UnsafeCell<V>,
}

impl<V: Copy> GcCell<V> {
    /// A cell that holds `value`.
    #[inline(always)]
    pub const fn new(value: V) -> Self {
        Self { value: UnsafeCell::new(value) }
    }

    /// What the cell holds.
    #[inline(always)]
    #[must_use]
    pub fn get(&self) -> V {
        // SAFETY: a cell is not `Sync`, and nobody keeps a reference to what is inside.
        unsafe { *self.value.get() }
    }

    /// Replaces what the cell holds.
    ///
    /// The barrier costs a few comparisons while both the object and the new value are young, or both old. On a value
    /// that is not in the heap yet it does nothing more than store.
    #[inline(always)]
    pub fn set<'h, 'm>(&self, mu: &'m Mutator<'h, '_>, value: V)
    where
        V: InHeap<'h, 'm>,
    {
        if V::SHAPE.is_leaf() {
            // SAFETY: as for `get`.
            unsafe { self.value.get().write(value) };
        } else {
            // SAFETY: as for `get`; the bound makes `value` one of the mutator's own heap.
            unsafe { mu.write_barrier(self.value.get(), value) };
        }
    }
}

impl<T> GcField<'_, '_, T> {
    /// A cell that holds no reference.
    #[inline(always)]
    #[must_use]
    pub const fn null() -> Self {
        Self::new(None)
    }
}

impl<V: Copy + fmt::Debug> fmt::Debug for GcCell<V> {
    /// Shows that there is a cell, and not what is in it: objects may refer to one another in circles.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GcCell").finish_non_exhaustive()
    }
}

impl<V: Copy + Default> Default for GcCell<V> {
    fn default() -> Self {
        Self::new(V::default())
    }
}

impl<'h, 'm, T> From<Gc<'h, 'm, T>> for GcField<'h, 'm, T> {
    #[inline(always)]
    fn from(target: Gc<'h, 'm, T>) -> Self {
        Self::new(Some(target))
    }
}

impl<'h, 'm, T> From<Option<Gc<'h, 'm, T>>> for GcField<'h, 'm, T> {
    #[inline(always)]
    fn from(target: Option<Gc<'h, 'm, T>>) -> Self {
        Self::new(target)
    }
}

// SAFETY: a cell has the slots of its value.
unsafe impl<V: Trace> Trace for GcCell<V> {
    type At<'h, 'm> = GcCell<V::At<'h, 'm>>;
    const SHAPE: Shape = V::SHAPE;

    #[inline]
    unsafe fn trace(this: *mut Self, tracer: &mut Tracer<'_>) {
        // SAFETY: the cell is transparent, and the caller's promise.
        unsafe { tracer.field(this.cast::<V>()) }
    }
}

// SAFETY: the references are those of the value.
unsafe impl<'h, 'm, V: InHeap<'h, 'm>> InHeap<'h, 'm> for GcCell<V> {}
