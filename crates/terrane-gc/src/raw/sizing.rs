//! When the next full collection is due.
//!
//! The heap may grow to 1.75 times what lived at the last one, and never less than [`GROWTH_MIN`], so that a
//! small heap is not marked over and over.

/// Least growth between two full collections, in bytes.
const GROWTH_MIN: usize = 16 << 20;

/// Bytes in the old space and of large objects above which a full collection is due, when `live` lived at the
/// last.
pub(crate) fn full_threshold(live: usize) -> usize {
    live.saturating_add((live / 4 * 3).max(GROWTH_MIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_heap_may_grow_by_the_least_and_a_large_one_by_its_part() {
        assert_eq!(full_threshold(0), GROWTH_MIN);
        assert_eq!(full_threshold(1 << 20), (1 << 20) + GROWTH_MIN);
        assert_eq!(full_threshold(1 << 30), (1 << 30) / 4 * 7);
        assert_eq!(full_threshold(usize::MAX), usize::MAX);
    }
}
