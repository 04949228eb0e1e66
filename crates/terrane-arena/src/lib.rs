//! Bump arenas, checkpoints and frame stacks.

#![no_std]

extern crate alloc;

mod allocate;
mod arena;
mod block;
mod block_chain;
mod bumping;
mod checkpoint;
mod frame_stack;
mod stats;

pub use arena::Arena;
pub use checkpoint::{Checkpoint, CheckpointError};
pub use frame_stack::{FrameStack, FrameStats};
pub use stats::ArenaStats;
pub use terrane_base::{Bytes, MemoryError};
