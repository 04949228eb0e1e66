//! Bump arenas, checkpoints and frame stacks.
