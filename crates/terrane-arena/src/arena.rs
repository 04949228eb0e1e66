//! The bump arena itself: state, limits, going back, counters. How values get in is in `allocate.rs`.
//!
//! The cursor and the floor of the current block are fields of the arena, so that the fast path loads them without
//! following a pointer to the block first. Everything else is touched only when a block is full.

use crate::block_chain::{BlockChain, Room};
use crate::checkpoint::{Checkpoint, CheckpointError, OpenCheckpoints};
use crate::stats::ArenaStats;
use core::alloc::Layout;
use core::cell::{Cell, RefCell};
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
    chain: RefCell<BlockChain>,
    checkpoints: RefCell<OpenCheckpoints>,
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
            chain: RefCell::new(BlockChain::new()),
            checkpoints: RefCell::new(OpenCheckpoints::new()),
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
        self.chain.get_mut().set_first_block(size.as_usize());
        self
    }

    /// Limits the bytes of all blocks together. It is checked when a block is added, and costs nothing otherwise.
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
        self.chain.get_mut().set_max_bytes(limit.as_usize());
        self
    }

    /// Notes the present state, to go back to it with [`rewind`](Self::rewind). Constant time.
    ///
    /// The arena keeps a record for each checkpoint (48 bytes on the global heap) until it goes back beyond it;
    /// checkpoints without an allocation between them share one.
    ///
    /// # Panics
    ///
    /// If there is no memory for that record. [`try_checkpoint`](Self::try_checkpoint) returns an error instead.
    #[must_use = "an arena goes back only to a checkpoint that was kept"]
    pub fn checkpoint(&self) -> Checkpoint {
        self.try_checkpoint().unwrap_or_else(|error| refused(&error))
    }

    /// The same as [`checkpoint`](Self::checkpoint).
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfMemory`] if there is no memory for the record.
    pub fn try_checkpoint(&self) -> Result<Checkpoint, MemoryError> {
        let position = self.chain.borrow().position(self.cursor.get());
        self.checkpoints.borrow_mut().open(position)
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
    pub fn rewind(&mut self, checkpoint: Checkpoint) -> Result<(), CheckpointError> {
        let position = self.checkpoints.get_mut().go_back(checkpoint)?;
        self.with_room(|chain, room| chain.rewind(position, room));
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
    pub fn scope<R>(&mut self, work: impl FnOnce(&mut Self) -> R) -> R {
        self.try_scope(work).unwrap_or_else(|error| refused(&error))
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
    pub fn try_scope<R>(&mut self, work: impl FnOnce(&mut Self) -> R) -> Result<R, MemoryError> {
        let open_before = self.checkpoints.get_mut().len();
        let start = self.try_checkpoint()?;
        let scope = Scope { arena: self, start, open_before };
        Ok(work(&mut *scope.arena))
    }

    /// Forgets all values and keeps all blocks. Bumping starts again in the largest one.
    ///
    /// Constant time, except after new blocks were added or values got blocks of their own.
    pub fn reset(&mut self) {
        self.checkpoints.get_mut().truncate(0);
        self.with_room(BlockChain::reset);
    }

    /// Forgets all values and gives all blocks back to the global allocator.
    pub fn release(&mut self) {
        self.checkpoints.get_mut().truncate(0);
        self.with_room(BlockChain::release);
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
        self.chain.borrow().owns(pointer.addr(), self.cursor.get())
    }

    /// Bytes of all values that are handed out, with the padding for their alignment.
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        self.chain.borrow().used_bytes(self.cursor.get())
    }

    /// The most bytes that were ever used at one time.
    #[must_use]
    pub fn peak_bytes(&self) -> usize {
        self.chain.borrow().peak_bytes(self.cursor.get())
    }

    /// Bytes of all blocks, used or not.
    #[must_use]
    pub fn committed_bytes(&self) -> usize {
        self.chain.borrow().committed_bytes()
    }

    /// How many blocks the arena has.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.chain.borrow().blocks()
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

    /// Takes memory for a value that does not fit into the current block.
    #[cold]
    #[inline(never)]
    pub(crate) fn try_take_from_next_block(&self, layout: Layout) -> Result<NonNull<u8>, MemoryError> {
        if layout.size() == 0 {
            return Ok(layout.dangling_ptr());
        }
        let mut room = Room { cursor: self.cursor.get(), floor: self.floor.get() };
        let start = self.chain.borrow_mut().serve(layout, &mut room)?;
        self.cursor.set(room.cursor);
        self.floor.set(room.floor);
        Ok(start)
    }

    /// The same for callers that cannot return an error. Apart, so that they need no space for one.
    #[cold]
    #[inline(never)]
    pub(crate) fn take_from_next_block(&self, layout: Layout) -> NonNull<u8> {
        self.try_take_from_next_block(layout).unwrap_or_else(|error| refused(&error))
    }

    fn with_room(&mut self, change: impl FnOnce(&mut BlockChain, &mut Room)) {
        let mut room = Room { cursor: self.cursor.get(), floor: self.floor.get() };
        change(self.chain.get_mut(), &mut room);
        self.cursor.set(room.cursor);
        self.floor.set(room.floor);
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
    fn drop(&mut self) {
        // The work may itself have reset the arena, or exchanged it for another. Then there is nothing left to forget.
        if self.arena.rewind(self.start).is_ok() {
            self.arena.checkpoints.get_mut().truncate(self.open_before);
        }
    }
}

#[cold]
#[inline(never)]
pub(crate) fn refused(error: &MemoryError) -> ! {
    panic!("arena: {error}")
}
