//! Everything that can go wrong with memory, with the figures a person needs to do something about it.

use core::fmt;

use crate::{BudgetName, Bytes, LimitProblem, TopConsumers};

/// Why memory could not be had.
///
/// Making, copying and printing one allocates nothing: running out of memory must not need memory.
///
/// ```
/// use terrane_base::{Bytes, MemoryError};
///
/// let error = MemoryError::OutOfMemory { requested: Bytes::new(48), available: Bytes::new(16) };
/// assert_eq!(error.to_string(), "out of memory: 48 B requested, 16 B available");
/// ```
///
/// `Debug` writes the same text, as that is what a `main` shows that returns the error, and what `unwrap` says.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryError {
    /// A zone is full, and what it could free did not suffice.
    OutOfMemory {
        /// What was asked for.
        requested: Bytes,
        /// What is left.
        available: Bytes,
    },
    /// No zone of this kind ever holds an object of that size.
    AllocationTooLarge {
        /// What was asked for.
        requested: Bytes,
        /// The largest size that could be granted.
        max: Bytes,
    },
    /// All objects of a pool are handed out.
    PoolExhausted {
        /// How many objects are handed out.
        in_use: usize,
        /// How many objects the pool may have.
        capacity: usize,
    },
    /// A reference does not name a live object of the zone it was given to.
    InvalidObject {
        /// The address it was said to be at.
        address: usize,
        /// What is wrong with it, in a few words: "already freed", "of another pool".
        reason: &'static str,
    },
    /// A budget, or one that it is part of, has too little left.
    BudgetExceeded {
        /// What was asked for.
        requested: Bytes,
        /// What the refusing budget has left.
        remaining: Bytes,
        /// The budget that refused: the one that was asked, or one above it.
        budget: BudgetName,
        /// Who holds most of the refusing budget.
        consumers: TopConsumers,
    },
    /// A limit makes no sense, by itself or beside other limits.
    InvalidLimit {
        /// Whose limit.
        budget: BudgetName,
        /// The limit.
        limit: Bytes,
        /// What is wrong with it.
        problem: LimitProblem,
    },
    /// The operating system refused, or what stands between it and who asked.
    SystemError {
        /// What it was asked to do: "reserve", "commit", …
        operation: &'static str,
        /// Its error number (`errno`), where it gave one. `None` also where it was not asked, as the budget of the pages refused.
        code: Option<i32>,
    },
    /// Huge pages were demanded and are not to be had.
    HugePagesUnavailable {
        /// What was asked for.
        requested: Bytes,
    },
}

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory { requested, available } => {
                write!(f, "out of memory: {requested} requested, {available} available")
            }
            // Rounded, the two would look the same.
            Self::AllocationTooLarge { requested, max }
                if requested.as_u64().abs_diff(max.as_u64()) < max.as_u64() / 64 =>
            {
                let (requested, max) = (requested.as_u64(), max.as_u64());
                write!(f, "allocation too large: {requested} bytes requested, at most {max} possible")
            }
            Self::AllocationTooLarge { requested, max } => {
                write!(f, "allocation too large: {requested} requested, at most {max} possible")
            }
            Self::PoolExhausted { capacity: 0, .. } => {
                f.write_str("pool exhausted: it may have no objects at all")
            }
            Self::PoolExhausted { in_use, capacity } => {
                write!(f, "pool exhausted: {in_use} of {capacity} objects in use")
            }
            Self::InvalidObject { address, reason } => {
                write!(f, "invalid object at {address:#x}: {reason}")
            }
            // Nobody is refused nothing, but where a lowered limit is exceeded.
            Self::BudgetExceeded { requested: Bytes::ZERO, budget, consumers, .. } => {
                write!(
                    f,
                    "budget {budget} exceeded: {} in use, more than it may{consumers}",
                    consumers.total()
                )
            }
            Self::BudgetExceeded { requested, remaining, budget, consumers } => {
                write!(f, "budget {budget} exceeded: {requested} requested, {remaining} remaining{consumers}")
            }
            Self::InvalidLimit { budget, limit, problem } => {
                write!(f, "budget {budget}: {limit} is an invalid limit: {problem}")
            }
            Self::SystemError { operation, code: Some(code) } => {
                write!(f, "the operating system refused to {operation} memory (error {code})")
            }
            Self::SystemError { operation, code: None } => {
                write!(f, "the system refused to {operation} memory; a budget or limit may be too small")
            }
            Self::HugePagesUnavailable { requested } => {
                write!(f, "huge pages unavailable: {requested} requested")
            }
        }
    }
}

impl fmt::Debug for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for MemoryError {}
