//! Pages of the global allocator, for targets without an operating system's page interface, for Miri, and to
//! test what the others do against.

use alloc::alloc::{Layout, alloc_zeroed, dealloc};
use core::ptr::NonNull;

use crate::{PageError, PageOperation, PageSource, source::checked_align};

/// Pages of the global allocator.
///
/// A range is allocated whole when it is reserved, so that committing costs nothing and cannot fail;
/// decommitting overwrites with zeros and gives nothing back.
#[derive(Clone, Copy, Debug)]
pub struct HeapPages {
    page_size: usize,
}

/// What a range is rounded to where nobody says otherwise. No hardware stands behind it.
const DEFAULT_PAGE_SIZE: usize = 4096;

/// Before each range lies the pointer to the start of its allocation.
///
/// Asking the allocator for the alignment itself would be simpler, but with an alignment beyond its own it zeroes
/// by hand: reserving a gibibyte would touch all of it, where plain zeroed memory comes untouched from the system.
type Origin = *mut u8;

impl HeapPages {
    /// A source with pages of 4 KiB.
    #[must_use]
    pub const fn new() -> Self {
        Self { page_size: DEFAULT_PAGE_SIZE }
    }

    /// A source with pages of that size; `None` unless it is a power of two, at least 16.
    #[must_use]
    pub const fn with_page_size(page_size: usize) -> Option<Self> {
        if page_size.is_power_of_two() && page_size >= 16 { Some(Self { page_size }) } else { None }
    }
}

impl Default for HeapPages {
    fn default() -> Self {
        Self::new()
    }
}

/// What is allocated for a range: the origin, a gap, the range. `None` where that is larger than anything.
fn layout(size: usize, align: usize) -> Option<Layout> {
    let total = size.checked_add(align)?.checked_add(size_of::<Origin>())?;
    Layout::from_size_align(total, align_of::<Origin>()).ok()
}

// SAFETY: each range lies within an allocation of its own, aligned by hand; all of it is readable, writable and
// zero from the start, and `decommit` makes what it covers zero again. `commit` changes nothing.
unsafe impl PageSource for HeapPages {
    fn page_size(&self) -> usize {
        self.page_size
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        let refused = PageError::new(PageOperation::Reserve, size, None);
        let align = checked_align(size, align, self.page_size)?;
        let layout = layout(size, align).ok_or(refused)?;
        // SAFETY: the layout is not empty, as `size` is positive.
        let origin = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or(refused)?;
        // SAFETY: behind the origin pointer, less than `align` bytes are skipped and `size` follow: the layout
        // has room for that. The place right before the base is aligned for a pointer, as the base is (a page
        // is at least 16 bytes), and lies at or after the start of the allocation.
        unsafe {
            let after_origin = origin.add(size_of::<Origin>());
            let base = after_origin.add(after_origin.align_offset(align));
            base.sub(size_of::<Origin>()).cast::<Origin>().write(origin.as_ptr());
            Ok(base)
        }
    }

    unsafe fn commit(&self, _ptr: NonNull<u8>, _size: usize) -> Result<(), PageError> {
        Ok(())
    }

    unsafe fn decommit(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: the caller promises a part of a range of ours, all of which is allocated, and that nobody
        // uses it.
        unsafe { ptr.write_bytes(0, size) };
        Ok(())
    }

    unsafe fn release(&self, ptr: NonNull<u8>, size: usize, align: usize) {
        // `reserve` computed the same layout from the same figures.
        let Some(layout) = layout(size, align.max(self.page_size)) else { return };
        // SAFETY: `reserve` wrote the origin there, the pointer that the allocator gave for this layout.
        unsafe { dealloc(ptr.sub(size_of::<Origin>()).cast::<Origin>().read(), layout) };
    }

    fn reserves_lazily(&self) -> bool {
        false
    }
}
