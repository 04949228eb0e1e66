//! The limit and the copy reserve.
//!
//! Whatever the mutator holds in the young range must fit the old space when it survives. So before the
//! mutator runs on, the old space has free blocks for the whole nursery, the whole frame region and all arena
//! segments ([`blocks_to_copy`]), and these blocks are charged against the limit. Where that cannot be had,
//! the nursery is made shorter, down to nothing, and allocation then ends in an error. Thus a collection
//! neither fails midway nor asks anybody for memory.

use core::ptr::NonNull;

use terrane_base::MemoryError;
use terrane_pages::{CHUNK_SIZE, HugePages, PageSource};

use super::arena::Segment;
use super::evacuate::Condemned;
use super::heap::Heap;
use super::large::LargeSpace;
use super::old_space::block::{BLOCK_SIZE, blocks_to_copy, bytes_copyable};
use super::old_space::chunk::DATA_OFFSET;
use super::{ObjectModel, errors};

/// So many chunks of a heap are left on small pages: it may never fill them.
pub(crate) const SMALL_PAGES_CHUNKS: usize = 3;

/// Asks for huge pages for a chunk; whether there may be some.
///
/// # Safety
///
/// The chunk comes from this source, and is committed whole.
pub(crate) unsafe fn advise_huge(pages: &dyn PageSource, chunk: NonNull<u8>) -> bool {
    // SAFETY: the caller's promise.
    let answer = unsafe { pages.advise_huge(chunk, CHUNK_SIZE) };
    answer != HugePages::Unavailable
}

impl<M: ObjectModel> Heap<M> {
    /// Bytes that count against the limit, without the reserve.
    pub(crate) fn charged(&self) -> usize {
        let nursery = self.nursery_size.max(self.nursery_limit - self.young.nursery().base);
        self.young.frames.len
            + nursery
            + self.arenas.committed_bytes
            + self.old.used_blocks() * BLOCK_SIZE
            + self.large.charged_bytes
            + self.external.now
            + self.chunk_metadata_bytes()
    }

    pub(crate) fn chunk_metadata_bytes(&self) -> usize {
        (self.old.chunks().len() + self.large.shared_chunks().len()) * DATA_OFFSET
    }

    /// Bytes of the young range that the reserve must cover besides the nursery.
    fn fixed_young_bytes(&self) -> usize {
        self.young.frames.len + self.arenas.committed_bytes
    }

    /// Blocks that the reserve must hold now.
    pub(crate) fn reserve_target(&self) -> usize {
        blocks_to_copy(self.fixed_young_bytes() + self.nursery_limit - self.young.nursery().base)
    }

    /// Blocks that the reserve does hold: fewer than the target when the limit is reached. The nursery is
    /// empty then, and frames are evacuated only if what is in use fits.
    pub(crate) fn held_reserve(&self) -> usize {
        self.reserve_target().min(self.usable_blocks())
    }

    /// Bytes left of the limit beside everything that is charged.
    pub(crate) fn available(&self) -> usize {
        self.limit.saturating_sub(self.charged() + self.reserve_target() * BLOCK_SIZE)
    }

    /// Free blocks that the limit lets us use, as far as they exist.
    fn usable_blocks(&self) -> usize {
        let allowed = self.limit.saturating_sub(self.charged()) / BLOCK_SIZE;
        allowed.min(self.old.free_blocks())
    }

    /// Takes chunks until `blocks` free blocks may be used, or as many as limit and page source grant.
    pub(crate) fn grow_to(&mut self, blocks: usize) -> Result<(), MemoryError> {
        while self.usable_blocks() < blocks {
            let allowed = self.limit.saturating_sub(self.charged()) / BLOCK_SIZE;
            // A chunk costs metadata, so it may not help.
            if allowed <= self.old.free_blocks() + DATA_OFFSET / BLOCK_SIZE {
                let wanted = (blocks - self.usable_blocks()) * BLOCK_SIZE;
                return Err(errors::out_of_memory(wanted, self.available()));
            }
            let huge = self.huge_pages.as_ref();
            let huge = huge.filter(|_| self.old.chunks().len() >= SMALL_PAGES_CHUNKS);
            self.old.grow(|| match self.spare.take() {
                Some(chunk) => Ok(chunk),
                None => {
                    let chunk = self.chunks.try_allocate(1, self.owner)?;
                    // SAFETY: the chunk was handed out by the space over this source, and is committed whole.
                    self.has_huge_pages = huge.is_some_and(|pages| unsafe { advise_huge(pages, chunk) });
                    Ok(chunk)
                }
            })?;
            self.prepare_spare_chunks();
        }
        Ok(())
    }

    /// Fills the reserve for a nursery of `nursery` bytes, or as far as possible.
    pub(crate) fn fill_reserve(&mut self, nursery: usize) -> Result<(), MemoryError> {
        self.grow_to(blocks_to_copy(self.fixed_young_bytes() + nursery))
    }

    /// Opens the nursery, which is empty, with `bytes`, or as many as reserve and page source allow. The answer
    /// says why it is shorter.
    pub(crate) fn reset_nursery(&mut self, bytes: usize) -> Result<(), MemoryError> {
        let base = self.young.nursery().base;
        debug_assert_eq!(self.nursery_cursor, base);
        self.nursery_limit = base;
        let mut granted = self.fill_reserve(bytes);
        let covered = bytes_copyable(self.usable_blocks()).saturating_sub(self.fixed_young_bytes());
        let mut len = covered.min(bytes);
        if len > self.nursery_size && !self.may_extend_nursery(len) {
            len = self.nursery_size;
        }
        if let Err(error) = self.young.commit_nursery(len) {
            granted = Err(error);
            len = len.min(self.young.committed_nursery());
        }
        self.nursery_limit = base + len - len % 8;
        granted
    }

    /// Lets the nursery, which may hold objects, grow to `len` bytes, or as far as reserve and page source allow.
    pub(crate) fn lengthen_nursery(&mut self, len: usize) {
        let base = self.young.nursery().base;
        let len = len.min(self.young.nursery().len);
        if len > self.nursery_limit - base
            && self.may_extend_nursery(len)
            && self.fill_reserve(len).is_ok()
            && self.young.commit_nursery(len).is_ok()
        {
            self.nursery_limit = base + len - len % 8;
        }
    }

    /// Whether the limit allows a nursery longer than usual, which is charged with its whole length.
    fn may_extend_nursery(&self, len: usize) -> bool {
        let charged = self.charged() + len.saturating_sub(self.nursery_size);
        charged + blocks_to_copy(self.fixed_young_bytes() + len) * BLOCK_SIZE <= self.limit
    }

    /// Whether the copies of a collection are certain to find room. Those of the nursery always are.
    pub(crate) fn check_copy_room(
        &mut self,
        condemned: Condemned,
        frame_top: usize,
    ) -> Result<(), MemoryError> {
        self.sync();
        match condemned {
            Condemned::Nothing => Ok(()),
            _ => self.grow_to(blocks_to_copy(self.bytes_to_move(condemned, frame_top))),
        }
    }

    /// Whether limit and reserve leave room for a large object.
    pub(crate) fn room_for_large(&self, size: usize) -> bool {
        Self::large_charge(size) <= self.available()
    }

    /// What a large object takes of the limit: whole pages or chunks, and what tells where it is.
    pub(crate) fn large_charge(size: usize) -> usize {
        LargeSpace::charge_for(size) + DATA_OFFSET
    }

    /// Gives an arena another segment, with its share of the reserve.
    pub(crate) fn extend_arena(&mut self, index: u32, bytes: usize) -> Result<(), MemoryError> {
        let len = Segment::len_for(bytes);
        let nursery = self.nursery_limit - self.young.nursery().base;
        let blocks = blocks_to_copy(self.fixed_young_bytes() + nursery + len);
        let more = len + (blocks - self.reserve_target()) * BLOCK_SIZE;
        if more > self.available() {
            return Err(errors::out_of_memory(bytes, self.available()));
        }
        self.grow_to(blocks)?;
        // A new chunk may have used up what was available.
        if self.charged() + len + blocks * BLOCK_SIZE > self.limit {
            return Err(errors::out_of_memory(bytes, self.available()));
        }
        self.arenas.extend(index, len, &mut self.young)
    }
}
