//! [`Trace`] for types of the language and of the standard library.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::{Cell, OnceCell, RefCell};
use core::marker::PhantomData;

use super::{InHeap, Shape, Trace, Tracer};

/// Types that hold no references: themselves in every heap.
macro_rules! leaves {
    ($($(#[$attribute:meta])* [$($generics:tt)*] $type:ty),* $(,)?) => { $(
        // SAFETY: `'static` excludes references to collected objects.
        unsafe impl<$($generics)*> Trace for $type {
            type At<'h, 'm> = Self;
            const SHAPE: Shape = Shape::LEAF;
            unsafe fn trace(_: *mut Self, _: &mut Tracer<'_>) {}
        }
        // SAFETY: there are no references.
        unsafe impl<'h, 'm, $($generics)*> InHeap<'h, 'm> for $type {}
    )* };
}

leaves! {
    [] (), [] bool, [] char,
    [] u8, [] u16, [] u32, [] u64, [] usize, [] i8, [] i16, [] i32, [] i64, [] isize, [] f32, [] f64,
    [] core::num::NonZeroU32, [] core::num::NonZeroU64, [] core::num::NonZeroUsize,
    [] &'static str, [] String, [] Box<str>, [] Arc<str>, [] Rc<str>,
    [T: 'static] Box<T>, [T: 'static] Vec<T>, [T: 'static] Rc<T>, [T: 'static] Arc<T>,
    [T: 'static] Cell<T>, [T: 'static] RefCell<T>, [T: 'static] OnceCell<T>,
    [T: 'static + ?Sized] PhantomData<T>,
}

// SAFETY: the reference of `Some` is that of `T`; `None` of a reference is null, and of anything else is told apart.
unsafe impl<T: Trace> Trace for Option<T> {
    type At<'h, 'm> = Option<T::At<'h, 'm>>;
    // Eight bytes with a reference in them are a reference and nothing else, whose only niche is null: so is the option
    // then a reference or null. Without a niche it has a tag in front.
    const SHAPE: Shape = match T::SHAPE {
        Shape::Words(0) => Shape::LEAF,
        Shape::Words(1) if size_of::<Self>() == 8 => Shape::Words(1),
        _ => Shape::Dynamic,
    };

    #[inline]
    unsafe fn trace(this: *mut Self, tracer: &mut Tracer<'_>) {
        // SAFETY: the caller's promise.
        if let Some(value) = unsafe { &mut *this } {
            // SAFETY: the value is initialised and ours, as the option is.
            unsafe { tracer.field(value) }
        }
    }
}

// SAFETY: the references are those of `T`.
unsafe impl<'h, 'm, T: InHeap<'h, 'm>> InHeap<'h, 'm> for Option<T> {}

// SAFETY: the references are those of `T`.
unsafe impl<'h, 'm, T: InHeap<'h, 'm>, const N: usize> InHeap<'h, 'm> for [T; N] {}

// SAFETY: every element is traced.
unsafe impl<T: Trace, const N: usize> Trace for [T; N] {
    type At<'h, 'm> = [T::At<'h, 'm>; N];
    const SHAPE: Shape = {
        let (mut shape, mut index) = (Shape::LEAF, 0);
        // Past the 64 words of a map the shape is dynamic, and stays so.
        while index < N && !T::SHAPE.is_leaf() && !matches!(shape, Shape::Dynamic) {
            shape = shape.and(T::SHAPE.at(index * size_of::<T>()));
            index += 1;
        }
        shape
    };

    unsafe fn trace(this: *mut Self, tracer: &mut Tracer<'_>) {
        for index in 0..N {
            // SAFETY: an element of the array, initialised and ours.
            unsafe { tracer.field(this.cast::<T>().add(index)) }
        }
    }
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),+))*) => { $(
        // SAFETY: every element is traced.
        unsafe impl<$($name: Trace),+> Trace for ($($name,)+) {
            type At<'h, 'm> = ($($name::At<'h, 'm>,)+);
            const SHAPE: Shape = Shape::LEAF$(.and($name::SHAPE.at(core::mem::offset_of!(Self, $index))))+;

            unsafe fn trace(this: *mut Self, tracer: &mut Tracer<'_>) {
                // SAFETY: elements of the tuple, initialised and ours.
                unsafe { $(tracer.field(&raw mut (*this).$index);)+ }
            }
        }

        // SAFETY: the references are those of the elements.
        unsafe impl<'h, 'm, $($name: InHeap<'h, 'm>),+> InHeap<'h, 'm> for ($($name,)+) {}
    )* };
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
}
