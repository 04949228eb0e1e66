//! The area `arena`: bump allocation beside other arenas and general allocators.

mod alloc;
mod bumping;
mod concurrent;
mod frame;
mod reset;
mod text;
mod vec;

use crate::row::Row;

/// The rows of this area.
#[must_use]
pub fn rows() -> Vec<Row> {
    let mut rows = alloc::rows();
    rows.extend(text::rows());
    rows.extend(vec::rows());
    rows.extend(frame::rows());
    rows.extend(reset::rows());
    rows.extend(concurrent::rows());
    rows
}
