//! Chunks of 4 MiB and the address map.
//!
//! On a 64-bit machine addresses cost nothing, so one large range is reserved at the start and chunks are handed
//! out from it. One table has an entry for each chunk of the range: its owner. "Whose is this address" is then a
//! subtraction, a shift and a load, and "is it live at all" is the same question. (Go's arenas and mimalloc's
//! segment map are built on the same idea.)
//!
//! What does not fit into the range, because only a small one was to be had or none, is reserved run by run and
//! kept in a map sorted by address.
//!
//! Chunks are taken first-fit from the low end, which keeps the used part of the range, and so the table's
//! resident pages, dense.

use alloc::sync::Arc;
use core::{num::NonZeroU16, ops::Range, ptr::NonNull};

use crate::{
    AddressRange, PageError, PageOperation, PageSource, chunk_table::ChunkTable, scattered::ScatteredRuns,
};

/// The size and the alignment of a chunk: 4 MiB.
pub const CHUNK_SIZE: usize = 1 << CHUNK_SHIFT;
const CHUNK_SHIFT: u32 = 22;

/// A range below this many chunks is not worth having: 64 MiB.
const MIN_RANGE_CHUNKS: usize = 16;

/// Whom a chunk belongs to. What the numbers mean is up to the user of the [`ChunkSpace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Owner(pub NonZeroU16);

impl Owner {
    /// The owner of that number; `None` for 0.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        match NonZeroU16::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }
}

/// Chunks of memory, each with an owner that can be told from any address in it.
///
/// ```
/// use terrane_pages::{CHUNK_SIZE, ChunkSpace, Owner, system_pages};
///
/// let old_space = Owner::new(1).unwrap();
/// let mut space = ChunkSpace::reserve(system_pages(), 1 << 40)?;
/// let run = space.try_allocate(2, old_space)?;
/// let address = run.addr().get();
/// assert_eq!(address % CHUNK_SIZE, 0);
/// assert_eq!(space.owner(address + CHUNK_SIZE + 8), Some(old_space));
/// assert_eq!(space.owner(address + 2 * CHUNK_SIZE), None);
/// assert_eq!(space.committed_bytes(), 2 * CHUNK_SIZE);
/// // SAFETY: nobody uses the run any longer.
/// unsafe { space.free(run, 2)? };
/// assert_eq!(space.owner(address), None);
/// # Ok::<(), terrane_pages::PageError>(())
/// ```
#[derive(Debug)]
pub struct ChunkSpace {
    /// First address of the range; meaningless while the table is empty.
    base: usize,
    table: ChunkTable,
    scattered: ScatteredRuns,
    range: Option<AddressRange>,
    source: Arc<dyn PageSource>,
    max_chunks: usize,
    allocated_chunks: usize,
    committed_bytes: usize,
}

impl ChunkSpace {
    /// A space of at most `max_bytes` (rounded up to chunks). Reserves one range of that size, or where that is
    /// refused of half the size, and so on down to 64 MiB; what does not fit into it is reserved when it is needed.
    ///
    /// # Errors
    /// When `max_bytes` is 0 or beyond `isize::MAX`, or a page is larger than a chunk. That there is memory is not known before
    /// [`try_allocate`](ChunkSpace::try_allocate).
    pub fn reserve(source: Arc<dyn PageSource>, max_bytes: usize) -> Result<Self, PageError> {
        let max_chunks = max_bytes.div_ceil(CHUNK_SIZE);
        let possible = max_bytes > 0 && max_chunks <= isize::MAX as usize / CHUNK_SIZE;
        if !possible || source.page_size() > CHUNK_SIZE {
            return Err(PageError::new(PageOperation::Reserve, max_bytes, None));
        }
        let mut space = Self {
            base: 0,
            table: ChunkTable::default(),
            scattered: ScatteredRuns::default(),
            range: None,
            source,
            max_chunks,
            allocated_chunks: 0,
            committed_bytes: 0,
        };
        space.reserve_range();
        Ok(space)
    }

    /// Tries for the large range with its table; without one, every run is scattered.
    fn reserve_range(&mut self) {
        if !self.source.reserves_lazily() {
            return;
        }
        let mut chunks = self.max_chunks;
        loop {
            if let Some((range, table)) = range_of(&self.source, chunks) {
                self.base = range.base().addr().get();
                (self.range, self.table) = (Some(range), table);
                return;
            }
            if chunks <= MIN_RANGE_CHUNKS {
                return;
            }
            chunks = (chunks / 2).max(MIN_RANGE_CHUNKS);
        }
    }

    /// Hands out `count` adjacent chunks for `owner`: committed and zero, at a multiple of [`CHUNK_SIZE`].
    ///
    /// O(chunks in use) in the worst case, beside what the system does.
    ///
    /// # Errors
    /// When `count` is 0, the space's limit would be exceeded, or the page source refuses. Nothing has changed then.
    pub fn try_allocate(&mut self, count: usize, owner: Owner) -> Result<NonNull<u8>, PageError> {
        if count == 0 || count > self.max_chunks - self.allocated_chunks {
            let requested = count.saturating_mul(CHUNK_SIZE);
            return Err(PageError::new(PageOperation::Reserve, requested, None));
        }
        let base = match self.table.find_free(count) {
            Some(run) => self.take(run, owner)?,
            None => {
                let base = self.scattered.try_allocate(&self.source, count * CHUNK_SIZE, owner)?;
                self.committed_bytes += count * CHUNK_SIZE;
                base
            }
        };
        self.allocated_chunks += count;
        Ok(base)
    }

    /// Takes the chunks back that `try_allocate` returned as `base` for the same `count`, and decommits them.
    ///
    /// Should the decommit be refused, the chunks are free all the same; their memory stays, counts as committed,
    /// and is zeroed when it is handed out again.
    ///
    /// # Safety
    /// Nobody touches these chunks from now on.
    ///
    /// # Errors
    /// When there is no such run; nothing has changed then.
    pub unsafe fn free(&mut self, base: NonNull<u8>, count: usize) -> Result<(), PageError> {
        let unknown = PageError::new(PageOperation::Decommit, count.saturating_mul(CHUNK_SIZE), None);
        let size = count.checked_mul(CHUNK_SIZE).ok_or(unknown)?;
        if let Some(run) = self.run_at(base.addr().get(), count) {
            // SAFETY: the caller promises that nobody touches these chunks.
            unsafe { self.give_back(run) };
        } else if self.scattered.free(base.addr().get(), size) {
            self.committed_bytes -= size;
        } else {
            return Err(unknown);
        }
        self.allocated_chunks -= count;
        Ok(())
    }

    /// Whose chunk `addr` lies in; `None` for free chunks and for addresses of others. A subtraction, a shift
    /// and a load, as long as the large range suffices.
    #[inline]
    #[must_use]
    pub fn owner(&self, addr: usize) -> Option<Owner> {
        match self.table.owner(addr.wrapping_sub(self.base) >> CHUNK_SHIFT) {
            Some(owner) => owner,
            None if self.scattered.is_empty() => None,
            None => self.scattered.owner(addr),
        }
    }

    /// How many bytes are committed: all chunks that are handed out, and free ones whose decommit was refused.
    #[must_use]
    pub const fn committed_bytes(&self) -> usize {
        self.committed_bytes
    }

    /// How many bytes are handed out.
    #[must_use]
    pub const fn allocated_bytes(&self) -> usize {
        self.allocated_chunks * CHUNK_SIZE
    }

    /// How many bytes can be handed out in all.
    #[must_use]
    pub const fn max_bytes(&self) -> usize {
        self.max_chunks * CHUNK_SIZE
    }

    /// How many bytes of addresses the large range has; 0 where there is none.
    #[must_use]
    pub const fn range_bytes(&self) -> usize {
        self.table.len() * CHUNK_SIZE
    }

    /// Every range of addresses that chunks are handed out from.
    pub fn address_ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let large = self.range.iter().map(AddressRange::addresses);
        large.chain(self.scattered.address_ranges())
    }

    fn take(&mut self, run: Range<usize>, owner: Owner) -> Result<NonNull<u8>, PageError> {
        let size = run.len() * CHUNK_SIZE;
        let Some(range) = &self.range else {
            return Err(PageError::new(PageOperation::Reserve, size, None));
        };
        range.commit(run.start * CHUNK_SIZE, size)?;
        for index in run.clone() {
            if self.table.is_committed(index) {
                // SAFETY: a free chunk of the range, just committed, so it is writable and nobody uses it.
                unsafe { range.base().add(index * CHUNK_SIZE).write_bytes(0, CHUNK_SIZE) };
            } else {
                self.committed_bytes += CHUNK_SIZE;
            }
        }
        self.table.take(run.clone(), owner);
        // SAFETY: `find_free` keeps within the range.
        Ok(unsafe { range.base().add(run.start * CHUNK_SIZE) })
    }

    /// The run that starts at that address and has exactly that many chunks.
    fn run_at(&self, addr: usize, count: usize) -> Option<Range<usize>> {
        let offset = addr.wrapping_sub(self.base);
        let start = offset / CHUNK_SIZE;
        let run = start..start.checked_add(count)?;
        (offset.is_multiple_of(CHUNK_SIZE) && self.table.is_run(&run)).then_some(run)
    }

    /// # Safety
    /// `run` is allocated, and nobody touches it from now on.
    unsafe fn give_back(&mut self, run: Range<usize>) {
        let Some(range) = &self.range else { return };
        let size = run.len() * CHUNK_SIZE;
        // SAFETY: the caller promises that nobody touches the run.
        let decommitted = unsafe { range.decommit(run.start * CHUNK_SIZE, size) }.is_ok();
        if decommitted {
            self.committed_bytes -= size;
        }
        self.table.give_back(run, !decommitted);
    }
}

/// A range of that many chunks and its table.
fn range_of(source: &Arc<dyn PageSource>, chunks: usize) -> Option<(AddressRange, ChunkTable)> {
    let size = chunks.checked_mul(CHUNK_SIZE)?;
    let range = AddressRange::reserve(Arc::clone(source), size, CHUNK_SIZE).ok()?;
    Some((range, ChunkTable::new(chunks)?))
}
