//! Making a buffer pool with other than the usual limits.

use alloc::string::String;
use core::marker::PhantomData;

use terrane_base::{Budget, Bytes};

use super::{Buffer, Classes, LocalBufferPool, MIN_BYTES};
use crate::{ObjectPool, PoolBuilder, PoolStrategy, StrategyError};

const DEFAULT_MAX_CAPACITY: Bytes = Bytes::from_mib(1);
const DEFAULT_MAX_IDLE: Bytes = Bytes::from_mib(16);
/// Half of the address space.
const LARGEST: usize = isize::MAX as usize / 2 + 1;

/// Makes a pool of buffers `B`.
///
/// ```
/// use terrane_pool::{Budget, Bytes, LocalBufferPool};
///
/// let budget = Budget::root(Bytes::from_mib(64));
/// let buffers = LocalBufferPool::builder()
///     .max_capacity(Bytes::from_kib(64))
///     .max_idle(Bytes::from_mib(1))
///     .budget(&budget)
///     .name("packets")
///     .build();
/// assert!(buffers.acquire(65_537).is_err());
/// let _held = buffers.acquire(60_000)?;
/// assert_eq!(budget.snapshot().entries()[1].name.as_str(), "packets");
/// # Ok::<(), terrane_pool::MemoryError>(())
/// ```
#[derive(Debug)]
#[must_use = "it makes nothing until `build`"]
pub struct BufferPoolBuilder<B> {
    max_capacity: Bytes,
    max_idle: Bytes,
    budget: Option<Budget>,
    name: Option<String>,
    kind: PhantomData<fn() -> B>,
}

impl<B> BufferPoolBuilder<B> {
    pub(super) fn new() -> Self {
        Self {
            max_capacity: DEFAULT_MAX_CAPACITY,
            max_idle: DEFAULT_MAX_IDLE,
            budget: None,
            name: None,
            kind: PhantomData,
        }
    }

    /// The largest capacity that can be asked for: rounded up to a power of two, at least 64 bytes, at most half of the address
    /// space. 1 MiB by default.
    pub fn max_capacity(self, capacity: Bytes) -> Self {
        Self { max_capacity: capacity, ..self }
    }

    /// How much may idle in all. Each class keeps its equal share of that; if that is less than one buffer, none. 16 MiB by
    /// default: each class keeps 1 MiB.
    pub fn max_idle(self, size: Bytes) -> Self {
        Self { max_idle: size, ..self }
    }

    /// Charges all buffers, idle or in use, to a part of this budget. Where it is full, idle buffers are dropped.
    pub fn budget(self, budget: &Budget) -> Self {
        Self { budget: Some(budget.clone()), ..self }
    }

    /// What the part of the budget is called: "buffers" by default.
    pub fn name(self, name: &str) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    pub(super) fn classes<P>(
        &self,
        build: impl Fn(PoolBuilder<Buffer, P>) -> Result<P, StrategyError>,
    ) -> Classes<P> {
        let largest = self.max_capacity.as_usize().clamp(MIN_BYTES, LARGEST).next_power_of_two();
        let count = (largest / MIN_BYTES).trailing_zeros() as usize + 1;
        let share = self.max_idle.as_usize() / count;
        let name = self.name.as_deref().unwrap_or("buffers");
        let budget =
            self.budget.as_ref().map_or_else(|| Budget::root(Bytes::MAX), |budget| budget.child(name));
        let pool = |place: usize| {
            let class = MIN_BYTES << place;
            let builder = PoolBuilder::new()
                .strategy(PoolStrategy::new().max_idle(share / class))
                .constructor(move || Buffer::of_class(class))
                .budget(&budget)
                .name(&alloc::format!("of {}", Bytes::from_usize(class)));
            // Neither a minimum nor time is in it.
            build(builder).expect("a strategy with nothing but a maximum can be followed")
        };
        Classes { pools: (0..count).map(pool).collect() }
    }
}

impl BufferPoolBuilder<LocalBufferPool> {
    /// Makes the pool, without any buffers.
    #[must_use]
    pub fn build(self) -> LocalBufferPool {
        LocalBufferPool { classes: self.classes(PoolBuilder::<_, ObjectPool<Buffer>>::build) }
    }
}
