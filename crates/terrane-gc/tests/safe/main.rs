//! The safe tier, through its public interface.

mod bad_input;
mod born_pinned;
mod clocks;
mod data;
mod deaths;
mod defragment;
mod handles;
mod large_values;
mod pretenured;
mod programs;
mod random;
mod shadow;
mod snapshot;
mod weak;
mod weak_keys;
