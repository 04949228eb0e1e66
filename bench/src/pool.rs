//! The rows of `pool`: taking an object, writing a word of it, giving it back.
//!
//! | Module | Rows |
//! |---|---|
//! | `single` | one thread: `pool/local/…`, `pool/thread-safe/…/1` and so on |
//! | `pair` | two threads at once: `pool/thread-safe/…/2` and so on |
//! | `document` | 100 000 objects of 64 bytes, by malloc, new, unique_ptr and a pool |
//!
//! The objects (`object`) are plain memory of 64 bytes and of 4 KiB, and one that is costly to make. Each pool is a file or a part of one
//! (`ours`, `rivals`, `heap`, `hand_written`), behind one small trait (`pools`).

mod document;
mod hand_written;
mod heap;
mod object;
mod ours;
mod pair;
mod pools;
mod rivals;
mod single;

use crate::row::Row;

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = single::rows();
    rows.extend(pair::rows());
    rows.extend(document::rows());
    rows
}
