//! Large objects: page runs in shared chunks, and chunk runs of their own above [`SHARED_MAX`].
//!
//! They never move. They are born old and zeroed, and are scanned whole by the collection after their birth,
//! since the mutator initialises them with plain stores. A full collection marks them by the start bit of
//! their chunk and frees the rest, so many at a time. Small ones are placed by first fit over a bitmap of granules in the chunk
//! header.

use alloc::vec::Vec;
use core::ptr::NonNull;

use terrane_base::{Bytes, MemoryError};
use terrane_pages::{CHUNK_SIZE, ChunkSpace, Owner};

use super::card::{clear_run, run_card_bytes};
use super::errors;
use super::old_space::OldSpace;
use super::old_space::block::SMALL_OBJECT_MAX;
use super::old_space::chunk::{Chunk, ChunkKind, DATA_OFFSET, StartTable};

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
    /// Objects from here on are still to be swept.
    swept: usize,
    /// Objects from here on were born since the sweep began, and need none.
    sweep_end: usize,
    shared_chunks: Vec<Chunk>,
    /// The shared chunk that had room last.
    shared_from: usize,
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

    /// Allocates a zeroed object. It is born marked; while a marking is under way it has both bits, so that it lives
    /// whether that ends or is given up.
    pub(crate) fn allocate(
        &mut self,
        size: usize,
        old: &OldSpace,
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
        let chunk = unsafe { Chunk::containing(address) };
        chunk.set_start_bit(old.live_table(), address);
        chunk.set_start_bit(old.birth_table(), address);
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
        // Next fit, backwards from the chunk that had room last: the fuller chunks are not gone through every time.
        let chunks = self.shared_chunks.len();
        let places = (0..chunks).map(|back| (self.shared_from + chunks - back) % chunks);
        let found = places
            .map(|index| (index, self.shared_chunks[index]))
            .find_map(|(index, chunk)| Some((index, chunk, find_run(chunk, granules)?)));
        let (index, chunk, first) = match found {
            Some(place) => place,
            None => (chunks, self.grow(space, owner)?, FIRST_GRANULE),
        };
        self.shared_from = index;
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
                clear_run(chunk, object.size, true);
            }
        }
    }

    /// Forgets the marks of a marking that was given up.
    pub(crate) fn abort_mark(&mut self, live: StartTable) {
        for object in &self.objects {
            // SAFETY: objects in the table are in use; nobody else accesses the count.
            unsafe {
                let chunk = Chunk::containing(object.address);
                chunk.clear_start_bit(live.other(), object.address);
                *chunk.scanned_words(object.address) = 0;
            }
            Self::clear_snapshots(object);
        }
    }

    /// Forgets which parts of an object were marked from before they were first written to.
    fn clear_snapshots(object: &LargeObject) {
        // SAFETY: objects in the table are in use.
        let chunk = unsafe { Chunk::containing(object.address) };
        if chunk.kind() == ChunkKind::LargeRun {
            // SAFETY: the object has chunks of its own.
            unsafe { clear_run(chunk, object.size, false) };
        }
        chunk.clear_snapshot_bits();
    }

    /// Nobody reads the dead any more.
    pub(crate) fn begin_sweep(&mut self) {
        (self.swept, self.sweep_end) = (0, self.objects.len());
    }

    /// Sweeps the next object: frees it if it was not marked, and takes away what the marking has left at it. That is also
    /// at fresh objects: the bit that those born during the marking have in the table that is now out of use would keep
    /// the next marking from looking into them, and a snapshot of theirs would count for the next one. False when there
    /// is none left.
    pub(crate) fn sweep_next(
        &mut self,
        space: &mut ChunkSpace,
        live: StartTable,
        poison: Option<u8>,
    ) -> bool {
        // What is freed is replaced by objects from further back, so none that must be swept gets beyond the end.
        if self.swept >= self.sweep_end.min(self.objects.len()) {
            // Once, however often it is asked for more.
            if core::mem::take(&mut self.sweep_end) > 0 {
                self.release_empty_chunks(space);
            }
            self.swept = 0;
            return false;
        }
        let object = self.objects[self.swept];
        // SAFETY: objects in the table are in use.
        let chunk = unsafe { Chunk::containing(object.address) };
        chunk.clear_start_bit(live.other(), object.address);
        Self::clear_snapshots(&object);
        if chunk.has_start_bit(live, object.address) {
            self.swept += 1;
            return true;
        }
        debug_assert!(self.swept < self.fresh_from, "what is fresh was born marked");
        // The last that is not fresh takes its place, and the last fresh one that one's.
        self.fresh_from -= 1;
        self.objects.swap(self.swept, self.fresh_from);
        self.objects.swap_remove(self.fresh_from);
        self.live_bytes -= object.size;
        self.charged_bytes -= Self::charge_for(object.size);
        free_object(chunk, &object, space, poison);
        true
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
            // SAFETY: the chunk holds nothing and leaves the list. Only a wrong run is refused, and this is
            // one of ours.
            _ = unsafe { space.free(chunk.base_pointer(), 1) };
            false
        });
    }
}

fn free_object(chunk: Chunk, object: &LargeObject, space: &mut ChunkSpace, poison: Option<u8>) {
    if chunk.kind() == ChunkKind::LargeRun {
        // SAFETY: the object is dead and leaves the table. Only a wrong run is refused, and this is one of
        // ours.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::{ObjectModel, Word};
    use proptest::prelude::*;

    /// A model for heaps without small objects.
    struct NoObjects;

    // SAFETY: no word is a reference, so there are no objects to be asked about.
    unsafe impl ObjectModel for NoObjects {
        fn address(_: Word) -> Option<usize> {
            None
        }
        fn with_address(word: Word, _: usize) -> Word {
            word
        }
        unsafe fn size(_: Word) -> usize {
            16
        }
        unsafe fn visit_slots<F: FnMut(*mut Word)>(_: Word, _: F) {}
        unsafe fn visit_slots_within<F: FnMut(*mut Word)>(_: Word, _: usize, _: usize, _: F) {}
        unsafe fn word_at(_: usize) -> Word {
            Word(0)
        }
        fn forwarding(_: usize) -> Word {
            Word(1)
        }
        fn forwarded(_: Word) -> Option<usize> {
            None
        }
    }

    fn space() -> (ChunkSpace, Owner) {
        (ChunkSpace::reserve(terrane_pages::system_pages(), 1 << 30).unwrap(), Owner::new(1).unwrap())
    }

    #[test]
    fn sizes_beyond_the_limit_are_too_large() {
        assert!(check_size(100, 100).is_ok());
        assert!(matches!(check_size(101, 100), Err(MemoryError::AllocationTooLarge { .. })));
        assert!(check_size(LARGE_OBJECT_MAX, usize::MAX).is_ok());
        assert!(check_size(LARGE_OBJECT_MAX + 8, usize::MAX).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Objects come and go; they never overlap, and the charge is that of those that are there.
        #[test]
        fn objects_are_apart_and_counted(
            steps in prop::collection::vec((1025..700_000_usize, any::<u64>()), 1..60)
        ) {
            let (mut chunks, owner) = space();
            let (mut large, mut old) = (LargeSpace::default(), OldSpace::new::<NoObjects>());
            for (words, dying) in steps {
                let size = if dying % 4 == 0 { words * 8 } else { words % 20_000 * 8 + LARGE_OBJECT_MIN };
                let object = large.allocate(size, &old, &mut chunks, owner).unwrap();
                // SAFETY: the object was just allocated.
                let zero = unsafe {
                    let bytes = core::slice::from_raw_parts(object.as_ptr(), size);
                    let zero = bytes.iter().all(|&byte| byte == 0);
                    object.as_ptr().write_bytes(0xAA, size);
                    zero
                };
                prop_assert!(zero);
                large.settle_fresh();
                old.begin_mark();
                for (index, object) in large.objects().iter().enumerate() {
                    if dying >> (index % 60) & 3 != 0 {
                        // SAFETY: objects in the table are in use.
                        unsafe { Chunk::containing(object.address) }.set_start_bit(old.birth_table(), object.address);
                    }
                }
                old.finish_mark(0);
                old.begin_sweep();
                large.begin_sweep();
                while large.sweep_next(&mut chunks, old.live_table(), None) {}
                while old.sweep_next(None) {}
                let objects = large.objects();
                for (i, a) in objects.iter().enumerate() {
                    let apart = |b: &LargeObject| a.address + a.size <= b.address || b.address + b.size <= a.address;
                    prop_assert!(objects[..i].iter().all(apart));
                }
                let charge: usize = objects.iter().map(|object| LargeSpace::charge_for(object.size)).sum();
                prop_assert_eq!(large.charged_bytes, charge);
                prop_assert_eq!(large.live_bytes, objects.iter().map(|object| object.size).sum::<usize>());
            }
        }
    }
}
