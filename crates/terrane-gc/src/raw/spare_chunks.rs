//! Chunks ahead of need: taken from the system, and populated by another thread, before the old space grows by them.
//!
//! The old space lies on huge pages, and whoever touches one first waits until all of it is cleared: in a virtual machine whose
//! host has to find the memory first, for milliseconds. A collection that needs a chunk finds one here that is ready. There
//! is one, and in large heaps as many as make up a sixty-fourth, since those may be filled as fast as the host finds memory.
//! The thread belongs to the heap, starts with the first spare chunk, and touches nothing but pages that hold nothing as yet,
//! by asking the system for them ([`Populator`]).
//!
//! Without the standard library, or where the system refuses a thread, no chunk is taken ahead.

use alloc::sync::Arc;
use core::ptr::NonNull;

#[cfg(feature = "std")]
use terrane_pages::Populator;
use terrane_pages::{CHUNK_SIZE, PageSource};

use super::ObjectModel;
use super::heap::Heap;
use super::old_space::block::BLOCK_SIZE;
use super::reserve::{SMALL_PAGES_CHUNKS, advise_huge};

/// There is a spare chunk for so many of the old space. In idle time a smaller heap keeps none.
const CHUNKS_FOR_ONE: usize = 64;
/// A heap with less in use takes no chunk ahead: it may never need one.
const IN_USE_MIN: usize = CHUNK_SIZE;
/// Most spare chunks.
const CHUNKS_MAX: usize = 16;

/// The chunks that the old space grows by next, as far as they were taken already: first in, first out.
#[derive(Debug, Default)]
pub(crate) struct SpareChunks {
    chunks: [Option<NonNull<u8>>; CHUNKS_MAX],
    len: usize,
    #[cfg(feature = "std")]
    populator: Option<Populator>,
    /// The system refused a thread.
    #[cfg(feature = "std")]
    refused: bool,
}

impl SpareChunks {
    /// The first chunk, whose pages may be populated still.
    pub(crate) fn take(&mut self) -> Option<NonNull<u8>> {
        self.len = self.len.checked_sub(1)?;
        // Behind the last is none, so that the first becomes the last of all.
        self.chunks.rotate_left(1);
        self.chunks[CHUNKS_MAX - 1].take()
    }

    /// The last chunk, unless there are only so many.
    fn take_last(&mut self, kept: usize) -> Option<NonNull<u8>> {
        self.len = self.len.checked_sub(1).filter(|&len| len >= kept)?;
        self.chunks[self.len].take()
    }

    fn add(&mut self, chunk: NonNull<u8>) {
        self.chunks[self.len] = Some(chunk);
        self.len += 1;
    }
}

#[cfg(feature = "std")]
impl SpareChunks {
    /// Whether there is a thread that populates; starts it the first time.
    fn has_thread(&mut self, pages: &Arc<dyn PageSource>) -> bool {
        if self.populator.is_none() && !self.refused {
            self.populator = Populator::start(Arc::clone(pages)).ok();
            self.refused = self.populator.is_none();
        }
        self.populator.is_some()
    }

    /// Has a chunk populated.
    ///
    /// # Safety
    ///
    /// It comes from the source that the thread was started with, and stays committed until [`withdraw`](Self::withdraw).
    unsafe fn populate(&self, chunk: NonNull<u8>) {
        if let Some(populator) = &self.populator {
            // SAFETY: the caller's promise.
            unsafe { populator.populate(chunk, CHUNK_SIZE) };
        }
    }

    /// Before chunks are given back: what was taken last may be populated still.
    pub(crate) fn withdraw(&self) {
        if let Some(populator) = &self.populator {
            populator.withdraw();
        }
    }
}

/// There are no threads.
#[cfg(not(feature = "std"))]
impl SpareChunks {
    fn has_thread(&mut self, _: &Arc<dyn PageSource>) -> bool {
        false
    }

    unsafe fn populate(&self, _: NonNull<u8>) {}

    pub(crate) fn withdraw(&self) {}
}

impl<M: ObjectModel> Heap<M> {
    /// Takes the next chunks ahead, if the limit leaves room for all of them. That they cannot be had is no news.
    pub(crate) fn prepare_spare_chunks(&mut self) {
        let chunks = self.old.chunks().len();
        let wanted = (chunks / CHUNKS_FOR_ONE).clamp(1, CHUNKS_MAX);
        let in_use = self.charged() + self.reserve_target() * BLOCK_SIZE;
        let fits = in_use + (wanted + 1) * CHUNK_SIZE <= self.limit;
        let is_small = chunks < SMALL_PAGES_CHUNKS || self.old.used_blocks() * BLOCK_SIZE < IN_USE_MIN;
        if !fits || is_small || self.spare.len >= wanted {
            return;
        }
        let Some(pages) = self.huge_pages.as_ref().filter(|_| self.populates) else { return };
        if !self.spare.has_thread(pages) {
            return;
        }
        while self.spare.len < wanted {
            let Ok(chunk) = self.chunks.try_allocate(1, self.owner) else { return };
            // SAFETY: the chunk comes from this source, is committed as a whole, and is freed only after `withdraw`.
            unsafe {
                self.has_huge_pages = advise_huge(pages, chunk);
                self.spare.populate(chunk);
            }
            self.spare.add(chunk);
        }
    }

    /// Gives spare chunks back to the system in idle time, except one where it makes no difference; false if there is none to be
    /// given back.
    pub(crate) fn release_idle_spare_chunks(&mut self) -> bool {
        let kept = usize::from(self.old.chunks().len() >= CHUNKS_FOR_ONE);
        self.release_spare_chunks(kept)
    }

    /// Gives all but so many spare chunks back to the system; false if there are no more.
    pub(crate) fn release_spare_chunks(&mut self, kept: usize) -> bool {
        if self.spare.len <= kept {
            return false;
        }
        self.spare.withdraw();
        while let Some(chunk) = self.spare.take_last(kept) {
            // SAFETY: nobody used the chunk, and nobody populates it any more. Only a wrong run is refused, and this is one of
            // ours.
            _ = unsafe { self.chunks.free(chunk, 1) };
        }
        true
    }
}
