//! The area `gc`: whole programs and single allocations on a collected heap.
//!
//! Each program is written once, over a small trait; each contender implements the traits in its own module.
//!
//! | Program | Contender |
//! |---|---|
//! | `binary_trees`, `gcbench` | `raw`: ours, as a virtual machine uses it |
//! | `short_lived`, `deep_list` | `gc_arena`, `dumpster`, `boehm`: other collectors |
//! | `repointing`, `strings` | `boxed`: no collector, values are freed by their owners or counted |
//! | `replacement` | `bumped`: nothing is freed before the end |
//!
//! What needs the safe tier (a weak map, finalizers, deep recursion) has no rows yet: the raw tier has none of it. Their
//! pauses are to be measured as `replacement` does.

mod binary_trees;
mod boehm;
mod boxed;
mod bumped;
mod cell_model;
mod configuration;
pub(crate) mod counted;
mod deep_list;
mod dumpster;
mod gc_arena;
mod gcbench;
mod histogram;
mod pair_model;
mod program;
mod random;
mod raw;
mod replacement;
mod repointing;
mod safe;
mod short_lived;
mod strings;

use crate::row::Row;

/// The rows of this area.
#[must_use]
pub fn rows() -> Vec<Row> {
    let mut rows = binary_trees::rows();
    rows.extend(gcbench::rows());
    rows.extend(short_lived::rows());
    rows.extend(repointing::rows());
    rows.extend(deep_list::rows());
    rows.extend(strings::rows());
    rows.extend(replacement::rows());
    rows
}
