//! Huge pages that are there for certain.
//!
//! Linux can set huge pages aside for programs that ask for them by name (`vm.nr_hugepages`; `Documentation/admin-guide/mm/hugetlbpage.rst`).
//! A mapping takes its pages out of that pool when it is made, so that a page that is touched later is there; when the pool has too few, the
//! mapping is refused, and what is left is to advise ([`HugePages::Advised`]).
//!
//! Pages go back to the pool when the range is released. Decommitting overwrites with zeros: the kernel would take the page
//! back without keeping one for when it is touched again, and a touch would end the program.
//!
//! After a `fork` the child has no pages set aside for it: a page that both have and one of them writes may not be there. A program that forks
//! should not write to such ranges afterwards.

use core::{ptr, ptr::NonNull};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

use crate::{HugePages, PageError, PageOperation, PageSource, source::checked_align};

/// Pages out of the system's pool of huge pages, of the system's default size.
#[derive(Clone, Copy, Debug)]
pub struct HugeTlbPages {
    page_size: usize,
}

impl HugeTlbPages {
    /// Asks the system for the size of its huge pages. `None` where it has none; that it has free ones is not known before
    /// [`reserve`](PageSource::reserve).
    #[must_use]
    pub fn new() -> Option<Self> {
        let text = std::fs::read_to_string("/proc/meminfo").ok()?;
        let page_size = default_size(&text)?;
        Some(Self { page_size })
    }
}

/// The line `Hugepagesize:    2048 kB`.
fn default_size(meminfo: &str) -> Option<usize> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("Hugepagesize:"))?;
    let kib: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024).filter(|size| size.is_power_of_two())
}

// SAFETY: the kernel places each new mapping where none is, and took its pages out of the pool; they are readable and writable from the start,
// and zero on first touch. `decommit` makes what it covers zero again; `commit` changes nothing.
unsafe impl PageSource for HugeTlbPages {
    fn page_size(&self) -> usize {
        self.page_size
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        let align = checked_align(size, align, self.page_size)?;
        let surplus = align - self.page_size;
        let flags = MapFlags::PRIVATE | MapFlags::HUGETLB;
        let refused = |errno: rustix::io::Errno| {
            PageError::new(PageOperation::Reserve, size, Some(errno.raw_os_error()))
        };
        // SAFETY: without an address and without `MAP_FIXED` the kernel touches no existing mapping.
        let start = unsafe {
            mmap_anonymous(ptr::null_mut(), size + surplus, ProtFlags::READ | ProtFlags::WRITE, flags)
        }
        .map_err(refused)?;
        let start = start.cast::<u8>();
        let head = start.addr().next_multiple_of(align) - start.addr();
        // SAFETY: within the mapping, which is ours alone: `head` bytes before the aligned place, the rest behind the range.
        unsafe {
            let base = start.add(head);
            for (rest, len) in [(start, head), (base.add(size), surplus - head)] {
                if len > 0 {
                    // Should the kernel refuse to cut, that much stays mapped and unused.
                    let _ = munmap(rest.cast(), len);
                }
            }
            NonNull::new(base).ok_or(PageError::new(PageOperation::Reserve, size, None))
        }
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
        // SAFETY: the caller promises that this is a whole range of ours and that nobody uses it any longer.
        let result = unsafe { munmap(ptr.as_ptr().cast(), size) };
        debug_assert!(result.is_ok(), "munmap failed: {result:?}");
    }

    unsafe fn advise_huge(&self, _ptr: NonNull<u8>, _size: usize) -> HugePages {
        HugePages::Granted { page_size: self.page_size }
    }

    fn reserves_lazily(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_size_is_read_in_kib() {
        assert_eq!(default_size("MemTotal: 12 kB\nHugepagesize:       2048 kB\n"), Some(2 << 20));
        for text in
            ["", "Hugepagesize: 2048", "Hugepagesize: x kB", "Hugepagesize: 3 kB", "Hugepagesize: 0 kB"]
        {
            assert_eq!(default_size(text), None, "{text:?}");
        }
    }
}
