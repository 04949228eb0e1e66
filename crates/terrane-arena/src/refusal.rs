//! Why no memory was had, in three words.
//!
//! A [`MemoryError`] has room for the names of budgets and their consumers, and handing one up through each layer costs more
//! than the rest of the slow path. So the inside of the arena passes this, and makes the error at its border.

use crate::block::Block;
use terrane_base::{Bytes, MemoryError};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Refusal {
    /// No block can ever be as large.
    TooLarge { requested_bytes: usize },
    /// It does not fit into a common block, and the strategy allows no others.
    BeyondBlock { requested_bytes: usize, max_bytes: usize },
    /// A budget refused; the block chain knows what it said.
    ByBudget,
    /// The limit or the global allocator refused.
    OutOfMemory { requested_bytes: usize, available_bytes: usize },
}

impl Refusal {
    /// The global allocator refused; it does not say what it has left.
    pub(crate) fn by_allocator(requested_bytes: usize) -> Self {
        Self::OutOfMemory { requested_bytes, available_bytes: 0 }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn panic(self) -> ! {
        panic!("arena: {}", MemoryError::from(self))
    }
}

impl From<Refusal> for MemoryError {
    #[cold]
    #[inline(never)]
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::TooLarge { requested_bytes } => Self::AllocationTooLarge {
                requested: Bytes::from_usize(requested_bytes),
                max: Bytes::from_usize(Block::MAX_VALUE_BYTES),
            },
            Refusal::BeyondBlock { requested_bytes, max_bytes } => Self::AllocationTooLarge {
                requested: Bytes::from_usize(requested_bytes),
                max: Bytes::from_usize(max_bytes),
            },
            // Who hands such a refusal on has exchanged it for what the budget said.
            Refusal::ByBudget => Self::OutOfMemory { requested: Bytes::ZERO, available: Bytes::ZERO },
            Refusal::OutOfMemory { requested_bytes, available_bytes } => Self::OutOfMemory {
                requested: Bytes::from_usize(requested_bytes),
                available: Bytes::from_usize(available_bytes),
            },
        }
    }
}
