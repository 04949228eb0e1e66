//! Pages out of a memory that can only grow, such as WebAssembly's.
//!
//! What is released is kept in a list of free ranges, sorted by address, neighbours joined, and handed out again first-fit. Nothing goes back
//! to the system: decommitting overwrites with zeros. Committing costs nothing and cannot fail.
//!
//! The list is behind a spinning lock, as there may be no other: it is held for a look through the list only. Should the list have no room
//! to grow, a released range is lost; the memory cannot be given back anyhow.

use alloc::vec::Vec;
use core::{
    cell::UnsafeCell,
    fmt, hint,
    ptr::NonNull,
    sync::atomic::{
        AtomicBool,
        Ordering::{Acquire, Release},
    },
};

use crate::{PageError, PageOperation, PageSource, source::checked_align};

/// A memory that can only grow.
///
/// # Safety
/// What `grow` returns is the start of so many bytes that nobody else has, zero, readable and writable for ever, at a multiple of the page
/// size, in the same allocation as all it returned before (pointers may be offset from one to the other).
pub(crate) unsafe trait Grow: Send + Sync {
    /// The unit of growth in bytes, a power of two.
    const PAGE_SIZE: usize;

    /// Makes the memory larger by so many bytes, a multiple of the page size.
    fn grow(&self, size: usize) -> Option<NonNull<u8>>;
}

/// Pages out of a memory that can only grow.
pub(crate) struct GrowOnly<G> {
    memory: G,
    locked: AtomicBool,
    /// Sorted by address, no two of them adjacent.
    free: UnsafeCell<Vec<Free>>,
}

/// A range that nobody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Free {
    start: NonNull<u8>,
    size: usize,
}

// SAFETY: the list is only touched under the lock, and its ranges belong to nobody; `G` is `Send`.
unsafe impl<G: Grow> Send for GrowOnly<G> {}
// SAFETY: as above; `G` is `Sync`.
unsafe impl<G: Grow> Sync for GrowOnly<G> {}

impl Free {
    fn address(&self) -> usize {
        self.start.addr().get()
    }

    fn end(&self) -> usize {
        self.address() + self.size
    }

    /// How many bytes lie before the first multiple of `align`, if `size` bytes follow there.
    fn head(&self, size: usize, align: usize) -> Option<usize> {
        let head = self.address().checked_next_multiple_of(align)? - self.address();
        (head.checked_add(size)? <= self.size).then_some(head)
    }

    /// The part from there on.
    fn part(&self, offset: usize, size: usize) -> Self {
        debug_assert!(offset + size <= self.size);
        // SAFETY: within the range, or at its end.
        Self { start: unsafe { self.start.add(offset) }, size }
    }
}

impl<G: Grow> GrowOnly<G> {
    pub(crate) const fn new(memory: G) -> Self {
        Self { memory, locked: AtomicBool::new(false), free: UnsafeCell::new(Vec::new()) }
    }

    fn with_free<T>(&self, work: impl FnOnce(&mut Vec<Free>) -> T) -> T {
        /// Unlocks, also when an allocation for the list unwinds.
        struct Unlock<'a>(&'a AtomicBool);

        impl Drop for Unlock<'_> {
            fn drop(&mut self) {
                self.0.store(false, Release);
            }
        }

        while self.locked.compare_exchange_weak(false, true, Acquire, Acquire).is_err() {
            hint::spin_loop();
        }
        let _unlock = Unlock(&self.locked);
        // SAFETY: the flag was taken, so that nobody else has the list until it is given back; `work` does not call this again, as it
        // only handles ranges.
        work(unsafe { &mut *self.free.get() })
    }

    /// Takes a range out of the list; what is left before and behind stays.
    fn reuse(&self, size: usize, align: usize) -> Option<Free> {
        self.with_free(|free| {
            // Room for one more first, so that nothing is lost.
            free.try_reserve(1).ok()?;
            let (index, head) =
                free.iter().enumerate().find_map(|(index, range)| Some((index, range.head(size, align)?)))?;
            let whole = free[index];
            let tail = whole.part(head + size, whole.size - head - size);
            match (head > 0, tail.size > 0) {
                (false, false) => _ = free.remove(index),
                (false, true) => free[index] = tail,
                (true, false) => free[index].size = head,
                (true, true) => {
                    free[index].size = head;
                    free.insert(index + 1, tail);
                }
            }
            Some(whole.part(head, size))
        })
    }

    fn keep(&self, range: Free) {
        self.with_free(|free| {
            let index = free.partition_point(|other| other.address() < range.address());
            let joins_next = free.get(index).is_some_and(|next| range.end() == next.address());
            let joins_last = index > 0 && free[index - 1].end() == range.address();
            match (joins_last, joins_next) {
                (true, true) => free[index - 1].size += range.size + free.remove(index).size,
                (true, false) => free[index - 1].size += range.size,
                (false, true) => {
                    free[index] = Free { start: range.start, size: range.size + free[index].size }
                }
                (false, false) if free.try_reserve(1).is_ok() => free.insert(index, range),
                (false, false) => {}
            }
        });
    }
}

// SAFETY: ranges are disjoint parts of what the memory grew by, which is readable and writable for ever; it is zero when it is new, and made
// zero when it is handed out again or decommitted.
unsafe impl<G: Grow> PageSource for GrowOnly<G> {
    fn page_size(&self) -> usize {
        G::PAGE_SIZE
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        let refused = PageError::new(PageOperation::Reserve, size, None);
        let align = checked_align(size, align, G::PAGE_SIZE)?;
        if let Some(range) = self.reuse(size, align) {
            // SAFETY: the range was in the list, so that nobody else has it.
            unsafe { range.start.write_bytes(0, size) };
            return Ok(range.start);
        }
        let surplus = align - G::PAGE_SIZE;
        let start = self.memory.grow(size + surplus).ok_or(refused)?;
        let grown = Free { start, size: size + surplus };
        let head = grown.head(size, align).ok_or(refused)?;
        for rest in [grown.part(0, head), grown.part(head + size, surplus - head)] {
            if rest.size > 0 {
                self.keep(rest);
            }
        }
        Ok(grown.part(head, size).start)
    }

    unsafe fn commit(&self, _ptr: NonNull<u8>, _size: usize) -> Result<(), PageError> {
        Ok(())
    }

    unsafe fn decommit(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: the caller promises a part of a range of ours that nobody uses.
        unsafe { ptr.write_bytes(0, size) };
        Ok(())
    }

    unsafe fn release(&self, ptr: NonNull<u8>, size: usize, _align: usize) {
        self.keep(Free { start: ptr, size });
    }

    fn reserves_lazily(&self) -> bool {
        false
    }
}

impl<G> fmt::Debug for GrowOnly<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrowOnly").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HeapPages;
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use proptest::prelude::*;
    use std::vec;

    const PAGE: usize = 4096;
    const PAGES: usize = 64;

    /// A stretch of memory that is handed out page by page.
    struct Stretch {
        base: NonNull<u8>,
        used: AtomicUsize,
    }

    // SAFETY: the memory belongs to the value.
    unsafe impl Send for Stretch {}
    // SAFETY: it is handed out by an atomic counter.
    unsafe impl Sync for Stretch {}

    // SAFETY: each part is handed out once; the memory is given back when the value is dropped, after all who have parts.
    unsafe impl Grow for Stretch {
        const PAGE_SIZE: usize = PAGE;

        fn grow(&self, size: usize) -> Option<NonNull<u8>> {
            let start = self.used.fetch_add(size, Relaxed);
            // SAFETY: within the stretch.
            (start + size <= PAGES * PAGE).then(|| unsafe { self.base.add(start) })
        }
    }

    impl Stretch {
        fn new() -> Self {
            Self { base: HeapPages::new().reserve(PAGES * PAGE, PAGE).unwrap(), used: AtomicUsize::new(0) }
        }
    }

    impl Drop for Stretch {
        fn drop(&mut self) {
            // SAFETY: reserved with these figures, and the tests are at their end.
            unsafe { HeapPages::new().release(self.base, PAGES * PAGE, PAGE) };
        }
    }

    proptest! {
        /// Ranges come and go: they are aligned, apart and zero; and in the end all that the memory grew by is one free range.
        #[test]
        fn ranges_are_apart_and_zero_and_come_together_again(
            ops in prop::collection::vec((1..6_usize, 0..4_u32, any::<prop::sample::Index>(), any::<bool>()), 1..60),
        ) {
            let source = GrowOnly::new(Stretch::new());
            let mut held: Vec<(NonNull<u8>, usize)> = vec![];
            for (pages, align_log2, which, gives_back) in ops {
                if gives_back && !held.is_empty() {
                    let (base, size) = held.swap_remove(which.index(held.len()));
                    // SAFETY: reserved with this size, and not used any longer.
                    unsafe { source.release(base, size, PAGE) };
                    continue;
                }
                let (size, align) = (pages * PAGE, PAGE << align_log2);
                let Ok(base) = source.reserve(size, align) else { continue };
                let start = base.addr().get();
                prop_assert!(start.is_multiple_of(align));
                let apart = held.iter().all(|(other, len)| {
                    start + size <= other.addr().get() || other.addr().get() + len <= start
                });
                prop_assert!(apart, "ranges overlap");
                // SAFETY: reserved the moment before.
                let bytes = unsafe { core::slice::from_raw_parts_mut(base.as_ptr(), size) };
                prop_assert!(bytes.iter().all(|byte| *byte == 0));
                bytes.fill(0xDB);
                held.push((base, size));
            }
            for (base, size) in held {
                // SAFETY: as above.
                unsafe { source.release(base, size, PAGE) };
            }
            let free = source.with_free(|free| free.clone());
            prop_assert!(free.len() <= 1, "{free:?}");
        }
    }

    #[test]
    fn what_is_decommitted_is_zero_again() {
        let source = GrowOnly::new(Stretch::new());
        let base = source.reserve(2 * PAGE, PAGE).unwrap();
        // SAFETY: reserved the moment before; the second page is not used while it is decommitted.
        unsafe {
            base.write_bytes(1, 2 * PAGE);
            source.decommit(base.add(PAGE), PAGE).unwrap();
            assert_eq!((base.add(PAGE - 1).read(), base.add(PAGE).read()), (1, 0));
        }
        assert!(source.reserve((PAGES - 1) * PAGE, PAGE).is_err(), "there is not so much");
    }
}
