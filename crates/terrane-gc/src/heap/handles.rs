//! The stack of handles: where [`Local`](crate::Local) keeps its reference.
//!
//! Handles below the watermark were visited by the last collection and not written since, so they hold nothing young,
//! and a minor collection leaves them out: a deep recursion is not scanned again each time.
//!
//! The snapshot of a full collection takes the topmost handles at once and those below in parts. One that is set, or
//! popped, before it was delivered is delivered then.

use alloc::vec::Vec;

use terrane_base::MemoryError;

use crate::raw::{RootScope, Word, errors};

#[derive(Debug)]
pub(crate) struct HandleStack {
    words: Vec<Word>,
    watermark: usize,
    /// Handles below are not yet part of the snapshot that is being taken.
    undelivered: usize,
}

/// So many handles, the topmost, are delivered when a snapshot begins.
const DELIVERED_AT_ONCE: usize = 1024;

impl HandleStack {
    pub(crate) const fn new() -> Self {
        Self { words: Vec::new(), watermark: 0, undelivered: 0 }
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, word: Word) -> u32 {
        let index = self.words.len();
        assert!(index < u32::MAX as usize, "too many handles in the open scopes");
        self.words.push(word);
        index as u32
    }

    /// Makes room, so that the next push takes no memory.
    pub(crate) fn try_reserve(&mut self) -> Result<(), MemoryError> {
        self.words.try_reserve(1).map_err(|_| errors::table(size_of::<Word>()))
    }

    /// # Safety
    ///
    /// The scope that pushed the handle is open.
    #[inline(always)]
    pub(crate) unsafe fn word(&self, index: u32) -> Word {
        debug_assert!((index as usize) < self.words.len());
        // SAFETY: handles are popped only when their scope ends.
        unsafe { *self.words.get_unchecked(index as usize) }
    }

    /// # Safety
    ///
    /// As for [`word`](Self::word).
    #[inline(always)]
    pub(crate) unsafe fn replace(&mut self, index: u32, word: Word) {
        debug_assert!((index as usize) < self.words.len());
        // SAFETY: as above.
        unsafe { *self.words.get_unchecked_mut(index as usize) = word };
        self.watermark = self.watermark.min(index as usize);
    }

    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether the handle must be delivered before it changes.
    #[inline(always)]
    pub(crate) fn is_undelivered(&self, index: u32) -> bool {
        (index as usize) < self.undelivered
    }

    /// Whether some from `len` on must be delivered before they are popped.
    #[inline(always)]
    pub(crate) fn are_undelivered_from(&self, len: usize) -> bool {
        len < self.undelivered
    }

    /// Begins a snapshot.
    pub(crate) fn begin_snapshot(&mut self, mut visit: impl FnMut(Word)) {
        self.undelivered = self.words.len().saturating_sub(DELIVERED_AT_ONCE);
        self.words[self.undelivered..].iter().for_each(|word| visit(*word));
    }

    /// The next handle for the snapshot.
    pub(crate) fn next_undelivered(&mut self) -> Option<Word> {
        self.undelivered = self.undelivered.checked_sub(1)?;
        Some(self.words[self.undelivered])
    }

    /// The handles from `len` on that must be delivered before they are popped.
    #[cold]
    #[inline(never)]
    pub(crate) fn deliver_from(&mut self, len: usize, visit: impl FnMut(Word)) {
        self.words[len..self.undelivered].iter().copied().for_each(visit);
        self.undelivered = len;
    }

    #[inline(always)]
    pub(crate) fn truncate(&mut self, len: usize) {
        debug_assert!(self.undelivered <= len && len <= self.words.len());
        // SAFETY: not longer than it is; a scope ends with at least as many handles as it began with.
        unsafe { self.words.set_len(len.min(self.words.len())) };
        self.watermark = self.watermark.min(len);
    }

    pub(crate) fn visit(&mut self, scope: RootScope, visit: &mut impl FnMut(&mut Word)) {
        let start = if scope == RootScope::Young { self.watermark } else { 0 };
        self.words[start..].iter_mut().for_each(visit);
    }

    /// No handle holds anything young now.
    pub(crate) fn raise_watermark(&mut self) {
        self.watermark = self.words.len();
    }

    pub(crate) fn bytes(&self) -> usize {
        self.words.capacity() * size_of::<Word>()
    }
}
