//! References to objects of different types behind one trait.

use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;

use crate::object::{InHeap, Shape, Trace, Tracer};
use crate::raw::Word;

use super::{Gc, Invariant};

/// A reference to an object known only by a trait: what `Gc<dyn Trait>` would be.
///
/// It is two words, the reference and a function that looks at the object as the trait. (A Rust `dyn` reference
/// keeps its words in an unspecified order, and the collector must find the first.) In an object it is kept in a
/// [`GcCell`](crate::GcCell) or as it is.
///
/// ```
/// use terrane_gc::{GcDyn, Heap, Trace};
///
/// trait Shape { fn area(&self) -> f64; }
/// #[derive(Trace)] struct Square(f64);
/// #[derive(Trace)] struct Circle(f64);
/// impl Shape for Square { fn area(&self) -> f64 { self.0 * self.0 } }
/// impl Shape for Circle { fn area(&self) -> f64 { self.0 * self.0 * std::f64::consts::PI } }
///
/// let mut heap = Heap::new()?;
/// heap.enter(|mu| {
///     let square: GcDyn<dyn Shape> = GcDyn::new(mu.alloc(Square(2.0)), |square| square);
///     let circle: GcDyn<dyn Shape> = GcDyn::new(mu.alloc(Circle(1.0)), |circle| circle);
///     assert!(square.area() > circle.area());
/// });
/// # Ok::<(), terrane_base::MemoryError>(())
/// ```
#[repr(C)]
pub struct GcDyn<'h, 'm, D: ?Sized> {
    object: Word,
    /// A `fn(&T) -> &D`, with the type of the object erased.
    view: unsafe fn(*const ()) -> *const (),
    brand: Invariant<'h>,
    moment: Invariant<'m>,
    /// Bound to the thread, as every reference.
    target: PhantomData<*const D>,
}

impl<D: ?Sized> Clone for GcDyn<'_, '_, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D: ?Sized> Copy for GcDyn<'_, '_, D> {}

impl<D: ?Sized> fmt::Debug for GcDyn<'_, '_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GcDyn").field("object", &self.object).finish_non_exhaustive()
    }
}

impl<'h, 'm, D: ?Sized> GcDyn<'h, 'm, D> {
    /// Looks at an object as `D`. `view` is usually `|object| object`.
    #[must_use]
    pub fn new<T>(object: Gc<'h, 'm, T>, view: for<'a> fn(&'a T) -> &'a D) -> Self {
        // SAFETY: a function pointer, turned back before it is called, to one that takes a thin pointer instead of a
        // reference to a sized type and answers a pointer to the same `D`: types that the documentation of `fn` calls
        // compatible in their ABI.
        let view = unsafe {
            core::mem::transmute::<for<'a> fn(&'a T) -> &'a D, unsafe fn(*const ()) -> *const ()>(view)
        };
        Self { object: object.word(), view, brand: PhantomData, moment: PhantomData, target: PhantomData }
    }
}

impl<D: ?Sized> Deref for GcDyn<'_, '_, D> {
    type Target = D;

    fn deref(&self) -> &D {
        let object = core::ptr::with_exposed_provenance::<()>(self.object.0 as usize);
        // SAFETY: `view` was a function from a reference to the object's type to one to `D`. The object is alive until
        // the moment ends.
        unsafe {
            let view = core::mem::transmute::<
                unsafe fn(*const ()) -> *const (),
                unsafe fn(*const ()) -> *const D,
            >(self.view);
            &*view(object)
        }
    }
}

// SAFETY: the first word is a reference, the second is not.
unsafe impl<D: ?Sized + 'static> Trace for GcDyn<'_, '_, D> {
    type At<'h, 'm> = GcDyn<'h, 'm, D>;
    const SHAPE: Shape = Shape::Words(1);

    unsafe fn trace(this: *mut Self, tracer: &mut Tracer<'_>) {
        // SAFETY: the caller's promise.
        tracer.slot(unsafe { &raw mut (*this).object });
    }
}

// SAFETY: the reference has the two lifetimes. Its target may be a type with references, made for an earlier moment, and
// `view` is then called at a later one; but `view` is a `fn` and captures nothing, so all that it can answer is a part of
// what it is given, as a `D` that is `'static`: no lifetime of the target leaves it.
unsafe impl<'h, 'm, D: ?Sized + 'static> InHeap<'h, 'm> for GcDyn<'h, 'm, D> {}
