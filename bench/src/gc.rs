//! The area `gc`: whole programs and single allocations on a collected heap.
//!
//! Each program is written once, over a small trait; each contender implements the traits in its own module.
//!
//! | Program | Contender |
//! |---|---|
//! | `binary_trees`, `gcbench` | `raw`: ours, as a virtual machine uses it |
//! | `short_lived`, `deep_list` | `safe`: ours, as a program without `unsafe` uses it |
//! | `repointing`, `strings` | `gc_arena`, `dumpster`, `boehm`: other collectors |
//! | `replacement` | `boxed`: no collector, values are freed by their owners or counted |
//! | `weak_map`, `finalizers`, `recursion` | `bumped`: nothing is freed before the end |
//!
//! A row of a program has both tiers of ours, and a line for each tier and rival. The programs of the last line are of
//! the safe tier alone.

mod address_hash;
mod binary_trees;
mod boehm;
mod boxed;
mod bumped;
mod cell_model;
mod configuration;
pub(crate) mod counted;
mod deep_list;
mod dumpster;
mod finalizers;
mod gc_arena;
mod gcbench;
mod histogram;
mod owned_strings;
mod pair_model;
mod pauses;
mod program;
mod random;
mod raw;
mod recursion;
mod replacement;
mod repointing;
mod safe;
mod short_lived;
mod strings;
mod weak_map;

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
    rows.extend(weak_map::rows());
    rows.extend(finalizers::rows());
    rows.extend(recursion::rows());
    rows
}
