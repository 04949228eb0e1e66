//! The buffer of a vector, and how it grows.
//!
//! In an [`Arena`](crate::Arena) it lies at the low end of a block (see `low_end.rs`) and grows without a copy while it is the
//! uppermost one there. Elsewhere it grows in place while it is the last value, and is moved down as a whole. Either way it
//! takes more than twice what it has, as long as the present block has plenty: the room lies there anyway, and what is left
//! over goes back when the vector is finished.

use crate::bump::Bump;
use crate::construct;
use crate::low_end;
use crate::resize;
use core::alloc::Layout;
use core::ptr::NonNull;
use terrane_base::MemoryError;

/// The bytes that the first buffer has at least.
const FIRST_BYTES: usize = 64;

/// The bytes that the first buffer has at most, in a block that has plenty.
const MOST_FIRST_BYTES: usize = 1024;

/// The words of a vector. They go to the slow path and come back by value: a vector whose address is never given away stays in
/// registers in a loop of pushes, and its length need not go through memory from one push to the next.
pub(crate) struct Buffer<T> {
    pub(crate) place: NonNull<T>,
    pub(crate) len: usize,
    pub(crate) capacity: usize,
}

impl<T> Buffer<T> {
    /// How many elements the first buffer has.
    const FIRST: usize = if size_of::<T>() == 0 { 0 } else { max(FIRST_BYTES / size_of::<T>(), 1) };

    /// All the room that there is at the low end; none, where there is no low end.
    #[inline(always)]
    pub(crate) fn of_all_room<R: Bump>(room: &R) -> Self {
        let room_bytes = low_end::room_bytes(room, align_of::<T>());
        let capacity = room_bytes.checked_div(size_of::<T>()).unwrap_or(usize::MAX);
        let place = NonNull::<T>::dangling();
        let grown = match Layout::array::<T>(capacity) {
            // SAFETY: a vector without a buffer has one of size zero.
            Ok(new) if new.size() != 0 => unsafe { low_end::grow(room, place.cast(), layout::<T>(0), new) },
            _ => None,
        };
        match grown {
            Some(grown) => Self { place: grown.cast(), len: 0, capacity },
            None => Self { place, len: 0, capacity: if size_of::<T>() == 0 { usize::MAX } else { 0 } },
        }
    }

    #[inline(always)]
    pub(crate) fn grown_at_low_end<R: Bump>(
        &self,
        room: &R,
        additional: usize,
    ) -> Option<(NonNull<T>, usize)> {
        grown_at_low_end(room, self.place, self.len, self.capacity, additional)
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn grown_or_panic(self, room: &impl Bump, additional: usize) -> Self {
        self.try_grown(room, additional).unwrap_or_else(|error| panic!("arena: {error}"))
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn try_grown(self, room: &impl Bump, additional: usize) -> Result<Self, MemoryError> {
        let need = self.len.saturating_add(additional);
        // For zero-sized elements only a length beyond the address space comes here, and has no layout either.
        let need_layout = construct::slice_layout::<T>(need)?;
        if size_of::<T>() == 0 {
            return Err(crate::refusal::Refusal::TooLarge { requested_bytes: usize::MAX }.into());
        }
        let old = layout::<T>(self.capacity);
        let room_bytes = room.cursor().addr() - room.floor();
        let ample = self.capacity.saturating_mul(4).max(Self::FIRST).max(need);
        let usual = self.capacity.saturating_mul(2).max(Self::FIRST).max(need);
        let wanted = if ample.saturating_mul(size_of::<T>()) <= room_bytes { ample } else { usual };
        let new = Layout::array::<T>(wanted).unwrap_or(need_layout);
        // SAFETY: the buffer came from this room with this layout and belongs to the vector; without one, the layout is empty.
        let grow = |new: Layout| unsafe { try_grow(room, self.place.cast(), old, new) };
        let (place, bytes) = match grow(new) {
            Ok(place) => (place, new.size()),
            Err(_) => (grow(need_layout)?, need_layout.size()),
        };
        Ok(Self { place: place.cast(), len: self.len, capacity: bytes / size_of::<T>() })
    }
}

/// Makes a buffer larger: at the low end if that has room, else anywhere.
///
/// # Safety
///
/// As for [`resize::try_grow`]; `old` may be empty, and `new` is larger.
#[inline(never)]
unsafe fn try_grow(
    room: &impl Bump,
    place: NonNull<u8>,
    old: Layout,
    new: Layout,
) -> Result<NonNull<u8>, MemoryError> {
    // SAFETY: the caller vouches for it.
    unsafe {
        match low_end::grow(room, place, old, new) {
            Some(grown) => Ok(grown),
            None => resize::try_grow(room, place, old, new),
        }
    }
}

/// The place and the capacity of a larger buffer at the low end, if there is room: of eight times as many elements while they
/// take less than three quarters of the room, else of twice as many. The first one gets a 16th of the room, within bounds. All of it goes
/// in registers, as it is what growing costs as a rule.
#[inline(never)]
fn grown_at_low_end<T, R: Bump>(
    room: &R,
    place: NonNull<T>,
    len: usize,
    capacity: usize,
    additional: usize,
) -> Option<(NonNull<T>, usize)> {
    if !R::HAS_LOW_END || size_of::<T>() == 0 {
        return None;
    }
    let need = len.checked_add(additional)?;
    // Each time that a loop of pushes comes here is a mispredicted branch, which costs more than all of this.
    let ample = capacity.checked_mul(8)?;
    let room_bytes = room.cursor().addr() - room.floor();
    let usual = if ample <= room_bytes / 4 * 3 / size_of::<T>() { ample } else { capacity * 2 };
    let first = if capacity == 0 { (room_bytes / 16).min(MOST_FIRST_BYTES) / size_of::<T>() } else { 0 };
    let wanted = usual.max(first).max(Buffer::<T>::FIRST).max(need);
    let new = Layout::array::<T>(wanted).ok()?;
    // SAFETY: the buffer came from this room with this layout and belongs to the vector; without one, the layout is empty.
    let grown = unsafe { low_end::grow(room, place.cast(), layout::<T>(capacity), new) }?;
    Some((grown.cast(), wanted))
}

/// The layout of a buffer that exists, so that it was computed before.
#[inline]
pub(crate) fn layout<T>(capacity: usize) -> Layout {
    Layout::array::<T>(capacity).unwrap_or(Layout::new::<T>())
}

const fn max(one: usize, other: usize) -> usize {
    if one > other { one } else { other }
}

/// Gives a buffer back. Apart, so that dropping a vector is short enough to be inlined: else its address is taken, and each
/// push goes through memory. It takes the capacity and not the layout: where a push might unwind the two are known to be
/// length and bytes of length, and the compiler would count the bytes along in the loop of pushes, an instruction more in each.
///
/// # Safety
///
/// The buffer came from this room, has this capacity, which is not zero, and is not used any more.
#[inline(never)]
pub(crate) unsafe fn give_back<T>(room: &impl Bump, place: NonNull<T>, capacity: usize) {
    let (place, layout) = (place.cast(), layout::<T>(capacity));
    // SAFETY: the caller vouches for it.
    unsafe {
        if !low_end::cut(room, place, layout, 0) {
            resize::deallocate(room, place, layout);
        }
    }
}
