//! Pages of Windows.
//!
//! `VirtualAlloc` knows the two states itself: `MEM_RESERVE` sets addresses aside, `MEM_COMMIT` puts memory (or room in the paging file)
//! behind them, and both can be taken back apart. Reservations start at multiples of 64 KiB. For a larger alignment, more is
//! reserved, given back, and reserved again at the aligned place; should another thread have taken that place in between, it is tried
//! again.
//!
//! Not run here: this file is type-checked on Linux, and run by the workflows of continuous integration.

use core::{ffi::c_void, ptr, ptr::NonNull};

use windows_sys::Win32::System::{
    Memory::{
        MEM_COMMIT, MEM_DECOMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_NOACCESS, PAGE_READWRITE, VirtualAlloc,
        VirtualFree, VirtualLock, VirtualUnlock,
    },
    SystemInformation::{GetSystemInfo, SYSTEM_INFO},
};

use crate::{PageError, PageOperation, PageSource, source::checked_align};

/// Pages of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct OsPages {
    page_size: usize,
    /// What reservations are aligned to by themselves.
    granularity: usize,
}

/// How often an aligned place is looked for while other threads take the places that were found.
const ATTEMPTS: usize = 64;

impl OsPages {
    /// Asks the system for its page size. Cheap.
    #[must_use]
    pub fn new() -> Self {
        let mut info = SYSTEM_INFO::default();
        // SAFETY: the pointer is to a value of that type.
        unsafe { GetSystemInfo(&raw mut info) };
        Self { page_size: info.dwPageSize as usize, granularity: info.dwAllocationGranularity as usize }
    }

    fn reserve_aligned(size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        for _ in 0..ATTEMPTS {
            let found =
                reserve_at(ptr::null(), size + align).ok_or_else(|| error(PageOperation::Reserve, size))?;
            let aligned = found.addr().get().next_multiple_of(align);
            // SAFETY: the reservation was made the moment before, and nobody knows of it.
            unsafe { give_back(found) };
            if let Some(base) = reserve_at(ptr::without_provenance(aligned), size) {
                return Ok(base);
            }
        }
        Err(error(PageOperation::Reserve, size))
    }
}

impl Default for OsPages {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: the system reserves where nothing is, whole pages, readable and writable exactly between commit and decommit; pages are zero
// when they are first touched after either, and committing what is committed changes nothing. A refused commit or decommit changes
// nothing.
unsafe impl PageSource for OsPages {
    fn page_size(&self) -> usize {
        self.page_size
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        let align = checked_align(size, align, self.page_size)?;
        if align > self.granularity {
            return Self::reserve_aligned(size, align);
        }
        reserve_at(ptr::null(), size).ok_or_else(|| error(PageOperation::Reserve, size))
    }

    unsafe fn commit(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: the caller promises whole pages of a range of ours.
        let start = unsafe { VirtualAlloc(address(ptr), size, MEM_COMMIT, PAGE_READWRITE) };
        if start.is_null() { Err(error(PageOperation::Commit, size)) } else { Ok(()) }
    }

    unsafe fn decommit(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: the caller promises whole pages of a range of ours that nobody uses any longer.
        let done = unsafe { VirtualFree(address(ptr), size, MEM_DECOMMIT) };
        if done == 0 { Err(error(PageOperation::Decommit, size)) } else { Ok(()) }
    }

    unsafe fn release(&self, ptr: NonNull<u8>, _size: usize, _align: usize) {
        // SAFETY: the caller promises that this is a whole reservation of ours and that nobody uses it any longer.
        unsafe { give_back(ptr) };
    }

    unsafe fn lock(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: the caller promises committed pages of a range of ours; locking changes no contents.
        let done = unsafe { VirtualLock(address(ptr), size) };
        if done == 0 { Err(error(PageOperation::Lock, size)) } else { Ok(()) }
    }

    unsafe fn unlock(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: as above.
        let done = unsafe { VirtualUnlock(address(ptr), size) };
        if done == 0 { Err(error(PageOperation::Unlock, size)) } else { Ok(()) }
    }
}

fn address(ptr: NonNull<u8>) -> *mut c_void {
    ptr.as_ptr().cast()
}

/// Reserves at that address, or anywhere for a null pointer.
fn reserve_at(place: *const c_void, size: usize) -> Option<NonNull<u8>> {
    // SAFETY: a reservation is made only where nothing is.
    NonNull::new(unsafe { VirtualAlloc(place, size, MEM_RESERVE, PAGE_NOACCESS) }.cast())
}

/// # Safety
/// `base` is the start of a reservation that belongs to the caller and that nobody uses any longer.
unsafe fn give_back(base: NonNull<u8>) {
    // SAFETY: see this function's condition. A whole reservation is released with size 0.
    let done = unsafe { VirtualFree(address(base), 0, MEM_RELEASE) };
    debug_assert!(done != 0, "VirtualFree failed: {}", std::io::Error::last_os_error());
}

fn error(operation: PageOperation, requested: usize) -> PageError {
    PageError::new(operation, requested, std::io::Error::last_os_error().raw_os_error())
}
