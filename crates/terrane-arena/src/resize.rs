//! Growing, shrinking and giving back a value in place, where it is the last one.
//!
//! An arena bumps down, so the last value starts at the cursor, and what is free lies before it. Growing moves the value
//! to a lower address within the same bytes, which costs a copy but no memory. None of it happens where somebody has noted
//! the cursor to come back to it (a checkpoint, the beginning of a frame): the value is older than the note then, and
//! what a rewind forgets must lie behind the note and nothing else.

use crate::bump::Bump;
use crate::bumping::{self, GRANULE};
use crate::shadow;
use core::alloc::Layout;
use core::ptr::NonNull;
use terrane_base::MemoryError;

/// Makes a value larger, in place if it is the last one, else in new memory. The bytes are copied.
///
/// # Safety
///
/// `old` is the layout of a value at `place`, which came from this room and is still alive; `new` is not smaller. The value
/// is reached through the result only from now on; after an error it is as before.
#[inline]
pub(crate) unsafe fn try_grow(
    room: &impl Bump,
    place: NonNull<u8>,
    old: Layout,
    new: Layout,
) -> Result<NonNull<u8>, MemoryError> {
    debug_assert!(new.size() >= old.size());
    let cursor = room.cursor();
    if is_last(room, place, old) {
        let more = new.size() - old.size();
        if let Some(start) = bumping::bump(cursor.addr(), room.floor(), more, new.align()) {
            let start = cursor.with_addr(start);
            let grown = room.move_cursor(start, new.size());
            // SAFETY: the new place reaches from `start`, which is free down to the floor, over the old value to its end
            // at least. They may overlap.
            unsafe { place.copy_to(grown, old.size()) };
            return Ok(grown);
        }
    } else if place.addr().get().is_multiple_of(new.align()) && new.size() == old.size() {
        return Ok(place);
    }
    let grown = room.try_place(new)?;
    // SAFETY: the caller vouches for the old value, which is still allocated, and so lies apart from what was just handed out,
    // which is at least as large.
    unsafe { grown.copy_from_nonoverlapping(place, old.size()) };
    Ok(grown)
}

/// Makes a value smaller. Its end is given back if it is the last one and the gain is worth the copy.
///
/// # Safety
///
/// As for [`try_grow`], but `new` is not larger than `old`.
#[inline]
pub(crate) unsafe fn try_shrink(
    room: &impl Bump,
    place: NonNull<u8>,
    old: Layout,
    new: Layout,
) -> Result<NonNull<u8>, MemoryError> {
    debug_assert!(new.size() <= old.size());
    let aligned = place.addr().get().is_multiple_of(new.align());
    if is_last(room, place, old) {
        let cursor = room.cursor();
        let mask = !(new.align().max(GRANULE) - 1);
        let start = (cursor.addr() + old.size() - new.size()) & mask;
        let gain = start.saturating_sub(cursor.addr());
        if aligned && gain < new.size() / 2 {
            return Ok(place);
        }
        if start >= cursor.addr() {
            room.retreating();
            let shrunk = room.move_cursor(cursor.with_addr(start), new.size());
            // SAFETY: the new place lies within the old value. They may overlap.
            unsafe { place.copy_to(shrunk, new.size()) };
            // SAFETY: these bytes were the value's, which does not reach so low any more.
            unsafe { shadow::forget(cursor, cursor.addr() + gain, room.poisons()) };
            return Ok(shrunk);
        }
    }
    if aligned {
        return Ok(place);
    }
    let moved = room.try_place(new)?;
    // SAFETY: the caller vouches for the old value, which is still allocated, and so lies apart from what was just handed out.
    unsafe { moved.copy_from_nonoverlapping(place, new.size()) };
    Ok(moved)
}

/// Gives a value's memory back if it is the last one.
///
/// # Safety
///
/// `layout` is that of a value at `place`, which came from this room, is still alive, and is not used any more.
#[inline]
pub(crate) unsafe fn deallocate(room: &impl Bump, place: NonNull<u8>, layout: Layout) {
    if is_last(room, place, layout) {
        let cursor = room.cursor();
        // The cursor stood at a multiple of the granule at or above the value's end.
        let end = (cursor.addr() + layout.size()).next_multiple_of(GRANULE);
        room.retreating();
        room.set_cursor(cursor.with_addr(end));
        // SAFETY: these bytes were the value's, which is gone.
        unsafe { shadow::forget(cursor, end, room.poisons()) };
    }
}

#[inline(always)]
fn is_last(room: &impl Bump, place: NonNull<u8>, layout: Layout) -> bool {
    room.cursor() == place.as_ptr() && layout.size() != 0 && room.last_is_free()
}
