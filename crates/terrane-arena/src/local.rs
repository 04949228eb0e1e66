//! An arena for the scratch memory of one thread.

use crate::arena::Arena;
use crate::frame::Frame;
use crate::stats::ArenaStats;
use crate::strategy::ArenaStrategy;
use core::cell::Cell;
use core::fmt;

/// An arena that is used by `&`, scope by scope: made for `thread_local!`.
///
/// A scope within a scope of the same `LocalArena` is fine (a function that uses it may call another that does): it
/// gets an arena of its own, and of the two the larger is kept. To share one arena between caller and callee, pass the
/// [`Frame`] on instead. Without `std` there are no thread-locals; there, pass a `LocalArena` or an [`Arena`] explicitly.
///
/// # Examples
///
/// ```
/// use terrane_arena::LocalArena;
///
/// thread_local! {
///     static SCRATCH: LocalArena = const { LocalArena::new() };
/// }
/// let vowels = SCRATCH.with(|scratch| {
///     scratch.scope(|frame| {
///         let found = frame.alloc_slice_from_iter("terrane".chars().filter(|c| "aeiou".contains(*c)));
///         found.len()
///     })
/// });
/// assert_eq!(vowels, 3);
/// ```
///
/// No value leaves a scope:
///
/// ```compile_fail
/// # use terrane_arena::LocalArena;
/// let scratch = LocalArena::new();
/// let number: &i32 = scratch.scope(|frame| &*frame.alloc(1));
/// ```
pub struct LocalArena {
    /// `None` while a scope is open.
    idle: Cell<Option<Arena>>,
    strategy: ArenaStrategy,
}

impl LocalArena {
    /// Makes an arena without memory.
    ///
    /// ```
    /// # use terrane_arena::LocalArena;
    /// assert_eq!(LocalArena::new().stats().committed_bytes, 0);
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self::with_strategy(ArenaStrategy::new())
    }

    /// Makes an arena that gets its blocks in this way. A limit is that of each open scope.
    ///
    /// ```
    /// use terrane_arena::{ArenaStrategy, Bytes, LocalArena};
    ///
    /// let scratch = LocalArena::with_strategy(ArenaStrategy::new().max_size(Bytes::from_kib(1)));
    /// assert!(scratch.scope(|frame| frame.try_alloc([0u8; 2000]).is_err()));
    /// ```
    #[must_use]
    pub const fn with_strategy(strategy: ArenaStrategy) -> Self {
        Self { idle: Cell::new(None), strategy }
    }

    /// Runs `work` with a frame, then forgets what was allocated in it, also if it panics. The memory is kept for the next
    /// scope.
    ///
    /// ```
    /// # use terrane_arena::LocalArena;
    /// let scratch = LocalArena::new();
    /// let len = scratch.scope(|frame| frame.alloc_str("scratch").len());
    /// assert_eq!(len, 7);
    /// ```
    ///
    /// # Panics
    ///
    /// If `work` panics.
    pub fn scope<R>(&self, work: impl FnOnce(&mut Frame<'_>) -> R) -> R {
        let arena = self.idle.take().unwrap_or_else(|| Arena::with_strategy(self.strategy));
        let mut held = Held { owner: self, arena: Some(arena) };
        let mut none = None;
        // Always there; an arena without memory costs nothing to make.
        let arena = held.arena.as_mut().unwrap_or_else(|| none.insert(Arena::new()));
        arena.scope(work)
    }

    /// Gives the memory back, unless a scope is open.
    ///
    /// ```
    /// # use terrane_arena::LocalArena;
    /// let scratch = LocalArena::new();
    /// scratch.scope(|frame| { frame.alloc(1); });
    /// scratch.release();
    /// assert_eq!(scratch.stats().committed_bytes, 0);
    /// ```
    pub fn release(&self) {
        self.idle.take();
    }

    /// What the arena has between scopes; zeros while one is open.
    ///
    /// ```
    /// # use terrane_arena::LocalArena;
    /// let scratch = LocalArena::new();
    /// scratch.scope(|frame| { frame.alloc([0u64; 4]); });
    /// let stats = scratch.stats();
    /// assert_eq!((stats.used_bytes, stats.peak_bytes, stats.committed_bytes), (0, 32, 1024));
    /// ```
    #[must_use]
    pub fn stats(&self) -> ArenaStats {
        let arena = self.idle.take();
        let stats = arena.as_ref().map(Arena::stats);
        self.idle.set(arena);
        stats.unwrap_or_default()
    }
}

/// Gives an arena back to its owner, which keeps the larger if it has one already.
struct Held<'a> {
    owner: &'a LocalArena,
    arena: Option<Arena>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let size = |arena: &Option<Arena>| arena.as_ref().map_or(0, Arena::committed_bytes);
        let other = self.owner.idle.take();
        let mut mine = self.arena.take();
        // A guard that was forgotten within the scope may have left something.
        if let Some(arena) = &mut mine {
            arena.reset();
        }
        self.owner.idle.set(if size(&other) > size(&mine) { other } else { mine });
    }
}

impl Default for LocalArena {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LocalArena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalArena").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
