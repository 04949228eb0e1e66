//! Pages of a Unix kernel.
//!
//! Addresses are reserved as an inaccessible private mapping; committing opens it for reading and writing;
//! decommitting throws the pages away and closes it again, so that a stray access faults. `MAP_NORESERVE` keeps
//! a large reservation out of the kernel's commit accounting.
//!
//! Used on Linux, Android, macOS and the BSDs. The tests run on Linux; for macOS see the workflows of continuous integration.
//!
//! After a `fork`, parent and child have the same contents and each its own copy from the first write on, as the
//! mappings are private.

use core::{ffi::c_void, ptr, ptr::NonNull};

use rustix::{
    io::Errno,
    mm::{MapFlags, MprotectFlags, ProtFlags, mlock, mmap_anonymous, mprotect, munlock, munmap},
};

use crate::{HugePages, PageError, PageOperation, PageSource, source::checked_align};

/// Pages of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct OsPages {
    page_size: usize,
}

impl OsPages {
    /// Asks the system for its page size. Cheap.
    #[must_use]
    pub fn new() -> Self {
        Self { page_size: rustix::param::page_size() }
    }
}

impl Default for OsPages {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: the kernel places each new mapping where none is, whole pages, readable and writable exactly between
// `mprotect` and `decommit`; anonymous pages are zero on first touch and after they were thrown away. `mprotect`
// changes no contents, whether it fails or not.
unsafe impl PageSource for OsPages {
    fn page_size(&self) -> usize {
        self.page_size
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        let align = checked_align(size, align, self.page_size)?;
        // The kernel aligns to pages only. For more, map too much and cut both ends off.
        let surplus = align - self.page_size;
        let start = map(size + surplus).map_err(|errno| error(PageOperation::Reserve, size, errno))?;
        let head = start.align_offset(align);
        // SAFETY: the mapping has `size + surplus` bytes, and an aligned page lies within the first `surplus`.
        let base = unsafe { start.add(head) };
        // SAFETY: the mapping is ours alone as yet; before the base it has `head` bytes to spare.
        if let Err(errno) = unsafe { unmap(start, head) } {
            // SAFETY: as above; a failed cut has removed nothing.
            unsafe { abandon(start, size + surplus) };
            return Err(error(PageOperation::Reserve, size, errno));
        }
        // SAFETY: as above; behind the range `surplus - head` bytes are left.
        if let Err(errno) = unsafe { unmap(base.add(size), surplus - head) } {
            // SAFETY: as above; what was cut off before the base is another's by now and stays untouched.
            unsafe { abandon(base, size + surplus - head) };
            return Err(error(PageOperation::Reserve, size, errno));
        }
        Ok(base)
    }

    unsafe fn commit(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: the caller promises whole pages of a range of ours; opening them invalidates nothing.
        unsafe { mprotect(address(ptr), size, MprotectFlags::READ | MprotectFlags::WRITE) }
            .map_err(|errno| error(PageOperation::Commit, size, errno))
    }

    unsafe fn decommit(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: the caller promises whole pages of a range of ours that nobody uses any longer.
        unsafe { discard(ptr, size) }.map_err(|errno| error(PageOperation::Decommit, size, errno))
    }

    unsafe fn release(&self, ptr: NonNull<u8>, size: usize, _align: usize) {
        // SAFETY: the caller promises that this is a whole mapping of ours and that nobody uses it any longer.
        let result = unsafe { unmap(ptr, size) };
        // Unmapping a whole mapping fails only for arguments that the contract excludes.
        debug_assert!(result.is_ok(), "munmap failed: {result:?}");
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    unsafe fn advise_huge(&self, ptr: NonNull<u8>, size: usize) -> HugePages {
        use rustix::mm::{Advice, madvise};
        // SAFETY: the caller promises whole pages of a range of ours; this advice changes no contents.
        let taken = unsafe { madvise(address(ptr), size, Advice::LinuxHugepage) }.is_ok();
        if taken && crate::huge::allowed_by_system() { HugePages::Advised } else { HugePages::Unavailable }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    unsafe fn advise_huge(&self, _ptr: NonNull<u8>, _size: usize) -> HugePages {
        HugePages::Unavailable
    }

    /// Since Linux 5.14.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    unsafe fn populate(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        use rustix::mm::{Advice, madvise};
        // SAFETY: the caller promises committed pages of a range of ours; this advice changes no contents.
        unsafe { madvise(address(ptr), size, Advice::LinuxPopulateWrite) }
            .map_err(|errno| error(PageOperation::Populate, size, errno))
    }

    unsafe fn lock(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: the caller promises committed pages of a range of ours; locking changes no contents.
        unsafe { mlock(address(ptr), size) }.map_err(|errno| error(PageOperation::Lock, size, errno))
    }

    unsafe fn unlock(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: as above.
        unsafe { munlock(address(ptr), size) }.map_err(|errno| error(PageOperation::Unlock, size, errno))
    }
}

fn address(ptr: NonNull<u8>) -> *mut c_void {
    ptr.as_ptr().cast()
}

fn error(operation: PageOperation, requested: usize, errno: Errno) -> PageError {
    PageError::new(operation, requested, Some(errno.raw_os_error()))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const RESERVE_FLAGS: MapFlags = MapFlags::PRIVATE.union(MapFlags::NORESERVE);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const RESERVE_FLAGS: MapFlags = MapFlags::PRIVATE;

fn map(size: usize) -> Result<NonNull<u8>, Errno> {
    // SAFETY: without an address and without `MAP_FIXED` the kernel touches no existing mapping.
    let start = unsafe { mmap_anonymous(ptr::null_mut(), size, ProtFlags::empty(), RESERVE_FLAGS) }?;
    // A mapping is at address zero only where one asks for it.
    NonNull::new(start.cast()).ok_or(Errno::NOMEM)
}

/// # Safety
/// `[ptr, ptr + size)` are whole pages that belong to the caller and that nobody uses any longer.
unsafe fn unmap(ptr: NonNull<u8>, size: usize) -> Result<(), Errno> {
    if size == 0 {
        return Ok(());
    }
    // SAFETY: see this function's condition.
    unsafe { munmap(address(ptr), size) }
}

/// Unmaps as much as the kernel lets us after it refused to cut a mapping (its table of mappings is full).
/// Should it refuse this too, addresses are lost, but no memory.
///
/// # Safety
/// As for [`unmap`].
#[cold]
unsafe fn abandon(ptr: NonNull<u8>, size: usize) {
    // SAFETY: see this function's condition.
    let _ = unsafe { unmap(ptr, size) };
}

/// Frees the pages at once and closes the range. On Linux `MADV_DONTNEED` drops anonymous pages; the next
/// touch finds zeros.
///
/// # Safety
/// `[ptr, ptr + size)` are whole pages that belong to the caller and that nobody uses any longer.
#[cfg(any(target_os = "linux", target_os = "android"))]
unsafe fn discard(ptr: NonNull<u8>, size: usize) -> Result<(), Errno> {
    use rustix::mm::{Advice, madvise};
    // SAFETY: see this function's condition.
    unsafe {
        if let Err(refused) = madvise(address(ptr), size, Advice::LinuxDontNeed) {
            // Locked pages are not dropped.
            munlock(address(ptr), size).map_err(|_| refused)?;
            madvise(address(ptr), size, Advice::LinuxDontNeed)?;
        }
        mprotect(address(ptr), size, MprotectFlags::empty())
    }
}

/// Frees the pages at once and closes the range. Elsewhere `MADV_DONTNEED` is only advice and may keep the
/// contents, so a fresh mapping replaces the old one.
///
/// # Safety
/// `[ptr, ptr + size)` are whole pages that belong to the caller and that nobody uses any longer.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
unsafe fn discard(ptr: NonNull<u8>, size: usize) -> Result<(), Errno> {
    // SAFETY: see this function's condition: what `MAP_FIXED` replaces is the caller's.
    unsafe { mmap_anonymous(address(ptr), size, ProtFlags::empty(), RESERVE_FLAGS | MapFlags::FIXED) }?;
    Ok(())
}
