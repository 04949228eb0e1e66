//! How values get into an [`Arena`]: the fast path and the allocating methods.
//!
//! Each method comes twice. The plain one panics when there is no memory, the `try_` one returns the error.

use crate::arena::Arena;
use crate::bumping;
use crate::refusal::Refusal;
use core::alloc::Layout;
use core::ptr::{self, NonNull};
use core::slice;
use terrane_base::MemoryError;

#[expect(clippy::mut_from_ref, reason = "each call hands out memory that no other call has")]
impl Arena {
    /// Moves `value` into the arena.
    ///
    /// # Panics
    ///
    /// If no block is to be had; see [`try_alloc`](Self::try_alloc).
    #[inline(always)]
    pub fn alloc<T>(&self, value: T) -> &mut T {
        self.alloc_with(|| value)
    }

    /// Moves `value` into the arena.
    ///
    /// # Errors
    ///
    /// [`MemoryError`] with the bytes requested and available, if no block is to be had. `value` is dropped then.
    #[inline(always)]
    pub fn try_alloc<T>(&self, value: T) -> Result<&mut T, MemoryError> {
        self.try_alloc_with(|| value)
    }

    /// Takes memory and then makes the value in it. A large value is thus not built on the stack first, when optimised.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let arena = Arena::new();
    /// let table = arena.alloc_with(|| [0u32; 10_000]);
    /// assert_eq!(table.len(), 10_000);
    /// ```
    ///
    /// # Panics
    ///
    /// If no block is to be had, or `make` panics. The memory is then taken until the arena goes back.
    #[inline(always)]
    pub fn alloc_with<T>(&self, make: impl FnOnce() -> T) -> &mut T {
        let place = match self.take_sized::<T>() {
            Some(place) => place,
            None => self.take_from_next_block(Layout::new::<T>()).cast(),
        };
        // SAFETY: the place was taken for a `T`, for this call alone.
        unsafe { fill(place, make) }
    }

    /// Takes memory and then makes the value in it.
    ///
    /// # Errors
    ///
    /// [`MemoryError`] if no block is to be had; `make` is not called then.
    ///
    /// # Panics
    ///
    /// If `make` panics.
    #[inline(always)]
    pub fn try_alloc_with<T>(&self, make: impl FnOnce() -> T) -> Result<&mut T, MemoryError> {
        let place = match self.take_sized::<T>() {
            Some(place) => place,
            None => self.try_take_from_next_block(Layout::new::<T>())?.cast(),
        };
        // SAFETY: the place was taken for a `T`, for this call alone.
        Ok(unsafe { fill(place, make) })
    }

    /// Copies a slice into the arena.
    ///
    /// # Panics
    ///
    /// If no block is to be had.
    #[inline]
    pub fn alloc_slice_copy<T: Copy>(&self, source: &[T]) -> &mut [T] {
        let place = self.alloc_layout(Layout::for_value(source));
        // SAFETY: the place was taken for the source's layout, for this call alone.
        unsafe { copy(source, place) }
    }

    /// Copies a slice into the arena.
    ///
    /// # Errors
    ///
    /// [`MemoryError`] if no block is to be had.
    #[inline]
    pub fn try_alloc_slice_copy<T: Copy>(&self, source: &[T]) -> Result<&mut [T], MemoryError> {
        let place = self.try_alloc_layout(Layout::for_value(source))?;
        // SAFETY: the place was taken for the source's layout, for this call alone.
        Ok(unsafe { copy(source, place) })
    }

    /// Makes a slice of `len` elements, each from its index.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let arena = Arena::new();
    /// assert_eq!(arena.alloc_slice_fill_with(3, |i| i * i), &mut [0, 1, 4]);
    /// ```
    ///
    /// # Panics
    ///
    /// If no block is to be had, or `make` panics. The elements that were made before are then forgotten, not dropped.
    #[inline]
    pub fn alloc_slice_fill_with<T>(&self, len: usize, make: impl FnMut(usize) -> T) -> &mut [T] {
        let Ok(layout) = Layout::array::<T>(len) else {
            slice_too_large(size_of::<T>(), len).panic();
        };
        let place = self.alloc_layout(layout).cast::<T>();
        // SAFETY: the place was taken for `len` elements, for this call alone.
        unsafe { fill_slice(place, len, make) }
    }

    /// Makes a slice of `len` elements, each from its index.
    ///
    /// # Errors
    ///
    /// [`MemoryError`] if no block is to be had, or no slice can be as large; `make` is not called then.
    ///
    /// # Panics
    ///
    /// If `make` panics.
    #[inline]
    pub fn try_alloc_slice_fill_with<T>(
        &self,
        len: usize,
        make: impl FnMut(usize) -> T,
    ) -> Result<&mut [T], MemoryError> {
        let Ok(layout) = Layout::array::<T>(len) else {
            return Err(slice_too_large(size_of::<T>(), len).into());
        };
        let place = self.try_alloc_layout(layout)?.cast::<T>();
        // SAFETY: the place was taken for `len` elements, for this call alone.
        Ok(unsafe { fill_slice(place, len, make) })
    }

    /// Copies a string into the arena.
    ///
    /// # Panics
    ///
    /// If no block is to be had.
    #[inline]
    pub fn alloc_str(&self, source: &str) -> &mut str {
        // SAFETY: the bytes are those of a string.
        unsafe { str::from_utf8_unchecked_mut(self.alloc_slice_copy(source.as_bytes())) }
    }

    /// Copies a string into the arena.
    ///
    /// # Errors
    ///
    /// [`MemoryError`] if no block is to be had.
    #[inline]
    pub fn try_alloc_str(&self, source: &str) -> Result<&mut str, MemoryError> {
        // SAFETY: the bytes are those of a string.
        Ok(unsafe { str::from_utf8_unchecked_mut(self.try_alloc_slice_copy(source.as_bytes())?) })
    }

    /// Takes memory for a layout; it is not cleared. It stays valid until the arena goes back beyond it or is dropped.
    ///
    /// # Panics
    ///
    /// If no block is to be had.
    #[inline]
    pub fn alloc_layout(&self, layout: Layout) -> NonNull<u8> {
        match self.take(layout) {
            Some(place) => place,
            None => self.take_from_next_block(layout),
        }
    }

    /// Takes memory for a layout; it is not cleared. It stays valid until the arena goes back beyond it or is dropped.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfMemory`] if no block is to be had, [`MemoryError::AllocationTooLarge`] if none can ever be.
    #[inline]
    pub fn try_alloc_layout(&self, layout: Layout) -> Result<NonNull<u8>, MemoryError> {
        match self.take(layout) {
            Some(place) => Ok(place),
            None => self.try_take_from_next_block(layout),
        }
    }

    /// The fast path for a type: its size and alignment are constants, and so are all the conditions on them.
    #[inline(always)]
    fn take_sized<T>(&self) -> Option<NonNull<T>> {
        if size_of::<T>() == 0 {
            return Some(NonNull::dangling());
        }
        if const { !bumping::is_small(size_of::<T>(), align_of::<T>()) } {
            return self.take(Layout::new::<T>()).map(NonNull::cast);
        }
        let cursor = self.cursor.get();
        let start = bumping::bump_small(cursor.addr(), self.floor.get(), size_of::<T>(), align_of::<T>())?;
        self.move_cursor(cursor.with_addr(start)).map(NonNull::cast)
    }

    /// The fast path for any layout.
    #[inline(always)]
    fn take(&self, layout: Layout) -> Option<NonNull<u8>> {
        let cursor = self.cursor.get();
        let start = bumping::bump(cursor.addr(), self.floor.get(), layout.size(), layout.align())?;
        self.move_cursor(cursor.with_addr(start))
    }

    #[inline(always)]
    fn move_cursor(&self, cursor: *mut u8) -> Option<NonNull<u8>> {
        self.cursor.set(cursor);
        // SAFETY: the cursor is never below the floor, which is never zero.
        Some(unsafe { NonNull::new_unchecked(cursor) })
    }
}

/// Makes a value in place.
///
/// # Safety
///
/// `place` is valid for writing a `T` and belongs to the caller for `'a`.
#[inline(always)]
unsafe fn fill<'a, T>(place: NonNull<T>, make: impl FnOnce() -> T) -> &'a mut T {
    // SAFETY: the caller vouches for the place.
    unsafe {
        place.write(make());
        &mut *place.as_ptr()
    }
}

/// Makes the elements of a slice in place, one after the other.
///
/// # Safety
///
/// `place` is valid for writing `len` elements and belongs to the caller for `'a`.
#[inline(always)]
unsafe fn fill_slice<'a, T>(place: NonNull<T>, len: usize, mut make: impl FnMut(usize) -> T) -> &'a mut [T] {
    for index in 0..len {
        // SAFETY: `index < len`, and the caller vouches for the place.
        unsafe { place.add(index).write(make(index)) };
    }
    // SAFETY: all `len` elements are written, and nobody else has the place.
    unsafe { slice::from_raw_parts_mut(place.as_ptr(), len) }
}

/// Copies a slice into place.
///
/// # Safety
///
/// `place` is valid for writing as many bytes, aligned for `T`, and belongs to the caller for `'a`.
#[inline(always)]
unsafe fn copy<'a, T: Copy>(source: &[T], place: NonNull<u8>) -> &'a mut [T] {
    let start = place.cast::<T>().as_ptr();
    // SAFETY: the caller vouches for the place; it belongs to nobody else, so the source does not overlap it.
    unsafe {
        ptr::copy_nonoverlapping(source.as_ptr(), start, source.len());
        slice::from_raw_parts_mut(start, source.len())
    }
}

#[cold]
#[inline(never)]
fn slice_too_large(element: usize, len: usize) -> Refusal {
    Refusal::TooLarge { requested_bytes: element.saturating_mul(len) }
}
