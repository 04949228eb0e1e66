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
/// `str` from `alloc_box_str`, and one of a trait object from [`unsize_box!`](crate::unsize_box).
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
    /// Owned like the value of a `Box`, hence covariant; `borrow` ties it to the borrow of the arena.
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

    /// The value, which the caller is to drop from now on; see [`unsize_box!`](crate::unsize_box).
    #[doc(hidden)]
    #[must_use]
    pub fn into_raw(boxed: Self) -> *mut T {
        mem::ManuallyDrop::new(boxed).value.as_ptr()
    }
}

impl<'a, T: ?Sized> ArenaBox<'a, T> {
    /// See [`unsize_box!`](crate::unsize_box).
    ///
    /// # Safety
    ///
    /// `value` came from [`into_raw`](ArenaBox::into_raw) of a box of this lifetime, once, by no more than an unsizing coercion.
    #[doc(hidden)]
    #[must_use]
    pub unsafe fn from_raw(value: *mut T) -> ArenaBox<'a, T> {
        // SAFETY: a box's value is not null.
        let value = unsafe { NonNull::new_unchecked(value) };
        ArenaBox { value, borrow: PhantomData, owns: PhantomData }
    }
}

/// Turns a box of a type into one of a trait object, or a box of an array into one of a slice. (The language does that by
/// itself only for the types of the standard library.)
///
/// ```
/// use std::fmt::Display;
/// use terrane_arena::{Arena, ArenaBox, unsize_box};
///
/// let arena = Arena::new();
/// let shown: ArenaBox<dyn Display> = unsize_box!(arena.alloc_box(5), dyn Display);
/// assert_eq!(shown.to_string(), "5");
/// let list: ArenaBox<[u8]> = unsize_box!(arena.alloc_box([1, 2]), [u8]);
/// assert_eq!(list.len(), 2);
/// ```
///
/// It does that and nothing else: a box of a wrapper does not become one of what it wraps.
///
/// ```compile_fail,E0308
/// # use terrane_arena::{Arena, ArenaBox, unsize_box};
/// struct Wrapper(u64);
/// let arena = Arena::new();
/// let inner: ArenaBox<u64> = unsize_box!(arena.alloc_box(Wrapper(1)), u64);
/// ```
#[macro_export]
macro_rules! unsize_box {
    ($boxed:expr, $target:ty) => {
        // A `match`, so that the expression does not see the functions.
        match $boxed {
            boxed => {
                fn lifetime_of<'a, T: ?Sized>(
                    _: &$crate::ArenaBox<'a, T>,
                ) -> ::core::marker::PhantomData<&'a ()> {
                    ::core::marker::PhantomData
                }
                fn assume<'a, T: ?Sized>(
                    _: ::core::marker::PhantomData<&'a ()>,
                    value: *mut T,
                ) -> $crate::ArenaBox<'a, T> {
                    // SAFETY: only the lines below call it, with what came from a box of this lifetime. Between raw pointers
                    // the language has no implicit coercion but the unsizing one.
                    unsafe { $crate::ArenaBox::from_raw(value) }
                }
                let lifetime = lifetime_of(&boxed);
                let thin = $crate::ArenaBox::into_raw(boxed);
                let value: *mut $target = thin;
                assume(lifetime, value)
            }
        }
    };
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
