//! The area `arena`: bump allocation beside other arenas and general allocators.

mod alloc;
mod bumping;
mod frame;
mod text;

use crate::row::Row;

/// The rows of this area.
#[must_use]
pub fn rows() -> Vec<Row> {
    let mut rows = alloc::rows();
    rows.extend(text::rows());
    rows.extend(frame::rows());
    rows
}
