//! Bytes on pages of their own.

use alloc::sync::Arc;
use core::{
    fmt,
    ops::{Deref, DerefMut},
    slice,
};

use crate::{AddressRange, PageError, PageSource};

/// Bytes that lie on pages of their own, all zero at first. Dropping it gives the pages back to their source.
///
/// Pages that were never touched take no memory where the source commits lazily. For large pieces: each takes whole pages.
///
/// ```
/// use terrane_pages::{PageBuffer, system_pages};
///
/// let mut image = PageBuffer::zeroed(system_pages(), 10_000_000)?;
/// image[9_999_999] = 7;
/// assert_eq!((image.len(), image[0], image[9_999_999]), (10_000_000, 0, 7));
/// assert!(image.page_bytes() >= image.len());
/// # Ok::<(), terrane_pages::PageError>(())
/// ```
pub struct PageBuffer {
    range: AddressRange,
    len: usize,
}

impl PageBuffer {
    /// `len` bytes from `source`.
    ///
    /// # Errors
    /// When the source refuses, or `len` exceeds `isize::MAX`.
    pub fn zeroed(source: Arc<dyn PageSource>, len: usize) -> Result<Self, PageError> {
        let range = AddressRange::reserve(source, len.max(1), 1)?;
        range.commit(0, range.size())?;
        Ok(Self { range, len })
    }

    /// How many bytes its pages have.
    #[must_use]
    pub const fn page_bytes(&self) -> usize {
        self.range.size()
    }
}

impl Deref for PageBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the whole range was committed, hence can be read, is zero or was written through `deref_mut`, and has at least
        // `len` bytes; only this value knows of it.
        unsafe { slice::from_raw_parts(self.range.base().as_ptr(), self.len) }
    }
}

impl DerefMut for PageBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and the buffer is borrowed exclusively.
        unsafe { slice::from_raw_parts_mut(self.range.base().as_ptr(), self.len) }
    }
}

impl fmt::Debug for PageBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageBuffer").field("len", &self.len).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FaultyPages, HeapPages};

    #[test]
    fn no_size_is_a_panic() {
        let source: Arc<dyn PageSource> = Arc::new(HeapPages::new());
        for len in [0, 1, 4095, 4096, 4097] {
            let buffer = PageBuffer::zeroed(source.clone(), len).unwrap();
            assert!(buffer.len() == len && buffer.iter().all(|byte| *byte == 0));
        }
        for len in [usize::MAX, isize::MAX as usize, isize::MAX as usize - 4095] {
            assert!(PageBuffer::zeroed(source.clone(), len).is_err());
        }
    }

    #[test]
    fn a_refused_page_is_an_error_and_leaks_nothing() {
        let source = Arc::new(FaultyPages::new(HeapPages::new()));
        for n in 1..=2 {
            source.fail_nth(n);
            assert!(PageBuffer::zeroed(source.clone(), 100).is_err(), "request {n}");
        }
        assert_eq!(PageBuffer::zeroed(source, 100).unwrap().page_bytes(), 4096);
    }
}
