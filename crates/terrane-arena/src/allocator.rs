//! `&Arena` as an allocator of the crate `allocator-api2`: for its `Vec` and `Box`, for hashbrown's maps, and the like.
//!
//! There is none for [`Arena`] itself, nor for `&mut Arena`: a collection that owns its arena could be moved, and the arena
//! with it, which is well; but it would also hand the arena out by `&mut`, whose `reset` would take the collection's memory away.
//! A shared borrow excludes both for as long as the collection lives.

use crate::arena::Arena;
use crate::bump::Bump;
use crate::counting::Counting;
use crate::resize;
use allocator_api2::alloc::{AllocError, Allocator};
use core::alloc::Layout;
use core::ptr::NonNull;

/// Collections grow in place while theirs is the last value of the arena. What they give back is of use only then.
///
/// ```
/// use allocator_api2::vec::Vec;
/// use terrane_arena::Arena;
///
/// let arena = Arena::new();
/// let mut words = Vec::new_in(&arena);
/// words.extend(["one", "two"]);
/// assert_eq!(words.len(), 2);
/// ```
// SAFETY: memory stays where it is while the `&Arena` lives, which excludes the mutable borrows that give it back. Copies of the
// reference are the same allocator, and moving one moves nothing. `resize` keeps contents and alignment, and gives back
// nothing but the value that it is told to.
unsafe impl<C: Counting> Allocator for &Arena<C> {
    #[inline]
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        sized(self.try_place(layout).ok(), layout)
    }

    #[inline]
    unsafe fn deallocate(&self, place: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller vouches for it.
        unsafe { resize::deallocate(*self, place, layout) };
    }

    #[inline]
    unsafe fn grow(&self, place: NonNull<u8>, old: Layout, new: Layout) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: the caller vouches for it.
        sized(unsafe { resize::try_grow(*self, place, old, new) }.ok(), new)
    }

    #[inline]
    unsafe fn grow_zeroed(
        &self,
        place: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: the caller vouches for it; what lies behind the old value belongs to the new one.
        let grown = unsafe {
            let grown = resize::try_grow(*self, place, old, new).map_err(|_| AllocError)?;
            grown.add(old.size()).write_bytes(0, new.size() - old.size());
            grown
        };
        sized(Some(grown), new)
    }

    #[inline]
    unsafe fn shrink(
        &self,
        place: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: the caller vouches for it.
        sized(unsafe { resize::try_shrink(*self, place, old, new) }.ok(), new)
    }
}

#[inline]
fn sized(place: Option<NonNull<u8>>, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
    place.map(|place| NonNull::slice_from_raw_parts(place, layout.size())).ok_or(AllocError)
}
