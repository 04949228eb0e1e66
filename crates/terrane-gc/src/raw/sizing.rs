//! When the next full collection is due.
//!
//! The heap may grow to 1.75 times what lived at the last one, and never less than [`GROWTH_MIN`], so that a small heap is not
//! marked over and over.

/// Least growth between two full collections, in bytes.
const GROWTH_MIN: usize = 16 << 20;

/// Bytes in the old space and of large objects above which a full collection is due, when `live` lived at the last.
pub(crate) fn full_threshold(live: usize) -> usize {
    live.saturating_add((live / 4 * 3).max(GROWTH_MIN))
}
