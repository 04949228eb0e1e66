//! The fast path that every kind of arena has in common.
//!
//! An allocation needs two words: the cursor, and the floor of the room below it. Who has them (an arena, a frame in its
//! caller's registers, the handle of a thread) and where more room comes from differs; what is done with them does not. A frame
//! keeps them in another form, and so has a fast path of its own: see `frame.rs`.

use crate::bumping;
use core::alloc::Layout;
use core::hint;
use core::ptr::NonNull;
use terrane_base::MemoryError;

/// A place to bump in. It is public because public types name it, and sealed because its module is not.
///
/// # Safety
///
/// - The bytes `floor..cursor` belong to the implementor, may be written through the cursor's provenance, and nobody has
///   a reference to them. `LOWEST <= floor <= cursor`, and the cursor is a multiple of the granule.
/// - What the methods that take or serve memory return is of the layout that they were asked for, and stays as it is, and is
///   handed out to nobody else, for as long as the lifetime for which the implementor lets its values be borrowed.
pub unsafe trait Bump {
    /// Whether buffers may grow at the low end of the room: see `low_end.rs`.
    const HAS_LOW_END: bool = false;

    fn cursor(&self) -> *mut u8;

    /// Moves the cursor, down into the room or up over what is given back. It is derived from the old one.
    fn set_cursor(&self, cursor: *mut u8);

    fn floor(&self) -> usize;

    /// Takes memory for a value that does not fit between floor and cursor, or panics.
    fn refill(&self, layout: Layout) -> NonNull<u8>;

    /// Takes memory for a value that does not fit between floor and cursor.
    fn try_refill(&self, layout: Layout) -> Result<NonNull<u8>, MemoryError>;

    /// Hears of each allocation, in the flavours that count them.
    fn note(&self);

    /// Whether the value at the cursor may grow, shrink or go in place: nobody has noted the cursor to return to it.
    fn last_is_free(&self) -> bool;

    /// Hears that the cursor is about to go up.
    fn retreating(&self);

    /// Whether memory that is taken back is to be overwritten.
    fn poisons(&self) -> bool;

    /// Raises the floor, where there is a low end. What lies below it belongs to buffers from then on, and nothing else does.
    #[inline(always)]
    fn raise_floor(&self, _floor: usize) {
        debug_assert!(!Self::HAS_LOW_END, "who has a low end raises it");
    }

    /// Lowers the floor, where there is a low end.
    #[inline(always)]
    fn lower_floor(&self, _floor: usize) {
        debug_assert!(!Self::HAS_LOW_END, "who has a low end lowers it");
    }

    /// Memory for a type, or a panic: its size and alignment are constants, and so are all the conditions on them.
    #[inline(always)]
    fn place_sized<T>(&self) -> NonNull<T> {
        self.note();
        if size_of::<T>() == 0 {
            return NonNull::dangling();
        }
        if const { bumping::is_small(size_of::<T>(), align_of::<T>()) } {
            self.place_small(Layout::new::<T>()).cast()
        } else {
            self.place_unnoted(Layout::new::<T>()).cast()
        }
    }

    /// Memory for a type.
    #[inline(always)]
    fn try_place_sized<T>(&self) -> Result<NonNull<T>, MemoryError> {
        self.note();
        if size_of::<T>() == 0 {
            return Ok(NonNull::dangling());
        }
        if const { bumping::is_small(size_of::<T>(), align_of::<T>()) } {
            self.try_place_small(Layout::new::<T>()).map(NonNull::cast)
        } else {
            self.try_place_unnoted(Layout::new::<T>()).map(NonNull::cast)
        }
    }

    /// Memory for any layout, or a panic.
    #[inline(always)]
    fn place(&self, layout: Layout) -> NonNull<u8> {
        self.note();
        self.place_unnoted(layout)
    }

    /// Memory for any layout.
    #[inline(always)]
    fn try_place(&self, layout: Layout) -> Result<NonNull<u8>, MemoryError> {
        self.note();
        self.try_place_unnoted(layout)
    }

    /// Memory for a small layout that is known at compile time and not empty, or a panic.
    #[inline(always)]
    fn place_small(&self, layout: Layout) -> NonNull<u8> {
        match self.take_small(layout) {
            Some(place) => place,
            None => {
                hint::cold_path();
                self.refill(layout)
            }
        }
    }

    /// Memory for a small layout that is known at compile time and not empty.
    #[inline(always)]
    fn try_place_small(&self, layout: Layout) -> Result<NonNull<u8>, MemoryError> {
        match self.take_small(layout) {
            Some(place) => Ok(place),
            None => {
                hint::cold_path();
                self.try_refill(layout)
            }
        }
    }

    #[inline(always)]
    fn place_unnoted(&self, layout: Layout) -> NonNull<u8> {
        match self.take(layout) {
            Some(place) => place,
            None => {
                hint::cold_path();
                self.refill(layout)
            }
        }
    }

    #[inline(always)]
    fn try_place_unnoted(&self, layout: Layout) -> Result<NonNull<u8>, MemoryError> {
        match self.take(layout) {
            Some(place) => Ok(place),
            None => {
                hint::cold_path();
                self.try_refill(layout)
            }
        }
    }

    /// Bumps off a small layout that is known at compile time, if it fits.
    #[inline(always)]
    fn take_small(&self, layout: Layout) -> Option<NonNull<u8>> {
        let cursor = self.cursor();
        let start = bumping::bump_small(cursor.addr(), self.floor(), layout.size(), layout.align())?;
        Some(self.move_cursor(cursor.with_addr(start), layout.size()))
    }

    /// Bumps off any layout, if it fits.
    #[inline(always)]
    fn take(&self, layout: Layout) -> Option<NonNull<u8>> {
        if layout.size() == 0 {
            return Some(layout.dangling_ptr());
        }
        let cursor = self.cursor();
        let start = bumping::bump(cursor.addr(), self.floor(), layout.size(), layout.align())?;
        Some(self.move_cursor(cursor.with_addr(start), layout.size()))
    }

    #[inline(always)]
    fn move_cursor(&self, cursor: *mut u8, size: usize) -> NonNull<u8> {
        self.set_cursor(cursor);
        crate::shadow::reveal(cursor, size);
        // SAFETY: every caller passes what `bump` gave it or a place within a value, and neither is below the floor, which is
        // never zero.
        unsafe { NonNull::new_unchecked(cursor) }
    }
}
