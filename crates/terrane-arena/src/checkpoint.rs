//! Checkpoints: which earlier states of an arena may still be gone back to.
//!
//! A checkpoint is *stale* once its arena has gone back to an earlier state: what lies at its position now is
//! something else. Positions alone do not show that, because the arena may have grown past them again. So the arena keeps
//! a stack of the checkpoints that are still good, each with a serial number that is never used twice. Going back to
//! one of them drops all that are above it. A checkpoint names its place in the stack and its serial number, and is good
//! exactly if that place still holds that number: a comparison in constant time.
//!
//! Checkpoints without an allocation between them share one entry, so the stack never has more entries than the arena has
//! values.

use crate::block_chain::Position;
use crate::refusal::Refusal;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};

/// A state of an [`Arena`](crate::Arena), to go back to with [`rewind`](crate::Arena::rewind).
///
/// It is a plain value: it may be dropped, copied, and used several times. A checkpoint that its arena cannot go back to
/// any more, and one of another arena, is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    arena: usize,
    index: usize,
    serial: u64,
}

/// Why an arena did not go back to a checkpoint. The arena is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The arena has gone back to an earlier state, or was reset, since the checkpoint was taken.
    Stale,
    /// The checkpoint was taken in another arena.
    Foreign,
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stale => "the arena has gone back beyond this checkpoint",
            Self::Foreign => "this checkpoint belongs to another arena",
        })
    }
}

impl core::error::Error for CheckpointError {}

/// The checkpoints of one arena that are still good, oldest first.
#[derive(Debug)]
pub(crate) struct OpenCheckpoints {
    /// Zero until the first checkpoint is taken.
    arena: usize,
    next_serial: u64,
    open: Vec<(u64, Position)>,
}

impl OpenCheckpoints {
    pub(crate) const fn new() -> Self {
        Self { arena: 0, next_serial: 0, open: Vec::new() }
    }

    /// The newest checkpoint and its position.
    #[inline]
    pub(crate) fn newest(&self) -> Option<(Checkpoint, &Position)> {
        let (serial, position) = self.open.last()?;
        Some((Checkpoint { arena: self.arena, index: self.open.len() - 1, serial: *serial }, position))
    }

    /// Takes a checkpoint at `position`, which is where the arena stands and the newest one is not.
    pub(crate) fn open(&mut self, position: Position) -> Result<Checkpoint, Refusal> {
        if self.open.try_reserve(1).is_err() {
            return Err(Refusal::by_allocator(size_of::<(u64, Position)>()));
        }
        if self.arena == 0 {
            self.arena = new_arena_id();
        }
        let serial = self.next_serial;
        self.next_serial += 1;
        self.open.push((serial, position));
        Ok(Checkpoint { arena: self.arena, index: self.open.len() - 1, serial })
    }

    /// Where a checkpoint stands; those above it are stale from now on.
    pub(crate) fn go_back(&mut self, checkpoint: Checkpoint) -> Result<&Position, CheckpointError> {
        if checkpoint.arena != self.arena {
            return Err(CheckpointError::Foreign);
        }
        if self.open.get(checkpoint.index).is_none_or(|(serial, _)| *serial != checkpoint.serial) {
            return Err(CheckpointError::Stale);
        }
        self.open.truncate(checkpoint.index + 1);
        Ok(&self.open[checkpoint.index].1)
    }

    /// Whether the newest checkpoint is at this place of the cursor: what lies there is older than it.
    pub(crate) fn stand_at(&self, cursor: *mut u8) -> bool {
        self.open.last().is_some_and(|(_, position)| position.is_at(cursor))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The bytes that the entries take.
    pub(crate) fn bytes(&self) -> usize {
        self.open.capacity() * size_of::<(u64, Position)>()
    }

    /// Makes all but the `len` oldest checkpoints stale.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.open.truncate(len);
    }
}

/// A number that no other arena of this process has. Only arenas that take a checkpoint need one.
fn new_arena_id() -> usize {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}
