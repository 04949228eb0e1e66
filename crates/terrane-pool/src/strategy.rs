//! How many objects a pool has, and when it looks at them.

use core::{fmt, time::Duration};

/// How a pool grows, how much it keeps, and what it does with what it keeps.
///
/// A plain value; what does not fit together is refused when a pool is built with it.
///
/// ```
/// use std::time::Duration;
/// use terrane_pool::{EvictionPolicy, PoolStrategy, Reuse, StrategyError, ThreadSafePool, ValidationPolicy};
///
/// let strategy = PoolStrategy::new()
///     .min_idle(2)
///     .max_idle(16)
///     .max_total(64)
///     .acquire_timeout(Duration::from_millis(50))
///     .reuse(Reuse::Fifo)
///     .eviction(EvictionPolicy::new().idle(Duration::from_secs(60)))
///     .validation(ValidationPolicy::OnAcquire);
/// let pool = ThreadSafePool::<String>::with_strategy(strategy)?;
/// assert_eq!(pool.warm_up(2)?, 2);
///
/// let wrong = ThreadSafePool::<String>::with_strategy(strategy.min_idle(17));
/// assert_eq!(wrong.unwrap_err(), StrategyError::MinAboveMax { min_idle: 17, max: 16 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PoolStrategy {
    pub(crate) min_idle: usize,
    pub(crate) max_idle: usize,
    pub(crate) max_total: usize,
    pub(crate) growth_factor: f32,
    pub(crate) acquire_timeout: Duration,
    pub(crate) reuse: Reuse,
    pub(crate) eviction: EvictionPolicy,
    pub(crate) validation: ValidationPolicy,
}

/// Which idle object is used next.
///
/// ```
/// use terrane_pool::{ObjectPool, PoolStrategy, Reuse};
///
/// let pool = ObjectPool::<String>::with_strategy(PoolStrategy::new().reuse(Reuse::Fifo))?;
/// let (first, second) = (pool.acquire()?, pool.acquire()?);
/// let address = &raw const *first;
/// drop(first);
/// drop(second);
/// assert_eq!(&raw const *pool.acquire()?, address);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reuse {
    /// The one that came back last: it is still in the processor's caches, and the others can grow old and be evicted.
    #[default]
    Lifo,
    /// The one that came back first: all are used alike.
    Fifo,
}

/// When idle objects are dropped, beside when there are too many.
///
/// Never below [`min_idle`](PoolStrategy::min_idle). Time is looked at by the pool's `maintain`, and by itself when the pool is used
/// in any other way than its shortest.
///
/// ```
/// use std::time::Duration;
/// use std::sync::Arc;
/// use terrane_base::ManualClock;
/// use terrane_pool::{EvictionPolicy, ObjectPool, PoolStrategy};
///
/// let clock = Arc::new(ManualClock::new());
/// let eviction = EvictionPolicy::new().idle(Duration::from_secs(60));
/// let pool = ObjectPool::<String>::builder()
///     .strategy(PoolStrategy::new().eviction(eviction))
///     .clock(Arc::clone(&clock))
///     .build()?;
/// pool.warm_up(3)?;
/// clock.advance(Duration::from_secs(61));
/// assert_eq!(pool.maintain(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvictionPolicy {
    pub(crate) age: Option<Duration>,
    pub(crate) idle: Option<Duration>,
    pub(crate) pressure: bool,
}

impl EvictionPolicy {
    /// When memory is short, and at no other time.
    #[must_use]
    pub const fn new() -> Self {
        Self { age: None, idle: None, pressure: true }
    }

    /// Also when an object was made longer ago than this. One that is in use is dropped when it comes back.
    #[must_use]
    pub const fn age(self, longest: Duration) -> Self {
        Self { age: Some(longest), ..self }
    }

    /// Also when an object has been idle for longer than this.
    #[must_use]
    pub const fn idle(self, longest: Duration) -> Self {
        Self { idle: Some(longest), ..self }
    }

    /// Whether idle objects are dropped when the budget asks for memory.
    ///
    /// Where the destructor of an object panics then, a pool for several threads drops the others all the same, and whoever needed the
    /// memory does not notice. A pool of one thread drops them at its own next use, which is where the panic comes out.
    #[must_use]
    pub const fn pressure(self, yes: bool) -> Self {
        Self { pressure: yes, ..self }
    }

    pub(crate) const fn is_timed(&self) -> bool {
        self.age.is_some() || self.idle.is_some()
    }

    /// How long until time is looked at again: nothing stays for more than an eighth longer than it may.
    pub(crate) fn pause_ns(&self) -> u64 {
        self.age.into_iter().chain(self.idle).min().map_or(u64::MAX, |longest| nanoseconds(longest / 8))
    }
}

impl Default for EvictionPolicy {
    fn default() -> Self {
        Self::new()
    }
}

/// When [`Poolable::validate`](crate::Poolable::validate) is asked.
///
/// ```
/// use terrane_pool::{ObjectPool, PoolStrategy, Poolable, ValidationPolicy};
///
/// struct Socket(bool);
///
/// impl Poolable for Socket {
///     fn create() -> Self { Self(true) }
///     fn reset(&mut self) {}
///     fn validate(&self) -> bool { self.0 }
/// }
///
/// let strategy = PoolStrategy::new().validation(ValidationPolicy::OnRelease);
/// let pool = ObjectPool::<Socket>::with_strategy(strategy)?;
/// pool.acquire()?.0 = false;
/// assert_eq!((pool.stats().idle, pool.stats().dropped), (0, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValidationPolicy {
    /// Never.
    #[default]
    Never,
    /// Before an idle object is handed out. (A new one is not asked.)
    OnAcquire,
    /// When an object has come back, after its reset.
    OnRelease,
    /// At both.
    Always,
    /// For all idle objects, so often, when the pool is maintained.
    Periodic(Duration),
}

impl ValidationPolicy {
    pub(crate) const fn on_acquire(self) -> bool {
        matches!(self, Self::OnAcquire | Self::Always)
    }

    pub(crate) const fn on_release(self) -> bool {
        matches!(self, Self::OnRelease | Self::Always)
    }

    pub(crate) const fn period(self) -> Option<Duration> {
        match self {
            Self::Periodic(period) => Some(period),
            _ => None,
        }
    }

    pub(crate) fn period_ns(self) -> u64 {
        self.period().map_or(u64::MAX, nanoseconds)
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl PoolStrategy {
    /// No limits: objects are made one by one when they are needed and all are kept, the last one that came back is used first,
    /// and idle ones are dropped when memory is short.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            min_idle: 0,
            max_idle: usize::MAX,
            max_total: usize::MAX,
            growth_factor: 1.0,
            acquire_timeout: Duration::ZERO,
            reuse: Reuse::Lifo,
            eviction: EvictionPolicy::new(),
            validation: ValidationPolicy::Never,
        }
    }

    /// So many idle objects are not evicted, nor given up when memory is short. They are not made ahead of need: that is what
    /// `warm_up` is for.
    #[must_use]
    pub const fn min_idle(self, objects: usize) -> Self {
        Self { min_idle: objects, ..self }
    }

    /// What comes back when so many are idle is dropped. With 0, the pool only counts.
    #[must_use]
    pub const fn max_idle(self, objects: usize) -> Self {
        Self { max_idle: objects, ..self }
    }

    /// So many objects exist at most, idle or in use. With 0, nothing is ever handed out.
    #[must_use]
    pub const fn max_total(self, objects: usize) -> Self {
        Self { max_total: objects, ..self }
    }

    /// When none is idle, so many objects are made that there are this many times as many as before, the others staying idle: with
    /// 2.0, at 8 objects 8 more. At most [`PoolStrategy::GROWTH_MAX`] at a time. What lies below 1 counts as 1, what is no number
    /// too, and 1 means one by one.
    ///
    /// ```
    /// # use terrane_pool::{ObjectPool, PoolStrategy};
    /// let pool = ObjectPool::<String>::with_strategy(PoolStrategy::new().growth_factor(2.0))?;
    /// let held: Vec<_> = (0..5).map(|_| pool.acquire()).collect::<Result<_, _>>()?;
    /// assert_eq!((pool.stats().in_use, pool.stats().idle), (5, 3), "1, 2, 4 and then 8");
    /// # drop(held);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn growth_factor(self, factor: f32) -> Self {
        Self { growth_factor: factor, ..self }
    }

    /// How long `acquire` waits when all objects are in use. Zero, the default, is not at all. Only the
    /// `ThreadSafePool` can wait; others refuse a strategy in which this is not zero, as nobody could ever give an object back meanwhile, or as
    /// they have no locks to wait on.
    #[must_use]
    pub const fn acquire_timeout(self, timeout: Duration) -> Self {
        Self { acquire_timeout: timeout, ..self }
    }

    /// Sets which idle object is used next.
    #[must_use]
    pub const fn reuse(self, order: Reuse) -> Self {
        Self { reuse: order, ..self }
    }

    /// Sets when idle objects are dropped.
    #[must_use]
    pub const fn eviction(self, policy: EvictionPolicy) -> Self {
        Self { eviction: policy, ..self }
    }

    /// Sets when objects are validated.
    #[must_use]
    pub const fn validation(self, policy: ValidationPolicy) -> Self {
        Self { validation: policy, ..self }
    }

    /// The most objects that are made at once.
    pub const GROWTH_MAX: usize = 64;

    /// How many to make when there are `total` and none is idle: at least 1, if the limits allow one.
    pub(crate) fn growth(&self, total: usize) -> usize {
        let room = self.max_total.saturating_sub(total);
        let factor = if self.growth_factor > 1.0 { self.growth_factor - 1.0 } else { 0.0 };
        #[expect(clippy::cast_precision_loss, clippy::cast_sign_loss, clippy::cast_possible_truncation)]
        let more = (total as f32 * factor) as usize;
        more.clamp(1, Self::GROWTH_MAX).min(self.max_idle.saturating_add(1)).min(room)
    }

    pub(crate) const fn is_timed(&self) -> bool {
        self.eviction.is_timed() || self.validation.period().is_some()
    }

    pub(crate) fn check(&self) -> Result<(), StrategyError> {
        let max = self.max_idle.min(self.max_total);
        if self.min_idle > max {
            return Err(StrategyError::MinAboveMax { min_idle: self.min_idle, max });
        }
        Ok(())
    }

    pub(crate) fn refuse_waiting(&self, pool: &'static str) -> Result<(), StrategyError> {
        if self.acquire_timeout.is_zero() {
            return Ok(());
        }
        Err(StrategyError::Unsupported { option: "acquire_timeout", pool })
    }

    /// For a pool that has nothing to wait on, no row of its objects, and no time.
    #[cfg(target_has_atomic = "64")]
    pub(crate) fn check_for_unlocked(&self, pool: &'static str) -> Result<(), StrategyError> {
        self.check()?;
        self.refuse_waiting(pool)?;
        if self.reuse == Reuse::Fifo {
            return Err(StrategyError::Unsupported { option: "Reuse::Fifo (first in, first out)", pool });
        }
        if self.is_timed() {
            return Err(StrategyError::Unsupported { option: "eviction or validation by time", pool });
        }
        Ok(())
    }
}

impl Default for PoolStrategy {
    fn default() -> Self {
        Self::new()
    }
}

/// Why no pool can work by a strategy.
///
/// ```
/// use terrane_pool::{LockFreePool, PoolStrategy};
///
/// let error = LockFreePool::<String>::with_strategy(PoolStrategy::new()).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "pool strategy: this pool needs to know how many objects there may be; set a max_total, of at most 16777216"
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StrategyError {
    /// More objects are to stay idle than there may be.
    MinAboveMax {
        /// The least that is to stay idle.
        min_idle: usize,
        /// The most that may be idle, or exist.
        max: usize,
    },
    /// The strategy speaks of time, and the pool has no clock. (With the feature `std` it takes the system's.)
    NeedsClock,
    /// The pool has to know how many objects there are at most.
    NeedsMaxTotal {
        /// What it can have at most.
        max: usize,
    },
    /// This kind of pool cannot do that.
    Unsupported {
        /// What was asked for.
        option: &'static str,
        /// The kind of pool.
        pool: &'static str,
    },
}

impl fmt::Display for StrategyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MinAboveMax { min_idle, max } => {
                write!(
                    f,
                    "pool strategy: min_idle is {min_idle}, but at most {max} objects may be idle; lower it, or raise max_idle and max_total"
                )
            }
            Self::NeedsClock => write!(
                f,
                "pool strategy: eviction or validation by time needs a clock; give the builder one, or build with the feature `std`"
            ),
            Self::NeedsMaxTotal { max } => {
                write!(
                    f,
                    "pool strategy: this pool needs to know how many objects there may be; set a max_total, of at most {max}"
                )
            }
            Self::Unsupported { option, pool } => {
                write!(
                    f,
                    "pool strategy: {pool} does not support {option}; leave that out, or use ThreadSafePool, which does"
                )
            }
        }
    }
}

impl core::error::Error for StrategyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_follows_the_factor_within_the_limits() {
        let strategy = PoolStrategy::new();
        assert_eq!([0, 1, 1000].map(|total| strategy.growth(total)), [1, 1, 1], "one by one");
        let double = strategy.growth_factor(2.0);
        assert_eq!([0, 1, 8, 1000].map(|total| double.growth(total)), [1, 1, 8, PoolStrategy::GROWTH_MAX]);
        assert_eq!(double.max_total(10).growth(8), 2);
        assert_eq!(double.max_total(8).growth(8), 0);
        assert_eq!(double.max_idle(3).growth(8), 4, "one is handed out at once");
        assert_eq!(strategy.max_total(0).growth(0), 0);
        for factor in [f32::NAN, f32::NEG_INFINITY, -3.0, 0.0] {
            assert_eq!(strategy.growth_factor(factor).growth(100), 1, "{factor}");
        }
        assert_eq!(strategy.growth_factor(f32::INFINITY).growth(100), PoolStrategy::GROWTH_MAX);
        assert_eq!(strategy.growth_factor(f32::INFINITY).growth(0), 1);
    }

    #[test]
    fn a_minimum_above_a_maximum_is_refused() {
        let strategy = PoolStrategy::new().min_idle(3);
        assert_eq!(strategy.check(), Ok(()));
        assert_eq!(strategy.max_idle(3).check(), Ok(()));
        let refused = Err(StrategyError::MinAboveMax { min_idle: 3, max: 2 });
        assert_eq!(strategy.max_idle(2).check(), refused);
        assert_eq!(strategy.max_total(2).check(), refused);
    }
}
