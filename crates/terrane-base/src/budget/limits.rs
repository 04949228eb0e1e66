//! What makes a limit senseless.

use core::fmt;

/// Why a limit was refused, in [`MemoryError::InvalidLimit`](crate::MemoryError::InvalidLimit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitProblem {
    /// A limit of nothing.
    Zero,
    /// The guaranteed minimum, with what is set aside for reclaim work, is more than the maximum.
    MinAboveMax,
    /// The children were promised more than the maximum.
    BelowPromises,
    /// Sums of bytes do not fit the machine's address size.
    Overflow,
    /// A root has nobody who could guarantee it anything.
    RootMinimum,
    /// A minimum is set before the budget is cloned, charged or given children.
    InUse,
    /// A budget with a minimum has at most [`Budget::MAX_GUARANTEED_DEPTH`](crate::Budget::MAX_GUARANTEED_DEPTH) above it.
    TooDeep,
    /// A threshold of pressure is no percentage, or is not above the one below it.
    Thresholds,
}

impl fmt::Display for LimitProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zero => "a limit of nothing; drop the budget, or set at least 1 B",
            Self::MinAboveMax => "the minimum (and what is set aside for reclaim work) exceeds the maximum",
            Self::BelowPromises => "the maximum is below what its parts were guaranteed",
            Self::Overflow => "the sum does not fit the address size of this machine",
            Self::RootMinimum => "a root has nobody who could guarantee it a minimum",
            Self::InUse => "it is in use; set the minimum before it is cloned, charged or divided",
            Self::TooDeep => "it lies too deep in the tree to have a minimum",
            Self::Thresholds => {
                "thresholds must rise from 1 % to 100 %, each lower bound below its upper one"
            }
        })
    }
}
