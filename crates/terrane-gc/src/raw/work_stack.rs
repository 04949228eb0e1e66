//! The work list of the collectors: references to objects that were reached and whose slots were not visited yet.
//!
//! The stack lies in memory of its own, committed when the heap is made, so that pushing never allocates. When it is full an
//! object is dropped and the loss noted: the collector then finds the dropped objects by walking the objects that it has already
//! reached (their bits in the side table tell them) and visiting their slots again. Jones, Hosking & Moss,
//! *The Garbage Collection Handbook*, §2.4.

use alloc::sync::Arc;

use terrane_pages::{AddressRange, PageError, PageSource};

use super::Word;

#[derive(Debug)]
pub(crate) struct WorkStack {
    range: AddressRange,
    base: *mut Word,
    len: usize,
    capacity: usize,
    overflowed: bool,
}

impl WorkStack {
    pub(crate) fn new(pages: &Arc<dyn PageSource>, bytes: usize) -> Result<Self, PageError> {
        let range = AddressRange::reserve(Arc::clone(pages), bytes, pages.page_size())?;
        range.commit(0, bytes)?;
        let base = range.base().as_ptr().cast();
        Ok(Self { range, base, len: 0, capacity: bytes / size_of::<Word>(), overflowed: false })
    }

    /// Pushes a reference; false when there was no room, which is also noted.
    #[inline(always)]
    pub(crate) fn push(&mut self, word: Word) -> bool {
        if self.len == self.capacity {
            self.overflowed = true;
            return false;
        }
        // SAFETY: `len < capacity`, and the range holds `capacity` committed words.
        unsafe { self.base.add(self.len).write(word) };
        self.len += 1;
        true
    }

    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<Word> {
        if self.len == 0 {
            return None;
        }
        self.len -= 1;
        // SAFETY: entries below the old `len` were written by `push`.
        Some(unsafe { self.base.add(self.len).read() })
    }

    /// Whether a push was refused since the last call.
    pub(crate) fn take_overflow(&mut self) -> bool {
        core::mem::take(&mut self.overflowed)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.range.size()
    }
}
