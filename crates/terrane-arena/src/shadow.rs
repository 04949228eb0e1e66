//! What a debugging tool is told about memory that is handed out and taken back.
//!
//! Two aids find code that keeps a raw pointer for too long. *Poison*, when an arena is asked for it, overwrites what was
//! taken back with [`POISON`]. *AddressSanitizer*, when the program is built with `-Zsanitizer=address` (nightly
//! compilers; the build script notices), is told which bytes of a block hold values, and stops the program at the first
//! access to others. Without the sanitizer these functions are empty.
//!
//! `ASAN_OPTIONS=allocator_may_return_null=1 RUSTFLAGS=-Zsanitizer=address cargo +nightly test -p terrane-arena --target
//! x86_64-unknown-linux-gnu --tests` runs the tests so (a target must be named, lest build scripts are sanitized too).

/// The byte that poisoned memory is filled with.
pub(crate) const POISON: u8 = 0xDB;

/// The memory is handed out.
#[inline(always)]
#[cfg_attr(not(terrane_asan), expect(unused_variables, reason = "only the sanitizer needs to know"))]
pub(crate) fn reveal(start: *const u8, size: usize) {
    #[cfg(terrane_asan)]
    // SAFETY: the sanitizer's run-time library is linked, and it takes any range of the program's memory.
    unsafe {
        __asan_unpoison_memory_region(start.cast(), size);
    }
}

/// The memory holds no values any more.
#[inline(always)]
#[cfg_attr(not(terrane_asan), expect(unused_variables, reason = "only the sanitizer needs to know"))]
pub(crate) fn hide(start: *const u8, size: usize) {
    #[cfg(terrane_asan)]
    // SAFETY: as in `reveal`.
    unsafe {
        __asan_poison_memory_region(start.cast(), size);
    }
}

/// The memory holds no values any more, and is overwritten if `poison` says so.
///
/// # Safety
///
/// The bytes `start..end` may be written, and nobody reads them any more.
pub(crate) unsafe fn forget(start: *mut u8, end: usize, poison: bool) {
    let size = end.saturating_sub(start.addr());
    if poison {
        // Padding may never have been revealed.
        reveal(start, size);
        // SAFETY: the caller vouches for it.
        unsafe { start.write_bytes(POISON, size) };
    }
    hide(start, size);
}

#[cfg(terrane_asan)]
unsafe extern "C" {
    fn __asan_poison_memory_region(start: *const core::ffi::c_void, size: usize);
    fn __asan_unpoison_memory_region(start: *const core::ffi::c_void, size: usize);
}
