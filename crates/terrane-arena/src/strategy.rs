//! How an arena gets its blocks.

use crate::block::BLOCK_ALIGN;
use terrane_base::Bytes;

/// The smallest first block, and the default.
const MIN_FIRST_BLOCK: usize = 1024;

/// Common blocks stop growing here unless the strategy says otherwise.
const DEFAULT_MAX_BLOCK: usize = 16 << 20;

/// How large the blocks of an [`Arena`](crate::Arena) are, how many bytes they may have together, and what becomes of a
/// request that is too large for a common one.
///
/// # Examples
///
/// ```
/// use terrane_arena::{Arena, ArenaStrategy, Bytes, Growth};
///
/// let strategy = ArenaStrategy::new()
///     .initial_size(Bytes::from_kib(4))
///     .growth(Growth::By(Bytes::from_kib(4)))
///     .max_size(Bytes::from_kib(64));
/// let arena = Arena::with_strategy(strategy);
/// arena.alloc([0u8; 3000]);
/// arena.alloc([0u8; 3000]);
/// assert_eq!(arena.stats().committed_bytes, (4 + 8) << 10);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArenaStrategy {
    pub(crate) first_block: usize,
    pub(crate) growth: Growth,
    pub(crate) max_block: usize,
    pub(crate) max_bytes: usize,
    pub(crate) overflow: Overflow,
    pub(crate) poison: bool,
}

/// How much larger each common block is than the one before.
///
/// ```
/// use terrane_arena::{Arena, ArenaStrategy, Growth};
///
/// let arena = Arena::with_strategy(ArenaStrategy::new().growth(Growth::Factor(1.0)));
/// (0..1000u64).for_each(|i| { arena.alloc(i); });
/// assert!(arena.stats().blocks >= 8, "each of 1 KiB");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Growth {
    /// So many times as large. What lies below 1 counts as 1, what is no number too.
    Factor(f32),
    /// Larger by so many bytes.
    By(Bytes),
}

/// What becomes of a request that no common block could take.
///
/// ```
/// use terrane_arena::{Arena, ArenaStrategy, Bytes, Overflow};
///
/// let strategy = ArenaStrategy::new().max_block(Bytes::from_kib(4));
/// let arena = Arena::with_strategy(strategy.overflow(Overflow::Refuse));
/// assert!(arena.try_alloc([0u8; 8 << 10]).is_err());
/// let arena = Arena::with_strategy(strategy.overflow(Overflow::OwnBlock));
/// arena.alloc(1);
/// arena.alloc([0u8; 8 << 10]);
/// assert_eq!(arena.stats().overflow_blocks, 1);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// It gets a block of just its size; the default.
    #[default]
    OwnBlock,
    /// It is refused with [`MemoryError::AllocationTooLarge`](terrane_base::MemoryError::AllocationTooLarge).
    Refuse,
}

impl ArenaStrategy {
    /// Blocks from 1 KiB on, each twice the size of the last, up to 16 MiB; without a limit; larger requests get their own
    /// block.
    ///
    /// ```
    /// # use terrane_arena::ArenaStrategy;
    /// assert_eq!(ArenaStrategy::new(), ArenaStrategy::default());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self {
            first_block: MIN_FIRST_BLOCK,
            growth: Growth::Factor(2.0),
            max_block: DEFAULT_MAX_BLOCK,
            max_bytes: usize::MAX,
            overflow: Overflow::OwnBlock,
            poison: false,
        }
    }

    /// Sets the size of the first block, header included: at least 1 KiB, at most the largest block; what lies outside
    /// is clamped.
    ///
    /// ```
    /// use terrane_arena::{Arena, ArenaStrategy, Bytes};
    ///
    /// let arena = Arena::with_strategy(ArenaStrategy::new().initial_size(Bytes::from_kib(64)));
    /// arena.alloc(1);
    /// assert_eq!(arena.committed_bytes(), 64 << 10);
    /// ```
    #[must_use]
    pub fn initial_size(mut self, size: Bytes) -> Self {
        let size = size.as_usize().clamp(MIN_FIRST_BLOCK, self.max_block);
        self.first_block = size.next_multiple_of(BLOCK_ALIGN);
        self
    }

    /// Sets how common blocks grow.
    ///
    /// ```
    /// use terrane_arena::{Arena, ArenaStrategy, Growth};
    ///
    /// let arena = Arena::with_strategy(ArenaStrategy::new().growth(Growth::Factor(1.0)));
    /// (0..300u64).for_each(|i| { arena.alloc(i); });
    /// assert_eq!((arena.blocks(), arena.committed_bytes()), (3, 3 << 10));
    /// ```
    #[must_use]
    pub fn growth(mut self, growth: Growth) -> Self {
        self.growth = growth;
        self
    }

    /// Sets the size at which common blocks stop growing: at least the first block's, at most 1 GiB.
    ///
    /// ```
    /// use terrane_arena::{Arena, ArenaStrategy, Bytes};
    ///
    /// let arena = Arena::with_strategy(ArenaStrategy::new().max_block(Bytes::from_kib(1)));
    /// (0..1000u64).for_each(|i| { arena.alloc(i); });
    /// assert!(arena.stats().blocks >= 8);
    /// ```
    #[must_use]
    pub fn max_block(mut self, size: Bytes) -> Self {
        let size = size.as_usize().clamp(self.first_block, 1 << 30);
        self.max_block = size.next_multiple_of(BLOCK_ALIGN);
        self
    }

    /// Limits the bytes of all blocks together. It is checked when a block is added, and costs nothing otherwise.
    ///
    /// ```
    /// use terrane_arena::{Arena, ArenaStrategy, Bytes};
    ///
    /// let arena = Arena::with_strategy(ArenaStrategy::new().max_size(Bytes::from_kib(4)));
    /// assert!(arena.try_alloc([0u8; 5000]).is_err());
    /// ```
    #[must_use]
    pub fn max_size(mut self, size: Bytes) -> Self {
        self.max_bytes = size.as_usize();
        self
    }

    /// Sets what becomes of requests that are too large for a common block.
    ///
    /// ```
    /// use terrane_arena::{Arena, ArenaStrategy, Bytes, Overflow};
    ///
    /// let small = ArenaStrategy::new().max_block(Bytes::from_kib(1));
    /// let arena = Arena::with_strategy(small.overflow(Overflow::Refuse));
    /// assert!(arena.try_alloc([0u8; 2000]).is_err());
    /// ```
    #[must_use]
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Overwrites memory that is taken back, to find code that keeps raw pointers for too long. Slow; for debugging.
    ///
    /// ```
    /// use terrane_arena::{Arena, ArenaStrategy};
    ///
    /// let mut arena = Arena::with_strategy(ArenaStrategy::new().poison(true));
    /// let stale: *const u64 = arena.alloc(7);
    /// arena.reset();
    /// // SAFETY: the block is still there, and any bytes are a `u64`.
    /// # #[cfg(not(terrane_asan))]
    /// assert_ne!(unsafe { stale.read() }, 7);
    /// ```
    #[must_use]
    pub fn poison(mut self, poison: bool) -> Self {
        self.poison = poison;
        self
    }

    /// The size of the common block after one of this size.
    pub(crate) fn next_block(&self, size: usize) -> usize {
        let grown = match self.growth {
            // A float's conversion saturates, and sends what is no number to zero.
            Growth::Factor(2.0) => size.saturating_mul(2),
            Growth::Factor(factor) => (size as f64 * f64::from(factor)) as usize,
            Growth::By(step) => size.saturating_add(step.as_usize()),
        };
        let grown = grown.min(self.max_block).max(size);
        grown.checked_next_multiple_of(BLOCK_ALIGN).unwrap_or(size)
    }
}

impl Default for ArenaStrategy {
    fn default() -> Self {
        Self::new()
    }
}
