//! A vector that has an arena to itself.
//!
//! A vector that shares its arena takes room step by step, since it cannot know what else will be allocated. One that has
//! the arena by `&mut` takes all the room of the present block at once: nobody else could use it meanwhile. So it does not
//! grow before the block is full, and what it has not used goes back when it is finished, by lowering the floor.
//! (Each growth is a branch that the processor cannot foresee. In a loop of pushes that costs 70 to 100 cycles.)

use crate::arena::Arena;
use crate::counting::Counting;
use crate::vec::ArenaVec;

impl<C: Counting> Arena<C> {
    /// Makes an empty vector that has the arena to itself: the fastest way to fill one of unknown length.
    ///
    /// It has the room of the whole present block from the beginning, and gives back what it does not need when it is
    /// dropped or becomes a slice. While it exists, all of that counts as used, also in [`peak_bytes`](Self::peak_bytes).
    /// Frames and scopes have no such vector; `vec` serves there.
    ///
    /// ```
    /// use terrane_arena::Arena;
    ///
    /// let mut arena = Arena::new();
    /// arena.alloc(7u64);
    /// let mut squares = arena.exclusive_vec();
    /// for i in 0..10u64 {
    ///     squares.push(i * i);
    /// }
    /// let squares: &mut [u64] = squares.into_slice();
    /// assert_eq!(squares[9], 81);
    /// assert_eq!(arena.used_bytes(), 8 + 80);
    /// ```
    ///
    /// Nothing else is allocated in the arena as long as the vector, or the slice that it became, is in use:
    ///
    /// ```compile_fail,E0502
    /// # use terrane_arena::Arena;
    /// let mut arena = Arena::new();
    /// let mut words = arena.exclusive_vec();
    /// words.push(arena.alloc_str("one"));
    /// words.push("two");
    /// ```
    #[must_use]
    #[inline]
    pub fn exclusive_vec<T>(&mut self) -> ArenaVec<'_, T, Self> {
        ArenaVec::with_all_room(self)
    }
}
