//! What a frame goes back to, once it has moved the arena along.
//!
//! As long as a frame stays in the block in which it began, it needs none of this. When it takes another block it notes an *entry*
//! in the arena's state, and leaving it rewinds the chain of blocks to there.
//!
//! Nothing of it is inlined, and a frame's words come and go by value, so that a loop that allocates in a frame has registers
//! left for its own things. That the arena's address is given away does no harm (see `state.rs`): a frame's cursor is not in the
//! arena.

use crate::arena::Arena;
use crate::block_chain::{Position, Put, Room};
use crate::counting::Counting;
use crate::refusal::Refusal;
use crate::shadow;
use crate::state::{Stand, StateHandle};
use crate::stretch::Stretch;
use core::alloc::Layout;
use core::ptr::{self, NonNull};

/// A state of the arena that a frame goes back to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Where the frame began.
    position: Position,
    /// Where the arena's own cursor was: where the outermost frame of this block began.
    outer_cursor: *mut u8,
    identity: usize,
}

/// Where a frame begins: a cursor, or the index of its entry, doubled and odd, once the frame has moved the arena along. The entry
/// itself is too large to be kept in registers, and a frame that has a part in memory is wholly in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin(*mut u8);

/// What a frame tells the slow paths, by value: if its address were given away, it would be in memory.
#[derive(Clone, Copy)]
pub(crate) struct Report {
    pub(crate) origin: Origin,
    pub(crate) stretch: Stretch,
    pub(crate) identity: usize,
}

/// What a frame gets from the slow path: a place or a refusal, and where it stands from now on.
pub(crate) struct Served {
    pub(crate) result: Result<NonNull<u8>, Refusal>,
    pub(crate) stretch: Stretch,
    pub(crate) origin: Origin,
}

impl Report {
    fn cursor(&self) -> *mut u8 {
        self.stretch.cursor()
    }

    fn floor(&self) -> usize {
        self.stretch.floor()
    }

    /// Whether the arena is in another block: a frame within this one was forgotten.
    fn is_estranged(&self, arena: Room) -> bool {
        arena.floor != self.floor()
    }
}

impl Entry {
    /// Whether it is the entry of that frame.
    pub(crate) fn is_of(&self, identity: usize) -> bool {
        self.identity == identity
    }
}

impl Origin {
    #[inline(always)]
    pub(crate) fn at(cursor: *mut u8) -> Self {
        Self(cursor)
    }

    #[inline(always)]
    pub(crate) fn noted(index: usize) -> Self {
        Self(ptr::without_provenance_mut(2 * index + 1))
    }

    #[inline(always)]
    pub(crate) fn is_noted(self) -> bool {
        self.0.addr() & 1 != 0
    }

    #[inline(always)]
    pub(crate) fn is_at(self, cursor: *mut u8) -> bool {
        self.0 == cursor
    }

    /// The index of the frame's entry.
    fn index(self) -> Option<usize> {
        self.is_noted().then(|| self.0.addr() / 2)
    }
}

/// Serves a request of a frame for which its block has no room.
#[cold]
#[inline(never)]
pub(crate) fn serve<C: Counting>(arena: &Arena<C>, frame: Report, layout: Layout) -> Served {
    serve_as(arena, frame, layout, Put::Anywhere)
}

/// Serves a small request of a frame that has already subtracted it from what is left: at the cursor, so that the fast path
/// finds the value where it would have been. The subtraction is undone here and not by the caller, who would
/// have to keep what was left before in a register just for that.
#[cold]
#[inline(never)]
pub(crate) fn serve_small<C: Counting>(arena: &Arena<C>, frame: Report, layout: Layout) -> Served {
    let stretch = frame.stretch.above(layout);
    serve_as(arena, Report { stretch, ..frame }, layout, Put::AtCursor)
}

/// The arena is closed meanwhile.
#[inline(always)]
fn serve_as<C: Counting>(arena: &Arena<C>, frame: Report, layout: Layout, put: Put) -> Served {
    let frame = begin_in_a_block(arena, frame);
    if let Some(rest) = frame.stretch.take(layout)
        && let Some(place) = NonNull::new(rest.cursor())
    {
        shadow::reveal(place.as_ptr(), layout.size());
        return Served { result: Ok(place), stretch: rest, origin: frame.origin };
    }
    let stand = arena.stand();
    let served = arena.close(layout).and_then(|state| {
        // SAFETY: the state belongs to the arena and is not borrowed; nobody finds it while the arena is closed. The report was
        // read off a frame of this arena just now.
        let served = unsafe { serve_from_state(state, frame, stand, layout, put) };
        match served {
            Ok((state, ..)) => arena.reopen(Some(state), stand),
            // The arena stands where it stood, whatever its state has noted of the frame.
            Err(_) => arena.reopen_unmoved(state, stand),
        }
        served
    });
    match served {
        Ok((_, place, index)) => {
            Served { result: Ok(place), stretch: Stretch::of(arena.room()), origin: Origin::noted(index) }
        }
        Err(refusal) => Served { result: Err(refusal), stretch: frame.stretch, origin: frame.origin },
    }
}

/// A frame of an arena without blocks begins nowhere. To go back to nowhere would mean to begin with the first block again in
/// each frame; so the frame begins where the arena stands by now, and that is in its first block.
#[inline(always)]
fn begin_in_a_block<C: Counting>(arena: &Arena<C>, frame: Report) -> Report {
    if frame.floor() != Room::NONE.floor {
        return frame;
    }
    if arena.room() == Room::NONE {
        arena.take_first_block();
    }
    Report { origin: Origin::at(arena.room().cursor), stretch: Stretch::of(arena.room()), ..frame }
}

/// The arena's state, the place, and the index of the frame's entry.
///
/// # Safety
///
/// The state, if there is one, is alive and not borrowed, and the report is true.
unsafe fn serve_from_state(
    state: Option<StateHandle>,
    frame: Report,
    stand: Stand,
    layout: Layout,
    put: Put,
) -> Result<(StateHandle, NonNull<u8>, usize), Refusal> {
    let handle = state.map_or_else(StateHandle::new, Ok)?;
    // SAFETY: it is alive and not borrowed, or new.
    let it = unsafe { handle.get_mut() };
    it.arrive(stand);
    let estranged = frame.is_estranged(stand.room);
    let noted = frame.origin.index();
    let index = match noted {
        Some(index) => index,
        None => {
            let start = if estranged { stand.room.cursor } else { frame.origin.0 };
            let entry = Entry {
                position: it.chain.position(Room { cursor: start, ..stand.room }),
                outer_cursor: stand.room.cursor,
                identity: frame.identity,
            };
            it.note_entry(entry).map_err(|refusal| fail(state, handle, refusal))?
        }
    };
    if estranged {
        it.chain.note_left(frame.floor(), frame.cursor());
    } else {
        it.room.cursor = frame.cursor();
    }
    it.home = Room::UNKNOWN;
    match it.chain.serve(layout, put, stand.strategy, &mut it.room) {
        Ok(place) => Ok((handle, place, index)),
        Err(refusal) => {
            if noted.is_none() {
                it.entries.truncate(index);
            }
            Err(fail(state, handle, refusal))
        }
    }
}

/// The refusal again. A state that was made for the request goes.
fn fail(state: Option<StateHandle>, handle: StateHandle, refusal: Refusal) -> Refusal {
    if state.is_none() {
        // SAFETY: it is new, nobody has heard of it, and the caller does not use its borrow any more.
        unsafe { handle.free() };
    }
    refusal
}

/// Leaves a frame that has left a trace. `OUTERMOST` says that no frame is around it, nor anything else that has taken note of
/// the arena's room.
#[cold]
#[inline(never)]
pub(crate) fn leave<const OUTERMOST: bool, C: Counting>(arena: &Arena<C>, frame: Report) {
    let stand = arena.stand();
    let poison = stand.strategy.poison;
    if !frame.origin.is_noted() && !poison && !cfg!(terrane_asan) {
        if !frame.is_estranged(stand.room) {
            arena.least_left.set(frame.stretch.left());
        }
        return;
    }
    // Where anything was allocated, the arena has a state.
    if let Some(state) = arena.state.get() {
        // SAFETY: the state belongs to the arena and is not borrowed; the frame's values are not either, any more.
        if let Some(room) = unsafe { leave_state(state, frame, stand, OUTERMOST) } {
            arena.take_over_room();
            arena.cursor.set(room.cursor);
        }
    }
}

/// Ends an outermost frame without going back.
pub(crate) fn stay<C: Counting>(arena: &Arena<C>, frame: Report) {
    let estranged = frame.is_estranged(arena.room());
    if !estranged {
        arena.cursor.set(frame.cursor());
    }
    if let Some(state) = arena.state.get() {
        // SAFETY: the state belongs to the arena and is not borrowed.
        let it = unsafe { state.get_mut() };
        if estranged {
            it.chain.note_left(frame.floor(), frame.cursor());
        }
        // No frame is open any more, so nobody goes back to one.
        it.entries.clear();
    }
}

/// Goes back to where a frame began. The room is where the arena stands then, if it has moved.
///
/// # Safety
///
/// The state is alive and not borrowed, the report is true, and nobody uses the frame's values any more.
unsafe fn leave_state(state: StateHandle, frame: Report, stand: Stand, outermost: bool) -> Option<Room> {
    // SAFETY: the caller vouches for it.
    let it = unsafe { state.get_mut() };
    it.arrive(stand);
    let poison = stand.strategy.poison;
    let estranged = frame.is_estranged(stand.room);
    if !estranged {
        it.room.cursor = frame.cursor();
    }
    let Some(entry) = frame.origin.index().and_then(|index| it.take_entry(index)) else {
        if !estranged {
            it.chain.note_least_left(frame.stretch.left());
            // SAFETY: these are the bytes of the frame's values.
            unsafe { shadow::forget(frame.cursor(), frame.origin.0.addr(), poison) };
            it.room = stand.room;
        }
        return None;
    };
    it.chain.rewind(&entry.position, &mut it.room, poison);
    it.room.cursor = entry.outer_cursor;
    if outermost {
        it.settle();
    }
    it.note_home(poison);
    Some(it.room)
}
