//! The bump arena itself: how it is made, its limits and its frames. How values get in is in `methods.rs`, where more room comes from
//! in `serving.rs`, how it forgets in `going_back.rs`, and what it tells in `inspect.rs`.
//!
//! The cursor and the floor of the current block are fields of the arena, so that the fast path loads them without
//! following a pointer to the block first. Everything else is behind a pointer, for a reason that `state.rs` explains.

use crate::block_chain::Room;
use crate::boxed::ArenaBox;
use crate::bump::Bump;
use crate::construct;
use crate::counting::{Counted, Counting, Uncounted};
use crate::format::ArenaText;
use crate::frame::{Frame, FrameCore, FrameGuard};
use crate::methods::allocating_methods;
use crate::state::{self, State, StateHandle};
use crate::strategy::ArenaStrategy;
use crate::vec::ArenaVec;
use core::alloc::Layout;
use core::cell::Cell;
use core::fmt;
use core::ptr::NonNull;
use terrane_base::{Budget, Bytes, MemoryError};

/// A bump arena: allocation moves a cursor, and everything is given back at once.
///
/// Values are handed out as `&mut T` that live as long as the borrow of the arena. The arena grows by blocks from the
/// global allocator, the first of 1 KiB, each twice the size of the last. It has one thread at a time (`Send`, not `Sync`).
///
/// **Destructors do not run.** [`reset`](Self::reset), [`rewind`](Self::rewind), the end of a [`scope`](Self::scope)
/// and the drop of the arena forget the values. That is safe, but what a value owns outside of the arena (a `Vec`'s
/// buffer, a file) leaks.
///
/// Every value starts at a multiple of 8 at least, so a lone `u8` takes 8 bytes; slices and strings are dense.
///
/// An arena is 100-odd bytes and not padded. Two that different threads use all the time are better not neighbours in an
/// array: a cache line that both write would go to and fro. (The segments of a [`ConcurrentArena`](crate::ConcurrentArena) are
/// allocations of their own.)
///
/// A loop that allocates and has the arena to itself is fastest in a [`scope`](Self::scope): the scope's frame can stay in
/// registers, while the cursor of an arena behind `&mut` is stored for each value, as a panic might show it.
///
/// # Examples
///
/// ```
/// use terrane_arena::Arena;
///
/// let mut arena = Arena::new();
/// let number = arena.alloc(41);
/// *number += 1;
/// let name = arena.alloc_str("zone");
/// assert_eq!((*number, &*name), (42, "zone"));
///
/// arena.reset(); // the memory stays with the arena
/// assert_eq!(arena.used_bytes(), 0);
/// ```
///
/// No value outlives its arena,
///
/// ```compile_fail,E0505
/// # use terrane_arena::Arena;
/// let arena = Arena::new();
/// let number = arena.alloc(1);
/// drop(arena);
/// *number = 2;
/// ```
///
/// nor a reset,
///
/// ```compile_fail,E0502
/// # use terrane_arena::Arena;
/// let mut arena = Arena::new();
/// let number = arena.alloc(1);
/// arena.reset();
/// *number = 2;
/// ```
///
/// and no two threads share one.
///
/// ```compile_fail,E0277
/// # use terrane_arena::Arena;
/// let arena = Arena::new();
/// std::thread::scope(|threads| {
///     threads.spawn(|| *arena.alloc(1));
/// });
/// ```
// The cursor and the floor are at opposite ends on purpose. Side by side, AArch64 compilers load both with one 16-byte
// instruction, and such a load cannot be fed from the 8-byte store of the cursor that the last allocation made.
#[repr(C)]
pub struct Arena<C: Counting = Uncounted> {
    /// Where the last value starts; a multiple of 8, not below `floor`. It carries the provenance of its block.
    pub(crate) cursor: Cell<*mut u8>,
    /// Belongs to this arena alone. It is borrowed only within methods that call no foreign code meanwhile, or have closed the
    /// arena before: the global allocator may call back.
    pub(crate) state: Cell<Option<StateHandle>>,
    /// The fewest bytes that were left in the current block, before something was given back.
    pub(crate) least_left: Cell<usize>,
    /// The room that a reset has to restore, if it has nothing else to do.
    pub(crate) home: Cell<Room>,
    pub(crate) strategy: ArenaStrategy,
    pub(crate) counting: C,
    /// Whether a slow path is under way; see `serving.rs`.
    pub(crate) closed: Cell<bool>,
    /// Values of the current block start at this address or above.
    pub(crate) floor: Cell<usize>,
}

// SAFETY: the arena alone owns its blocks and what is in them; nothing is bound to a thread. Its values are reachable only
// through borrows of the arena, none of which can exist while it moves to another thread, and they are never dropped.
unsafe impl<C: Counting> Send for Arena<C> {}

// SAFETY: the current block's room belongs to the arena, and so does what its state takes from other blocks. Values live
// as long as a shared borrow of the arena. Methods that borrow it mutably give memory back; by a shared borrow only the handle
// of the value at the cursor or of the buffer at the floor does, which ends or moves that value and no other.
unsafe impl<C: Counting> Bump for Arena<C> {
    const HAS_LOW_END: bool = true;

    #[inline(always)]
    fn cursor(&self) -> *mut u8 {
        self.cursor.get()
    }

    #[inline(always)]
    fn set_cursor(&self, cursor: *mut u8) {
        self.cursor.set(cursor);
    }

    #[inline(always)]
    fn floor(&self) -> usize {
        self.floor.get()
    }

    #[inline(always)]
    fn refill(&self, layout: Layout) -> NonNull<u8> {
        match self.serve(layout) {
            Ok(place) => place,
            // SAFETY: what `serve` lent the state to has returned.
            Err(refusal) => unsafe { state::refuse(self.state.get(), refusal) },
        }
    }

    #[inline(always)]
    fn try_refill(&self, layout: Layout) -> Result<NonNull<u8>, MemoryError> {
        // SAFETY: what `serve` lent the state to has returned.
        self.serve(layout).map_err(|refusal| unsafe { state::explain(self.state.get(), refusal) })
    }

    #[inline(always)]
    fn note(&self) {
        self.counting.note();
    }

    #[inline]
    fn last_is_free(&self) -> bool {
        self.state().is_none_or(|state| !state.checkpoints.stand_at(self.cursor.get()))
    }

    #[inline]
    fn retreating(&self) {
        self.note_retreat(self.room().bytes());
    }

    #[inline]
    fn poisons(&self) -> bool {
        self.strategy.poison
    }

    #[inline(always)]
    fn raise_floor(&self, floor: usize) {
        self.floor.set(floor);
    }

    #[inline(always)]
    fn lower_floor(&self, floor: usize) {
        self.note_retreat(self.room().bytes());
        self.floor.set(floor);
    }
}

impl Arena {
    /// Makes an arena without memory; the first allocation takes the first block. Without a limit.
    ///
    /// ```
    /// static_assertions();
    /// fn static_assertions() {
    ///     const EMPTY: terrane_arena::Arena = terrane_arena::Arena::new();
    ///     assert_eq!(EMPTY.committed_bytes(), 0);
    /// }
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self::make(ArenaStrategy::new(), Uncounted)
    }

    /// Makes an arena without memory, which is to get its blocks in this way.
    ///
    /// ```
    /// use terrane_arena::{Arena, ArenaStrategy, Bytes};
    ///
    /// let arena = Arena::with_strategy(ArenaStrategy::new().initial_size(Bytes::from_mib(1)));
    /// arena.alloc(1);
    /// assert_eq!(arena.committed_bytes(), 1 << 20);
    /// ```
    #[must_use]
    pub const fn with_strategy(strategy: ArenaStrategy) -> Self {
        Self::make(strategy, Uncounted)
    }
}

impl Arena<Counted> {
    /// Makes an arena without memory that counts its allocations.
    ///
    /// ```
    /// use terrane_arena::Arena;
    ///
    /// let arena = Arena::counted();
    /// arena.alloc(1);
    /// assert_eq!(arena.stats().allocations, Some(1));
    /// ```
    #[must_use]
    pub fn counted() -> Self {
        Self::make(ArenaStrategy::new(), Counted::default())
    }

    /// Makes an arena without memory that counts its allocations and gets its blocks in this way.
    ///
    /// ```
    /// use terrane_arena::{Arena, ArenaStrategy};
    ///
    /// let arena = Arena::counted_with_strategy(ArenaStrategy::new());
    /// assert_eq!(arena.stats().allocations, Some(0));
    /// ```
    #[must_use]
    pub fn counted_with_strategy(strategy: ArenaStrategy) -> Self {
        Self::make(strategy, Counted::default())
    }
}

#[expect(clippy::mut_from_ref, reason = "each call hands out memory that no other call has")]
impl<C: Counting> Arena<C> {
    allocating_methods!('v, 'v, "let arena = Arena::new();", "arena");

    const fn make(strategy: ArenaStrategy, counting: C) -> Self {
        Self {
            cursor: Cell::new(Room::NONE.cursor),
            state: Cell::new(None),
            least_left: Cell::new(usize::MAX),
            home: Cell::new(Room::UNKNOWN),
            strategy,
            counting,
            closed: Cell::new(false),
            floor: Cell::new(Room::NONE.floor),
        }
    }

    /// Sets the size of the first block, header included: at least 1 KiB, at most 16 MiB, what lies outside is clamped.
    ///
    /// ```
    /// use terrane_arena::{Arena, Bytes};
    ///
    /// let arena = Arena::new().with_first_block(Bytes::from_kib(64));
    /// arena.alloc(1u64);
    /// assert_eq!(arena.committed_bytes(), 64 << 10);
    /// ```
    #[must_use]
    pub fn with_first_block(mut self, size: Bytes) -> Self {
        self.strategy = self.strategy.initial_size(size);
        self
    }

    /// Limits the bytes of all blocks together. It is checked when a block is added, and costs nothing otherwise. The arena's
    /// own records (some 250 bytes and those of its checkpoints) do not count.
    ///
    /// A vector that outgrows its block has two of them while it is copied, so it can fill half of the limit, or all of it where its
    /// room is reserved.
    ///
    /// An allocation that needs a block beyond the limit fails with [`MemoryError::OutOfMemory`]. A limit below what the
    /// arena has already takes nothing away.
    ///
    /// ```
    /// use terrane_arena::{Arena, Bytes, MemoryError};
    ///
    /// let arena = Arena::new().with_limit(Bytes::from_kib(4));
    /// let result = arena.try_alloc_slice_fill_with(1 << 20, |_| 0u8);
    /// assert!(matches!(result, Err(MemoryError::OutOfMemory { .. })));
    /// assert!(arena.try_alloc(1u64).is_ok());
    /// ```
    #[must_use]
    pub fn with_limit(mut self, limit: Bytes) -> Self {
        self.strategy = self.strategy.max_size(limit);
        self
    }

    /// Has the blocks charged to a budget: each when it is added, and discharged when it is given back.
    ///
    /// ```
    /// use terrane_arena::{Arena, Budget, Bytes};
    ///
    /// let budget = Budget::root(Bytes::from_kib(8));
    /// let arena = Arena::new().with_budget(&budget);
    /// arena.alloc(1u64);
    /// assert_eq!(budget.used(), Bytes::from_kib(1));
    /// ```
    ///
    /// # Panics
    ///
    /// Where [`try_with_budget`](Self::try_with_budget) returns an error.
    #[must_use]
    pub fn with_budget(self, budget: &Budget) -> Self {
        self.try_with_budget(budget).unwrap_or_else(|error| panic!("arena: {error}"))
    }

    /// Has the blocks charged to a budget: each when it is added, and discharged when it is given back.
    ///
    /// ```
    /// use terrane_arena::{Arena, Budget, Bytes, MemoryError};
    ///
    /// let budget = Budget::root(Bytes::from_kib(8)).child("parser");
    /// let mut arena = Arena::new().try_with_budget(&budget)?;
    /// arena.alloc(1u64);
    /// assert_eq!(budget.used(), Bytes::from_kib(1));
    /// let refused = arena.try_alloc([0u8; 10_000]);
    /// assert!(matches!(refused, Err(MemoryError::BudgetExceeded { .. })));
    /// arena.release();
    /// assert_eq!(budget.used(), Bytes::ZERO);
    /// # Ok::<(), MemoryError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`MemoryError`] if the blocks that the arena has already are too much for the budget, or there is no memory for the
    /// arena's own record. The arena is dropped then.
    pub fn try_with_budget(mut self, budget: &Budget) -> Result<Self, MemoryError> {
        let state = self.state.get().map_or_else(StateHandle::new, Ok)?;
        self.state.set(Some(state));
        if let Some(state) = self.state_mut() {
            state.chain.set_budget(budget)?;
        }
        Ok(self)
    }

    /// Opens a frame: what is allocated in it goes away when its guard is dropped. A few instructions, no registration.
    ///
    /// [`scope`](Self::scope) is the same as a function with a closure.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let mut arena = Arena::new();
    /// let mut guard = arena.enter();
    /// assert_eq!(guard.frame().alloc_str("scratch"), "scratch");
    /// guard.leave();
    /// assert_eq!(arena.used_bytes(), 0);
    /// ```
    #[inline(always)]
    pub fn enter(&mut self) -> FrameGuard<'_, C> {
        FrameGuard::over(FrameCore::of_whole(self))
    }

    /// Runs `work` with a frame, then forgets everything that was allocated in it, also if it panics.
    ///
    /// (What a frame within it left behind stays until the arena goes back, if its guard was forgotten.)
    ///
    /// ```
    /// use terrane_arena::Arena;
    ///
    /// let mut arena = Arena::new();
    /// arena.alloc(7u64);
    /// let sum: u64 = arena.scope(|scratch| {
    ///     let squares = scratch.alloc_slice_fill_with(10, |i| (i * i) as u64);
    ///     squares.iter().sum()
    /// });
    /// assert_eq!((sum, arena.used_bytes()), (285, 8));
    /// ```
    ///
    /// No value leaves the scope:
    ///
    /// ```compile_fail
    /// # use terrane_arena::Arena;
    /// let mut arena = Arena::new();
    /// let number: &mut i32 = arena.scope(|scratch| scratch.alloc(1));
    /// ```
    ///
    /// and the arena is not to be had while a value of before is in use:
    ///
    /// ```compile_fail,E0502
    /// # use terrane_arena::Arena;
    /// let mut arena = Arena::new();
    /// let number = arena.alloc(1);
    /// arena.scope(|scratch| { scratch.alloc(2); });
    /// *number = 3;
    /// ```
    ///
    /// # Panics
    ///
    /// If `work` panics.
    #[inline(always)]
    pub fn scope<R>(&mut self, work: impl FnOnce(&mut Frame<'_, C>) -> R) -> R {
        FrameCore::of_whole(self).run::<true, _>(work)
    }

    #[inline(always)]
    pub(crate) fn state(&self) -> Option<&State> {
        // SAFETY: the state belongs to this arena; the methods that borrow it mutably have returned.
        self.state.get().map(|state| unsafe { state.get() })
    }

    #[inline(always)]
    pub(crate) fn state_mut(&mut self) -> Option<&mut State> {
        // SAFETY: the state belongs to this arena, which is borrowed mutably.
        self.state.get().map(|state| unsafe { state.get_mut() })
    }
}

impl<C: Counting> Drop for Arena<C> {
    #[inline]
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            // SAFETY: the handle is this arena's alone, and no value can be borrowed from an arena that is dropped.
            unsafe { state.free() };
        }
    }
}

impl<C: Counting> Default for Arena<C> {
    fn default() -> Self {
        Self::make(ArenaStrategy::new(), C::default())
    }
}

impl<C: Counting> fmt::Debug for Arena<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
