//! The fast path that every kind of arena has in common.
//!
//! An allocation needs two words: the cursor, and the floor of the room below it. Who has them (an arena, a frame in its
//! caller's registers, the handle of a thread) and where more room comes from differs; what is done with them does not.

use crate::bumping;
use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::NonNull;
use terrane_base::MemoryError;

/// A place to bump in. It is public because public types name it, and sealed because its module is not.
///
/// # Safety
///
/// - The bytes `floor..cursor` belong to the implementor, may be written through the cursor's provenance, and nobody has
///   a reference to them. `LOWEST <= floor <= cursor`, and the cursor is a multiple of the granule.
/// - What `refill` and `try_refill` return is memory of the layout that they were asked for, and like what was bumped
///   off the cursor it stays as it is, and is handed out to nobody else, for as long as the lifetime for which the implementor
///   lets its values be borrowed.
pub unsafe trait Bump {
    /// Whether the cursor is in memory, and not in a register of whoever has the place to itself.
    const SHARED: bool;

    /// Whether buffers may grow at the low end of the room: see `low_end.rs`.
    const HAS_LOW_END: bool = false;

    fn cursor(&self) -> &Cell<*mut u8>;

    fn floor(&self) -> &Cell<usize>;

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

    /// Moves the floor, where there is a low end. What lies below it belongs to buffers from then on, and nothing else does.
    #[inline]
    fn move_floor(&self, floor: usize) {
        self.floor().set(floor);
    }

    /// The fast path for a type: its size and alignment are constants, and so are all the conditions on them.
    #[inline(always)]
    fn take_sized<T>(&self) -> Option<NonNull<T>> {
        self.note();
        if size_of::<T>() == 0 {
            return Some(NonNull::dangling());
        }
        if const { !bumping::is_small(size_of::<T>(), align_of::<T>()) } {
            return self.take_unnoted(Layout::new::<T>()).map(NonNull::cast);
        }
        let cursor = self.cursor().get();
        let floor = self.floor().get();
        let start = if Self::SHARED {
            bumping::bump_small::<true>(cursor.addr(), floor, size_of::<T>(), align_of::<T>())
        } else {
            bumping::bump_small::<false>(cursor.addr(), floor, size_of::<T>(), align_of::<T>())
        }?;
        Some(self.move_cursor(cursor.with_addr(start), size_of::<T>()).cast())
    }

    /// The fast path for any layout.
    #[inline(always)]
    fn take(&self, layout: Layout) -> Option<NonNull<u8>> {
        self.note();
        self.take_unnoted(layout)
    }

    #[inline(always)]
    fn take_unnoted(&self, layout: Layout) -> Option<NonNull<u8>> {
        if layout.size() == 0 {
            return Some(layout.dangling_ptr());
        }
        let cursor = self.cursor().get();
        let start = bumping::bump(cursor.addr(), self.floor().get(), layout.size(), layout.align())?;
        Some(self.move_cursor(cursor.with_addr(start), layout.size()))
    }

    #[inline(always)]
    fn move_cursor(&self, cursor: *mut u8, size: usize) -> NonNull<u8> {
        self.cursor().set(cursor);
        crate::shadow::reveal(cursor, size);
        // SAFETY: every caller passes what `bump` gave it or a place within a value, and neither is below the floor, which is
        // never zero.
        unsafe { NonNull::new_unchecked(cursor) }
    }

    /// Memory for any layout, or a panic.
    #[inline(always)]
    fn place(&self, layout: Layout) -> NonNull<u8> {
        match self.take(layout) {
            Some(place) => place,
            None => self.refill(layout),
        }
    }

    /// Memory for any layout.
    #[inline(always)]
    fn try_place(&self, layout: Layout) -> Result<NonNull<u8>, MemoryError> {
        match self.take(layout) {
            Some(place) => Ok(place),
            None => self.try_refill(layout),
        }
    }
}
