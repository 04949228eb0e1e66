//! The level of the pools: buffers for small requests.

use terrane_arena::{ArenaBuffer, BufferArena};
use terrane_base::{Budget, Bytes};

use crate::{MemoryConfig, Result};

/// Buffers for requests below the small threshold.
#[derive(Debug)]
pub(crate) struct SmallBuffers(BufferArena);

pub(crate) type SmallBuffer = ArenaBuffer;

impl SmallBuffers {
    pub(crate) fn new(_config: &MemoryConfig, budget: &Budget) -> Self {
        Self(BufferArena::new(Bytes::from_kib(64), budget))
    }

    pub(crate) fn take(&self, size: usize) -> Result<SmallBuffer> {
        self.0.try_buffer(size)
    }
}
