//! What an [`Arena`] tells about itself: its counters, its bytes, and whether a pointer is its own.

use crate::arena::Arena;
use crate::counting::Counting;
use crate::shadow;
use crate::state::State;
use crate::stats::ArenaStats;
use crate::strategy::ArenaStrategy;
use core::mem::MaybeUninit;
use core::slice;

impl<C: Counting> Arena<C> {
    /// Whether `pointer` points into a value that this arena has handed out and not taken back, or into the padding
    /// before one. Never for zero-sized values. Linear in the number of blocks.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let arena = Arena::new();
    /// let inside = arena.alloc([1u32, 2]);
    /// assert!(arena.owns(&inside[1]));
    /// assert!(!arena.owns(&3u32));
    /// ```
    #[must_use]
    pub fn owns<T: ?Sized>(&self, pointer: *const T) -> bool {
        self.state().is_some_and(|state| state.chain.owns(pointer.addr(), self.room()))
    }

    /// The bytes of the values that are handed out, block by block, newest blocks first, with the padding between them. The
    /// lower an address in a block, the newer the value.
    ///
    /// The bytes may be uninitialised, as padding is.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let mut arena = Arena::new();
    /// arena.alloc(1u64);
    /// arena.alloc(2u64);
    /// let words: Vec<u64> = arena
    ///     .chunks()
    ///     .flat_map(|chunk| chunk.chunks_exact(8))
    ///     // SAFETY: the arena holds two words and nothing else.
    ///     .map(|word| unsafe { word.as_ptr().cast::<u64>().read() })
    ///     .collect();
    /// assert_eq!(words, [2, 1]);
    /// ```
    pub fn chunks(&mut self) -> impl Iterator<Item = &[MaybeUninit<u8>]> {
        let room = self.room();
        let state = self.state();
        let parts = state.map(|state| state.chain.parts_in_use(room));
        parts.into_iter().flatten().map(|(start, len)| {
            // The padding between values has not been.
            shadow::reveal(start, len);
            // SAFETY: these bytes belong to the arena, which is borrowed mutably, so that there is no other reference to
            // them. `MaybeUninit`, as padding is not initialised.
            unsafe { slice::from_raw_parts(start.cast(), len) }
        })
    }

    /// Bytes of all values that are handed out, with the padding for their alignment.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let arena = Arena::new();
    /// arena.alloc([1u64, 2]);
    /// assert_eq!(arena.used_bytes(), 16);
    /// ```
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        self.state().map_or(0, |state| state.chain.used_bytes(self.room()))
    }

    /// The most bytes that were ever used at one time.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let mut arena = Arena::new();
    /// arena.scope(|frame| { frame.alloc([1u64, 2]); });
    /// assert_eq!((arena.used_bytes(), arena.peak_bytes()), (0, 16));
    /// ```
    #[must_use]
    pub fn peak_bytes(&self) -> usize {
        self.stats().peak_bytes
    }

    /// Bytes of all blocks, used or not.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let arena = Arena::new();
    /// arena.alloc(1);
    /// assert_eq!(arena.committed_bytes(), 1024);
    /// ```
    #[must_use]
    pub fn committed_bytes(&self) -> usize {
        self.state().map_or(0, |state| state.chain.committed_bytes())
    }

    /// How the arena gets its blocks: to make another one like it.
    ///
    /// ```
    /// use terrane_arena::{Arena, ArenaStrategy, Bytes};
    ///
    /// let strategy = ArenaStrategy::new().initial_size(Bytes::from_kib(64));
    /// assert_eq!(Arena::with_strategy(strategy).strategy(), strategy);
    /// ```
    #[must_use]
    pub const fn strategy(&self) -> ArenaStrategy {
        self.strategy
    }

    /// How many blocks the arena has.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let arena = Arena::new();
    /// assert_eq!(arena.blocks(), 0);
    /// arena.alloc(1);
    /// assert_eq!(arena.blocks(), 1);
    /// ```
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.state().map_or(0, |state| state.chain.blocks())
    }

    /// All counters together. Linear in the number of blocks.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let arena = Arena::new();
    /// arena.alloc(1);
    /// println!("{:?}", arena.stats());
    /// ```
    #[must_use]
    pub fn stats(&self) -> ArenaStats {
        let blocks = self.state().map_or_else(ArenaStats::default, |state| {
            let stats = state.chain.stats(self.room());
            let peak_bytes = stats.peak_bytes.max(state.chain.used_bytes_beside(self.least_left.get()));
            let records = size_of::<State>() + state.bytes();
            ArenaStats { peak_bytes, metadata_bytes: stats.metadata_bytes + records, ..stats }
        });
        ArenaStats { allocations: self.counting.count(), ..blocks }
    }
}
