//! Memory that a system granted, as a value that knows its size.

use core::{
    fmt,
    ops::{Deref, DerefMut},
    panic::Location,
};
use std::sync::Arc;

use terrane_arena::ArenaBuffer;
use terrane_base::Reservation;
use terrane_pages::PageBuffer;

use crate::{Route, observers::Told, small::SmallBuffer, system::Shared};

/// Bytes that a [`MemorySystem`](crate::MemorySystem) granted, all zero at first. Dropping it gives them back, on any thread;
/// [`MemorySystem::deallocate`](crate::MemorySystem::deallocate) is the same by name.
///
/// It keeps its system alive. One that is forgotten (`mem::forget`) stays charged for good. So does one that the system holds itself, in a
/// cache or a pool that was added to it: each keeps the other, also when the last [`MemorySystem`](crate::MemorySystem) is gone, until the
/// entry goes or the cache is removed ([`CacheManager::remove`](crate::CacheManager::remove)). Where a system ends before the program,
/// what it caches should be plain values, whose memory the cache charges by their weights.
///
/// ```
/// use terrane::{Bytes, MemorySystem, Route};
///
/// let system = MemorySystem::builder().build()?;
/// let mut line = system.allocate(80)?;
/// line[..5].copy_from_slice(b"zones");
/// assert_eq!((line.len(), line.route()), (80, Some(Route::Pools)));
/// drop(line);
/// assert_eq!(system.stats().totals.bytes_live, Bytes::ZERO);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "memory that is dropped is given back at once"]
pub struct Allocation {
    // Fields are dropped in this order: what is reported as given back has been given back.
    memory: Memory,
    /// `None` for memory that no system granted.
    ticket: Option<Ticket>,
}

/// The memory itself, from where it comes.
pub(crate) enum Memory {
    Pooled(SmallBuffer),
    Arena(ArenaBuffer),
    Pages(PageBuffer, #[expect(dead_code, reason = "held")] Reservation),
    Heap(Box<[u8]>, #[expect(dead_code, reason = "held")] Option<Reservation>),
}

/// What is noted when the memory has been given back.
pub(crate) struct Ticket {
    pub(crate) system: Arc<Shared>,
    pub(crate) route: Route,
    pub(crate) size: usize,
    pub(crate) site: &'static Location<'static>,
    /// Who was told of the allocation: the same are told of its end.
    pub(crate) told: Told,
}

impl Allocation {
    pub(crate) fn new(memory: Memory, ticket: Ticket) -> Self {
        Self { memory, ticket: Some(ticket) }
    }

    /// Notes who was told of it.
    pub(crate) fn note_told(&mut self, told: Told) {
        if let Some(ticket) = &mut self.ticket {
            ticket.told = told;
        }
    }

    /// Which level it comes from; `None` for memory that no system granted.
    #[must_use]
    pub fn route(&self) -> Option<Route> {
        self.ticket.as_ref().map(|ticket| ticket.route)
    }

    /// The place in the program that allocated it; `None` for memory that no system granted.
    #[must_use]
    pub fn site(&self) -> Option<&'static Location<'static>> {
        self.ticket.as_ref().map(|ticket| ticket.site)
    }
}

/// For components of one's own: memory that is charged and counted by nobody.
impl From<Box<[u8]>> for Allocation {
    fn from(bytes: Box<[u8]>) -> Self {
        Self { memory: Memory::Heap(bytes, None), ticket: None }
    }
}

impl Deref for Allocation {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.memory {
            Memory::Pooled(buffer) => buffer,
            Memory::Arena(buffer) => buffer,
            Memory::Pages(buffer, _) => buffer,
            Memory::Heap(buffer, _) => buffer,
        }
    }
}

impl DerefMut for Allocation {
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.memory {
            Memory::Pooled(buffer) => buffer,
            Memory::Arena(buffer) => buffer,
            Memory::Pages(buffer, _) => buffer,
            Memory::Heap(buffer, _) => buffer,
        }
    }
}

impl AsRef<[u8]> for Allocation {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl AsMut<[u8]> for Allocation {
    fn as_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.system.note_deallocation(self);
    }
}

impl fmt::Debug for Allocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allocation").field("size", &self.len()).field("route", &self.route()).finish()
    }
}
