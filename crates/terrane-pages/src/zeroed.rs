//! Tables of zeros that take memory only where they are used.

use alloc::{
    alloc::{Layout, alloc_zeroed},
    vec::Vec,
};

/// A number of which zero bytes are a value.
///
/// # Safety
/// Zero bytes are a value of the type.
pub(crate) unsafe trait Zero: Copy {}

// SAFETY: zero bytes are the number 0.
unsafe impl Zero for u32 {}
// SAFETY: as above.
unsafe impl Zero for u64 {}

/// `len` zeros. Unlike what a vector does by itself, this both reports failure and leaves it to the system to
/// deliver zeros, so that the unused end of a large table takes no memory.
pub(crate) fn zeroed<T: Zero>(len: usize) -> Option<Vec<T>> {
    if len == 0 {
        return Some(Vec::new());
    }
    let layout = Layout::array::<T>(len).ok()?;
    // SAFETY: the layout is not empty: there is at least one number, and a number has bytes.
    let entries = unsafe { alloc_zeroed(layout) }.cast::<T>();
    if entries.is_null() {
        return None;
    }
    // SAFETY: from the global allocator with the layout of an array of `len` entries, each of them a valid 0.
    Some(unsafe { Vec::from_raw_parts(entries, len, len) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_zero_and_impossible_ones_are_refused() {
        assert_eq!(zeroed::<u32>(0), Some(Vec::new()));
        assert_eq!(zeroed::<u32>(1000), Some(alloc::vec![0; 1000]));
        assert_eq!(zeroed::<u64>(3), Some(alloc::vec![0; 3]));
        assert!(zeroed::<u64>(usize::MAX).is_none() && zeroed::<u64>(usize::MAX / 8).is_none());
    }
}
