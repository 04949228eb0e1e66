//! The bump arena itself: state, limits, going back, counters. How values get in is in `allocate.rs`.
//!
//! The cursor and the floor of the current block are fields of the arena, so that the fast path loads them without
//! following a pointer to the block first. Everything else is behind a pointer, for a reason that `state.rs` explains.

use crate::block_chain::{Room, Settings};
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::refusal::Refusal;
use crate::state::{self, Served, State, StateHandle};
use crate::stats::ArenaStats;
use core::alloc::Layout;
use core::cell::Cell;
use core::fmt;
use core::ptr::NonNull;
use terrane_base::{Bytes, MemoryError};

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
pub struct Arena {
    /// Where the last value starts; a multiple of 8, not below `floor`. It carries the provenance of its block.
    pub(crate) cursor: Cell<*mut u8>,
    /// Belongs to this arena alone, and is borrowed only within methods that call no foreign code meanwhile.
    state: Cell<Option<StateHandle>>,
    settings: Settings,
    /// Values of the current block start at this address or above.
    pub(crate) floor: Cell<usize>,
}

// SAFETY: the arena alone owns its blocks and what is in them; nothing is bound to a thread. Its values are reachable only
// through borrows of the arena, none of which can exist while it moves to another thread, and they are never dropped.
unsafe impl Send for Arena {}

impl Arena {
    /// Makes an arena without memory; the first allocation takes the first block. Without a limit.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            cursor: Cell::new(Room::NONE.cursor),
            state: Cell::new(None),
            settings: Settings::DEFAULT,
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
        self.settings.set_first_block(size.as_usize());
        self
    }

    /// Limits the bytes of all blocks together. It is checked when a block is added, and costs nothing otherwise. The arena's
    /// own records (some 200 bytes and those of its checkpoints) do not count.
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
        self.settings.set_max_bytes(limit.as_usize());
        self
    }

    /// Notes the present state, to go back to it with [`rewind`](Self::rewind). Constant time.
    ///
    /// The arena keeps a record for each checkpoint (40 bytes on the global heap) until it goes back beyond it;
    /// checkpoints without an allocation between them share one.
    ///
    /// # Panics
    ///
    /// If there is no memory for that record. [`try_checkpoint`](Self::try_checkpoint) returns an error instead.
    #[must_use = "an arena goes back only to a checkpoint that was kept"]
    #[inline]
    pub fn checkpoint(&self) -> Checkpoint {
        self.take_checkpoint().unwrap_or_else(|refusal| refusal.panic())
    }

    /// The same as [`checkpoint`](Self::checkpoint).
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfMemory`] if there is no memory for the record.
    #[inline]
    pub fn try_checkpoint(&self) -> Result<Checkpoint, MemoryError> {
        Ok(self.take_checkpoint()?)
    }

    /// Goes back to a checkpoint: forgets the values that were allocated after it, and keeps their blocks for later.
    ///
    /// The checkpoint itself, and those before it, stay good. Constant time, plus a little for each value since
    /// the checkpoint that got a block of its own.
    ///
    /// ```
    /// use terrane_arena::{Arena, CheckpointError};
    ///
    /// let mut arena = Arena::new();
    /// let early = arena.checkpoint();
    /// arena.alloc(1u64);
    /// let late = arena.checkpoint();
    /// arena.alloc(2u64);
    /// arena.rewind(late)?;
    /// assert_eq!(arena.used_bytes(), 8);
    /// arena.rewind(early)?;
    /// assert_eq!(arena.used_bytes(), 0);
    /// assert_eq!(arena.rewind(late), Err(CheckpointError::Stale));
    /// assert_eq!(Arena::new().rewind(early), Err(CheckpointError::Foreign));
    /// # Ok::<(), CheckpointError>(())
    /// ```
    ///
    /// A value from after the checkpoint cannot be used any more, nor can one from before it:
    ///
    /// ```compile_fail,E0502
    /// # use terrane_arena::Arena;
    /// let mut arena = Arena::new();
    /// let checkpoint = arena.checkpoint();
    /// let number = arena.alloc(1);
    /// arena.rewind(checkpoint).unwrap();
    /// *number = 2;
    /// ```
    ///
    /// # Errors
    ///
    /// [`CheckpointError`] if the checkpoint is of another arena, or the arena has gone back beyond it since. The arena
    /// is then unchanged.
    #[inline]
    pub fn rewind(&mut self, checkpoint: Checkpoint) -> Result<(), CheckpointError> {
        let cursor = self.cursor.get();
        let state = self.state_mut().ok_or(CheckpointError::Foreign)?;
        state.rewind(checkpoint, cursor)?;
        self.take_over_room();
        Ok(())
    }

    /// Runs `work`, then forgets everything that was allocated in it, also if it panics.
    ///
    /// If `work` itself resets the arena or goes back beyond the beginning of the scope, then there is no beginning left
    /// to return to, and what it allocates after that stays. Checkpoints of within the scope belong to it: do not
    /// keep them.
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
    /// If `work` panics, or there is no memory for a checkpoint; see [`try_scope`](Self::try_scope).
    #[inline]
    pub fn scope<R>(&mut self, work: impl FnOnce(&mut Self) -> R) -> R {
        let scope = self.enter_scope().unwrap_or_else(|refusal| refusal.panic());
        work(&mut *scope.arena)
    }

    /// The same as [`scope`](Self::scope).
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfMemory`] if there is no memory for a checkpoint; `work` is then not run.
    ///
    /// # Panics
    ///
    /// If `work` panics.
    #[inline]
    pub fn try_scope<R>(&mut self, work: impl FnOnce(&mut Self) -> R) -> Result<R, MemoryError> {
        let scope = self.enter_scope()?;
        Ok(work(&mut *scope.arena))
    }

    /// Forgets all values and keeps all blocks. Bumping starts again in the largest one.
    ///
    /// Constant time, except after new blocks were added or values got blocks of their own.
    #[inline]
    pub fn reset(&mut self) {
        let cursor = self.cursor.get();
        if let Some(state) = self.state_mut() {
            state.reset(cursor);
            self.take_over_room();
        }
    }

    /// Forgets all values and gives all blocks back to the global allocator.
    pub fn release(&mut self) {
        let cursor = self.cursor.get();
        if let Some(state) = self.state_mut() {
            state.release(cursor);
            self.take_over_room();
        }
    }

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
        self.state().is_some_and(|state| state.chain.owns(pointer.addr(), self.cursor.get()))
    }

    /// Bytes of all values that are handed out, with the padding for their alignment.
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        self.state().map_or(0, |state| state.chain.used_bytes(self.cursor.get()))
    }

    /// The most bytes that were ever used at one time.
    #[must_use]
    pub fn peak_bytes(&self) -> usize {
        self.state().map_or(0, |state| state.chain.peak_bytes(self.cursor.get()))
    }

    /// Bytes of all blocks, used or not.
    #[must_use]
    pub fn committed_bytes(&self) -> usize {
        self.state().map_or(0, |state| state.chain.committed_bytes())
    }

    /// How many blocks the arena has.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.state().map_or(0, |state| state.chain.blocks())
    }

    /// All counters together.
    #[must_use]
    pub fn stats(&self) -> ArenaStats {
        ArenaStats {
            used_bytes: self.used_bytes(),
            peak_bytes: self.peak_bytes(),
            committed_bytes: self.committed_bytes(),
            blocks: self.blocks(),
        }
    }

    #[inline]
    fn take_checkpoint(&self) -> Result<Checkpoint, Refusal> {
        // SAFETY: the state belongs to this arena and is not borrowed.
        let (state, checkpoint) = unsafe { state::checkpoint(self.state.get(), self.cursor.get()) }?;
        self.state.set(Some(state));
        Ok(checkpoint)
    }

    #[inline]
    fn enter_scope(&mut self) -> Result<Scope<'_>, Refusal> {
        let open_before = self.state().map_or(0, |state| state.checkpoints.len());
        let start = self.take_checkpoint()?;
        Ok(Scope { arena: self, start, open_before })
    }

    /// Takes memory for a value that does not fit into the current block.
    #[inline(always)]
    pub(crate) fn try_take_from_next_block(&self, layout: Layout) -> Result<NonNull<u8>, MemoryError> {
        if layout.size() == 0 {
            return Ok(layout.dangling_ptr());
        }
        // SAFETY: the state belongs to this arena and is not borrowed.
        let served = unsafe { state::try_serve(self.state.get(), self.settings, self.cursor.get(), layout) }?;
        Ok(self.take_over(served))
    }

    /// The same, or a panic.
    #[inline(always)]
    pub(crate) fn take_from_next_block(&self, layout: Layout) -> NonNull<u8> {
        if layout.size() == 0 {
            return layout.dangling_ptr();
        }
        // SAFETY: the state belongs to this arena and is not borrowed.
        let served = unsafe { state::serve(self.state.get(), self.settings, self.cursor.get(), layout) };
        self.take_over(served)
    }

    #[inline(always)]
    fn take_over(&self, served: Served) -> NonNull<u8> {
        self.state.set(Some(served.state));
        self.take_over_room();
        served.start
    }

    #[inline(always)]
    fn take_over_room(&self) {
        if let Some(state) = self.state() {
            self.cursor.set(state.room.cursor);
            self.floor.set(state.room.floor);
        }
    }

    #[inline(always)]
    fn state(&self) -> Option<&State> {
        // SAFETY: the state belongs to this arena; the methods that borrow it mutably have returned.
        self.state.get().map(|state| unsafe { state.get() })
    }

    #[inline(always)]
    fn state_mut(&mut self) -> Option<&mut State> {
        // SAFETY: the state belongs to this arena, which is borrowed mutably.
        self.state.get().map(|state| unsafe { state.get_mut() })
    }
}

impl Drop for Arena {
    #[inline]
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            // SAFETY: the handle is this arena's alone, and no value can be borrowed from an arena that is dropped.
            unsafe { state.free() };
        }
    }
}

impl Default for Arena {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// Ends a scope, on return and on unwinding alike.
struct Scope<'a> {
    arena: &'a mut Arena,
    start: Checkpoint,
    open_before: usize,
}

impl Drop for Scope<'_> {
    #[inline]
    fn drop(&mut self) {
        // The work may itself have reset the arena, or exchanged it for another. Then there is nothing left to forget.
        if self.arena.rewind(self.start).is_ok() {
            let open_before = self.open_before;
            if let Some(state) = self.arena.state_mut() {
                state.checkpoints.truncate(open_before);
            }
        }
    }
}
