//! Chunks ahead of need: taken from the system, and populated by another thread, before the old space grows by them.
//!
//! The old space lies on huge pages, and whoever touches one first waits until all of it is cleared: in a virtual machine whose
//! host has to find the memory first, for milliseconds. A collection that needs a chunk finds one here that is ready. There
//! is one, and in large heaps as many as make up a sixty-fourth, since those may be filled as fast as the host finds memory.
//! The thread belongs to the heap, starts with the first spare chunk, and touches nothing but pages that hold nothing as yet,
//! by asking the system for them ([`Populator`]).
//!
//! Without the standard library, or where the page source cannot populate or the system refuses a thread, no chunk is taken ahead.

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
/// Growth is near when so many minor collections like the last ones bring it about.
const MINORS_AHEAD: usize = 16;
/// Some more than the books of a thread take from the allocator.
#[cfg(feature = "std")]
const THREAD_BYTES: usize = 8 << 10;

/// The chunks that the old space grows by next, as far as they were taken already: first in, first out.
#[derive(Debug, Default)]
pub(crate) struct SpareChunks {
    chunks: [Option<NonNull<u8>>; CHUNKS_MAX],
    len: usize,
    #[cfg(feature = "std")]
    populator: Option<Populator>,
    /// The system refused a thread, or the page source to populate.
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
    /// Whether there is a thread that populates; starts it the first time, if the source can populate what it has populated already.
    ///
    /// # Safety
    ///
    /// The chunk comes from this source, is committed, and in use.
    unsafe fn has_thread(&mut self, pages: &Arc<dyn PageSource>, used: NonNull<u8>) -> bool {
        if self.populator.is_none() && !self.refused {
            // SAFETY: the caller's promise; a page is no larger than a chunk.
            let can = unsafe { pages.populate(used, pages.page_size()) }.is_ok();
            self.populator = can.then(|| start(pages)).flatten();
            self.refused = self.populator.is_none();
        }
        self.populator.is_some()
    }

    /// Has a chunk populated.
    ///
    /// # Safety
    ///
    /// It comes from the source that the thread was started with, and is given back by [`give_back`](Self::give_back) only.
    unsafe fn populate(&self, chunk: NonNull<u8>) {
        if let Some(populator) = &self.populator {
            // SAFETY: the caller's promise.
            unsafe { populator.populate(chunk, CHUNK_SIZE) };
        }
    }

    /// Runs `work`, which gives chunks back, while none is populated: those that were taken last may be still. Then goes on with those that
    /// are here.
    fn give_back(&self, work: impl FnOnce()) {
        let is_left = self.populator.as_ref().is_some_and(Populator::withdraw);
        work();
        if !is_left {
            return;
        }
        for &chunk in self.chunks.iter().flatten() {
            // SAFETY: populated once, so the promise was given.
            unsafe { self.populate(chunk) };
        }
    }
}

/// Starting a thread takes some memory, and where there is none ends the process.
#[cfg(feature = "std")]
fn start(pages: &Arc<dyn PageSource>) -> Option<Populator> {
    let mut room = alloc::vec::Vec::<u8>::new();
    room.try_reserve_exact(THREAD_BYTES).ok()?;
    // The compiler may leave out what nobody looks at.
    drop(core::hint::black_box(room));
    Populator::start(Arc::clone(pages)).ok()
}

/// There are no threads.
#[cfg(not(feature = "std"))]
impl SpareChunks {
    unsafe fn has_thread(&mut self, _: &Arc<dyn PageSource>, _: NonNull<u8>) -> bool {
        false
    }

    unsafe fn populate(&self, _: NonNull<u8>) {}

    fn give_back(&self, work: impl FnOnce()) {
        work();
    }
}

impl<M: ObjectModel> Heap<M> {
    /// After a minor collection that has moved so many bytes: takes the next chunks ahead where growth is near. What idle time has given
    /// back would else be taken again at once by a program that rests often and does not grow.
    pub(crate) fn prepare_for_growth(&mut self, promoted: usize) {
        let left = self.old.free_blocks().saturating_sub(self.reserve_target()) * BLOCK_SIZE;
        if left <= promoted.max(self.pacer.promoted).saturating_mul(MINORS_AHEAD) {
            self.prepare_spare_chunks();
        }
    }

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
        let Some(used) = self.old.chunks().first().map(|chunk| chunk.base_pointer()) else { return };
        // SAFETY: a chunk of the old space comes from this source, and has a header.
        if !unsafe { self.spare.has_thread(pages, used) } {
            return;
        }
        while self.spare.len < wanted {
            let Ok(chunk) = self.chunks.try_allocate(1, self.owner) else { return };
            // SAFETY: the chunk comes from this source, is committed as a whole, and is freed only by `give_back`.
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
        let mut released = [None; CHUNKS_MAX];
        released.fill_with(|| self.spare.take_last(kept));
        let Self { spare, chunks, .. } = self;
        spare.give_back(|| {
            for chunk in released.into_iter().flatten() {
                // SAFETY: nobody used the chunk, and nobody populates it any more. Only a wrong run is refused, and this is one
                // of ours.
                _ = unsafe { chunks.free(chunk, 1) };
            }
        });
        true
    }

    /// Gives an empty chunk of the old space back to the system if so many free blocks remain; false if there is none.
    pub(crate) fn release_empty_chunk(&mut self, keep_blocks: usize) -> bool {
        let Self { old, spare, chunks, .. } = self;
        old.release_empty_chunk(keep_blocks, |chunk| {
            spare.give_back(|| {
                // SAFETY: the chunk holds nothing and left the list, and nobody populates it any more. Only a wrong run is
                // refused, and this is one of ours.
                _ = unsafe { chunks.free(chunk, 1) };
            });
        })
    }
}
