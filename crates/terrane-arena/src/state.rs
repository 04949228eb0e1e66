//! What an arena needs only when a block is full or when it goes back: everything but the cursor and the floor.
//!
//! It lies on the global heap, and the functions here take its address rather than a reference to the arena. **That is what
//! makes the fast path fast.** If the slow path were given the arena, its result might, for all the compiler knows, point
//! into the arena; then every value that is written might change the cursor, which would have to be loaded again for the
//! next allocation, and a store followed by a load of the same place is the longest link of the loop. As it is, a
//! function that has the arena to itself (as a local variable, or by `&mut`) keeps the cursor in a register.

use crate::block_chain::{BlockChain, Put, Room};
use crate::checkpoint::{Checkpoint, CheckpointError, OpenCheckpoints};
use crate::entry::Entry;
use crate::refusal::Refusal;
use crate::strategy::ArenaStrategy;
use alloc::alloc::{alloc, dealloc};
use alloc::vec::Vec;
use core::alloc::Layout;
use core::ptr::NonNull;
use terrane_base::MemoryError;

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) chain: BlockChain,
    pub(crate) checkpoints: OpenCheckpoints,
    /// The room of the current block as of the last call: the arena copies it from here.
    pub(crate) room: Room,
    /// The room that a reset has to restore, if it has nothing else to do.
    pub(crate) home: Room,
    /// What the open frames that have moved the arena along go back to, outermost first. Those of forgotten frames stay
    /// until a frame around them ends.
    pub(crate) entries: Vec<Entry>,
}

/// The only handle to a state; it belongs to one arena.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StateHandle(NonNull<State>);

/// Where an arena stands when it needs its state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stand {
    pub(crate) room: Room,
    /// The fewest bytes that were left in the current block, before something was given back.
    pub(crate) least_left: usize,
    pub(crate) strategy: ArenaStrategy,
}

/// What an arena takes over after its state has served a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Served {
    pub(crate) state: StateHandle,
    pub(crate) start: NonNull<u8>,
}

impl StateHandle {
    #[cold]
    #[inline(never)]
    pub(crate) fn new() -> Result<Self, Refusal> {
        let layout = Layout::new::<State>();
        // SAFETY: a state is not zero-sized.
        let memory = unsafe { alloc(layout) };
        let Some(place) = NonNull::new(memory.cast::<State>()) else {
            return Err(Refusal::by_allocator(layout.size()));
        };
        let state = State {
            chain: BlockChain::new(),
            checkpoints: OpenCheckpoints::new(),
            room: Room::NONE,
            home: Room::UNKNOWN,
            entries: Vec::new(),
        };
        // SAFETY: the new memory has the layout of a state.
        unsafe { place.write(state) };
        Ok(Self(place))
    }

    /// Drops the state and gives back its memory and all blocks.
    ///
    /// # Safety
    ///
    /// No copy of the handle and no value of the arena is used afterwards.
    pub(crate) unsafe fn free(self) {
        // SAFETY: the state is alive, and the caller gives it up.
        unsafe {
            self.0.drop_in_place();
            dealloc(self.0.as_ptr().cast(), Layout::new::<State>());
        }
    }

    /// # Safety
    ///
    /// The state is alive and not borrowed mutably.
    #[inline]
    pub(crate) unsafe fn get<'a>(self) -> &'a State {
        // SAFETY: the caller vouches for it.
        unsafe { self.0.as_ref() }
    }

    /// # Safety
    ///
    /// The state is alive and not borrowed.
    #[inline]
    pub(crate) unsafe fn get_mut<'a>(mut self) -> &'a mut State {
        // SAFETY: the caller vouches for it.
        unsafe { self.0.as_mut() }
    }
}

/// Serves a request for which the current block has no room. Also after a refusal the arena has to take over its room: the
/// last resort is to give up the current block, if it is empty.
///
/// # Safety
///
/// The state, if there is one, is alive and not borrowed.
#[cold]
#[inline(never)]
pub(crate) unsafe fn serve(
    state: Option<StateHandle>,
    stand: Stand,
    layout: Layout,
) -> Result<Served, Refusal> {
    let handle = state.map_or_else(StateHandle::new, Ok)?;
    // SAFETY: it is alive and not borrowed, or new.
    let it = unsafe { handle.get_mut() };
    it.arrive(stand);
    let mut result = it.chain.serve(layout, Put::Anywhere, stand.strategy, &mut it.room);
    if result.is_err() && it.give_up_empty_block() {
        result = it.chain.serve(layout, Put::Anywhere, stand.strategy, &mut it.room);
    }
    it.note_home(stand.strategy.poison);
    if result.is_err() && state.is_none() {
        // SAFETY: it is new, and nobody has heard of it.
        unsafe { handle.free() };
    }
    result.map(|start| Served { state: handle, start })
}

/// The error for a refusal.
///
/// # Safety
///
/// The state, if there is one, is alive and not borrowed mutably.
#[cold]
#[inline(never)]
pub(crate) unsafe fn explain(state: Option<StateHandle>, refusal: Refusal) -> MemoryError {
    // SAFETY: the caller vouches for it.
    let said = state.and_then(|state| unsafe { state.get() }.chain.refused_by_budget());
    match (refusal, said) {
        (Refusal::ByBudget, Some(error)) => error,
        (refusal, _) => refusal.into(),
    }
}

/// Panics with the error for a refusal.
///
/// # Safety
///
/// As for [`explain`].
#[cold]
#[inline(never)]
pub(crate) unsafe fn refuse(state: Option<StateHandle>, refusal: Refusal) -> ! {
    // SAFETY: the caller vouches for the state.
    panic!("arena: {}", unsafe { explain(state, refusal) })
}

/// Takes a checkpoint; the state is made if there is none yet.
///
/// # Safety
///
/// As for [`serve`].
#[inline]
pub(crate) unsafe fn checkpoint(
    state: Option<StateHandle>,
    stand: Stand,
) -> Result<(StateHandle, Checkpoint), Refusal> {
    let handle = state.map_or_else(StateHandle::new, Ok)?;
    // SAFETY: it is alive and not borrowed, or new.
    let it = unsafe { handle.get_mut() };
    it.arrive(stand);
    match it.checkpoints.open(it.chain.position(stand.room)) {
        Ok(checkpoint) => Ok((handle, checkpoint)),
        Err(error) => {
            if state.is_none() {
                // SAFETY: it is new, and nobody has heard of it.
                unsafe { handle.free() };
            }
            Err(error)
        }
    }
}

impl State {
    /// Takes note of where the arena stands. A new state has no block yet, and stands nowhere.
    pub(crate) fn arrive(&mut self, stand: Stand) {
        self.chain.note_least_left(stand.least_left);
        self.room = stand.room;
    }

    /// The newest checkpoint, if it is where the arena stands.
    #[inline]
    pub(crate) fn newest_checkpoint(&self, room: Room) -> Option<Checkpoint> {
        self.checkpoints.newest().filter(|(_, position)| self.chain.is_at(position, room)).map(|(it, _)| it)
    }

    /// What was free at that checkpoint, if it is the newest one and no block has come or gone since.
    #[inline]
    pub(crate) fn newest_in_this_block(&self, checkpoint: Checkpoint) -> Option<Room> {
        let (newest, position) = self.checkpoints.newest()?;
        (newest == checkpoint).then(|| self.chain.in_same_blocks(position)).flatten()
    }

    pub(crate) fn rewind(&mut self, checkpoint: Checkpoint, stand: Stand) -> Result<(), CheckpointError> {
        let position = self.checkpoints.go_back(checkpoint)?;
        // No frame is open; these are of forgotten ones.
        self.entries.clear();
        self.chain.note_least_left(stand.least_left);
        self.room = stand.room;
        self.chain.rewind(position, &mut self.room, stand.strategy.poison);
        self.home = Room::UNKNOWN;
        Ok(())
    }

    pub(crate) fn reset(&mut self, stand: Stand) {
        self.checkpoints.truncate(0);
        self.entries.clear();
        self.arrive(stand);
        self.chain.reset(&mut self.room, stand.strategy.poison);
        self.note_home(stand.strategy.poison);
    }

    /// Finds out what a reset would have to do.
    pub(crate) fn note_home(&mut self, poison: bool) {
        let keeps_no_record = self.checkpoints.is_empty() && self.entries.is_empty();
        let is_plain = keeps_no_record && !poison && !cfg!(terrane_asan);
        self.home = if is_plain { self.chain.home() } else { Room::UNKNOWN };
    }

    /// Gives all blocks back if none holds a value and nobody has taken note of where the arena stands.
    fn give_up_empty_block(&mut self) -> bool {
        let nobody_returns = self.checkpoints.is_empty() && self.entries.is_empty();
        let is_free = nobody_returns && self.chain.is_empty(self.room);
        if is_free {
            self.chain.release(&mut self.room);
        }
        is_free
    }

    /// Moves an arena without values to its largest block. Nobody has taken note of its room.
    pub(crate) fn settle(&mut self) {
        if self.entries.is_empty() && self.checkpoints.is_empty() {
            self.chain.settle(&mut self.room);
        }
    }

    pub(crate) fn release(&mut self, stand: Stand) {
        self.checkpoints.truncate(0);
        self.entries.clear();
        self.arrive(stand);
        self.chain.release(&mut self.room);
        self.home = Room::UNKNOWN;
    }

    /// The bytes of the records that are not in the state itself.
    pub(crate) fn bytes(&self) -> usize {
        self.checkpoints.bytes() + self.entries.capacity() * size_of::<Entry>()
    }

    /// Notes what a frame has to go back to; the index of the note.
    pub(crate) fn note_entry(&mut self, entry: Entry) -> Result<usize, Refusal> {
        if self.entries.try_reserve(1).is_err() {
            return Err(Refusal::by_allocator(size_of::<Entry>()));
        }
        self.entries.push(entry);
        Ok(self.entries.len() - 1)
    }

    /// The index of a frame's entry, if it has one.
    pub(crate) fn entry_of(&self, identity: usize) -> Option<usize> {
        self.entries.iter().rposition(|entry| entry.is_of(identity))
    }

    /// Takes an entry out, with those of frames within that frame.
    pub(crate) fn take_entry(&mut self, index: usize) -> Option<Entry> {
        let entry = self.entries.get(index).copied();
        self.entries.truncate(index);
        entry
    }
}
