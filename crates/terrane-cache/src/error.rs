//! Why a value could not be had.

use std::fmt;

/// A computation wants the value that it computes, perhaps by way of others: it would wait for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reentrant;

impl fmt::Display for Reentrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the computation of a cached value wants that same value; compute it without asking the cache for it")
    }
}

impl std::error::Error for Reentrant {}

/// Why [`Cache::try_get_or_compute`](crate::Cache::try_get_or_compute) has no value.
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
