//! The safe tier, through its public interface.

mod bad_input;
mod data;
mod deaths;
mod handles;
mod shadow;
mod snapshot;
mod weak;
