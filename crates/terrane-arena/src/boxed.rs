//! A value in an arena that is dropped by its handle.

use core::borrow::{Borrow, BorrowMut};
use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::mem;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

/// Owns a value whose memory belongs to an arena: dropping the box drops the value, exactly once.
///
/// The memory itself goes back with the arena. A box that is forgotten leaks what its value owns, and nothing else.
///
/// # Examples
///
/// ```
/// use std::rc::Rc;
/// use terrane_arena::{Arena, ArenaBox};
///
/// let arena = Arena::new();
/// let shared = Rc::new(1);
/// let held: ArenaBox<Rc<i32>> = arena.alloc_box(Rc::clone(&shared));
/// assert_eq!(Rc::strong_count(&shared), 2);
/// drop(held);
/// assert_eq!(Rc::strong_count(&shared), 1);
/// ```
///
/// A box of a slice comes from `alloc_box_slice_from_iter` or [`ArenaVec::into_boxed_slice`](crate::ArenaVec), one of a
/// `str` from `alloc_box_str`, and one of a trait object from [`unsize`](Self::unsize).
///
/// It does not outlive its arena:
///
/// ```compile_fail,E0505
/// # use terrane_arena::Arena;
/// let arena = Arena::new();
/// let held = arena.alloc_box(String::new());
/// drop(arena);
/// drop(held);
/// ```
pub struct ArenaBox<'a, T: ?Sized> {
    /// Behaves like the `&'a mut T` it was made of, except that the value may be dropped.
    value: NonNull<T>,
    borrow: PhantomData<&'a T>,
    owns: PhantomData<T>,
}

// SAFETY: the box owns its value, and the arena's memory does not care which thread drops what lies there.
unsafe impl<T: ?Sized + Send> Send for ArenaBox<'_, T> {}
// SAFETY: a shared box gives shared access to the value only.
unsafe impl<T: ?Sized + Sync> Sync for ArenaBox<'_, T> {}

impl<'a, T: ?Sized> ArenaBox<'a, T> {
    /// Owns a value that only this reference reaches, and that nobody else drops.
    pub(crate) fn new(value: &'a mut T) -> Self {
        Self { value: NonNull::from(value), borrow: PhantomData, owns: PhantomData }
    }

    /// Gives up the duty to drop the value; it stays in the arena.
    ///
    /// ```
    /// # use terrane_arena::{Arena, ArenaBox};
    /// let arena = Arena::new();
    /// let number: &mut i32 = ArenaBox::leak(arena.alloc_box(1));
    /// *number += 1;
    /// assert_eq!(*number, 2);
    /// ```
    #[must_use = "the value is dropped by nobody now"]
    pub fn leak(boxed: Self) -> &'a mut T {
        let value = mem::ManuallyDrop::new(boxed).value;
        // SAFETY: the box, which nobody has any more, alone reached the value, for `'a`.
        unsafe { &mut *value.as_ptr() }
    }
}

impl<'a, T> ArenaBox<'a, T> {
    /// Moves the value out. Its memory stays with the arena.
    ///
    /// ```
    /// # use terrane_arena::{Arena, ArenaBox};
    /// let arena = Arena::new();
    /// let name = arena.alloc_box(String::from("zone"));
    /// assert_eq!(ArenaBox::into_inner(name), "zone");
    /// ```
    #[must_use]
    pub fn into_inner(boxed: Self) -> T {
        let value = mem::ManuallyDrop::new(boxed).value;
        // SAFETY: the value belongs to the box, which does not drop it any more.
        unsafe { value.read() }
    }

    /// Turns a box of a type into one of a trait object, or a box of an array into one of a slice. (The language does that
    /// by itself only for the types of the standard library.)
    ///
    /// ```
    /// # use terrane_arena::{Arena, ArenaBox};
    /// use std::fmt::Display;
    ///
    /// let arena = Arena::new();
    /// let shown: ArenaBox<dyn Display> = ArenaBox::unsize(arena.alloc_box(5), |value| value);
    /// assert_eq!(shown.to_string(), "5");
    /// ```
    ///
    /// # Panics
    ///
    /// If `coerce` returns a reference to something else than the whole value. The value is then dropped.
    #[must_use]
    pub fn unsize<U: ?Sized>(boxed: Self, coerce: fn(&mut T) -> &mut U) -> ArenaBox<'a, U> {
        let mut boxed = boxed;
        let place = boxed.value.cast::<u8>();
        let unsized_value = NonNull::from(coerce(&mut boxed));
        // SAFETY: the reference is valid; only its size is asked for.
        let size = size_of_val(unsafe { unsized_value.as_ref() });
        assert!(
            unsized_value.cast::<u8>() == place && size == size_of::<T>(),
            "the coercion changed the value and not only its type"
        );
        mem::forget(boxed);
        ArenaBox { value: unsized_value, borrow: PhantomData, owns: PhantomData }
    }
}

impl<T: ?Sized> Drop for ArenaBox<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the value belongs to the box, which ends here.
        unsafe { self.value.drop_in_place() };
    }
}

impl<T: ?Sized> Deref for ArenaBox<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the value belongs to the box.
        unsafe { self.value.as_ref() }
    }
}

impl<T: ?Sized> DerefMut for ArenaBox<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the value belongs to the box, which is borrowed mutably.
        unsafe { self.value.as_mut() }
    }
}

impl<T: ?Sized> AsRef<T> for ArenaBox<'_, T> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: ?Sized> AsMut<T> for ArenaBox<'_, T> {
    fn as_mut(&mut self) -> &mut T {
        self
    }
}

impl<T: ?Sized> Borrow<T> for ArenaBox<'_, T> {
    fn borrow(&self) -> &T {
        self
    }
}

impl<T: ?Sized> BorrowMut<T> for ArenaBox<'_, T> {
    fn borrow_mut(&mut self) -> &mut T {
        self
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for ArenaBox<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for ArenaBox<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + PartialEq> PartialEq for ArenaBox<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: ?Sized + Eq> Eq for ArenaBox<'_, T> {}

impl<T: ?Sized + Hash> Hash for ArenaBox<'_, T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}
