//! The area `cache`: what a request to a cache costs.
//!
//! | Row | What |
//! |---|---|
//! | `cache/zipf/1`, `/2` | requests with the frequencies of words in a text, some of which miss: 1 and 2 threads |
//! | `cache/hits/1`, `/2` | requests that all hit |
//! | `cache/lru/1` | an exact LRU for one owner |
//!
//! How well a cache chooses is another question: `bench cache-trace`.

mod exact;
mod shared;
pub mod trace;

mod work;

use crate::row::Row;

/// The rows of this area.
#[must_use]
pub fn rows() -> Vec<Row> {
    let mut rows = shared::rows();
    rows.push(exact::row());
    rows
}
