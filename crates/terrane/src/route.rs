//! Where a request is served.

use core::fmt;

/// The level of the hierarchy that serves a request. (The first level, the stacks of the threads, lends memory by scopes instead: see
/// [`MemorySystem::stack`](crate::MemorySystem::stack).)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Route {
    /// Buffers of fixed sizes that are used again.
    Pools,
    /// Shares of large blocks.
    Arenas,
    /// The system: pages for what is large, the global allocator for what the levels above had no room for.
    System,
}

impl Route {
    /// All, fastest first.
    pub const ALL: [Self; 3] = [Self::Pools, Self::Arenas, Self::System];

    /// "pools", "arenas" or "system".
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pools => "pools",
            Self::Arenas => "arenas",
            Self::System => "system",
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
