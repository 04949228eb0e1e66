//! Making a pool with other than the usual parts.

use alloc::{boxed::Box, string::String, sync::Arc};
use core::{fmt, marker::PhantomData};

use terrane_base::{Budget, Bytes, Clock};

use crate::{PoolStrategy, Poolable, StrategyError, maker::Constructor};

/// Makes a pool `P` of objects `T`; from [`ObjectPool::builder`](crate::ObjectPool::builder) and its likes.
///
/// ```
/// use terrane_pool::{Budget, Bytes, ObjectPool, PoolStrategy};
///
/// let budget = Budget::root(Bytes::from_mib(1));
/// let pool = ObjectPool::<Vec<u8>>::builder()
///     .strategy(PoolStrategy::new().max_total(8))
///     .constructor(|| Vec::with_capacity(4096))
///     .budget(&budget)
///     .name("packets")
///     .build()?;
/// assert!(pool.acquire()?.capacity() >= 4096);
/// assert!(budget.used() >= Bytes::from_kib(4), "idle objects are charged too");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "it makes nothing until `build`"]
pub struct PoolBuilder<T, P> {
    pub(crate) strategy: PoolStrategy,
    pub(crate) constructor: Constructor<T>,
    budget: Option<Budget>,
    name: Option<String>,
    clock: Option<Arc<dyn Clock>>,
    kind: PhantomData<fn() -> P>,
}

impl<T: Poolable, P> PoolBuilder<T, P> {
    pub(crate) fn new() -> Self {
        Self {
            strategy: PoolStrategy::new(),
            constructor: None,
            budget: None,
            name: None,
            clock: None,
            kind: PhantomData,
        }
    }

    /// Sets limits and policies.
    pub fn strategy(self, strategy: PoolStrategy) -> Self {
        Self { strategy, ..self }
    }

    /// Makes objects in this way instead of by [`Poolable::create`].
    pub fn constructor(self, make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self { constructor: Some(Box::new(make)), ..self }
    }

    /// Charges objects, idle or in use, to a part of this budget. Where it is full, idle objects are dropped (unless the
    /// [eviction policy](crate::EvictionPolicy::pressure) says otherwise).
    pub fn budget(self, budget: &Budget) -> Self {
        Self { budget: Some(budget.clone()), ..self }
    }

    /// What the part of the budget is called: "pool" by default.
    pub fn name(self, name: &str) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// What time is taken from, for eviction and validation by time.
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        Self { clock: Some(Arc::new(clock)), ..self }
    }

    /// The same for another kind of pool.
    pub(crate) fn retarget<Q>(self) -> PoolBuilder<T, Q> {
        let Self { strategy, constructor, budget, name, clock, kind: _ } = self;
        PoolBuilder { strategy, constructor, budget, name, clock, kind: PhantomData }
    }

    /// The budget of this pool itself.
    pub(crate) fn own_budget(&self) -> Budget {
        let name = self.name.as_deref().unwrap_or("pool");
        self.budget.as_ref().map_or_else(|| Budget::root(Bytes::MAX), |budget| budget.child(name))
    }

    /// The clock, where the strategy needs one.
    pub(crate) fn own_clock(&self) -> Result<Option<Arc<dyn Clock>>, StrategyError> {
        if !self.strategy.is_timed() {
            return Ok(None);
        }
        if let Some(clock) = &self.clock {
            return Ok(Some(Arc::clone(clock)));
        }
        #[cfg(feature = "std")]
        return Ok(Some(Arc::new(terrane_base::SystemClock::new())));
        #[cfg(not(feature = "std"))]
        Err(StrategyError::NeedsClock)
    }
}

impl<T, P> fmt::Debug for PoolBuilder<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolBuilder")
            .field("strategy", &self.strategy)
            .field("budget", &self.budget)
            .field("name", &self.name)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
