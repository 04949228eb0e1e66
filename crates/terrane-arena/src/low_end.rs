//! Buffers that grow at the low end of a block.
//!
//! Values come off the high end, where the cursor moves down. A value that has to grow is badly placed there: more room
//! lies before it, not behind it, so each growth moves it. The buffer of a vector therefore starts at the low end, where the
//! floor is, and grows by raising the floor:
//!
//! ```text
//! base                                                                     base + size
//! ┌────────┬──────────────────┬─────────────────────────┬─────────────────────┐
//! │ header │ buffers          │ free                    │ values              │
//! └────────┴──────────────────┴─────────────────────────┴─────────────────────┘
//!                             floor                     cursor
//! ```
//!
//! The uppermost buffer grows and shrinks without a copy, and goes without a trace. Whoever notes the cursor to go back to
//! it must note the floor too. The floor is kept at multiples of the granule, so that a buffer that goes takes its padding
//! along, unless its alignment is a greater one. Nothing in use ends within a granule of the floor but the uppermost
//! buffer, so to compare addresses is to know it.

use crate::bump::Bump;
use crate::bumping::GRANULE;
use crate::resize;
use crate::shadow;
use core::alloc::Layout;
use core::ptr::NonNull;

/// Makes a buffer larger at the low end, if there is room: in place if it is the uppermost one, else by moving it there. A
/// buffer of size zero is made.
///
/// # Safety
///
/// `old` is the layout of a buffer at `place`, which came from this room and is still alive, or of size zero; `new` is larger
/// and its alignment is the same. After `Some` the buffer is reached through the result only.
#[inline(always)]
pub(crate) unsafe fn grow<R: Bump>(
    room: &R,
    place: NonNull<u8>,
    old: Layout,
    new: Layout,
) -> Option<NonNull<u8>> {
    debug_assert!(new.size() > old.size());
    if !R::HAS_LOW_END {
        return None;
    }
    let (cursor, floor) = (room.cursor(), room.floor());
    let moves = old.size() != 0 && !ends_at(place, old, floor);
    let start = if moves || old.size() == 0 { aligned(floor, new.align())? } else { place.addr().get() };
    // The cursor is a multiple of the granule, so that rounding does not go beyond it.
    let end = start.checked_add(new.size()).filter(|end| *end <= cursor.addr())?;
    room.raise_floor(rounded(end));
    let grown = NonNull::new(cursor.with_addr(start))?;
    shadow::reveal(cursor.with_addr(start), new.size());
    if moves {
        // SAFETY: the new memory was free, so it is apart from the old, which the caller vouches for and gives up.
        unsafe { carry_over(room, place, old, grown) };
    }
    Some(grown)
}

/// Copies a buffer to where it has grown, and gives up where it was.
///
/// # Safety
///
/// `old` is the layout of a buffer at `place`, which came from this room, is still alive and not used any more; `grown` is
/// memory apart from it that is at least as large.
#[cold]
#[inline(never)]
unsafe fn carry_over(room: &impl Bump, place: NonNull<u8>, old: Layout, grown: NonNull<u8>) {
    // SAFETY: the caller vouches for it.
    unsafe {
        grown.copy_from_nonoverlapping(place, old.size());
        resize::deallocate(room, place, old);
    }
}

/// Cuts a buffer down to `size` bytes if it is the uppermost one at the low end; says whether it is.
///
/// # Safety
///
/// `old` is the layout of a buffer at `place`, which came from this room and is still alive; `size` is not larger, and what
/// lies beyond it is not used any more.
#[inline]
pub(crate) unsafe fn cut<R: Bump>(room: &R, place: NonNull<u8>, old: Layout, size: usize) -> bool {
    debug_assert!(size <= old.size());
    let floor = room.floor();
    let is_uppermost = R::HAS_LOW_END && ends_at(place, old, floor);
    if is_uppermost {
        let end = rounded(place.addr().get() + size);
        // SAFETY: these bytes were the buffer's, and are not used any more.
        unsafe { shadow::forget(place.as_ptr().with_addr(end), floor, room.poisons()) };
        room.lower_floor(end);
    }
    is_uppermost
}

/// How large a buffer with this alignment could be made; zero, where there is no low end.
#[inline(always)]
pub(crate) fn room_bytes<R: Bump>(room: &R, align: usize) -> usize {
    let start = if R::HAS_LOW_END { aligned(room.floor(), align) } else { None };
    start.map_or(0, |start| room.cursor().addr().saturating_sub(start))
}

/// The next address that is aligned, where the floor is a multiple of the granule.
#[inline(always)]
fn aligned(floor: usize, align: usize) -> Option<usize> {
    if align <= GRANULE { Some(floor) } else { Some(floor.checked_add(align - 1)? & !(align - 1)) }
}

#[inline(always)]
fn ends_at(place: NonNull<u8>, layout: Layout, floor: usize) -> bool {
    layout.size() != 0 && rounded(place.addr().get() + layout.size()) == floor
}

/// The next multiple of the granule, for the end of a buffer.
#[inline(always)]
fn rounded(end: usize) -> usize {
    end.wrapping_add(GRANULE - 1) & !(GRANULE - 1)
}
