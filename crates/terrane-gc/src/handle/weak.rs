//! References that keep nothing alive.

use core::fmt;
use core::marker::PhantomData;

use crate::heap::Mutator;
use crate::object::{At, InHeap, Shape, Trace, Tracer};

use super::{Gc, HeapId, InvariantType};

/// A reference that does not keep its object alive, and says so when the object is gone.
///
/// It is a number, without a lifetime: it may be kept in objects and outside. An object that came to a
/// [`FinalizerQueue`](crate::FinalizerQueue) is alive again, and so are weak references to it, as long as it lives.
///
/// ```
/// let mut heap = terrane_gc::Heap::new()?;
/// heap.enter(|mu| {
///     let number = mu.alloc(7_i64);
///     let weak = mu.downgrade(number);
///     let kept = mu.root(number);
///     mu.collect_full();
///     assert_eq!(*weak.upgrade(mu).unwrap(), 7);
///     let nothing = mu.alloc(0_i64);
///     kept.set(mu, nothing);
///     mu.collect_full();
///     assert!(weak.upgrade(mu).is_none());
/// });
/// # Ok::<(), terrane_base::MemoryError>(())
/// ```
pub struct Weak<T> {
    heap: HeapId,
    index: u32,
    generation: u32,
    target: InvariantType<T>,
}

impl<T> Clone for Weak<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Weak<T> {}

impl<T> PartialEq for Weak<T> {
    /// Whether both were made of the same object.
    fn eq(&self, other: &Self) -> bool {
        (self.heap, self.index, self.generation) == (other.heap, other.index, other.generation)
    }
}

impl<T> Eq for Weak<T> {}

impl<T> fmt::Debug for Weak<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Weak").field("index", &self.index).finish_non_exhaustive()
    }
}

impl<T> Weak<T> {
    /// # Safety
    ///
    /// The side block `index` of the heap belongs to an object of type `T` while its generation is this one.
    pub(crate) unsafe fn new(heap: HeapId, index: u32, generation: u32) -> Self {
        Self { heap, index, generation, target: PhantomData }
    }
}

impl<T: Trace> Weak<T> {
    /// Whether the object was not found dead yet. Unlike [`upgrade`](Self::upgrade) this does not keep it alive.
    pub(crate) fn is_alive(&self, mu: &Mutator<'_, '_>) -> bool {
        self.heap == mu.heap_id() && mu.is_weak_alive(self.index, self.generation)
    }

    /// The object, if it is alive and of this heap.
    #[must_use]
    pub fn upgrade<'h, 'm>(&self, mu: &'m Mutator<'h, '_>) -> Option<Gc<'h, 'm, At<'h, 'm, T>>> {
        if self.heap != mu.heap_id() {
            return None;
        }
        let word = mu.read_weak(self.index, self.generation)?;
        // SAFETY: the block's object is of type `T` while the generation is the same.
        Some(unsafe { Gc::from_word(word) })
    }
}

// SAFETY: a number is no reference.
unsafe impl<T: Trace> Trace for Weak<T> {
    type At<'h, 'm> = Self;
    const SHAPE: Shape = Shape::LEAF;
    unsafe fn trace(_: *mut Self, _: &mut Tracer<'_>) {}
}

// SAFETY: there are no references.
unsafe impl<'h, 'm, T: Trace> InHeap<'h, 'm> for Weak<T> {}
