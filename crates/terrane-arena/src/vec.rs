//! A vector that grows in an arena.
//!
//! How its buffer grows is in `buffer.rs`; here it is filled, read and given up.

use crate::arena::Arena;
use crate::boxed::ArenaBox;
use crate::buffer::{self, Buffer, layout};
use crate::bump::Bump;
use crate::low_end;
use crate::resize;
use core::fmt;
use core::hint;
use core::marker::PhantomData;
use core::mem;
use core::ops::{Deref, DerefMut};
use core::ptr::{self, NonNull};
use core::slice;
use terrane_base::MemoryError;

/// A vector in an arena, or in a frame. Made by the `vec` method of [`Arena`] and its like.
///
/// Dropping it drops the elements, and gives the buffer back if that is the arena's last value.
/// [`into_slice`](Self::into_slice) keeps them in the arena.
///
/// # Examples
///
/// ```
/// use terrane_arena::Arena;
///
/// let arena = Arena::new();
/// let mut squares = arena.vec();
/// for i in 0..100 {
///     squares.push(i * i);
/// }
/// assert_eq!(squares.len(), 100);
/// let squares: &mut [i32] = squares.into_slice();
/// assert_eq!(squares[9], 81);
/// ```
pub struct ArenaVec<'a, T, R: Bump = Arena> {
    room: &'a R,
    place: NonNull<T>,
    len: usize,
    capacity: usize,
    owns: PhantomData<T>,
}

impl<'a, T, R: Bump> ArenaVec<'a, T, R> {
    const ZERO_SIZED: bool = size_of::<T>() == 0;

    #[inline]
    pub(crate) fn new(room: &'a R) -> Self {
        let capacity = if Self::ZERO_SIZED { usize::MAX } else { 0 };
        Self { room, place: NonNull::dangling(), len: 0, capacity, owns: PhantomData }
    }

    /// An empty vector with all the room that there is.
    #[inline]
    pub(crate) fn with_all_room(room: &'a R) -> Self {
        let Buffer { place, len, capacity } = Buffer::of_all_room(room);
        Self { room, place, len, capacity, owns: PhantomData }
    }

    /// Appends an element. Amortised constant time.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let arena = Arena::new();
    /// let mut words = arena.vec();
    /// words.push("one");
    /// assert_eq!(*words, ["one"]);
    /// ```
    ///
    /// # Panics
    ///
    /// If the vector has to grow and no block is to be had; see [`try_push`](Self::try_push).
    #[inline]
    pub fn push(&mut self, value: T) {
        if self.len == self.capacity {
            hint::cold_path();
            self.grow_or_panic(1);
        }
        // SAFETY: there is room for one more.
        unsafe { self.push_unchecked(value) };
    }

    /// Appends an element.
    ///
    /// ```
    /// use terrane_arena::{Arena, Bytes};
    ///
    /// let arena = Arena::new().with_limit(Bytes::ZERO);
    /// let mut words = arena.vec();
    /// assert!(words.try_push(1u64).is_err());
    /// assert!(words.is_empty());
    /// ```
    ///
    /// # Errors
    ///
    /// [`MemoryError`] if the vector has to grow and no block is to be had. `value` is dropped then; the elements stay.
    #[inline]
    pub fn try_push(&mut self, value: T) -> Result<(), MemoryError> {
        if self.len == self.capacity {
            hint::cold_path();
            self.try_grow(1)?;
        }
        // SAFETY: there is room for one more.
        unsafe { self.push_unchecked(value) };
        Ok(())
    }

    /// # Safety
    ///
    /// The length is below the capacity.
    #[inline(always)]
    unsafe fn push_unchecked(&mut self, value: T) {
        // SAFETY: the caller vouches for the room.
        unsafe { self.place.add(self.len).write(value) };
        self.len += 1;
    }

    /// Takes the last element off.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let arena = Arena::new();
    /// let mut words = arena.vec();
    /// words.push("one");
    /// assert_eq!((words.pop(), words.pop()), (Some("one"), None));
    /// ```
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        self.len = self.len.checked_sub(1)?;
        // SAFETY: this element is there, and by the new length nobody will read it again.
        Some(unsafe { self.place.add(self.len).read() })
    }

    /// Makes room for `additional` more elements.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let arena = Arena::new();
    /// let mut words = arena.vec::<u64>();
    /// words.reserve(100);
    /// assert!(words.capacity() >= 100);
    /// ```
    ///
    /// # Panics
    ///
    /// If no block is to be had; see [`try_reserve`](Self::try_reserve).
    #[inline]
    pub fn reserve(&mut self, additional: usize) {
        if additional > self.capacity - self.len {
            self.grow_or_panic(additional);
        }
    }

    /// Makes room for `additional` more elements.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let arena = Arena::new();
    /// let mut words = arena.vec::<u64>();
    /// words.try_reserve(100)?;
    /// assert!(words.capacity() >= 100);
    /// assert!(words.try_reserve(usize::MAX).is_err());
    /// # Ok::<(), terrane_arena::MemoryError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`MemoryError`] if no block is to be had, or none can ever be as large.
    #[inline]
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), MemoryError> {
        if additional > self.capacity - self.len { self.try_grow(additional) } else { Ok(()) }
    }

    /// How many elements fit before the vector has to grow.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let arena = Arena::new();
    /// let mut words = arena.vec::<u64>();
    /// words.reserve(10);
    /// assert!(words.capacity() >= 10);
    /// ```
    #[must_use]
    #[inline]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Appends copies of the elements of a slice.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let arena = Arena::new();
    /// let mut numbers = arena.vec();
    /// numbers.extend_from_slice(&[1, 2, 3]);
    /// assert_eq!(*numbers, [1, 2, 3]);
    /// ```
    ///
    /// # Panics
    ///
    /// If the vector has to grow and no block is to be had.
    #[inline]
    pub fn extend_from_slice(&mut self, source: &[T])
    where
        T: Copy,
    {
        self.reserve(source.len());
        // SAFETY: room was just made.
        unsafe { self.append_copy(source) };
    }

    /// Appends copies of the elements of a slice.
    ///
    /// ```
    /// use terrane_arena::{Arena, Bytes};
    ///
    /// let arena = Arena::new().with_limit(Bytes::ZERO);
    /// let mut numbers = arena.vec();
    /// assert!(numbers.try_extend_from_slice(&[1, 2, 3]).is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// [`MemoryError`] if the vector has to grow and no block is to be had; nothing is appended then.
    #[inline]
    pub fn try_extend_from_slice(&mut self, source: &[T]) -> Result<(), MemoryError>
    where
        T: Copy,
    {
        self.try_reserve(source.len())?;
        // SAFETY: room was just made.
        unsafe { self.append_copy(source) };
        Ok(())
    }

    /// # Safety
    ///
    /// There is room for the source.
    #[inline(always)]
    unsafe fn append_copy(&mut self, source: &[T])
    where
        T: Copy,
    {
        // SAFETY: the caller vouches for the room; a borrowed slice does not lie in the free part of the buffer.
        unsafe { ptr::copy_nonoverlapping(source.as_ptr(), self.place.add(self.len).as_ptr(), source.len()) };
        self.len += source.len();
    }

    /// Keeps the elements in the arena, as a slice. What the buffer has left over goes back if that can be done at small
    /// cost. Destructors do not run any more.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let arena = Arena::new();
    /// let mut numbers = arena.vec();
    /// numbers.push(1);
    /// let numbers: &mut [i32] = numbers.into_slice();
    /// numbers[0] += 1;
    /// assert_eq!(numbers, [2]);
    /// ```
    #[must_use]
    #[inline]
    pub fn into_slice(self) -> &'a mut [T] {
        let (place, len) = self.into_parts();
        // SAFETY: the elements are there, in memory of the arena that belongs to the vector alone, which is gone.
        unsafe { slice::from_raw_parts_mut(place.as_ptr(), len) }
    }

    /// Keeps the elements in the arena, as a slice whose owner drops them.
    ///
    /// ```
    /// # use terrane_arena::{Arena, ArenaBox};
    /// let arena = Arena::new();
    /// let mut names = arena.vec();
    /// names.push(String::from("one"));
    /// let names: ArenaBox<[String]> = names.into_boxed_slice();
    /// assert_eq!(&*names, ["one"]);
    /// ```
    #[must_use]
    #[inline]
    pub fn into_boxed_slice(self) -> ArenaBox<'a, [T]> {
        ArenaBox::new(self.into_slice())
    }

    /// Gives the buffer up, cut to its length.
    #[inline]
    pub(crate) fn into_parts(self) -> (NonNull<T>, usize) {
        let mut this = mem::ManuallyDrop::new(self);
        if !Self::ZERO_SIZED && this.len < this.capacity {
            this.shrink();
        }
        (this.place, this.len)
    }

    #[inline(always)]
    fn shrink(&mut self) {
        let (old, new) = (layout::<T>(self.capacity), layout::<T>(self.len));
        // SAFETY: the buffer came from this room with this layout and belongs to the vector, which uses `len` elements of it.
        if unsafe { low_end::cut(self.room, self.place.cast(), old, new.size()) } {
            self.capacity = self.len;
            return;
        }
        // SAFETY: the buffer came from this room with this layout and belongs to the vector.
        let result = unsafe { resize::try_shrink(self.room, self.place.cast(), old, new) };
        // The alignment is the same, so nothing has to move and nothing fails.
        if let Ok(place) = result {
            self.place = place.cast();
            self.capacity = self.len;
        }
    }

    /// Makes room for `additional` more elements than there are.
    #[inline(always)]
    fn grow_or_panic(&mut self, additional: usize) {
        let buffer = Buffer { place: self.place, len: self.len, capacity: self.capacity };
        self.take_over(match buffer.grown_at_low_end(self.room, additional) {
            Some((place, capacity)) => Buffer { place, capacity, ..buffer },
            None => buffer.grown_or_panic(self.room, additional),
        });
    }

    /// Makes room for `additional` more elements than there are.
    #[inline(always)]
    fn try_grow(&mut self, additional: usize) -> Result<(), MemoryError> {
        let buffer = Buffer { place: self.place, len: self.len, capacity: self.capacity };
        self.take_over(match buffer.grown_at_low_end(self.room, additional) {
            Some((place, capacity)) => Buffer { place, capacity, ..buffer },
            None => buffer.try_grown(self.room, additional)?,
        });
        Ok(())
    }

    #[inline(always)]
    fn take_over(&mut self, buffer: Buffer<T>) {
        self.place = buffer.place;
        self.capacity = buffer.capacity;
    }
}

impl<T, R: Bump> Drop for ArenaVec<'_, T, R> {
    #[inline(always)]
    fn drop(&mut self) {
        /// Gives the buffer back even if an element's drop panics.
        struct GiveBack<'v, 'a, T, R: Bump>(&'v mut ArenaVec<'a, T, R>);
        impl<T, R: Bump> Drop for GiveBack<'_, '_, T, R> {
            #[inline(always)]
            fn drop(&mut self) {
                let vec = &*self.0;
                if size_of::<T>() != 0 && vec.capacity != 0 {
                    // SAFETY: the buffer came from this room and has this capacity; the vector ends here.
                    unsafe { buffer::give_back(vec.room, vec.place, vec.capacity) };
                }
            }
        }
        let buffer = GiveBack(self);
        // SAFETY: the elements belong to the vector, which ends here.
        unsafe {
            ptr::drop_in_place(ptr::slice_from_raw_parts_mut(buffer.0.place.as_ptr(), buffer.0.len));
        }
    }
}

impl<T, R: Bump> Deref for ArenaVec<'_, T, R> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: so many elements are there, and they belong to the vector.
        unsafe { slice::from_raw_parts(self.place.as_ptr(), self.len) }
    }
}

impl<T, R: Bump> DerefMut for ArenaVec<'_, T, R> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: so many elements are there, and they belong to the vector, which is borrowed mutably.
        unsafe { slice::from_raw_parts_mut(self.place.as_ptr(), self.len) }
    }
}

impl<T, R: Bump> Extend<T> for ArenaVec<'_, T, R> {
    #[inline]
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        let values = values.into_iter();
        // A hint may be wrong; who really pushes too much hears of it then.
        let _ = self.try_reserve(values.size_hint().0);
        values.for_each(|value| self.push(value));
    }
}

impl<T: fmt::Debug, R: Bump> fmt::Debug for ArenaVec<'_, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
