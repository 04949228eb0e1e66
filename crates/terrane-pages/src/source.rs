//! The small trait between everything above and the operating system below.

use alloc::sync::Arc;
use core::{fmt::Debug, ptr::NonNull};

use crate::{HugePages, PageError, PageOperation};

/// Where pages come from.
///
/// # Safety
/// An implementation promises, for each range that `reserve` returned until it is released:
/// - the range is `size` bytes long, starts at a multiple of `align`, lies within one allocation (pointers may be
///   offset across it), and overlaps no other memory of the program;
/// - after `commit` returned `Ok`, the committed part can be read and written by any thread until it is
///   decommitted or released;
/// - committed memory is zero when it is first touched after a `reserve` or a `decommit`; committing what is
///   already committed keeps its contents;
/// - after a failed `commit`, what was committed before still is, with its contents, and the rest is still zero
///   once a later `commit` succeeds; after a failed `decommit`, what was committed before still is, with
///   contents that may or may not be lost;
/// - no function unwinds: callers ask for pages while their own books are half written.
pub unsafe trait PageSource: Debug + Send + Sync {
    /// The size and alignment of a page in bytes: a power of two, and always the same.
    fn page_size(&self) -> usize;

    /// Sets `size` bytes of addresses aside. They must be committed before they are touched.
    ///
    /// `size` is a positive multiple of the page size and at most `isize::MAX`, `align` a power of two; an
    /// alignment below the page size means the page size.
    ///
    /// # Errors
    /// When the addresses are not to be had, or when `size` or `align` is not as said.
    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError>;

    /// Puts memory behind part of a reserved range.
    ///
    /// # Safety
    /// `[ptr, ptr + size)` lies within one range that this source reserved and has not released; `ptr` and
    /// `size` are multiples of the page size.
    ///
    /// # Errors
    /// When there is no memory.
    unsafe fn commit(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError>;

    /// Takes the memory behind part of a reserved range back; the contents are lost.
    ///
    /// # Safety
    /// As for [`commit`](PageSource::commit), and nobody touches this part before it is committed again.
    ///
    /// # Errors
    /// When the system refuses, for want of room for its own books.
    unsafe fn decommit(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError>;

    /// Gives a reserved range back, with all that is committed in it.
    ///
    /// # Safety
    /// This source returned `ptr` from `reserve` for exactly this `size` and `align` and has not released it
    /// since, and nobody touches the range from now on.
    unsafe fn release(&self, ptr: NonNull<u8>, size: usize, align: usize);

    /// Advises the system to use huge pages for part of a reserved range, committed or not. Changes no contents.
    ///
    /// # Safety
    /// As for [`commit`](PageSource::commit).
    unsafe fn advise_huge(&self, _ptr: NonNull<u8>, _size: usize) -> HugePages {
        HugePages::Unavailable
    }

    /// Keeps part of a reserved range, all of it committed, in physical memory until it is unlocked, decommitted or released. Systems
    /// limit how much a process may have of that (`RLIMIT_MEMLOCK`, the working set). Changes no contents.
    ///
    /// # Safety
    /// As for [`commit`](PageSource::commit), and that part is committed.
    ///
    /// # Errors
    /// When the system refuses, or this source cannot lock.
    unsafe fn lock(&self, _ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        Err(PageError::new(PageOperation::Lock, size, None))
    }

    /// Ends what [`lock`](PageSource::lock) began. Locks do not nest.
    ///
    /// # Safety
    /// As for [`lock`](PageSource::lock).
    ///
    /// # Errors
    /// When that part is not locked, or this source cannot lock.
    unsafe fn unlock(&self, _ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        Err(PageError::new(PageOperation::Unlock, size, None))
    }

    /// Has the system put physical memory behind part of a reserved range, all of it committed, now rather than when each page is
    /// first touched. Changes no contents; other threads may use that part meanwhile.
    ///
    /// # Safety
    /// As for [`lock`](PageSource::lock); it stays committed as long as the call takes.
    ///
    /// # Errors
    /// When the system refuses, or this source cannot.
    unsafe fn populate(&self, _ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        Err(PageError::new(PageOperation::Populate, size, None))
    }

    /// Whether a reservation costs addresses only. Where it does not (the global allocator on a system that does
    /// not over-commit), nobody should reserve far ahead of need.
    fn reserves_lazily(&self) -> bool {
        true
    }
}

// SAFETY: every promise is the inner source's, to which every call goes unchanged.
unsafe impl<P: PageSource + ?Sized> PageSource for Arc<P> {
    fn page_size(&self) -> usize {
        (**self).page_size()
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        (**self).reserve(size, align)
    }

    unsafe fn commit(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { (**self).commit(ptr, size) }
    }

    unsafe fn decommit(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { (**self).decommit(ptr, size) }
    }

    unsafe fn release(&self, ptr: NonNull<u8>, size: usize, align: usize) {
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { (**self).release(ptr, size, align) }
    }

    unsafe fn advise_huge(&self, ptr: NonNull<u8>, size: usize) -> HugePages {
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { (**self).advise_huge(ptr, size) }
    }

    unsafe fn lock(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { (**self).lock(ptr, size) }
    }

    unsafe fn unlock(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { (**self).unlock(ptr, size) }
    }

    unsafe fn populate(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { (**self).populate(ptr, size) }
    }

    fn reserves_lazily(&self) -> bool {
        (**self).reserves_lazily()
    }
}

/// The best source of this build: the operating system's pages where they are available (feature `os`), on WebAssembly its linear memory,
/// the global allocator elsewhere.
#[must_use]
pub fn system_pages() -> Arc<dyn PageSource> {
    #[cfg(all(feature = "os", any(unix, windows)))]
    return Arc::new(crate::OsPages::new());
    #[cfg(target_arch = "wasm32")]
    return Arc::new(crate::WasmPages::new());
    #[cfg(not(any(all(feature = "os", any(unix, windows)), target_arch = "wasm32")))]
    return Arc::new(crate::HeapPages::new());
}

/// Checks what every `reserve` requires and returns the alignment to use.
pub(crate) fn checked_align(size: usize, align: usize, page_size: usize) -> Result<usize, PageError> {
    let sensible = size > 0
        && size.is_multiple_of(page_size)
        && align.is_power_of_two()
        && size.checked_add(align).is_some_and(|sum| sum <= isize::MAX as usize);
    if sensible { Ok(align.max(page_size)) } else { Err(PageError::new(PageOperation::Reserve, size, None)) }
}
