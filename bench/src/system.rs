//! The area `system`: plain memory from a memory system.
//!
//! | Row | What |
//! |---|---|
//! | `system/allocate/64` | memory for 64 bytes, taken and given back |
//! | `system/allocate/1024` | the same for 1 KiB |
//!
//! The rivals `glibc` and `mimalloc` are a zeroed `Box<[u8]>` each time: without a limit, without figures, without plugins.

mod allocate;

use crate::row::Row;

/// The rows of this area.
#[must_use]
pub fn rows() -> Vec<Row> {
    allocate::rows()
}
