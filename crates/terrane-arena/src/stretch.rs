//! The room of a frame, in the form that allocates fastest.
//!
//! A room is `floor..cursor`. An arena keeps these two addresses, and an allocation compares its start with the floor. A frame keeps
//! the floor as a pointer and the bytes that are *left* above it: then the subtraction that moves the cursor tells by its
//! borrow whether the value fits, and no compare is needed. The address of the value is floor plus bytes left, an addition that
//! the processor's addressing does for nothing where the value is written.
//!
//! In a loop that allocates in a scope both words are in registers, and all that an allocation of up to a page costs besides
//! writing the value is a subtraction and a branch. An arena, whose words are in memory, would have to load the floor as
//! well, so that it gains nothing.

use crate::block_chain::Room;
use crate::bumping::{self, GRANULE};
use core::alloc::Layout;

/// The bytes `floor..floor + left`. Both are multiples of the granule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    floor: *mut u8,
    left: usize,
}

impl Stretch {
    #[inline(always)]
    pub(crate) fn of(room: Room) -> Self {
        Self { floor: room.cursor.with_addr(room.floor), left: room.cursor.addr() - room.floor }
    }

    #[inline(always)]
    pub(crate) fn from_words(floor: *mut u8, left: usize) -> Self {
        Self { floor, left }
    }

    #[inline(always)]
    pub(crate) fn words(self) -> (*mut u8, usize) {
        (self.floor, self.left)
    }

    #[inline(always)]
    pub(crate) fn floor(self) -> usize {
        self.floor.addr()
    }

    #[inline(always)]
    pub(crate) fn left(self) -> usize {
        self.left
    }

    #[inline(always)]
    pub(crate) fn cursor(self) -> *mut u8 {
        self.floor.wrapping_add(self.left)
    }

    /// What is left below a small value, of at most the granule's alignment. It has wrapped around if the second is true: then the
    /// value does not fit.
    #[inline(always)]
    pub(crate) fn below(self, small: Layout) -> (Self, bool) {
        let (left, wrapped) = self.left.overflowing_sub(rounded(small));
        (Self { left, ..self }, wrapped)
    }

    /// What was left before [`below`](Self::below).
    pub(crate) fn above(self, small: Layout) -> Self {
        Self { left: self.left.wrapping_add(rounded(small)), ..self }
    }

    /// What is left below a value of any layout, if it fits.
    #[inline(always)]
    pub(crate) fn take(self, layout: Layout) -> Option<Self> {
        let left = if layout.align() <= GRANULE {
            // Both ends are multiples of the granule, so rounding does not go below the floor.
            self.left.checked_sub(layout.size())? & !(GRANULE - 1)
        } else {
            let floor = self.floor();
            bumping::bump(self.cursor().addr(), floor, layout.size(), layout.align())? - floor
        };
        Some(Self { left, ..self })
    }
}

#[inline(always)]
fn rounded(small: Layout) -> usize {
    debug_assert!(bumping::is_small(small.size(), small.align()) && small.align() <= GRANULE);
    small.size().next_multiple_of(GRANULE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ptr;
    use proptest::prelude::*;

    /// A stretch somewhere in the address space.
    fn stretches() -> impl Strategy<Value = Stretch> {
        (bumping::LOWEST..1 << 40, 0..3 * bumping::LOWEST).prop_map(|(floor, left)| {
            let floor = floor / GRANULE * GRANULE;
            let cursor = ptr::without_provenance_mut(floor + left / GRANULE * GRANULE);
            Stretch::of(Room { cursor, floor })
        })
    }

    fn layout(size: usize, shift: u32) -> Layout {
        Layout::from_size_align(size, 1 << shift).expect("a layout")
    }

    proptest! {
        #[test]
        fn any_value_is_where_an_arena_would_put_it(
            stretch in stretches(),
            size in prop_oneof![0..10_000usize, Just(isize::MAX as usize / 2)],
            shift in 0..13u32,
        ) {
            let layout = layout(size, shift);
            let start = bumping::bump(stretch.cursor().addr(), stretch.floor(), size, layout.align());
            let rest = stretch.take(layout);
            prop_assert_eq!(rest.map(|rest| rest.cursor().addr()), start);
            prop_assert!(rest.is_none_or(|rest| rest.floor() == stretch.floor()));
        }

        #[test]
        fn a_small_value_is_where_an_arena_would_put_it(
            stretch in stretches(),
            size in 1..=bumping::LOWEST,
            shift in 0..=3u32,
        ) {
            let layout = layout(size, shift);
            let start = bumping::bump_small(stretch.cursor().addr(), stretch.floor(), size, layout.align());
            let (rest, wrapped) = stretch.below(layout);
            prop_assert_eq!(wrapped, start.is_none());
            prop_assert_eq!((!wrapped).then(|| rest.cursor().addr()), start);
            prop_assert_eq!(rest.above(layout).cursor(), stretch.cursor());
        }
    }
}
