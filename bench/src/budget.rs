//! The area `budget`: what it costs to account for memory.
//!
//! | Row | What |
//! |---|---|
//! | `budget/local` | charges of one thread |
//! | `budget/local-return` | charges of one thread, each taken back at once |
//! | `budget/shared/2` | charges of two threads to one account |
//!
//! The rival `atomic` is one number that every charge is added to: no limit, no tree, no names; the least that a shared
//! account can cost. `datafusion-greedy` and `datafusion-tracked` are the pools of DataFusion (`GreedyMemoryPool`, and the same inside a
//! `TrackConsumersPool`). They take minutes to build and are only there with the feature: `cargo run --release --features
//! datafusion -- budget`.

mod accounts;
#[cfg(feature = "datafusion")]
mod datafusion;
mod local;
mod shared;

use crate::row::Row;

/// The rows of this area.
#[must_use]
pub fn rows() -> Vec<Row> {
    let mut rows = local::rows();
    rows.extend(shared::rows());
    rows
}
