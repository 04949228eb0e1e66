//! The level of the pools: buffers for small requests, by size class.

use std::boxed::Box;

use terrane_base::{Budget, Bytes};
use terrane_pool::{Buffer, BufferPool, Home, Node, PoolStats, PooledBuffer};

use crate::{MemoryConfig, Result, allocation::Ticket};

/// Buffers for requests below the small threshold.
#[derive(Debug)]
pub(crate) struct SmallBuffers(BufferPool);

impl SmallBuffers {
    pub(crate) fn new(config: &MemoryConfig, budget: &Budget) -> Self {
        let pools = BufferPool::builder()
            .max_capacity(Bytes::new(config.small_threshold))
            .max_idle(Bytes::new(config.pool_limit))
            // Not as a pool of the program may be called.
            .name("small requests")
            .budget(budget);
        Self(pools.build())
    }

    /// A buffer that is as long as was asked for.
    #[inline]
    pub(crate) fn take(&self, size: usize) -> Result<PooledBuffer<'_>> {
        let mut buffer = self.0.acquire(size)?;
        // Within the capacity that was asked for.
        buffer.resize(size, 0);
        Ok(buffer)
    }

    pub(crate) fn stats(&self) -> PoolStats {
        self.0.stats()
    }
}

/// The share of the system that an allocation has anyway also brings its buffer back, so that it needs none of the pool.
impl Home<Buffer> for Ticket {
    #[inline]
    fn take_back(&self, node: Box<Node<Buffer>>) {
        // There is a class for what came from one.
        if let Ok(class) = self.system.hierarchy.pools.0.class(self.size) {
            class.take_back(node);
        }
    }

    fn let_go(&self, node: Box<Node<Buffer>>) -> Buffer {
        let class = self.system.hierarchy.pools.0.class(self.size);
        class.expect("there is a class for what came from one").let_go(node)
    }
}
