//! The arithmetic of bumping down, on bare addresses.
//!
//! The cursor starts at the end of a block and moves towards its floor. Downwards, rounding to an alignment is one
//! `and`, because it goes the way the cursor goes; upwards it would be an addition and an `and`. (Nick Fitzgerald,
//! "Always Bump Downwards", 2019, measures the difference.)
//!
//! Two invariants keep the fast path short. The cursor is always a multiple of [`GRANULE`], so that only a type with
//! a greater alignment pays for the `and`. And no floor lies below [`LOWEST`], so that subtracting the size of a
//! small type from the cursor cannot wrap, and one unsigned compare finds out whether the value fits.

#![forbid(unsafe_code)]

/// The cursor is a multiple of this, and every size counts as rounded up to it.
pub(crate) const GRANULE: usize = 8;

/// No block's room reaches below this address; sizes and alignments up to it are *small*.
pub(crate) const LOWEST: usize = 4096;

/// Whether [`bump_small`] may be used.
pub(crate) const fn is_small(size: usize, align: usize) -> bool {
    size <= LOWEST && align <= LOWEST
}

/// Where `size` bytes start that end at or below `cursor`; `None` when they would reach below `floor`.
///
/// `align` is a power of two, and `floor` at least [`LOWEST`].
#[inline(always)]
pub(crate) fn bump(cursor: usize, floor: usize, size: usize, align: usize) -> Option<usize> {
    debug_assert!(align.is_power_of_two() && floor >= LOWEST && cursor >= floor);
    let mask = !(if align > GRANULE { align - 1 } else { GRANULE - 1 });
    // What saturates is zero, and zero is below every floor.
    let start = cursor.saturating_sub(size) & mask;
    if start >= floor { Some(start) } else { None }
}

/// The same as [`bump`] for sizes and alignments that are small and known at compile time: then it is a subtraction,
/// an `and` for alignments above [`GRANULE`], and a compare.
#[inline(always)]
pub(crate) fn bump_small(cursor: usize, floor: usize, size: usize, align: usize) -> Option<usize> {
    debug_assert!(
        is_small(size, align) && floor >= LOWEST && cursor >= floor && cursor.is_multiple_of(GRANULE)
    );
    // `size <= LOWEST <= floor <= cursor`: it does not wrap.
    let start = cursor.wrapping_sub(size.next_multiple_of(GRANULE));
    let start = if align > GRANULE { start & !(align - 1) } else { start };
    if start >= floor { Some(start) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn granules(addresses: core::ops::Range<usize>) -> impl Strategy<Value = usize> {
        addresses.prop_map(|address| address / GRANULE * GRANULE)
    }

    /// A cursor and a floor below it, anywhere in the address space or close together.
    fn rooms() -> impl Strategy<Value = (usize, usize)> {
        let near = (granules(LOWEST..1 << 40), 0..3 * LOWEST)
            .prop_map(|(floor, room)| (floor + room / GRANULE * GRANULE, floor));
        let any = (granules(LOWEST..usize::MAX), granules(LOWEST..usize::MAX))
            .prop_map(|(one, other)| (one.max(other), one.min(other)));
        prop_oneof![near, any]
    }

    /// The same meaning in wide arithmetic that cannot wrap.
    fn expected((cursor, floor): (usize, usize), size: usize, align: usize) -> Option<usize> {
        let align = align.max(GRANULE) as i128;
        let start = (cursor as i128 - size as i128).div_euclid(align) * align;
        usize::try_from(start).ok().filter(|start| *start >= floor)
    }

    proptest! {
        #[test]
        fn any_request_is_exact(
            room in rooms(),
            size in prop_oneof![0..10_000usize, Just(isize::MAX as usize), any::<usize>()],
            shift in 0..usize::BITS,
        ) {
            prop_assert_eq!(bump(room.0, room.1, size, 1 << shift), expected(room, size, 1 << shift));
        }

        #[test]
        fn a_small_request_is_exact(room in rooms(), size in 0..=LOWEST, shift in 0..13u32) {
            let rounded = size.next_multiple_of(GRANULE);
            let expected = expected(room, rounded, 1 << shift);
            prop_assert_eq!(bump_small(room.0, room.1, size, 1 << shift), expected);
        }
    }
}
