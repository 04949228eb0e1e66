//! One contiguous range of addresses and its owner.

use alloc::sync::Arc;
use core::{ops::Range, ptr::NonNull};

use crate::{HugePages, PageError, PageOperation, PageSource};

/// A reserved range of addresses; dropping it releases the range with all that is committed in it.
///
/// It hands out raw pointers only. Whoever turns them into references sees to it that they end before the
/// range is dropped.
#[derive(Debug)]
pub struct AddressRange {
    source: Arc<dyn PageSource>,
    base: NonNull<u8>,
    size: usize,
    align: usize,
}

// SAFETY: the range is memory that belongs to this value, not to a thread; the source is `Send` and `Sync`, and
// no method touches the memory itself.
unsafe impl Send for AddressRange {}
// SAFETY: as above; through a shared reference pages can only be committed (which keeps contents) or, in an
// `unsafe` method, decommitted under the caller's promise that nobody uses them.
unsafe impl Sync for AddressRange {}

impl AddressRange {
    /// Reserves `size` bytes, rounded up to whole pages, at a multiple of `align`.
    ///
    /// # Errors
    /// When the addresses are not to be had, `size` is 0 or beyond `isize::MAX`, or `align` no power of two.
    pub fn reserve(source: Arc<dyn PageSource>, size: usize, align: usize) -> Result<Self, PageError> {
        let refused = PageError::new(PageOperation::Reserve, size, None);
        let size = size.checked_next_multiple_of(source.page_size()).ok_or(refused)?;
        let base = source.reserve(size, align)?;
        Ok(Self { source, base, size, align })
    }

    /// Reserves `size` bytes, rounded up, on huge pages as far as the system has some: out of its pool of huge pages, all of them there for
    /// certain; or else on ordinary pages with the advice to use huge ones; or else on ordinary pages. The second part of the answer
    /// says which.
    ///
    /// ```
    /// use terrane_pages::{AddressRange, HugePages};
    ///
    /// let (range, granted) = AddressRange::reserve_huge(3 << 20)?;
    /// range.commit(0, range.size())?;
    /// assert!(range.size() >= 3 << 20);
    /// match granted {
    ///     HugePages::Granted { page_size } => assert!(range.size().is_multiple_of(page_size)),
    ///     other => println!("no huge page is certain: {other:?}"),
    /// }
    /// # Ok::<(), terrane_pages::PageError>(())
    /// ```
    ///
    /// # Errors
    /// As [`reserve`](AddressRange::reserve).
    pub fn reserve_huge(size: usize) -> Result<(Self, HugePages), PageError> {
        #[cfg(all(feature = "os", target_os = "linux"))]
        if let Some(pool) = crate::HugeTlbPages::new()
            && let Ok(range) = Self::reserve(Arc::new(pool), size, 1)
        {
            let granted = HugePages::Granted { page_size: range.source.page_size() };
            return Ok((range, granted));
        }
        let rounded = size.checked_next_multiple_of(crate::HUGE_PAGE_SIZE).unwrap_or(size);
        let range = Self::reserve(crate::system_pages(), rounded, crate::HUGE_PAGE_SIZE)?;
        let answer = range.advise_huge();
        Ok((range, answer))
    }

    /// Where the range starts.
    #[inline]
    #[must_use]
    pub const fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Its addresses.
    #[must_use]
    pub fn addresses(&self) -> Range<usize> {
        let start = self.base.addr().get();
        start..start + self.size
    }

    /// How many bytes it has; a multiple of the page size.
    #[inline]
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    /// Whether `addr` lies in the range.
    #[inline]
    #[must_use]
    pub fn contains(&self, addr: usize) -> bool {
        addr.wrapping_sub(self.base.addr().get()) < self.size
    }

    /// The source that it came from.
    #[must_use]
    pub fn source(&self) -> &Arc<dyn PageSource> {
        &self.source
    }

    /// Advises the system to use huge pages for the whole range, committed or not. Best effort; the answer says whether
    /// the system has any to give.
    ///
    /// The advice can only have an effect where the range is aligned to [`HUGE_PAGE_SIZE`](crate::HUGE_PAGE_SIZE).
    #[must_use]
    pub fn advise_huge(&self) -> HugePages {
        // SAFETY: the whole range.
        unsafe { self.source.advise_huge(self.base, self.size) }
    }

    /// How many bytes of the range are on huge pages now; `None` where the system does not tell. Slow: it reads the
    /// system's account of all mappings.
    #[must_use]
    pub fn huge_bytes(&self) -> Option<usize> {
        #[cfg(feature = "os")]
        return crate::huge::huge_bytes(self.base.addr().get(), self.base.addr().get() + self.size);
        #[cfg(not(feature = "os"))]
        return None;
    }

    /// Keeps all pages that have a byte in `[offset, offset + len)` in physical memory, until they are unlocked or decommitted or the range
    /// is dropped. They have to be committed.
    ///
    /// ```
    /// use terrane_pages::{AddressRange, PageOperation, system_pages};
    ///
    /// let range = AddressRange::reserve(system_pages(), 1 << 16, 1)?;
    /// range.commit(0, 1 << 16)?;
    /// // SAFETY: all of it is committed.
    /// match unsafe { range.lock(0, 1 << 16) } {
    ///     Ok(()) => unsafe { range.unlock(0, 1 << 16)? },
    ///     Err(error) => assert_eq!(error.operation, PageOperation::Lock), // the limit is lower
    /// }
    /// # Ok::<(), terrane_pages::PageError>(())
    /// ```
    ///
    /// # Safety
    /// These pages are committed.
    ///
    /// # Errors
    /// When the system refuses, most often for `RLIMIT_MEMLOCK`; when the source cannot lock; or when that part is not within the range.
    pub unsafe fn lock(&self, offset: usize, len: usize) -> Result<(), PageError> {
        let Some((start, size)) = self.outer_pages(PageOperation::Lock, offset, len)? else { return Ok(()) };
        // SAFETY: whole pages of the range, and the caller promises that they are committed.
        unsafe { self.source.lock(start, size) }
    }

    /// Ends what [`lock`](AddressRange::lock) began.
    ///
    /// # Safety
    /// These pages are committed.
    ///
    /// # Errors
    /// When they are not locked, the source cannot lock, or that part is not within the range.
    pub unsafe fn unlock(&self, offset: usize, len: usize) -> Result<(), PageError> {
        let Some((start, size)) = self.outer_pages(PageOperation::Unlock, offset, len)? else {
            return Ok(());
        };
        // SAFETY: whole pages of the range, and the caller promises that they are committed.
        unsafe { self.source.unlock(start, size) }
    }

    /// The pages that have a byte in `[offset, offset + len)`; `None` for an empty part.
    fn outer_pages(
        &self,
        operation: PageOperation,
        offset: usize,
        len: usize,
    ) -> Result<Option<(NonNull<u8>, usize)>, PageError> {
        let outside = PageError::new(operation, len, None);
        let end = offset.checked_add(len).filter(|end| *end <= self.size).ok_or(outside)?;
        if len == 0 {
            return Ok(None);
        }
        let page = self.source.page_size();
        let (start, end) = (offset - offset % page, end.next_multiple_of(page));
        // SAFETY: `start` is within the range, as `end` is at most its size.
        Ok(Some((unsafe { self.base.add(start) }, end - start)))
    }

    /// Commits all pages that have a byte in `[offset, offset + len)`. What is committed already keeps its
    /// contents; new memory is zero.
    ///
    /// # Errors
    /// When there is no memory, or that part is not within the range.
    pub fn commit(&self, offset: usize, len: usize) -> Result<(), PageError> {
        let Some((start, size)) = self.outer_pages(PageOperation::Commit, offset, len)? else {
            return Ok(());
        };
        // SAFETY: whole pages of the range, as its size is a multiple of the page size.
        unsafe { self.source.commit(start, size) }
    }

    /// Decommits all pages that lie wholly in `[offset, offset + len)`; their contents are lost. What was not
    /// committed may be among them.
    ///
    /// # Safety
    /// Nobody touches these pages before they are committed again.
    ///
    /// # Errors
    /// When the system refuses (the contents may be lost all the same; what was committed still is), or that
    /// part is not within the range.
    pub unsafe fn decommit(&self, offset: usize, len: usize) -> Result<(), PageError> {
        let outside = PageError::new(PageOperation::Decommit, len, None);
        let end = offset.checked_add(len).filter(|end| *end <= self.size).ok_or(outside)?;
        let page = self.source.page_size();
        let (start, end) = (offset.next_multiple_of(page), end - end % page);
        if start >= end {
            return Ok(());
        }
        // SAFETY: `[start, end)` are whole pages of the range, and the caller promises that nobody uses them.
        unsafe { self.source.decommit(self.base.add(start), end - start) }
    }
}

impl Drop for AddressRange {
    fn drop(&mut self) {
        // SAFETY: reserved with these very figures, and not released before, as only this releases it.
        unsafe { self.source.release(self.base, self.size, self.align) };
    }
}
