//! Large objects: page runs in shared chunks, and chunk runs of their own above [`SHARED_MAX`].
//!
//! They never move. They are born old and zeroed, and are scanned whole by the collection after their birth, since the mutator
//! initialises them with plain stores. A full collection marks them by the start bit of their chunk and frees the rest. Small
//! ones are placed by first fit over a bitmap of granules in the chunk header.

use alloc::vec::Vec;
use core::ptr::NonNull;

use terrane_base::{Bytes, MemoryError};
use terrane_pages::{CHUNK_SIZE, ChunkSpace, Owner};

use super::errors;
use super::old_space::block::SMALL_OBJECT_MAX;
use super::old_space::chunk::{Chunk, ChunkKind, DATA_OFFSET};
use super::remembered::run_card_bytes;

/// Smallest large object.
pub const LARGE_OBJECT_MIN: usize = SMALL_OBJECT_MAX + 8;
/// Largest object of all: its card marks must fit before it in its first chunk.
pub const LARGE_OBJECT_MAX: usize = 1 << 30;

/// Unit of room for large objects in a shared chunk.
const GRANULE: usize = 4096;
const GRANULES_PER_CHUNK: usize = CHUNK_SIZE / GRANULE;
const FIRST_GRANULE: usize = DATA_OFFSET / GRANULE;
/// Largest object that shares a chunk with others.
const SHARED_MAX: usize = CHUNK_SIZE / 2;

const _: () = assert!(DATA_OFFSET + run_card_bytes(LARGE_OBJECT_MAX) + GRANULE <= CHUNK_SIZE);

/// A large object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LargeObject {
    pub(crate) address: usize,
    /// Size asked for.
    pub(crate) size: usize,
    /// Born since the last collection: all of it is scanned by the next.
    pub(crate) fresh: bool,
}

#[derive(Debug, Default)]
pub(crate) struct LargeSpace {
    objects: Vec<LargeObject>,
    /// Objects from here on are fresh.
    fresh_from: usize,
    shared_chunks: Vec<Chunk>,
    /// Bytes of the objects.
    pub(crate) live_bytes: usize,
    /// Bytes that count against the limit: whole granules, and whole chunks of runs.
    pub(crate) charged_bytes: usize,
}

/// Offset of the object in a run of chunks.
fn run_object_offset(size: usize) -> usize {
    DATA_OFFSET + run_card_bytes(size).next_multiple_of(GRANULE)
}

fn run_chunks(size: usize) -> usize {
    (run_object_offset(size) + size).div_ceil(CHUNK_SIZE)
}

impl LargeSpace {
    pub(crate) fn objects(&self) -> &[LargeObject] {
        &self.objects
    }

    pub(crate) fn fresh(&self) -> &[LargeObject] {
        &self.objects[self.fresh_from..]
    }

    pub(crate) fn shared_chunks(&self) -> &[Chunk] {
        &self.shared_chunks
    }

    /// The fresh objects were scanned.
    pub(crate) fn settle_fresh(&mut self) {
        for object in &mut self.objects[self.fresh_from..] {
            object.fresh = false;
        }
        self.fresh_from = self.objects.len();
    }

    /// Bytes that an object of `size` bytes will count against the limit.
    pub(crate) fn charge_for(size: usize) -> usize {
        if size <= SHARED_MAX { size.next_multiple_of(GRANULE) } else { run_chunks(size) * CHUNK_SIZE }
    }

    /// Allocates a zeroed object.
    pub(crate) fn allocate(
        &mut self,
        size: usize,
        space: &mut ChunkSpace,
        owner: Owner,
    ) -> Result<NonNull<u8>, MemoryError> {
        self.objects.try_reserve(1).map_err(|_| errors::table(size))?;
        let address = if size <= SHARED_MAX {
            self.allocate_shared(size, space, owner)?
        } else {
            Self::allocate_run(size, space, owner)?
        };
        // SAFETY: the object starts in a chunk of this space.
        unsafe { Chunk::containing(address) }.set_start_bit(address);
        self.objects.push(LargeObject { address, size, fresh: true });
        self.live_bytes += size;
        self.charged_bytes += Self::charge_for(size);
        NonNull::new(address as *mut u8).ok_or(errors::out_of_memory(size, 0))
    }

    fn allocate_run(size: usize, space: &mut ChunkSpace, owner: Owner) -> Result<usize, MemoryError> {
        let base = space.try_allocate(run_chunks(size), owner).map_err(errors::pages)?;
        // SAFETY: a fresh run: aligned, zero, ours until the object is freed.
        let chunk = unsafe { Chunk::initialise(base, ChunkKind::LargeRun) };
        Ok(chunk.base() + run_object_offset(size))
    }

    fn allocate_shared(
        &mut self,
        size: usize,
        space: &mut ChunkSpace,
        owner: Owner,
    ) -> Result<usize, MemoryError> {
        let granules = size.div_ceil(GRANULE);
        let found = self.shared_chunks.iter().find_map(|&chunk| Some((chunk, find_run(chunk, granules)?)));
        let (chunk, first) = match found {
            Some(place) => place,
            None => (self.grow(space, owner)?, FIRST_GRANULE),
        };
        set_granules(chunk, first, granules, true);
        let address = chunk.base() + first * GRANULE;
        // SAFETY: the chunk is in use, nobody else accesses its header now, and the granules were free.
        unsafe {
            let untouched = &mut (*chunk.header()).untouched_granule;
            let dirty = (*untouched).saturating_sub(first).min(granules);
            core::ptr::write_bytes(address as *mut u8, 0, dirty * GRANULE);
            *untouched = (*untouched).max(first + granules);
        }
        Ok(address)
    }

    fn grow(&mut self, space: &mut ChunkSpace, owner: Owner) -> Result<Chunk, MemoryError> {
        self.shared_chunks.try_reserve(1).map_err(|_| errors::table(CHUNK_SIZE))?;
        let base = space.try_allocate(1, owner).map_err(errors::pages)?;
        // SAFETY: a fresh chunk: aligned, zero, ours until `sweep` gives it back.
        let chunk = unsafe { Chunk::initialise(base, ChunkKind::LargeShared) };
        set_granules(chunk, 0, FIRST_GRANULE, true);
        // SAFETY: nobody else knows the chunk yet.
        unsafe { (*chunk.header()).untouched_granule = FIRST_GRANULE };
        self.shared_chunks.push(chunk);
        Ok(chunk)
    }

    /// Clears all log bits and card marks.
    pub(crate) fn clear_logs(&mut self) {
        for chunk in &self.shared_chunks {
            chunk.clear_log_bits();
        }
        for object in self.objects.iter().filter(|object| object.size > SHARED_MAX) {
            // SAFETY: objects in the table are in use, and the card marks lie before the object.
            unsafe {
                let chunk = Chunk::containing(object.address);
                let cards = (chunk.base() + DATA_OFFSET) as *mut u8;
                cards.write_bytes(0, run_card_bytes(object.size));
            }
        }
    }

    /// Every object counts as dead until it is marked.
    pub(crate) fn begin_mark(&mut self) {
        for object in &self.objects {
            // SAFETY: objects in the table are in use.
            unsafe { Chunk::containing(object.address) }.clear_start_bit(object.address);
        }
    }

    /// Frees the objects that were not marked.
    pub(crate) fn sweep(&mut self, space: &mut ChunkSpace, poison: Option<u8>) {
        debug_assert_eq!(self.fresh_from, self.objects.len());
        let (live_bytes, charged_bytes) = (&mut self.live_bytes, &mut self.charged_bytes);
        self.objects.retain(|object| {
            // SAFETY: objects in the table are in use.
            let chunk = unsafe { Chunk::containing(object.address) };
            if chunk.has_start_bit(object.address) {
                return true;
            }
            *live_bytes -= object.size;
            *charged_bytes -= Self::charge_for(object.size);
            free_object(chunk, object, space, poison);
            false
        });
        self.fresh_from = self.objects.len();
        self.release_empty_chunks(space);
    }

    /// Gives back shared chunks that hold nothing, except one.
    fn release_empty_chunks(&mut self, space: &mut ChunkSpace) {
        let mut kept = false;
        self.shared_chunks.retain(|chunk| {
            // SAFETY: chunks in the list are in use.
            let granules = unsafe { (*chunk.header()).granules };
            let used: u32 = granules.iter().map(|word| word.count_ones()).sum();
            if used as usize > FIRST_GRANULE || !core::mem::replace(&mut kept, true) {
                return true;
            }
            // SAFETY: the chunk holds nothing and leaves the list. Only a wrong run is refused, and this is one of ours.
            _ = unsafe { space.free(chunk.base_pointer(), 1) };
            false
        });
    }
}

fn free_object(chunk: Chunk, object: &LargeObject, space: &mut ChunkSpace, poison: Option<u8>) {
    if chunk.kind() == ChunkKind::LargeRun {
        // SAFETY: the object is dead and leaves the table. Only a wrong run is refused, and this is one of ours.
        _ = unsafe { space.free(chunk.base_pointer(), run_chunks(object.size)) };
        return;
    }
    if let Some(byte) = poison {
        // SAFETY: the object is dead and its memory still ours.
        unsafe { core::ptr::write_bytes(object.address as *mut u8, byte, object.size) };
    }
    let first = (object.address - chunk.base()) / GRANULE;
    set_granules(chunk, first, object.size.div_ceil(GRANULE), false);
}

/// First run of free granules of the length, by address.
fn find_run(chunk: Chunk, granules: usize) -> Option<usize> {
    // SAFETY: the chunk is in use; the bitmap is copied out.
    let words = unsafe { (*chunk.header()).granules };
    let (mut start, mut len) = (0, 0);
    let mut index = FIRST_GRANULE;
    while index < GRANULES_PER_CHUNK {
        let word = words[index / 64] >> (index % 64);
        if word & 1 == 1 {
            index += (word.trailing_ones() as usize).min(64 - index % 64);
            len = 0;
            continue;
        }
        if len == 0 {
            start = index;
        }
        let free = (word.trailing_zeros() as usize).min(64 - index % 64);
        (len, index) = (len + free, index + free);
        if len >= granules {
            return Some(start);
        }
    }
    None
}

fn set_granules(chunk: Chunk, first: usize, count: usize, used: bool) {
    // SAFETY: the chunk is in use and nobody else accesses its header now.
    let words = unsafe { &mut (*chunk.header()).granules };
    for granule in first..first + count {
        let mask = 1 << (granule % 64);
        if used { words[granule / 64] |= mask } else { words[granule / 64] &= !mask }
    }
}

/// The error for an object that no heap of this limit can hold.
pub(crate) fn check_size(size: usize, limit: usize) -> Result<(), MemoryError> {
    let max = LARGE_OBJECT_MAX.min(limit);
    if size > max {
        return Err(MemoryError::AllocationTooLarge {
            requested: Bytes::new(size as u64),
            max: Bytes::new(max as u64),
        });
    }
    Ok(())
}
