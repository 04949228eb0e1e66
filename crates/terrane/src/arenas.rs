//! Arenas by name: each name is a kind of arena, of which as many are lent out as are needed at a time, one to each borrower.

use core::{
    fmt,
    ops::{Deref, DerefMut},
};
use std::sync::{Arc, Mutex, PoisonError};

use terrane_arena::{Arena, ArenaStrategy};
use terrane_base::{Budget, Bytes, ReclaimCost, Reclaimer};

use crate::{Result, registry::Registry};

/// The arenas of a system; from [`MemorySystem::arenas`](crate::MemorySystem::arenas).
///
/// ```
/// use terrane::{Arena, Bytes, MemorySystem};
///
/// let arena = Arena::new().with_first_block(Bytes::from_kib(64));
/// let system = MemorySystem::builder().with_named_arena("request", arena).build()?;
/// for path in ["/", "/metrics"] {
///     let arena = system.arenas().lend("request")?; // empty, its memory kept from the last request
///     let answer: &str = arena.alloc_fmt(format_args!("not found: {path}"));
///     assert!(answer.ends_with(path));
/// }
/// assert_eq!(system.stats().arenas[0].made, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ArenaManager {
    budget: Budget,
    /// For names that were not given to the builder.
    strategy: ArenaStrategy,
    kept: usize,
    shelves: Registry<Shelf>,
}

/// An arena that was lent; dropping it empties the arena and gives it back.
#[must_use = "an arena that is dropped is given back at once"]
pub struct ArenaLease {
    arena: Arena,
    shelf: Arc<Shelf>,
}

/// What became of the arenas of one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamedArenaStats {
    /// The name.
    pub name: String,
    /// How many were made.
    pub made: u64,
    /// How many are lent out now.
    pub lent: usize,
    /// How many wait for a borrower.
    pub idle: usize,
    /// The memory of all.
    pub used: Bytes,
}

impl fmt::Display for NamedArenaStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, made, lent, idle, used } = self;
        write!(f, "arenas {name}: {used}, {lent} lent, {idle} idle, {made} made")
    }
}

/// The arenas of one name.
#[derive(Debug)]
struct Shelf {
    budget: Budget,
    strategy: ArenaStrategy,
    kept: usize,
    state: Mutex<ShelfState>,
}

#[derive(Debug, Default)]
struct ShelfState {
    idle: Vec<Arena>,
    made: u64,
    lent: usize,
}

impl ArenaManager {
    pub(crate) fn new(budget: &Budget, strategy: ArenaStrategy, kept: usize) -> Self {
        Self { budget: budget.clone(), strategy, kept, shelves: Registry::default() }
    }

    /// Arenas like this one, the first of which it is; whether the name was free.
    pub(crate) fn add(&self, name: &str, arena: Arena) -> Result<bool> {
        let shelf = self.shelf(name, arena.strategy());
        let arena = arena.try_with_budget(&shelf.budget)?;
        let added = self.shelves.insert(name, Arc::clone(&shelf));
        if added {
            shelf.state().made = 1;
            shelf.put_back(arena);
        }
        Ok(added)
    }

    /// Lends an arena of that name, an idle one or a new one. A name that is new gets arenas of the default size.
    ///
    /// A name stays known, with its part of the budget, as long as the system lives: it is for a kind of work ("request"), not for a
    /// single piece of it (the number of a request), since each new one takes some memory for good.
    ///
    /// # Errors
    /// When there is no memory for the arena's own record.
    pub fn lend(&self, name: &str) -> Result<ArenaLease> {
        let shelf = self.shelves.find_or_insert(name, || self.shelf(name, self.strategy));
        let idle = shelf.state().idle.pop();
        let arena = match idle {
            Some(arena) => arena,
            None => {
                let arena = Arena::with_strategy(shelf.strategy).try_with_budget(&shelf.budget)?;
                shelf.state().made += 1;
                arena
            }
        };
        shelf.state().lent += 1;
        Ok(ArenaLease { arena, shelf })
    }

    /// Gives back the memory of all arenas that are not lent out.
    pub fn trim(&self) {
        for (_, shelf) in self.shelves.all() {
            shelf.reclaim(Bytes::MAX);
        }
    }

    pub(crate) fn stats(&self) -> Vec<NamedArenaStats> {
        let shelves = self.shelves.all();
        let stats = shelves.into_iter().map(|(name, shelf)| {
            let used = shelf.budget.used();
            let state = shelf.state();
            NamedArenaStats { name, made: state.made, lent: state.lent, idle: state.idle.len(), used }
        });
        stats.collect()
    }

    fn shelf(&self, name: &str, strategy: ArenaStrategy) -> Arc<Shelf> {
        let budget = self.budget.child(name);
        let shelf = Arc::new(Shelf { budget, strategy, kept: self.kept, state: Mutex::default() });
        shelf.budget.add_reclaimer(name, ReclaimCost::PoolTrim, &shelf);
        shelf
    }
}

impl Shelf {
    fn state(&self) -> std::sync::MutexGuard<'_, ShelfState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `arena` is empty. It may be another one than was lent, put in its place, with no budget or that of another name; so it is
    /// charged anew, and kept only if that can be. Where nothing is left of the budget it goes without asking.
    fn put_back(&self, arena: Arena) {
        if self.budget.remaining() == Bytes::ZERO {
            return;
        }
        let Ok(arena) = arena.try_with_budget(&self.budget) else { return };
        let surplus = {
            let mut state = self.state();
            let has_room = state.idle.len() < self.kept;
            if has_room {
                state.idle.push(arena);
                None
            } else {
                Some(arena)
            }
        };
        // Its memory goes back without the lock.
        drop(surplus);
    }
}

impl Reclaimer for Shelf {
    fn reclaim(&self, wanted: Bytes) -> Bytes {
        let mut freed = Bytes::ZERO;
        while freed < wanted {
            let Ok(mut state) = self.state.try_lock() else { break };
            let Some(arena) = state.idle.pop() else { break };
            drop(state);
            freed = freed.saturating_add(Bytes::from_usize(arena.committed_bytes()));
        }
        freed
    }
}

impl Deref for ArenaLease {
    type Target = Arena;

    fn deref(&self) -> &Arena {
        &self.arena
    }
}

impl DerefMut for ArenaLease {
    fn deref_mut(&mut self) -> &mut Arena {
        &mut self.arena
    }
}

impl Drop for ArenaLease {
    fn drop(&mut self) {
        let mut arena = core::mem::take(&mut self.arena);
        arena.reset();
        self.shelf.state().lent -= 1;
        self.shelf.put_back(arena);
    }
}

impl fmt::Debug for ArenaLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArenaLease").field("arena", &self.arena).finish_non_exhaustive()
    }
}

impl fmt::Debug for ArenaManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArenaManager").field("budget", &self.budget).finish_non_exhaustive()
    }
}
