//! A big arena in one contiguous range of addresses.
//!
//! The range is reserved as a whole, which costs addresses and no memory, and committed from its upper end downwards as the
//! cursor moves down:
//!
//! ```text
//! base                                                                  end
//! ┌────────────────────────────┬──────────────────────┬──────────────────┐
//! │ reserved, no memory        │ committed, free      │ in use           │
//! └────────────────────────────┴──────────────────────┴──────────────────┘
//!                              floor                  cursor
//! ```
//!
//! Nothing ever moves, no block has an end to waste, and "is it ours" is two comparisons. Each step commits as much as is
//! committed already, within bounds, so that there are few calls to the system. A reset gives back what lies beyond a
//! *high-water mark*, and keeps the rest for the next round.
//!
//! As in `state.rs`, the slow path is told the address of a record on the heap and not that of the arena.

mod config;
mod record;

pub use config::{HugeRequest, RangeConfig};

use crate::boxed::ArenaBox;
use crate::bump::Bump;
use crate::construct;
use crate::format::ArenaText;
use crate::methods::allocating_methods;
use crate::refusal::Refusal;
use crate::shadow;
use crate::stats::ArenaStats;
use crate::vec::ArenaVec;
use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::cell::Cell;
use core::fmt;
use core::ptr::NonNull;
use record::{MIN_STEP, Record, commit_for, system_error};
use terrane_base::{Bytes, MemoryError};
use terrane_pages::{AddressRange, HUGE_PAGE_SIZE, HugePages};

/// An arena in one contiguous range of addresses, committed as it grows.
///
/// # Examples
///
/// ```
/// use terrane_arena::{Bytes, RangeArena};
///
/// let mut arena = RangeArena::try_new(Bytes::from_gib(1))?; // addresses only
/// let table = arena.alloc_slice_fill_with(100_000, |i| i as u32);
/// assert_eq!(table[99_999], 99_999);
/// assert!(arena.stats().committed_bytes < 1 << 20);
/// arena.reset();
/// # Ok::<(), terrane_arena::MemoryError>(())
/// ```
///
/// No value outlives a reset:
///
/// ```compile_fail,E0502
/// # use terrane_arena::{Bytes, RangeArena};
/// let mut arena = RangeArena::try_new(Bytes::from_mib(1)).unwrap();
/// let number = arena.alloc(1);
/// arena.reset();
/// *number = 2;
/// ```
// The cursor and the floor are apart for the reason that is given at `Arena`.
#[repr(C)]
pub struct RangeArena {
    cursor: Cell<*mut u8>,
    /// The lowest address that the cursor came down to before it went up again.
    lowest: Cell<usize>,
    /// Belongs to this arena alone, and is borrowed mutably by nobody.
    record: NonNull<Record>,
    poison: bool,
    floor: Cell<usize>,
}

// SAFETY: the arena alone owns its range and its record; nothing is bound to a thread, and values are reachable only
// through borrows of the arena.
unsafe impl Send for RangeArena {}

#[expect(clippy::mut_from_ref, reason = "each call hands out memory that no other call has")]
impl RangeArena {
    allocating_methods!('v, 'v, "let arena = RangeArena::try_new(Bytes::from_mib(1)).unwrap();", "arena");

    /// Reserves a range of that size from the operating system.
    ///
    /// ```
    /// use terrane_arena::{Bytes, RangeArena};
    ///
    /// let arena = RangeArena::try_new(Bytes::from_gib(1))?;
    /// assert_eq!(arena.stats().committed_bytes, 0);
    /// # Ok::<(), terrane_arena::MemoryError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`MemoryError::SystemError`] if the addresses are not to be had.
    pub fn try_new(size: Bytes) -> Result<Self, MemoryError> {
        Self::try_with_config(RangeConfig::new(size))
    }

    /// Reserves a range as configured.
    ///
    /// ```
    /// use terrane_arena::{Bytes, RangeArena, RangeConfig};
    ///
    /// let arena = RangeArena::try_with_config(RangeConfig::new(Bytes::from_mib(1)))?;
    /// assert_eq!(arena.reserved_bytes(), 1 << 20);
    /// # Ok::<(), terrane_arena::MemoryError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`MemoryError::SystemError`] if the addresses are not to be had, [`MemoryError::HugePagesUnavailable`] if huge pages
    /// are demanded and the system has none to give.
    pub fn try_with_config(config: RangeConfig) -> Result<Self, MemoryError> {
        let pages = config.pages.unwrap_or_else(terrane_pages::system_pages);
        let step = match config.huge {
            HugeRequest::No => MIN_STEP.max(pages.page_size()),
            HugeRequest::Prefer | HugeRequest::Demand => HUGE_PAGE_SIZE.max(pages.page_size()),
        };
        let too_large = Refusal::TooLarge { requested_bytes: config.size };
        let size = config.size.max(1).checked_next_multiple_of(step).ok_or(too_large)?;
        let range = AddressRange::reserve(pages, size, step).map_err(system_error)?;
        let huge = (config.huge != HugeRequest::No).then(|| range.advise_huge());
        if config.huge == HugeRequest::Demand && huge != Some(HugePages::Advised) {
            return Err(MemoryError::HugePagesUnavailable { requested: Bytes::from_usize(size) });
        }
        let reservation = config.budget.map(|budget| budget.try_reserve(Bytes::ZERO)).transpose()?;
        let end = range.base().as_ptr().wrapping_add(size);
        let keep = config.keep.checked_next_multiple_of(step).unwrap_or(usize::MAX);
        let record = Record {
            range,
            end,
            committed_bytes: Cell::new(0),
            keep,
            step,
            huge,
            reservation: Cell::new(reservation),
            asks: Cell::new(false),
        };
        let layout = Layout::new::<Record>();
        // SAFETY: a record is not zero-sized.
        let memory = NonNull::new(unsafe { alloc(layout) }).ok_or(Refusal::by_allocator(layout.size()))?;
        let place = memory.cast::<Record>();
        // SAFETY: the new memory has the layout of a record.
        unsafe { place.write(record) };
        Ok(Self {
            cursor: Cell::new(end),
            lowest: Cell::new(usize::MAX),
            record: place,
            poison: config.poison,
            floor: Cell::new(end.addr()),
        })
    }

    /// Forgets all values. Memory beyond the high-water mark goes back to the system.
    ///
    /// ```
    /// use terrane_arena::{Bytes, RangeArena, RangeConfig};
    ///
    /// let mut arena = RangeArena::try_with_config(RangeConfig::new(Bytes::from_mib(8)).keep(Bytes::from_kib(64)))?;
    /// arena.alloc_slice_fill_with(1 << 20, |_| 0u8);
    /// assert!(arena.stats().committed_bytes >= 1 << 20);
    /// arena.reset();
    /// assert_eq!((arena.stats().used_bytes, arena.stats().committed_bytes), (0, 64 << 10));
    /// # Ok::<(), terrane_arena::MemoryError>(())
    /// ```
    pub fn reset(&mut self) {
        let keep = self.record().keep;
        self.reset_to(keep);
    }

    /// Forgets all values and gives all memory back; the addresses stay reserved.
    ///
    /// ```
    /// # use terrane_arena::{Bytes, RangeArena};
    /// let mut arena = RangeArena::try_new(Bytes::from_mib(1))?;
    /// arena.alloc(1);
    /// arena.release();
    /// assert_eq!(arena.stats().committed_bytes, 0);
    /// # Ok::<(), terrane_arena::MemoryError>(())
    /// ```
    pub fn release(&mut self) {
        self.reset_to(0);
    }

    /// Whether `pointer` points into a value of this arena, or into the padding before one. Constant time.
    ///
    /// ```
    /// # use terrane_arena::{Bytes, RangeArena};
    /// let arena = RangeArena::try_new(Bytes::from_mib(1))?;
    /// let inside: *const i32 = arena.alloc(1);
    /// assert!(arena.owns(inside) && !arena.owns(&2));
    /// # Ok::<(), terrane_arena::MemoryError>(())
    /// ```
    #[must_use]
    pub fn owns<T: ?Sized>(&self, pointer: *const T) -> bool {
        (self.cursor.get().addr()..self.record().end.addr()).contains(&pointer.addr())
    }

    /// All counters together. Constant time.
    ///
    /// ```
    /// # use terrane_arena::{Bytes, RangeArena};
    /// let arena = RangeArena::try_new(Bytes::from_mib(1))?;
    /// arena.alloc(1u64);
    /// assert_eq!(arena.stats().used_bytes, 8);
    /// # Ok::<(), terrane_arena::MemoryError>(())
    /// ```
    #[must_use]
    pub fn stats(&self) -> ArenaStats {
        let record = self.record();
        let (end, cursor) = (record.end.addr(), self.cursor.get().addr());
        ArenaStats {
            used_bytes: end - cursor,
            peak_bytes: end - cursor.min(self.lowest.get()),
            committed_bytes: record.committed_bytes.get(),
            metadata_bytes: size_of::<Record>(),
            blocks: usize::from(record.committed_bytes.get() > 0),
            ..ArenaStats::default()
        }
    }

    /// Bytes of addresses, committed or not.
    ///
    /// ```
    /// # use terrane_arena::{Bytes, RangeArena};
    /// assert_eq!(RangeArena::try_new(Bytes::from_mib(1))?.reserved_bytes(), 1 << 20);
    /// # Ok::<(), terrane_arena::MemoryError>(())
    /// ```
    #[must_use]
    pub fn reserved_bytes(&self) -> usize {
        self.record().range.size()
    }

    /// What the system said when it was asked for huge pages; `None` if it was not asked.
    ///
    /// ```
    /// use terrane_arena::{Bytes, HugeRequest, RangeArena, RangeConfig};
    ///
    /// let config = RangeConfig::new(Bytes::from_mib(8)).huge_pages(HugeRequest::Prefer);
    /// let arena = RangeArena::try_with_config(config)?;
    /// assert!(arena.huge_pages().is_some());
    /// arena.alloc_slice_fill_with(4 << 20, |_| 1u8);
    /// println!("{:?}, {:?} B on huge pages", arena.huge_pages(), arena.huge_bytes());
    /// # Ok::<(), terrane_arena::MemoryError>(())
    /// ```
    #[must_use]
    pub fn huge_pages(&self) -> Option<HugePages> {
        self.record().huge
    }

    /// How many bytes lie on huge pages now, by the system's account; `None` where it does not tell. Slow.
    ///
    /// ```
    /// use terrane_arena::{Bytes, RangeArena};
    ///
    /// let arena = RangeArena::try_new(Bytes::from_mib(1))?;
    /// assert!(arena.huge_bytes().is_none_or(|bytes| bytes <= 1 << 20));
    /// # Ok::<(), terrane_arena::MemoryError>(())
    /// ```
    #[must_use]
    pub fn huge_bytes(&self) -> Option<usize> {
        self.record().range.huge_bytes()
    }

    fn reset_to(&mut self, keep: usize) {
        let (cursor, poison) = (self.cursor.get(), self.poison);
        self.note_lowest();
        let record = self.record();
        let kept_from = record.end.addr() - keep.min(record.end.addr() - cursor.addr());
        // SAFETY: these bytes are committed, and their values are forgotten. Those that are given back need no poison.
        unsafe { shadow::forget(cursor.with_addr(kept_from), record.end.addr(), poison) };
        // SAFETY: the values are forgotten.
        unsafe { record.give_back(keep) };
        self.cursor.set(record.end);
        self.floor.set(record.floor());
    }

    fn note_lowest(&self) {
        self.lowest.set(self.lowest.get().min(self.cursor.get().addr()));
    }

    fn record(&self) -> &Record {
        // SAFETY: the record belongs to this arena; the methods that borrow it mutably have returned.
        unsafe { self.record.as_ref() }
    }
}

// SAFETY: what is committed of the range belongs to the arena, and stays until a method that borrows it mutably.
unsafe impl Bump for RangeArena {
    #[inline(always)]
    fn cursor(&self) -> *mut u8 {
        self.cursor.get()
    }

    #[inline(always)]
    fn set_cursor(&self, cursor: *mut u8) {
        self.cursor.set(cursor);
    }

    #[inline(always)]
    fn floor(&self) -> usize {
        self.floor.get()
    }

    #[inline(always)]
    fn refill(&self, layout: Layout) -> NonNull<u8> {
        // SAFETY: the record belongs to this arena, and is borrowed mutably by nobody.
        let floor = unsafe { commit_for(self.record, self.cursor.get(), layout) }
            .unwrap_or_else(|error| panic!("arena: {error}"));
        self.take_from(floor, layout).unwrap_or_else(|refusal| refusal.panic())
    }

    #[inline(always)]
    fn try_refill(&self, layout: Layout) -> Result<NonNull<u8>, MemoryError> {
        // SAFETY: the record belongs to this arena, and is borrowed mutably by nobody.
        let floor = unsafe { commit_for(self.record, self.cursor.get(), layout) }?;
        Ok(self.take_from(floor, layout)?)
    }

    #[inline(always)]
    fn note(&self) {}

    #[inline(always)]
    fn last_is_free(&self) -> bool {
        true
    }

    #[inline]
    fn retreating(&self) {
        self.note_lowest();
    }

    #[inline]
    fn poisons(&self) -> bool {
        self.poison
    }
}

impl RangeArena {
    /// Takes a value's room after the floor was lowered for it.
    #[inline(always)]
    fn take_from(&self, floor: usize, layout: Layout) -> Result<NonNull<u8>, Refusal> {
        self.floor.set(floor);
        self.take(layout).ok_or(Refusal::by_allocator(layout.size()))
    }
}

impl Drop for RangeArena {
    fn drop(&mut self) {
        let record = self.record();
        shadow::reveal(record.end.with_addr(record.floor()), record.committed_bytes.get());
        // SAFETY: the record belongs to this arena alone, was allocated with this layout, and no value outlives the arena.
        unsafe {
            self.record.drop_in_place();
            dealloc(self.record.as_ptr().cast(), Layout::new::<Record>());
        }
    }
}

impl fmt::Debug for RangeArena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RangeArena")
            .field("stats", &self.stats())
            .field("reserved_bytes", &self.reserved_bytes())
            .finish_non_exhaustive()
    }
}
