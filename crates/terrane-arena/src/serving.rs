//! How an arena comes by more room, and how it is closed meanwhile.
//!
//! The global allocator may call back into the arena that has just called it (one that notes its allocations in an arena does).
//! So the slow paths *close* the arena first: they take its state out and leave a room in which nothing fits, and a mark by
//! which a slow path within a slow path finds out and refuses. Allocators do not unwind, so the arena is always opened
//! again.

use crate::arena::Arena;
use crate::block_chain::Room;
use crate::bump::Bump;
use crate::counting::Counting;
use crate::refusal::Refusal;
use crate::state::{self, Stand, StateHandle};
use core::alloc::Layout;
use core::ptr::NonNull;

impl<C: Counting> Arena<C> {
    /// Serves a request for which the current block has no room.
    #[inline(always)]
    pub(crate) fn serve(&self, layout: Layout) -> Result<NonNull<u8>, Refusal> {
        let stand = self.stand();
        let state = self.close(layout)?;
        // SAFETY: the state belongs to this arena and is not borrowed; nobody finds it while the arena is closed.
        let served = unsafe { state::serve(state, stand, layout) };
        self.reopen(served.map_or(state, |served| Some(served.state)), stand);
        Ok(served?.start)
    }

    /// Takes the state out, and leaves an arena without room that refuses what it is asked for. So an allocator that calls back
    /// into the arena which has just called it finds nothing to spoil.
    #[inline(always)]
    pub(crate) fn close(&self, layout: Layout) -> Result<Option<StateHandle>, Refusal> {
        if self.is_closed() {
            return Err(Refusal::by_allocator(layout.size()));
        }
        self.cursor.set(Room::NONE.cursor);
        self.floor.set(Room::NONE.floor);
        self.closed.set(true);
        Ok(self.state.take())
    }

    #[inline(always)]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Puts the state back, and stands where it says; without one, where it stood.
    #[inline(always)]
    pub(crate) fn reopen(&self, state: Option<StateHandle>, stood: Stand) {
        self.reopen_unmoved(state, stood);
        self.take_over_room();
    }

    /// Puts the state back, and stands where it stood.
    #[inline(always)]
    pub(crate) fn reopen_unmoved(&self, state: Option<StateHandle>, stood: Stand) {
        self.state.set(state);
        self.cursor.set(stood.room.cursor);
        self.floor.set(stood.room.floor);
        self.least_left.set(stood.least_left);
        self.closed.set(false);
    }

    /// Sees to it that the arena is in a block: who begins nowhere would go back to nowhere each time. Without
    /// memory for one, everything stays as it is.
    #[cold]
    #[inline(never)]
    pub(crate) fn take_first_block(&self) {
        let granule = Layout::new::<u64>();
        if self.try_refill(granule).is_ok() {
            let cursor = self.cursor.get();
            self.cursor.set(cursor.wrapping_add(granule.size()));
            crate::shadow::hide(cursor, granule.size());
        }
    }

    #[inline(always)]
    pub(crate) fn stand(&self) -> Stand {
        // Read anew, as if it could have changed: else the fast path would keep the floor in a register for this slow path,
        // instead of comparing with it in memory, and be an instruction longer.
        // SAFETY: it is a field of the arena, which one thread has.
        let floor = unsafe { self.floor.as_ptr().read_volatile() };
        Stand {
            room: Room { cursor: self.cursor.get(), floor },
            least_left: self.least_left.get(),
            strategy: self.strategy,
        }
    }

    /// Takes over where the state says that the arena stands now.
    #[inline(always)]
    pub(crate) fn take_over_room(&self) {
        if let Some(state) = self.state() {
            self.cursor.set(state.room.cursor);
            self.floor.set(state.room.floor);
            self.home.set(state.home);
            self.least_left.set(usize::MAX);
        }
    }

    /// Notes that so many bytes are left in the current block, and that there will be more.
    #[inline]
    pub(crate) fn note_least_left(&self, left: usize) {
        self.least_left.set(self.least_left.get().min(left));
    }

    /// The same for one that has something to forget. Where that is to be poisoned, the note goes to the state, so that every
    /// frame has left the least yet and has to look.
    pub(crate) fn note_retreat(&self, left: usize) {
        match self.state.get() {
            Some(state) if self.strategy.poison || cfg!(terrane_asan) => {
                // SAFETY: the state belongs to this arena and is not borrowed.
                unsafe { state.get_mut() }.chain.note_least_left(left);
            }
            _ => self.note_least_left(left),
        }
    }
}
