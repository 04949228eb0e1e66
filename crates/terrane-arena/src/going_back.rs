//! How an arena forgets: to a checkpoint, or everything.
//!
//! Within a block that is a store of the cursor and of the floor. Only where blocks have come since is there more to do, out of
//! line.

use crate::arena::Arena;
use crate::block_chain::Room;
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::counting::Counting;
use crate::refusal::Refusal;
use crate::state;
use core::alloc::Layout;
use terrane_base::MemoryError;

impl<C: Counting> Arena<C> {
    /// Notes the present state, to go back to it with [`rewind`](Self::rewind). Constant time.
    ///
    /// The arena keeps a record for each checkpoint (40 bytes on the global heap) until it goes back beyond it;
    /// checkpoints without an allocation between them share one.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let mut arena = Arena::new();
    /// let start = arena.checkpoint();
    /// arena.alloc(1u64);
    /// arena.rewind(start)?;
    /// assert_eq!(arena.used_bytes(), 0);
    /// # Ok::<(), terrane_arena::CheckpointError>(())
    /// ```
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
    /// ```
    /// # use terrane_arena::Arena;
    /// let mut arena = Arena::new();
    /// let start = arena.try_checkpoint().expect("a few bytes");
    /// arena.alloc(1u64);
    /// assert_eq!(arena.rewind(start), Ok(()));
    /// ```
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
        let near = self.state().and_then(|state| state.newest_in_this_block(checkpoint));
        match near {
            Some(room) if !self.strategy.poison && !cfg!(terrane_asan) => {
                self.go_back(room);
                Ok(())
            }
            _ => self.rewind_blocks(checkpoint),
        }
    }

    #[cold]
    #[inline(never)]
    fn rewind_blocks(&mut self, checkpoint: Checkpoint) -> Result<(), CheckpointError> {
        let stand = self.stand();
        let state = self.state_mut().ok_or(CheckpointError::Foreign)?;
        state.rewind(checkpoint, stand)?;
        self.take_over_room();
        Ok(())
    }

    /// Forgets all values and keeps all blocks. Bumping starts again in the largest one.
    ///
    /// What is kept counts against a limit: an arena near its limit whose blocks are all smaller than a request refuses it,
    /// though it is empty. [`release`](Self::release) gives the blocks back.
    ///
    /// Constant time, except after larger blocks than before were added.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let mut arena = Arena::new();
    /// arena.alloc([0u8; 5000]);
    /// let committed = arena.committed_bytes();
    /// arena.reset();
    /// assert_eq!((arena.used_bytes(), arena.committed_bytes()), (0, committed));
    /// ```
    #[inline]
    pub fn reset(&mut self) {
        if self.home.get().cursor.is_null() {
            self.reset_blocks();
        } else {
            self.go_back(self.home.get());
        }
    }

    #[cold]
    #[inline(never)]
    fn reset_blocks(&mut self) {
        let stand = self.stand();
        if let Some(state) = self.state_mut() {
            state.reset(stand);
            self.take_over_room();
        }
    }

    /// Forgets all values and gives all blocks back to the global allocator.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let mut arena = Arena::new();
    /// arena.alloc(1);
    /// arena.release();
    /// assert_eq!(arena.committed_bytes(), 0);
    /// ```
    pub fn release(&mut self) {
        let stand = self.stand();
        if let Some(state) = self.state_mut() {
            state.release(stand);
            self.take_over_room();
        }
    }

    #[inline]
    fn take_checkpoint(&self) -> Result<Checkpoint, Refusal> {
        match self.state().and_then(|state| state.newest_checkpoint(self.room())) {
            Some(checkpoint) => Ok(checkpoint),
            None => self.open_checkpoint(),
        }
    }

    #[cold]
    #[inline(never)]
    fn open_checkpoint(&self) -> Result<Checkpoint, Refusal> {
        if self.floor.get() == Room::NONE.floor {
            self.take_first_block();
        }
        let stand = self.stand();
        let state = self.close(Layout::new::<Checkpoint>())?;
        // SAFETY: the state belongs to this arena and is not borrowed; nobody finds it while the arena is closed.
        let opened = unsafe { state::checkpoint(state, stand) };
        self.reopen(opened.map_or(state, |(state, _)| Some(state)), stand);
        self.home.set(Room::UNKNOWN);
        Ok(opened?.1)
    }

    /// The part of the current block that is free.
    #[inline(always)]
    pub(crate) fn room(&self) -> Room {
        Room { cursor: self.cursor.get(), floor: self.floor.get() }
    }

    /// Goes back to an earlier room in the same block.
    #[inline(always)]
    fn go_back(&self, room: Room) {
        self.note_least_left(self.room().bytes());
        self.cursor.set(room.cursor);
        self.floor.set(room.floor);
    }
}
