//! The work list of the collectors: what was reached and not visited yet.
//!
//! The stack lies in memory of its own, committed when the heap is made, so that pushing never allocates.
//! When it is full an entry is dropped and the loss noted: the collector then walks all objects that it has
//! already reached (their bits in the side table tell them) and visits their slots again. Jones, Hosking &
//! Moss, *The Garbage Collection Handbook*, §2.4.

use alloc::sync::Arc;

use terrane_pages::{AddressRange, PageError, PageSource};

const ENTRY_BYTES: usize = size_of::<u64>();

/// A stack of slots when copying, of references when marking. A reference has 64 bits on every machine.
#[derive(Debug)]
pub(crate) struct WorkStack {
    range: AddressRange,
    bottom: *mut u64,
    top: *mut u64,
    end: *mut u64,
    overflowed: bool,
}

impl WorkStack {
    /// Commits at least `bytes`, and one page at the least.
    pub(crate) fn new(pages: &Arc<dyn PageSource>, bytes: usize) -> Result<Self, PageError> {
        let range = AddressRange::reserve(Arc::clone(pages), bytes.max(1), pages.page_size())?;
        range.commit(0, range.size())?;
        let bottom: *mut u64 = range.base().as_ptr().cast();
        let end = bottom.wrapping_add(range.size() / ENTRY_BYTES);
        Ok(Self { range, bottom, top: bottom, end, overflowed: false })
    }

    pub(crate) fn addresses(&self) -> core::ops::Range<usize> {
        self.range.addresses()
    }

    #[inline(always)]
    pub(crate) fn bottom(&self) -> *mut u64 {
        self.bottom
    }

    #[inline(always)]
    pub(crate) fn top(&self) -> *mut u64 {
        self.top
    }

    /// Just past the last place.
    #[inline(always)]
    pub(crate) fn end(&self) -> *mut u64 {
        self.end
    }

    /// Takes back a top that was advanced or lowered within `bottom..=end`.
    #[inline(always)]
    pub(crate) fn set_top(&mut self, top: *mut u64) {
        debug_assert!(self.bottom <= top && top <= self.end);
        self.top = top;
    }

    #[inline(always)]
    pub(crate) fn is_full(&self) -> bool {
        self.top == self.end
    }

    /// Pushes a word; what does not fit is dropped, and the loss noted.
    #[inline(always)]
    pub(crate) fn push(&mut self, word: u64) {
        if self.is_full() {
            return self.note_overflow();
        }
        // SAFETY: below the end, so committed.
        unsafe {
            self.top.write(word);
            self.top = self.top.add(1);
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        (self.top, self.overflowed) = (self.bottom, false);
    }

    /// Notes that something was dropped.
    #[cold]
    pub(crate) fn note_overflow(&mut self) {
        self.overflowed = true;
    }

    /// Whether something was dropped since the last call.
    pub(crate) fn take_overflow(&mut self) -> bool {
        core::mem::take(&mut self.overflowed)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.range.size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_noted_once() {
        let pages = terrane_pages::system_pages();
        let mut stack = WorkStack::new(&pages, 1).unwrap();
        let capacity = stack.bytes() / ENTRY_BYTES;
        (0..capacity as u64).for_each(|i| stack.push(i));
        assert!(stack.is_full() && !stack.take_overflow());
        stack.push(u64::MAX);
        assert!(stack.take_overflow() && !stack.take_overflow());
        // SAFETY: the words were pushed.
        let last = unsafe { stack.top().sub(1).read() };
        assert_eq!(last, capacity as u64 - 1);
    }
}
