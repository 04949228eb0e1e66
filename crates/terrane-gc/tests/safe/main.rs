//! The safe tier, through its public interface.

mod bad_input;
mod clocks;
mod data;
mod deaths;
mod handles;
mod pretenured;
mod programs;
mod random;
mod shadow;
mod snapshot;
mod weak;
mod weak_keys;
