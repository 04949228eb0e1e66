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
use terrane_pool::{Buffer, PoolGuard, PooledBuffer};

use crate::{Route, observers::Told, system::Shared};

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
pub struct Allocation(Memory);

/// The memory, and what is noted when it has been given back: it goes first.
enum Memory {
    Pooled(PoolGuard<Buffer, Ticket>),
    Bulk(Bulk, Ticket),
    /// Memory that no system granted.
    Foreign(Box<[u8]>),
}

/// What a level has taken for a request.
pub(crate) enum Taken<'a> {
    Pooled(PooledBuffer<'a>),
    Bulk(Bulk),
}

/// Memory that is not from the pools.
pub(crate) enum Bulk {
    Arena(ArenaBuffer),
    Pages(PageBuffer, #[expect(dead_code, reason = "held")] Reservation),
    Heap(Box<[u8]>, #[expect(dead_code, reason = "held")] Reservation),
}

/// A share of the system that memory is from; dropping it notes that the memory has been given back.
pub(crate) struct Ticket {
    pub(crate) system: Arc<Shared>,
    pub(crate) route: Route,
    pub(crate) size: usize,
    pub(crate) site: &'static Location<'static>,
    /// Who was told of the allocation: the same are told of its end.
    pub(crate) told: Told,
}

impl Allocation {
    #[inline]
    pub(crate) fn pooled(buffer: PooledBuffer<'_>, ticket: Ticket) -> Self {
        Self(Memory::Pooled(PoolGuard::with_home(buffer, ticket)))
    }

    pub(crate) fn new(taken: Taken<'_>, ticket: Ticket) -> Self {
        match taken {
            Taken::Pooled(buffer) => Self::pooled(buffer, ticket),
            Taken::Bulk(bulk) => Self(Memory::Bulk(bulk, ticket)),
        }
    }

    /// Notes who was told of it.
    pub(crate) fn note_told(&mut self, told: Told) {
        match &mut self.0 {
            Memory::Pooled(buffer) => PoolGuard::home_mut(buffer).told = told,
            Memory::Bulk(_, ticket) => ticket.told = told,
            Memory::Foreign(_) => {}
        }
    }

    fn ticket(&self) -> Option<&Ticket> {
        match &self.0 {
            Memory::Pooled(buffer) => Some(PoolGuard::home(buffer)),
            Memory::Bulk(_, ticket) => Some(ticket),
            Memory::Foreign(_) => None,
        }
    }

    /// Which level it comes from; `None` for memory that no system granted.
    #[must_use]
    pub fn route(&self) -> Option<Route> {
        self.ticket().map(|ticket| ticket.route)
    }

    /// The place in the program that allocated it; `None` for memory that no system granted.
    #[must_use]
    pub fn site(&self) -> Option<&'static Location<'static>> {
        self.ticket().map(|ticket| ticket.site)
    }
}

/// For components of one's own: memory that is charged and counted by nobody.
impl From<Box<[u8]>> for Allocation {
    fn from(bytes: Box<[u8]>) -> Self {
        Self(Memory::Foreign(bytes))
    }
}

impl Deref for Allocation {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Memory::Pooled(buffer) => buffer,
            Memory::Bulk(Bulk::Arena(buffer), _) => buffer,
            Memory::Bulk(Bulk::Pages(buffer, _), _) => buffer,
            Memory::Bulk(Bulk::Heap(buffer, _), _) | Memory::Foreign(buffer) => buffer,
        }
    }
}

impl DerefMut for Allocation {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Memory::Pooled(buffer) => buffer,
            Memory::Bulk(Bulk::Arena(buffer), _) => buffer,
            Memory::Bulk(Bulk::Pages(buffer, _), _) => buffer,
            Memory::Bulk(Bulk::Heap(buffer, _), _) | Memory::Foreign(buffer) => buffer,
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
    #[inline]
    fn drop(&mut self) {
        self.system.note_deallocation(self);
    }
}

impl fmt::Debug for Allocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allocation").field("size", &self.len()).field("route", &self.route()).finish()
    }
}
