//! The level of the pools: buffers for small requests, by size class.

use terrane_base::{Budget, Bytes};
use terrane_pool::{Buffer, BufferPool, PoolGuard, PoolStats, ThreadSafePool};

use crate::{MemoryConfig, Result};

/// Buffers for requests below the small threshold.
#[derive(Debug)]
pub(crate) struct SmallBuffers(BufferPool);

/// A buffer that is as long as was asked for.
pub(crate) type SmallBuffer = PoolGuard<Buffer, ThreadSafePool<Buffer>>;

impl SmallBuffers {
    pub(crate) fn new(config: &MemoryConfig, budget: &Budget) -> Self {
        let pools = BufferPool::builder()
            .max_capacity(Bytes::new(config.small_threshold))
            .max_idle(Bytes::new(config.pool_limit))
            .budget(budget);
        Self(pools.build())
    }

    pub(crate) fn take(&self, size: usize) -> Result<SmallBuffer> {
        let mut buffer = self.0.acquire_owned(size)?;
        // Within the capacity that was asked for.
        buffer.resize(size, 0);
        Ok(buffer)
    }

    pub(crate) fn stats(&self) -> PoolStats {
        self.0.stats()
    }
}
