//! The area `gc`: whole programs and single allocations on a collected heap.
//!
//! Each program is written once, over a small trait; each contender implements the traits in its own module.

mod binary_trees;
mod boxed;
pub(crate) mod counted;
mod gc_arena;
mod pair_model;
mod raw;
mod short_lived;

use crate::row::Row;

/// The rows of this area.
#[must_use]
pub fn rows() -> Vec<Row> {
    let mut rows = binary_trees::rows();
    rows.extend(short_lived::rows());
    rows
}
