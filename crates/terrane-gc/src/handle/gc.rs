//! The plain reference.

use core::cell::Cell;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::num::NonZeroUsize;
use core::ops::Deref;

use crate::object::{InHeap, Shape, Trace, Tracer};
use crate::raw::Word;

/// Makes a lifetime invariant: neither longer nor shorter ones will do.
pub(crate) type Invariant<'a> = PhantomData<Cell<&'a ()>>;

/// Makes a type parameter invariant: for what can be both read and replaced.
pub(crate) type InvariantType<T> = PhantomData<fn(T) -> T>;

/// A reference to an object of the heap `'h`, good until the next collection.
///
/// It is a pointer and nothing else: copied, compared and followed at no cost. It borrows the mutator for `'m`, so the
/// borrow checker ends its life where a collection could move the object:
///
/// ```compile_fail,E0502
/// # let mut heap = terrane_gc::Heap::new().unwrap();
/// heap.enter(|mu| {
///     let number = mu.alloc(7_i64);
///     mu.collect_minor();
///     assert_eq!(*number, 7); // the object has moved
/// });
/// ```
///
/// To keep an object for longer, see [`Local`](crate::Local) and [`Root`](crate::Root).
#[repr(transparent)]
pub struct Gc<'h, 'm, T> {
    /// Address of the value. The collector writes addresses into slots as numbers, so a slot is no Rust pointer: it has
    /// no provenance but the one that the heap exposed.
    value: NonZeroUsize,
    brand: Invariant<'h>,
    moment: Invariant<'m>,
    target: PhantomData<*const T>,
}

impl<T> Clone for Gc<'_, '_, T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Gc<'_, '_, T> {}

impl<T> Deref for Gc<'_, '_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: until the moment `'m` ends the object is where it is, alive and initialised; nobody has `&mut` to it.
        unsafe { &*self.pointer() }
    }
}

impl<T: fmt::Debug> fmt::Debug for Gc<'_, '_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for Gc<'_, '_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<'h, 'm, T> Gc<'h, 'm, T> {
    /// # Safety
    ///
    /// `word` refers to a `T` of the heap `'h`, and no collection runs during `'m`.
    #[inline(always)]
    pub(crate) unsafe fn from_word(word: Word) -> Self {
        // SAFETY: a reference is not null.
        let value = unsafe { NonZeroUsize::new_unchecked(word.0 as usize) };
        Self { value, brand: PhantomData, moment: PhantomData, target: PhantomData }
    }

    #[inline(always)]
    pub(crate) fn word(self) -> Word {
        Word(self.value.get() as u64)
    }

    #[inline(always)]
    fn pointer(self) -> *const T {
        core::ptr::with_exposed_provenance(self.value.get())
    }

    /// The value, for as long as the moment lasts: longer than a `deref` of a copy. An associated function, so that it
    /// hides no method of the value.
    #[inline(always)]
    #[must_use]
    pub fn reference(object: Self) -> &'m T {
        // SAFETY: as for `deref`.
        unsafe { &*object.pointer() }
    }

    /// Whether both refer to the same object.
    ///
    /// ```
    /// # let mut heap = terrane_gc::Heap::new()?;
    /// heap.enter(|mu| {
    ///     let (one, other) = (mu.alloc(1_i64), mu.alloc(1_i64));
    ///     assert!(one.same(one) && !one.same(other));
    /// });
    /// # Ok::<(), terrane_base::MemoryError>(())
    /// ```
    #[inline(always)]
    #[must_use]
    pub fn same(self, other: Self) -> bool {
        self.value == other.value
    }

    /// Where the object is at this moment. The next collection may move it: for a stable number see
    /// [`Mutator::identity`](crate::Mutator::identity).
    #[must_use]
    pub fn address(self) -> usize {
        self.value.get()
    }
}

impl<T: PartialEq> PartialEq for Gc<'_, '_, T> {
    /// Compares the values, as other references do; for the objects see [`same`](Gc::same).
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Gc<'_, '_, T> {}

impl<T: Hash> Hash for Gc<'_, '_, T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

// SAFETY: a reference is its own only slot.
unsafe impl<T: Trace> Trace for Gc<'_, '_, T> {
    type At<'h, 'm> = Gc<'h, 'm, T::At<'h, 'm>>;
    const SHAPE: Shape = Shape::Words(1);

    #[inline]
    unsafe fn trace(this: *mut Self, tracer: &mut Tracer<'_>) {
        tracer.slot(this.cast());
    }
}

// SAFETY: the reference and those of its target have the two lifetimes.
unsafe impl<'h, 'm, T: InHeap<'h, 'm>> InHeap<'h, 'm> for Gc<'h, 'm, T> {}
