//! Bump arenas, checkpoints and frame stacks.

#![no_std]

extern crate alloc;

mod frame_stack;

pub use frame_stack::{FrameStack, FrameStats};
