//! Frames: a part of an arena's values that goes away together, last in, first out.
//!
//! A frame keeps a cursor and a floor of its own, copied from the arena or the frame around it when it is entered. While it
//! stays in the block that it started in, nothing else is written, so leaving it means no more than to forget these two
//! words: where the arena stood, it still stands. The compiler keeps them in registers where it sees the whole frame, as
//! no address of a frame is ever given away.
//!
//! A frame that needs another block notes, then and only then, where the chain of blocks stood (its *entry*), and moves
//! the arena along. Leaving it rewinds the chain.
//!
//! **A guard that is forgotten** (`mem::forget`) without a block of its own has left no trace. One that had moved the
//! arena along leaves the arena in another block than the frame around it. That frame finds out by comparing floors when it
//! needs the next block, and goes on in the arena's block; its entry is then the state after the forgotten frame, so
//! that nothing which is still linked can be taken for free. The memory comes back with the arena.

use crate::arena::Arena;
use crate::block_chain::{Position, Room};
use crate::boxed::ArenaBox;
use crate::bump::Bump;
use crate::construct;
use crate::counting::{Counting, Uncounted};
use crate::methods::allocating_methods;
use crate::refusal::Refusal;
use crate::shadow;
use crate::state::{self, Stand, StateHandle};
use crate::vec::{ArenaText, ArenaVec};
use core::alloc::Layout;
use core::cell::Cell;
use core::fmt;
use core::mem;
use core::ptr::NonNull;
use terrane_base::MemoryError;

/// Has a frame open; dropping it leaves the frame and forgets what was allocated in it.
///
/// # Examples
///
/// ```
/// use terrane_arena::Arena;
///
/// let mut arena = Arena::new();
/// let mut guard = arena.enter();
/// let frame = guard.frame();
/// let number = frame.alloc(41);
/// *number += 1;
/// assert_eq!(*number, 42);
/// guard.leave();
/// assert_eq!(arena.used_bytes(), 0);
/// ```
///
/// No value outlives its frame:
///
/// ```compile_fail,E0505
/// # use terrane_arena::Arena;
/// let mut arena = Arena::new();
/// let mut guard = arena.enter();
/// let number = guard.frame().alloc(1);
/// guard.leave();
/// *number = 2;
/// ```
#[must_use = "a frame is left when its guard is dropped"]
pub struct FrameGuard<'a, C: Counting = Uncounted> {
    core: FrameCore<'a, C>,
}

/// A frame of an arena that is open: allocates, and opens frames within itself.
///
/// It has the arena to itself. Values live as long as the frame; those of an outer frame can be used while an inner
/// one is open, but nothing can be allocated in the outer one meanwhile.
///
/// # Examples
///
/// ```
/// use terrane_arena::Arena;
///
/// let mut arena = Arena::new();
/// let total = arena.scope(|outer| {
///     let base = outer.alloc(40);
///     let extra = outer.scope(|inner| {
///         let more = inner.alloc(*base / 20);
///         *more
///     });
///     *base + extra
/// });
/// assert_eq!(total, 42);
/// assert_eq!(arena.used_bytes(), 0);
/// ```
pub struct Frame<'f, C: Counting = Uncounted> {
    core: &'f FrameCore<'f, C>,
}

/// Where a frame stands.
pub(crate) struct FrameCore<'a, C: Counting> {
    cursor: Cell<*mut u8>,
    floor: Cell<usize>,
    /// Where the frame begins.
    start: *mut u8,
    /// An address that tells the frame from all others that are open; 0 if nobody asks.
    identity: usize,
    /// What to go back to, once the frame has moved the arena along.
    entry: Cell<EntryNumber>,
    /// Borrowed mutably for `'a` by whoever made the frame.
    arena: &'a Arena<C>,
}

/// The number of an entry in the arena's state, from 1 on; 0 is none. The entry itself is too large to be kept in
/// registers, and a frame that has a part in memory is wholly in memory.
type EntryNumber = usize;

/// Leaves a frame when a panic unwinds through it. Its own address is the frame's identity, by which it finds the entry.
struct Unwinding<'a, C: Counting> {
    arena: &'a Arena<C>,
}

impl<C: Counting> Drop for Unwinding<'_, C> {
    #[cold]
    #[inline(never)]
    fn drop(&mut self) {
        // Without an entry the frame has left no trace.
        let identity = (&raw const *self).addr();
        let state = self.arena.state.get();
        // SAFETY: the state belongs to the arena and is not borrowed.
        let entry = state.map_or(0, |state| unsafe { state.get() }.entry_of(identity));
        if entry != 0 {
            let core = FrameCore::of_whole(self.arena);
            core.entry.set(entry);
            core.leave::<false>();
        }
    }
}

/// A state of the arena that a frame goes back to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Where the frame began.
    position: Position,
    /// Where the arena's own cursor was: where the outermost frame of this block began.
    outer_cursor: *mut u8,
    identity: usize,
}

/// What a frame tells the slow paths, by value: if its address were given away, it would be in memory.
#[derive(Clone, Copy)]
struct Report {
    start: *mut u8,
    cursor: *mut u8,
    floor: usize,
    identity: usize,
    entry: EntryNumber,
}

/// What a frame gets from the slow path: a place, and where it stands from now on.
#[derive(Clone, Copy)]
struct Served {
    place: NonNull<u8>,
    cursor: *mut u8,
    floor: usize,
    entry: EntryNumber,
}

impl Report {
    /// Whether the arena is in another block: a frame within this one was forgotten.
    fn is_estranged(&self, arena: Room) -> bool {
        arena.floor != self.floor
    }
}

impl Entry {
    /// Whether it is the entry of that frame.
    pub(crate) fn is_of(&self, identity: usize) -> bool {
        self.identity == identity
    }
}

impl<'a, C: Counting> FrameGuard<'a, C> {
    #[inline(always)]
    pub(crate) fn over(core: FrameCore<'a, C>) -> Self {
        Self { core }
    }

    /// The frame, to allocate in. Asking again ends the values that were allocated through the last one.
    #[inline(always)]
    pub fn frame(&mut self) -> Frame<'_, C> {
        Frame { core: &self.core }
    }

    /// Leaves the frame, as dropping the guard does.
    #[inline(always)]
    pub fn leave(self) {}
}

impl<C: Counting> Drop for FrameGuard<'_, C> {
    #[inline(always)]
    fn drop(&mut self) {
        self.core.leave::<false>();
    }
}

impl<'f, C: Counting> Frame<'f, C> {
    allocating_methods!('v, 'f, "let mut arena = Arena::new();\n# let mut guard = arena.enter();\n# let frame = guard.frame();", "frame");

    /// Opens a frame within this one. While it is open, nothing can be allocated in this one.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let mut arena = Arena::new();
    /// let mut outer_guard = arena.enter();
    /// let mut outer = outer_guard.frame();
    /// let one = outer.alloc(1);
    /// let mut inner_guard = outer.enter();
    /// let two = inner_guard.frame().alloc(*one + 1);
    /// assert_eq!((*one, *two), (1, 2));
    /// inner_guard.leave();
    /// assert_eq!(*outer.alloc(3) - *one, 2);
    /// ```
    #[inline(always)]
    pub fn enter(&mut self) -> FrameGuard<'_, C> {
        FrameGuard::over(self.core.nested())
    }

    /// Runs `work` with a frame within this one, then forgets what was allocated in it, also if it panics.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let mut arena = Arena::new();
    /// let len = arena.scope(|outer| outer.scope(|inner| inner.alloc_str("inner").len()));
    /// assert_eq!(len, 5);
    /// ```
    ///
    /// # Panics
    ///
    /// If `work` panics.
    #[inline(always)]
    pub fn scope<R>(&mut self, work: impl FnOnce(&mut Frame<'_, C>) -> R) -> R {
        self.core.nested().run::<false, _>(work)
    }
}

impl<'a, C: Counting> FrameCore<'a, C> {
    #[inline(always)]
    fn new(arena: &'a Arena<C>, cursor: *mut u8, floor: usize) -> Self {
        Self {
            cursor: Cell::new(cursor),
            floor: Cell::new(floor),
            start: cursor,
            identity: 0,
            entry: Cell::new(0),
            arena,
        }
    }

    /// A frame that has all of an arena's room, for an owner that has the arena to itself.
    #[inline(always)]
    pub(crate) fn of_whole(arena: &'a Arena<C>) -> Self {
        Self::new(arena, arena.cursor.get(), arena.floor.get())
    }

    /// Ends the frame without going back: the arena stands where the frame stood.
    pub(crate) fn stay(&self) {
        // Otherwise a frame within this one was forgotten, and the arena is further than this frame already.
        if self.arena.floor.get() == self.floor.get() {
            self.arena.cursor.set(self.cursor.get());
        }
    }

    /// A frame within this one, which must not be used while that one is.
    #[inline(always)]
    pub(crate) fn nested(&self) -> FrameCore<'_, C> {
        FrameCore::new(self.arena, self.cursor.get(), self.floor.get())
    }

    /// Runs `work` in this frame and leaves it.
    ///
    /// The frame itself has no destructor here: unwinding would take its address, and so put it in memory. `OUTERMOST` says
    /// that no frame is around this one.
    #[inline(always)]
    pub(crate) fn run<const OUTERMOST: bool, R>(self, work: impl FnOnce(&mut Frame<'_, C>) -> R) -> R {
        let unwinding = Unwinding { arena: self.arena };
        let core = FrameCore { identity: (&raw const unwinding).addr(), ..self };
        let result = work(&mut Frame { core: &core });
        mem::forget(unwinding);
        core.leave::<OUTERMOST>();
        result
    }

    #[inline(always)]
    fn report(&self) -> Report {
        Report {
            start: self.start,
            cursor: self.cursor.get(),
            floor: self.floor.get(),
            identity: self.identity,
            entry: self.entry.get(),
        }
    }

    /// Serves a request for which the frame's block has no room. Meanwhile the frame is closed, as the arena is.
    #[inline(always)]
    fn serve(&self, layout: Layout) -> Result<NonNull<u8>, Refusal> {
        let report = self.report();
        self.cursor.set(Room::NONE.cursor);
        self.floor.set(Room::NONE.floor);
        match serve(self.arena, report, layout) {
            Ok(served) => {
                self.entry.set(served.entry);
                self.cursor.set(served.cursor);
                self.floor.set(served.floor);
                Ok(served.place)
            }
            Err(refusal) => {
                self.cursor.set(report.cursor);
                self.floor.set(report.floor);
                Err(refusal)
            }
        }
    }

    /// Leaves the frame. There is more to do if it has moved the arena along or come lower than any before, or if its memory is
    /// to be poisoned: then the arena's own mark of how low it came stays at the top.
    #[inline(always)]
    fn leave<const OUTERMOST: bool>(&self) {
        let cursor = self.cursor.get().addr();
        if self.entry.get() != 0 || cursor < self.arena.lowest.get() {
            leave::<OUTERMOST, C>(self.arena, self.report());
        }
    }
}

// SAFETY: whoever made the frame has the arena to itself for `'a`: by `&mut`, or by the claimed segment of a `Local`. So the room
// below the frame's cursor is the frame's alone; what the state serves belongs to the arena. A frame within this one borrows
// it mutably; once that is forgotten its values cannot be reached, so its bytes below our cursor may be handed out again, and
// the blocks that it linked stay linked. All is left alone until the frame is left, which its values' lifetime prevents.
unsafe impl<C: Counting> Bump for FrameCore<'_, C> {
    const SHARED: bool = false;

    #[inline(always)]
    fn cursor(&self) -> &Cell<*mut u8> {
        &self.cursor
    }

    #[inline(always)]
    fn floor(&self) -> &Cell<usize> {
        &self.floor
    }

    #[inline(always)]
    fn refill(&self, layout: Layout) -> NonNull<u8> {
        match self.serve(layout) {
            Ok(place) => place,
            // SAFETY: what `serve` lent the state to has returned.
            Err(refusal) => unsafe { state::refuse(self.arena.state.get(), refusal) },
        }
    }

    #[inline(always)]
    fn try_refill(&self, layout: Layout) -> Result<NonNull<u8>, MemoryError> {
        // SAFETY: what `serve` lent the state to has returned.
        self.serve(layout).map_err(|refusal| unsafe { state::explain(self.arena.state.get(), refusal) })
    }

    #[inline(always)]
    fn note(&self) {
        self.arena.counting.note();
    }

    #[inline]
    fn last_is_free(&self) -> bool {
        self.cursor.get() != self.start
    }

    #[inline]
    fn retreating(&self) {
        if self.arena.floor.get() == self.floor.get() {
            self.arena.note_retreat(self.cursor.get().addr());
        }
    }

    #[inline]
    fn poisons(&self) -> bool {
        self.arena.strategy.poison
    }
}

// SAFETY: a frame is its core; see there.
unsafe impl<C: Counting> Bump for Frame<'_, C> {
    const SHARED: bool = false;

    #[inline(always)]
    fn cursor(&self) -> &Cell<*mut u8> {
        self.core.cursor()
    }

    #[inline(always)]
    fn floor(&self) -> &Cell<usize> {
        self.core.floor()
    }

    #[inline(always)]
    fn refill(&self, layout: Layout) -> NonNull<u8> {
        self.core.refill(layout)
    }

    #[inline(always)]
    fn try_refill(&self, layout: Layout) -> Result<NonNull<u8>, MemoryError> {
        self.core.try_refill(layout)
    }

    #[inline(always)]
    fn note(&self) {
        self.core.note();
    }

    #[inline]
    fn last_is_free(&self) -> bool {
        self.core.last_is_free()
    }

    #[inline]
    fn retreating(&self) {
        self.core.retreating();
    }

    #[inline]
    fn poisons(&self) -> bool {
        self.core.poisons()
    }
}

/// Serves a request of a frame for which its block has no room. The arena is closed meanwhile.
///
/// Nothing of it is inlined, and the frame's words come and go by value, so that a loop that allocates in a frame has registers
/// left for its own things. That the arena's address is given away does no harm: a frame's cursor is not in the arena.
#[cold]
#[inline(never)]
fn serve<C: Counting>(arena: &Arena<C>, frame: Report, layout: Layout) -> Result<Served, Refusal> {
    let stand = arena.stand();
    let state = arena.close(layout)?;
    // SAFETY: the state belongs to the arena and is not borrowed; nobody finds it while the arena is closed. The report was read
    // off a frame of this arena just now.
    match unsafe { serve_from_state(state, frame, stand, layout) } {
        Ok((state, place, entry)) => {
            arena.reopen(Some(state), stand);
            Ok(Served { place, cursor: arena.cursor.get(), floor: arena.floor.get(), entry })
        }
        Err(refusal) => {
            // The arena stands where it stood, whatever its state has noted of the frame.
            arena.reopen_unmoved(state, stand);
            Err(refusal)
        }
    }
}

/// The arena's state, the place, and the number of what the frame has to go back to.
///
/// # Safety
///
/// The state, if there is one, is alive and not borrowed, and the report is true.
unsafe fn serve_from_state(
    state: Option<StateHandle>,
    frame: Report,
    stand: Stand,
    layout: Layout,
) -> Result<(StateHandle, NonNull<u8>, EntryNumber), Refusal> {
    let handle = state.map_or_else(StateHandle::new, Ok)?;
    // SAFETY: it is alive and not borrowed, or new.
    let it = unsafe { handle.get_mut() };
    it.arrive(stand);
    let estranged = frame.is_estranged(stand.room);
    let number = match frame.entry {
        0 => {
            let start = if estranged { stand.room.cursor } else { frame.start };
            let entry = Entry {
                position: it.chain.position(Room { cursor: start, ..stand.room }),
                outer_cursor: stand.room.cursor,
                identity: frame.identity,
            };
            it.note_entry(entry).map_err(|refusal| fail(state, handle, refusal))?
        }
        number => number,
    };
    if !estranged {
        it.room.cursor = frame.cursor;
    }
    it.home = Room::UNKNOWN;
    match it.chain.serve(layout, stand.strategy, &mut it.room) {
        Ok(place) => Ok((handle, place, number)),
        Err(refusal) => {
            if frame.entry == 0 {
                it.entries.truncate(number - 1);
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
fn leave<const OUTERMOST: bool, C: Counting>(arena: &Arena<C>, frame: Report) {
    let stand = arena.stand();
    let poison = stand.strategy.poison;
    if frame.entry == 0 && !poison && !cfg!(terrane_asan) {
        if !frame.is_estranged(stand.room) {
            arena.lowest.set(frame.cursor.addr());
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
        it.room.cursor = frame.cursor;
    }
    let Some(entry) = it.take_entry(frame.entry) else {
        if !estranged {
            it.chain.note_lowest(frame.cursor.addr(), stand.room.floor);
            // SAFETY: these are the bytes of the frame's values.
            unsafe { shadow::forget(frame.cursor, frame.start.addr(), poison) };
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

impl<C: Counting> fmt::Debug for FrameGuard<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameGuard").finish_non_exhaustive()
    }
}

impl<C: Counting> fmt::Debug for Frame<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes_left = self.core.cursor.get().addr() - self.core.floor.get();
        f.debug_struct("Frame").field("bytes_left_in_block", &bytes_left).finish_non_exhaustive()
    }
}
