//! Foreign types without references.

use core::ops::{Deref, DerefMut};

use super::{InHeap, Shape, Trace, Tracer};

/// A value of a type that knows nothing of the collector, made traceable.
///
/// What is `'static` can hold no reference to a collected object, since those have shorter lifetimes. A value with a
/// destructor is dropped after the collection that finds its object dead.
///
/// ```
/// use std::time::Duration;
/// use terrane_gc::{Heap, Leaf};
///
/// let mut heap = Heap::new()?;
/// heap.enter(|mu| {
///     let wait = mu.alloc(Leaf(Duration::from_millis(5)));
///     assert_eq!(wait.as_millis(), 5);
/// });
/// # Ok::<(), terrane_base::MemoryError>(())
/// ```
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Leaf<T>(pub T);

impl<T> Deref for Leaf<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Leaf<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

// SAFETY: `'static` excludes references to collected objects.
unsafe impl<T: 'static> Trace for Leaf<T> {
    type At<'h, 'm> = Self;
    const SHAPE: Shape = Shape::LEAF;
    unsafe fn trace(_: *mut Self, _: &mut Tracer<'_>) {}
}

// SAFETY: there are no references.
unsafe impl<'h, 'm, T: 'static> InHeap<'h, 'm> for Leaf<T> {}
