//! A vector in the heap.

use core::cell::Cell;
use core::fmt;

use terrane_base::MemoryError;

use crate::handle::{Gc, GcCell};
use crate::heap::{Mutator, out_of_memory};
use crate::object::{InHeap, Shape, Trace, Tracer};

use super::{Array, GcArray};

/// Elements of the first array.
const CAPACITY_MIN: usize = 4;

/// A growable vector: a length and an [`Array`] that is replaced by one twice as long when it is full.
///
/// ```
/// use terrane_gc::{Gc, GcVec, Heap};
///
/// let mut heap = Heap::new()?;
/// heap.enter(|mu| {
///     let squares = mu.alloc(GcVec::new());
///     (0..100_u64).for_each(|i| squares.push(mu, i * i));
///     assert_eq!((squares.len(), squares.get(9)), (100, Some(81)));
///     assert_eq!(squares.iter().sum::<u64>(), 328_350);
///     assert_eq!(squares.pop(mu), Some(9801));
/// });
/// # Ok::<(), terrane_base::MemoryError>(())
/// ```
pub struct GcVec<'h, 'm, V> {
    len: Cell<usize>,
    array: GcCell<Option<GcArray<'h, 'm, Option<V>>>>,
}

impl<V> fmt::Debug for GcVec<'_, '_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GcVec").field("len", &self.len.get()).finish_non_exhaustive()
    }
}

impl<V> Default for GcVec<'_, '_, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> GcVec<'_, '_, V> {
    /// An empty vector, without an array yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { len: Cell::new(0), array: GcCell::new(None) }
    }

    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len.get()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// For how many elements there is room without a new array.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.array.get().map_or(0, |array| array.len())
    }
}

impl<'h, 'm, V> GcVec<'h, 'm, V>
where
    V: InHeap<'h, 'm> + Copy,
{
    /// The element, if there is one of this index. O(1).
    #[must_use]
    pub fn get(&self, index: usize) -> Option<V> {
        if index >= self.len() {
            return None;
        }
        self.array.get()?.get(index)?.get()
    }

    /// Replaces an element. O(1).
    ///
    /// # Panics
    ///
    /// When there is no element of this index.
    #[track_caller]
    pub fn set(&self, mu: &'m Mutator<'h, '_>, index: usize, value: V) {
        let len = self.len();
        assert!(index < len, "index {index} out of bounds: the vector has {len} elements");
        if let Some(array) = self.array.get() {
            array[index].set(mu, Some(value));
        }
    }

    /// Adds an element at the end; amortised O(1). Never collects.
    ///
    /// # Panics
    ///
    /// At the heap's limit.
    #[track_caller]
    pub fn push(&self, mu: &'m Mutator<'h, '_>, value: V) {
        if let Err(error) = self.try_push(mu, value) {
            out_of_memory(error);
        }
    }

    /// The same with an error where `push` panics.
    ///
    /// # Errors
    ///
    /// When the array must grow and there is no room for a new one. The vector is as it was.
    pub fn try_push(&self, mu: &'m Mutator<'h, '_>, value: V) -> Result<(), MemoryError> {
        let len = self.len();
        let array = match self.array.get() {
            Some(array) if len < array.len() => array,
            full => self.grow(mu, full)?,
        };
        array[len].set(mu, Some(value));
        self.len.set(len + 1);
        Ok(())
    }

    /// Takes the last element off. O(1).
    pub fn pop(&self, mu: &'m Mutator<'h, '_>) -> Option<V> {
        let last = self.len().checked_sub(1)?;
        let array = self.array.get()?;
        let cell = &array[last];
        let value = cell.get();
        // What is not in the vector any more is not kept alive by it.
        cell.set(mu, None);
        self.len.set(last);
        value
    }

    /// Takes all elements off but the first `len`. O(elements taken off).
    pub fn truncate(&self, mu: &'m Mutator<'h, '_>, len: usize) {
        while self.len() > len {
            self.pop(mu);
        }
    }

    /// The elements, by copy. Those pushed meanwhile are seen.
    pub fn iter(&self) -> impl Iterator<Item = V> {
        (0..).map_while(|index| self.get(index))
    }

    #[cold]
    #[inline(never)]
    fn grow(
        &self,
        mu: &'m Mutator<'h, '_>,
        full: Option<GcArray<'h, 'm, Option<V>>>,
    ) -> Result<Gc<'h, 'm, Array<Option<V>>>, MemoryError> {
        let capacity = self.capacity().saturating_mul(2).max(CAPACITY_MIN);
        let array = mu.try_alloc_array(capacity, None)?;
        for (to, from) in array.iter().zip(full.iter().flat_map(|full| full.iter())) {
            to.set(mu, from.get());
        }
        self.array.set(mu, Some(array));
        Ok(array)
    }
}

// SAFETY: the array is the only reference.
unsafe impl<V: Trace> Trace for GcVec<'_, '_, V> {
    type At<'h, 'm> = GcVec<'h, 'm, V::At<'h, 'm>>;
    const SHAPE: Shape = Shape::Words(1).at(core::mem::offset_of!(Self, array));

    unsafe fn trace(this: *mut Self, tracer: &mut Tracer<'_>) {
        // SAFETY: the caller's promise; a cell of one reference is a slot.
        tracer.slot(unsafe { (&raw mut (*this).array).cast() });
    }
}

// SAFETY: the references are the array and those of the elements.
unsafe impl<'h, 'm, V: InHeap<'h, 'm>> InHeap<'h, 'm> for GcVec<'h, 'm, V> {}
