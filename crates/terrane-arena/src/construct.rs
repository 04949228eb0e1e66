//! How values are made in memory that was just taken: in place, elements one after the other.

use crate::bump::Bump;
use crate::refusal::Refusal;
use core::alloc::Layout;
use core::fmt;
use core::ptr::{self, NonNull};
use core::slice;
use terrane_base::MemoryError;

/// The layout of a slice, or why there can be none.
#[inline(always)]
pub(crate) fn slice_layout<T>(len: usize) -> Result<Layout, Refusal> {
    match Layout::array::<T>(len) {
        Ok(layout) => Ok(layout),
        Err(_) => Err(slice_too_large(size_of::<T>(), len)),
    }
}

/// Makes a value in place.
///
/// # Safety
///
/// `place` is valid for writing a `T` and belongs to the caller for `'a`.
#[inline(always)]
pub(crate) unsafe fn fill<'a, T>(place: NonNull<T>, make: impl FnOnce() -> T) -> &'a mut T {
    // SAFETY: the caller vouches for the place.
    unsafe {
        place.write(make());
        &mut *place.as_ptr()
    }
}

/// Makes the elements of a slice in place, one after the other. If `make` panics, those made before are dropped.
///
/// # Safety
///
/// `place` is valid for writing `len` elements and belongs to the caller for `'a`.
#[inline(always)]
pub(crate) unsafe fn fill_slice<'a, T>(
    place: NonNull<T>,
    len: usize,
    mut make: impl FnMut(usize) -> T,
) -> &'a mut [T] {
    let mut made = Made { place, len: 0 };
    for index in 0..len {
        // SAFETY: `index < len`, and the caller vouches for the place.
        unsafe { place.add(index).write(make(index)) };
        made.len = index + 1;
    }
    core::mem::forget(made);
    // SAFETY: all `len` elements are written, and nobody else has the place.
    unsafe { slice::from_raw_parts_mut(place.as_ptr(), len) }
}

/// Elements of a slice that is not yet complete.
struct Made<T> {
    place: NonNull<T>,
    len: usize,
}

impl<T> Drop for Made<T> {
    fn drop(&mut self) {
        // SAFETY: these elements are made, and nobody will hear of them.
        unsafe { ptr::drop_in_place(ptr::slice_from_raw_parts_mut(self.place.as_ptr(), self.len)) };
    }
}

/// Copies a slice into place.
///
/// # Safety
///
/// `place` is valid for writing as many bytes, aligned for `T`, and belongs to the caller for `'a`.
#[inline(always)]
pub(crate) unsafe fn copy<'a, T: Copy>(source: &[T], place: NonNull<u8>) -> &'a mut [T] {
    let start = place.cast::<T>().as_ptr();
    // SAFETY: the caller vouches for the place; it belongs to nobody else, so the source does not overlap it.
    unsafe {
        ptr::copy_nonoverlapping(source.as_ptr(), start, source.len());
        slice::from_raw_parts_mut(start, source.len())
    }
}

/// Takes memory that is all zeros.
#[inline]
pub(crate) fn try_zeroed(room: &impl Bump, layout: Layout) -> Result<NonNull<u8>, MemoryError> {
    let place = room.try_place(layout)?;
    // SAFETY: the memory was just taken for this layout.
    unsafe { place.write_bytes(0, layout.size()) };
    Ok(place)
}

#[cold]
#[inline(never)]
fn slice_too_large(element: usize, len: usize) -> Refusal {
    Refusal::TooLarge { requested_bytes: element.saturating_mul(len) }
}

/// The error of `format_in!` and its like, when an implementation of `Display` failed on its own account.
#[cold]
#[inline(never)]
pub(crate) fn formatting_failed(_: fmt::Error) -> ! {
    panic!("a formatting trait implementation returned an error when the underlying memory did not")
}
