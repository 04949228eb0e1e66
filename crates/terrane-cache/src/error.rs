//! Why a value could not be had, or an entry not be kept.

use std::fmt;

use terrane_base::MemoryError;

/// Why [`Cache::try_insert`](crate::Cache::try_insert) did not keep an entry.
///
/// Weights are in the unit of the cache's weigher; without one, each entry weighs 1.
///
/// ```
/// use terrane_cache::{Cache, InsertError};
///
/// let texts = Cache::builder().weigher(10, |_, text: &&str| text.len() as u64).build();
/// let error = texts.try_insert(1, "a long text").unwrap_err();
/// assert_eq!(error, InsertError::TooHeavy { weight: 11, max: 10 });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InsertError {
    /// It weighs more than a part of the cache may hold: see [`Cache::entry_weight_max`](crate::Cache::entry_weight_max).
    TooHeavy {
        /// What the entry weighs.
        weight: u64,
        /// What it may weigh at most.
        max: u64,
    },
    /// What would have to go is pinned.
    NoRoom {
        /// What the entry weighs.
        weight: u64,
    },
    /// Its time was over at once: it was to live, or may be idle, for no time at all.
    NoTime,
    /// The budget that the cache charges refused.
    Budget(MemoryError),
}

impl From<MemoryError> for InsertError {
    fn from(error: MemoryError) -> Self {
        Self::Budget(error)
    }
}

impl fmt::Display for InsertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooHeavy { max: 0, .. } => f.write_str(
                "the cache keeps nothing, as its capacity is 0 or less than one for each of its parts; build it with a capacity, or resize it",
            ),
            Self::TooHeavy { weight, max } => write!(
                f,
                "the entry weighs {weight}, and a part of the cache holds {max} at most; choose a larger capacity, or fewer shards"
            ),
            Self::NoRoom { weight } => write!(
                f,
                "no room for an entry of weight {weight}, as the others of its part of the cache are pinned; unpin some, or resize it"
            ),
            Self::NoTime => f.write_str("the entry is to be kept for no time; choose a time above zero"),
            Self::Budget(error) => write!(f, "the budget of the cache refused the entry: {error}"),
        }
    }
}

impl std::error::Error for InsertError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Budget(error) => Some(error),
            _ => None,
        }
    }
}

/// A computation wants the value that it computes, perhaps by way of others: it would wait for itself.
///
/// ```
/// use terrane_cache::{Cache, Reentrant};
///
/// let cache = Cache::new(10);
/// let _ = cache.get_or_compute('a', |_| {
///     assert_eq!(cache.get_or_compute('a', |_| 1), Err(Reentrant));
///     2
/// });
/// assert_eq!(cache.get(&'a'), Some(2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reentrant;

impl fmt::Display for Reentrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the computation of a cached value wants that same value; compute it without asking the cache for it")
    }
}

impl std::error::Error for Reentrant {}

/// Why [`Cache::try_get_or_compute`](crate::Cache::try_get_or_compute) has no value.
///
/// ```
/// use terrane_cache::{Cache, ComputeError};
///
/// let numbers = Cache::new(10);
/// let number = numbers.try_get_or_compute("x", |text| text.parse::<u32>()).or_else(|error| match error {
///     ComputeError::Failed(_) => Ok(0),
///     other => Err(other),
/// });
/// assert_eq!(number, Ok(0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ComputeError<E> {
    /// The computation failed.
    Failed(E),
    /// It would wait for itself.
    Reentrant,
}

impl<E> From<Reentrant> for ComputeError<E> {
    fn from(_: Reentrant) -> Self {
        Self::Reentrant
    }
}

impl<E: fmt::Display> fmt::Display for ComputeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => write!(f, "the value could not be computed: {error}"),
            Self::Reentrant => Reentrant.fmt(f),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for ComputeError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Reentrant => None,
        }
    }
}
