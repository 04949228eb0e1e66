//! Frames: a part of an arena's values that goes away together, last in, first out.
//!
//! A frame keeps a room of its own (in the form of `stretch.rs`), copied from the arena or the frame around it when it is
//! entered. While it stays in the block that it started in, nothing else is written, so leaving it means no more than to
//! forget these two words: where the arena stood, it still stands. The compiler keeps them in registers where it sees the
//! whole frame, as no address of a frame is ever given away.
//!
//! A frame that needs another block notes, then and only then, where the chain of blocks stood (its *entry*), and moves
//! the arena along; `entry.rs` does that. Leaving it rewinds the chain. A small value for which the block has no room is put
//! into the next block even if the present one has more room left, so that every small value is at the frame's cursor: were
//! some elsewhere, each address would have to be computed before the value is written, an instruction more.
//!
//! **A guard that is forgotten** (`mem::forget`) without a block of its own has left no trace. One that had moved the
//! arena along leaves the arena in another block than the frame around it. That frame finds out by comparing floors when it
//! needs the next block, and goes on in the arena's block; its entry is then the state after the forgotten frame, so
//! that nothing which is still linked can be taken for free. The memory comes back with the arena.

use crate::arena::Arena;
use crate::block_chain::Room;
use crate::boxed::ArenaBox;
use crate::bump::Bump;
use crate::bumping::GRANULE;
use crate::construct;
use crate::counting::{Counting, Uncounted};
use crate::entry::{self, Origin, Report, Served};
use crate::format::ArenaText;
use crate::methods::allocating_methods;
use crate::refusal::Refusal;
use crate::state;
use crate::stretch::Stretch;
use crate::vec::ArenaVec;
use core::alloc::Layout;
use core::cell::Cell;
use core::fmt;
use core::hint;
use core::mem::{self, MaybeUninit};
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
    /// The words of its [`Stretch`], apart, as an allocation changes one of them only.
    floor: Cell<*mut u8>,
    left: Cell<usize>,
    origin: Cell<Origin>,
    /// An address that tells the frame from all others that are open; 0 if nobody asks.
    identity: usize,
    /// Borrowed mutably for `'a` by whoever made the frame.
    arena: &'a Arena<C>,
}

/// Leaves a frame when a panic unwinds through it, which it knows by its identity.
struct Unwinding<'a, C: Counting> {
    arena: &'a Arena<C>,
    identity: usize,
}

impl<C: Counting> Drop for Unwinding<'_, C> {
    /// What is left to do is done elsewhere, so that the words of this are nowhere but in registers.
    #[inline(always)]
    fn drop(&mut self) {
        unwind(self.arena, self.identity);
    }
}

#[cold]
#[inline(never)]
fn unwind<C: Counting>(arena: &Arena<C>, identity: usize) {
    // Without an entry the frame has left no trace.
    let state = arena.state.get();
    // SAFETY: the state belongs to the arena and is not borrowed.
    let entry = state.and_then(|state| unsafe { state.get() }.entry_of(identity));
    if let Some(entry) = entry {
        let core = FrameCore::of_whole(arena);
        core.origin.set(Origin::noted(entry));
        core.leave::<false>();
    }
}

impl<'a, C: Counting> FrameGuard<'a, C> {
    #[inline(always)]
    pub(crate) fn over(core: FrameCore<'a, C>) -> Self {
        Self { core }
    }

    /// The frame, to allocate in. Asking again ends the values that were allocated through the last one.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let mut arena = Arena::new();
    /// let mut guard = arena.enter();
    /// let frame = guard.frame();
    /// assert_eq!(*frame.alloc(1) + *frame.alloc(2), 3);
    /// ```
    #[inline(always)]
    pub fn frame(&mut self) -> Frame<'_, C> {
        Frame { core: &self.core }
    }

    /// Leaves the frame, as dropping the guard does.
    ///
    /// ```
    /// # use terrane_arena::Arena;
    /// let mut arena = Arena::new();
    /// let mut guard = arena.enter();
    /// guard.frame().alloc(1);
    /// guard.leave();
    /// assert_eq!(arena.used_bytes(), 0);
    /// ```
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
    fn new(arena: &'a Arena<C>, stretch: Stretch) -> Self {
        let origin = Cell::new(Origin::at(stretch.cursor()));
        let (floor, left) = stretch.words();
        Self { floor: Cell::new(floor), left: Cell::new(left), origin, identity: 0, arena }
    }

    /// A frame that has all of an arena's room, for an owner that has the arena to itself.
    #[inline(always)]
    pub(crate) fn of_whole(arena: &'a Arena<C>) -> Self {
        Self::new(arena, Stretch::of(arena.room()))
    }

    /// Ends the frame without going back: the arena stands where the frame stood. It is the outermost one.
    pub(crate) fn stay(&self) {
        entry::stay(self.arena, self.report());
    }

    /// A frame within this one, which must not be used while that one is.
    #[inline(always)]
    pub(crate) fn nested(&self) -> FrameCore<'_, C> {
        FrameCore::new(self.arena, self.stretch())
    }

    /// Runs `work` in this frame and leaves it.
    ///
    /// The frame itself has no destructor here: unwinding would take its address, and so put it in memory. `OUTERMOST` says
    /// that no frame is around this one.
    #[inline(always)]
    pub(crate) fn run<const OUTERMOST: bool, R>(self, work: impl FnOnce(&mut Frame<'_, C>) -> R) -> R {
        // Nobody reads it or writes to it. No other frame that is open has one at the same address.
        let mark = MaybeUninit::<u8>::uninit();
        let identity = mark.as_ptr().addr();
        let unwinding = Unwinding { arena: self.arena, identity };
        let core = FrameCore { identity, ..self };
        let result = work(&mut Frame { core: &core });
        mem::forget(unwinding);
        core.leave::<OUTERMOST>();
        result
    }

    #[inline(always)]
    fn report(&self) -> Report {
        Report { origin: self.origin.get(), stretch: self.stretch(), identity: self.identity }
    }

    #[inline(always)]
    fn stretch(&self) -> Stretch {
        Stretch::from_words(self.floor.get(), self.left.get())
    }

    #[inline(always)]
    fn stand_at(&self, stretch: Stretch) {
        let (floor, left) = stretch.words();
        self.floor.set(floor);
        self.left.set(left);
    }

    /// Closes the frame while its request is served, as the arena is.
    #[inline(always)]
    fn close(&self) -> Report {
        let report = self.report();
        self.stand_at(Stretch::of(Room::NONE));
        report
    }

    /// The place that was served. The frame stands where it was told.
    #[inline(always)]
    fn take_over(&self, served: Served) -> Result<NonNull<u8>, Refusal> {
        self.origin.set(served.origin);
        self.stand_at(served.stretch);
        served.result
    }

    /// Bumps off a small value, of at most the granule's alignment, in new memory if need be. It is at the cursor then.
    #[inline(always)]
    fn bump_small(&self, layout: Layout) -> Result<(), Refusal> {
        let (rest, wrapped) = self.stretch().below(layout);
        self.left.set(rest.left());
        if wrapped {
            hint::cold_path();
            let report = self.close();
            let place = self.take_over(entry::serve_small(self.arena, report, layout))?;
            debug_assert_eq!(place.as_ptr(), self.stretch().cursor());
        }
        Ok(())
    }

    /// The value that has just been bumped off.
    #[inline(always)]
    fn at_cursor(&self, size: usize) -> NonNull<u8> {
        // SAFETY: the cursor is in the block that the floor is in, and never null.
        let cursor = unsafe { NonNull::new_unchecked(self.floor.get().add(self.left.get())) };
        crate::shadow::reveal(cursor.as_ptr(), size);
        cursor
    }

    #[cold]
    #[inline(never)]
    fn refuse(arena: &Arena<C>, refusal: Refusal) -> ! {
        // SAFETY: what the state was lent to has returned.
        unsafe { state::refuse(arena.state.get(), refusal) }
    }

    #[cold]
    #[inline(never)]
    fn explain(arena: &Arena<C>, refusal: Refusal) -> MemoryError {
        // SAFETY: what the state was lent to has returned.
        unsafe { state::explain(arena.state.get(), refusal) }
    }

    /// Leaves the frame. There is more to do if it has moved the arena along or has left less than any before, or if its memory is
    /// to be poisoned: then the arena's own mark of the least stays at the top.
    #[inline(always)]
    fn leave<const OUTERMOST: bool>(&self) {
        if self.origin.get().is_noted() || self.left.get() < self.arena.least_left.get() {
            hint::cold_path();
            entry::leave::<OUTERMOST, C>(self.arena, self.report());
        }
    }
}

// SAFETY: whoever made the frame has the arena to itself for `'a`: by `&mut`, or by the claimed segment of a `Local`. So the room
// below the frame's cursor is the frame's alone; what the state serves belongs to the arena. A frame within this one borrows
// it mutably; once that is forgotten its values cannot be reached, so its bytes below our cursor may be handed out again, and
// the blocks that it linked stay linked. All is left alone until the frame is left, which its values' lifetime prevents.
unsafe impl<C: Counting> Bump for FrameCore<'_, C> {
    #[inline(always)]
    fn cursor(&self) -> *mut u8 {
        self.stretch().cursor()
    }

    #[inline(always)]
    fn set_cursor(&self, cursor: *mut u8) {
        self.left.set(cursor.addr() - self.floor());
    }

    #[inline(always)]
    fn floor(&self) -> usize {
        self.stretch().floor()
    }

    #[inline(always)]
    fn place_small(&self, layout: Layout) -> NonNull<u8> {
        if layout.align() > GRANULE {
            return self.take_small(layout).unwrap_or_else(|| self.refill(layout));
        }
        match self.bump_small(layout) {
            Ok(()) => self.at_cursor(layout.size()),
            Err(refusal) => Self::refuse(self.arena, refusal),
        }
    }

    #[inline(always)]
    fn try_place_small(&self, layout: Layout) -> Result<NonNull<u8>, MemoryError> {
        if layout.align() > GRANULE {
            return self.take_small(layout).map_or_else(|| self.try_refill(layout), Ok);
        }
        match self.bump_small(layout) {
            Ok(()) => Ok(self.at_cursor(layout.size())),
            Err(refusal) => Err(Self::explain(self.arena, refusal)),
        }
    }

    #[inline(always)]
    fn take(&self, layout: Layout) -> Option<NonNull<u8>> {
        if layout.size() == 0 {
            return Some(layout.dangling_ptr());
        }
        let rest = self.stretch().take(layout)?;
        self.left.set(rest.left());
        Some(self.at_cursor(layout.size()))
    }

    #[inline(always)]
    fn refill(&self, layout: Layout) -> NonNull<u8> {
        let report = self.close();
        match self.take_over(entry::serve(self.arena, report, layout)) {
            Ok(place) => place,
            Err(refusal) => Self::refuse(self.arena, refusal),
        }
    }

    #[inline(always)]
    fn try_refill(&self, layout: Layout) -> Result<NonNull<u8>, MemoryError> {
        let report = self.close();
        self.take_over(entry::serve(self.arena, report, layout))
            .map_err(|refusal| Self::explain(self.arena, refusal))
    }

    #[inline(always)]
    fn note(&self) {
        self.arena.counting.note();
    }

    #[inline]
    fn last_is_free(&self) -> bool {
        !self.origin.get().is_at(self.cursor())
    }

    #[inline]
    fn retreating(&self) {
        if self.arena.floor.get() == self.floor() {
            self.arena.note_retreat(self.left.get());
        }
    }

    #[inline]
    fn poisons(&self) -> bool {
        self.arena.strategy.poison
    }
}

/// Writes the methods of `Bump` for a type that is no more than its `core`.
macro_rules! bump_by_core {
    () => {
        #[inline(always)]
        fn cursor(&self) -> *mut u8 {
            self.core.cursor()
        }

        #[inline(always)]
        fn set_cursor(&self, cursor: *mut u8) {
            self.core.set_cursor(cursor);
        }

        #[inline(always)]
        fn floor(&self) -> usize {
            self.core.floor()
        }

        #[inline(always)]
        fn place_small(&self, layout: Layout) -> NonNull<u8> {
            self.core.place_small(layout)
        }

        #[inline(always)]
        fn try_place_small(&self, layout: Layout) -> Result<NonNull<u8>, MemoryError> {
            self.core.try_place_small(layout)
        }

        #[inline(always)]
        fn take(&self, layout: Layout) -> Option<NonNull<u8>> {
            self.core.take(layout)
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
    };
}

pub(crate) use bump_by_core;

// SAFETY: a frame is its core; see there.
unsafe impl<C: Counting> Bump for Frame<'_, C> {
    bump_by_core!();
}

impl<C: Counting> fmt::Debug for FrameGuard<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameGuard").finish_non_exhaustive()
    }
}

impl<C: Counting> fmt::Debug for Frame<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes_left = self.core.stretch().left();
        f.debug_struct("Frame").field("bytes_left_in_block", &bytes_left).finish_non_exhaustive()
    }
}
