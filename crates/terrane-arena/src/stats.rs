//! What an arena tells about itself.

/// The memory of an arena, in bytes.
///
/// ```
/// use terrane_arena::Arena;
///
/// let arena = Arena::new();
/// arena.alloc([0u64; 10]);
/// let stats = arena.stats();
/// assert_eq!((stats.used_bytes, stats.committed_bytes, stats.blocks), (80, 1024, 1));
/// assert!(stats.used_bytes + stats.wasted_bytes + stats.metadata_bytes <= stats.committed_bytes + 1024);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArenaStats {
    /// Bytes of all values that are handed out, with the padding for their alignment.
    pub used_bytes: usize,
    /// The most that was ever used at one time.
    pub peak_bytes: usize,
    /// Bytes of all blocks, used or not.
    pub committed_bytes: usize,
    /// Bytes at the ends of blocks that were given up for another block: nothing will be put there before the arena goes
    /// back.
    pub wasted_bytes: usize,
    /// Bytes that the arena needs for itself: the headers of its blocks, its own records, and those of its checkpoints.
    pub metadata_bytes: usize,
    /// How many blocks there are.
    pub blocks: usize,
    /// How many of them hold one large value each.
    pub overflow_blocks: usize,
    /// How many allocations there were; only a [`Counted`](crate::Counted) arena knows.
    pub allocations: Option<u64>,
}
