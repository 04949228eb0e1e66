//! Asking for memory before it is needed.
//!
//! A collector that follows references through a heap longer than the cache waits for memory most of its time. But it knows
//! where it will look next: the addresses wait on its stack and in its buffers. Asked for a few objects ahead, several
//! lines of the cache are on their way at once (Cher, Hosking & Vitek, *Software prefetching for mark-sweep garbage
//! collection*, ASPLOS 2004).

/// Asks the processor to bring the cache line at `address` near. Any address will do; on processors without a stable way to
/// ask, this does nothing.
#[inline(always)]
pub(crate) fn prefetch(address: usize) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch reads nothing as far as the program can see, and faults at no address.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(core::ptr::without_provenance(address));
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = address;
}

/// How many objects ahead memory is asked for.
pub(crate) const DISTANCE: usize = 32;
