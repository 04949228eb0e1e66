//! The levels that memory comes from, and which of them serves a request.
//!
//! ```text
//! L1  stacks of the threads   lent by scopes, 1 KiB each
//! L2  pools                   buffers of fixed sizes, up to 10 MiB together
//! L3  arenas                  shares of blocks, up to 100 MiB together
//! L4  system                  pages and the global allocator, up to the budget
//! ```
//!
//! The size decides: small requests go to the pools, those of medium size to the arenas, large ones to the system. Each level charges its
//! part of the budget before it takes memory. A level that is full is no reason to refuse while the budget has more, or somebody who holds it can give it
//! up: then the system serves.

use std::sync::Arc;

use terrane_arena::BufferArena;
use terrane_base::{Budget, Bytes, MemoryError, ReclaimCost, Reclaimer};
use terrane_pages::{PageBuffer, PageSource};

use terrane_pool::PoolStats;

use crate::{
    MemoryConfig, Result, Route,
    allocation::{Bulk, Taken},
    small::SmallBuffers,
};

/// From this size on, the system level takes pages of its own for a request.
const PAGES_FROM: usize = 64 << 10;

/// The levels below the threads' stacks.
#[derive(Debug)]
pub struct MemoryHierarchy {
    small_threshold: usize,
    large_threshold: usize,
    pub(crate) pools: SmallBuffers,
    arenas: Arc<ArenaLevel>,
    system: Budget,
    pages: Arc<dyn PageSource>,
    budgets: [Budget; Route::ALL.len()],
}

/// So that a full budget can ask for blocks that are not in use.
#[derive(Debug)]
struct ArenaLevel(BufferArena);

impl Reclaimer for ArenaLevel {
    fn reclaim(&self, _wanted: Bytes) -> Bytes {
        self.0.trim()
    }
}

impl MemoryHierarchy {
    /// The levels of a system with these settings and this budget.
    pub(crate) fn new(
        config: &MemoryConfig,
        budget: &Budget,
        parts: &Parts,
        pages: Arc<dyn PageSource>,
    ) -> Self {
        let block = Bytes::new(config.default_arena_size);
        let arenas = Arc::new(ArenaLevel(BufferArena::new(block, &parts.arenas)));
        parts.arenas.add_reclaimer("blocks", ReclaimCost::PoolTrim, &arenas);
        let system = budget.child("system");
        Self {
            small_threshold: usize::try_from(config.small_threshold).unwrap_or(usize::MAX),
            large_threshold: usize::try_from(config.large_threshold).unwrap_or(usize::MAX),
            pools: SmallBuffers::new(config, &parts.pools),
            arenas,
            pages,
            budgets: [parts.pools.clone(), parts.arenas.clone(), system.clone()],
            system,
        }
    }

    /// Which level serves requests of this size.
    ///
    /// ```
    /// use terrane::{MemorySystem, Route};
    ///
    /// let system = MemorySystem::builder().build()?;
    /// let levels = system.hierarchy();
    /// let routes = [100, 4095, 4096, 262_143, 262_144].map(|size| levels.route(size));
    /// assert_eq!(routes, [Route::Pools, Route::Pools, Route::Arenas, Route::Arenas, Route::System]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn route(&self, size: usize) -> Route {
        if size < self.small_threshold {
            Route::Pools
        } else if size < self.large_threshold {
            Route::Arenas
        } else {
            Route::System
        }
    }

    /// The part of the budget that a level may use, and uses.
    #[must_use]
    pub fn budget(&self, route: Route) -> &Budget {
        &self.budgets[route.index()]
    }

    pub(crate) fn buffer_stats(&self) -> PoolStats {
        self.pools.stats()
    }

    /// Whether the pools serve that size.
    #[inline]
    pub(crate) fn is_small(&self, size: usize) -> bool {
        size < self.small_threshold
    }

    /// Memory from the level for that size, or from the system where that level is full.
    pub(crate) fn take(&self, size: usize) -> Result<(Route, Taken<'_>)> {
        let route = self.route(size);
        match self.take_from(route, size) {
            Ok(taken) => Ok((route, taken)),
            Err(error) if route == Route::System => Err(error),
            Err(error) => self.take_instead(size, error),
        }
    }

    /// Memory from the system, after another level has refused: that has asked only its own part of the budget, the system's part asks
    /// everybody.
    pub(crate) fn take_instead(&self, size: usize, error: MemoryError) -> Result<(Route, Taken<'_>)> {
        let taken = self.take_from(Route::System, size).map_err(|_| error)?;
        Ok((Route::System, taken))
    }

    pub(crate) fn take_from(&self, route: Route, size: usize) -> Result<Taken<'_>> {
        match route {
            Route::Pools => self.pools.take(size).map(Taken::Pooled),
            Route::Arenas => self.arenas.0.try_buffer(size).map(|buffer| Taken::Bulk(Bulk::Arena(buffer))),
            Route::System if size >= PAGES_FROM => self.take_pages(size).map(Taken::Bulk),
            Route::System => self.take_boxed(size).map(Taken::Bulk),
        }
    }

    fn take_pages(&self, size: usize) -> Result<Bulk> {
        let refused = MemoryError::AllocationTooLarge {
            requested: Bytes::from_usize(size),
            max: Bytes::from_usize(isize::MAX as usize),
        };
        let bytes = size.checked_next_multiple_of(self.pages.page_size()).ok_or(refused)?;
        let charge = self.system.try_reserve(Bytes::from_usize(bytes))?;
        let pages = PageBuffer::zeroed(Arc::clone(&self.pages), size).map_err(|error| {
            MemoryError::SystemError { operation: error.operation.name(), code: error.os_code }
        })?;
        Ok(Bulk::Pages(pages, charge))
    }

    fn take_boxed(&self, size: usize) -> Result<Bulk> {
        let requested = Bytes::from_usize(size);
        let charge = self.system.try_reserve(requested)?;
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(size)
            .map_err(|_| MemoryError::OutOfMemory { requested, available: Bytes::ZERO })?;
        bytes.resize(size, 0);
        Ok(Bulk::Heap(bytes.into_boxed_slice(), charge))
    }
}

/// The parts of the budget that more than the levels use.
pub(crate) struct Parts {
    /// Pools by name, and the level.
    pub(crate) pools: Budget,
    /// Arenas by name, and the level.
    pub(crate) arenas: Budget,
    /// Caches by name.
    pub(crate) caches: Budget,
}

impl Parts {
    pub(crate) fn of(budget: &Budget, config: &MemoryConfig) -> Self {
        Self {
            pools: budget.child("pools").max(Bytes::new(config.pool_limit)),
            arenas: budget.child("arenas").max(Bytes::new(config.arena_limit)),
            caches: budget.child("caches"),
        }
    }
}
