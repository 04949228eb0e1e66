//! The heap: allocation, and the state that collections work on.
//!
//! Small objects are bumped in the *window*, a pair of addresses: the nursery, a hole of the old space, or the current
//! segment of the arena that was entered. In stress mode the window always looks full, so that every allocation takes the
//! slow path and is counted.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;

use terrane_base::{Bytes, MemoryError};
use terrane_pages::{CHUNK_SIZE, ChunkSpace, Owner, PageSource};

use super::arena::Arenas;
use super::clock::Clock;
use super::config::HeapConfig;
use super::cycle::Cycle;
use super::errors;
use super::exhaustion::Request;
use super::external::ExternalBytes;
use super::large::{LargeSpace, check_size};
use super::mark_sweep::RESERVE_MAX;
use super::old_space::OldSpace;
use super::old_space::block::{BLOCK_SIZE, SMALL_OBJECT_MAX};
use super::pace::Pacer;
use super::pin::Pins;
use super::pretenure::Pretenurer;
use super::record::{CollectionCause, CollectionRecord};
use super::remembered::RememberedSet;
use super::spare_chunks::SpareChunks;
use super::stats::HeapStats;
use super::stress::Stress;
use super::verify::AddressSet;
use super::work_stack::WorkStack;
use super::young::YoungRange;
use super::young_log::YoungLog;
use super::{ObjectModel, RootSource};

/// Where the next small object goes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Window {
    pub(crate) cursor: usize,
    /// What `bump` may fill; at the cursor in stress mode.
    pub(crate) limit: usize,
}

/// The shortest nursery: two of the longest objects.
const NURSERY_MIN: usize = 2 * SMALL_OBJECT_MAX;

/// The longest nursery: the copy reserve for more would cost more than fewer collections save.
const NURSERY_MAX: usize = 64 << 20;
/// The largest frame region, likewise.
const FRAME_REGION_MAX: usize = 256 << 20;

/// Settings beyond are cut down to it, so that sums of sizes do not overflow.
const SIZE_MAX: usize = if usize::BITS >= 64 { (1_u64 << 44) as usize } else { 1 << 30 };

/// Called after every collection.
pub(crate) type Observer = Box<dyn FnMut(&CollectionRecord)>;

/// A garbage-collected heap for one mutator, generic over the runtime's object model.
///
/// Objects are born in the nursery and move to the old space at the first collection that finds them live; where most
/// survive, they are born in the old space ([`Pretenuring`](super::Pretenuring)).
/// References that the caller holds outside its [`RootSource`] are stale after every call that takes one.
///
/// A heap stays on its thread:
///
/// ```compile_fail,E0277
/// # use terrane_gc::raw::{Heap, ObjectModel};
/// fn sent<T: Send>(_: T) {}
/// fn send<M: ObjectModel>(heap: Heap<M>) {
///     sent(heap);
/// }
/// ```
pub struct Heap<M: ObjectModel> {
    pub(crate) window: Window,
    /// True end of the window.
    pub(crate) window_end: usize,
    pub(crate) young: YoungRange,
    pub(crate) nursery_cursor: usize,
    pub(crate) nursery_limit: usize,
    /// Size that the nursery is given after a collection, memory permitting.
    pub(crate) nursery_size: usize,
    /// Frame objects below were scanned by a collection and not left since.
    pub(crate) frame_watermark: usize,
    pub(crate) arenas: Arenas,
    pub(crate) young_log: YoungLog,
    pub(crate) remembered: RememberedSet,
    /// The next evacuation scans every old object, since the remembered set has lost entries.
    pub(crate) rebuild_remembered: bool,
    pub(crate) old: OldSpace,
    pub(crate) large: LargeSpace,
    pub(crate) stack: WorkStack,
    pub(crate) mark_stack: WorkStack,
    pub(crate) cycle: Cycle,
    pub(crate) pacer: Pacer,
    /// What was reachable when the marking under way began, where the verifier is to run.
    pub(crate) snapshot: Option<AddressSet>,
    /// Least growth between two full collections.
    pub(crate) growth_min: usize,
    /// How long a minor collection may take.
    pub(crate) pause_goal_ns: Option<u64>,
    /// Where chunks come from, if they are to lie on huge pages.
    pub(crate) huge_pages: Option<Arc<dyn PageSource>>,
    /// The chunk that was taken last does.
    pub(crate) has_huge_pages: bool,
    /// Small objects are born in the nursery, otherwise in the old space.
    pub(crate) generational: bool,
    /// Small objects are born in the old space at present.
    pub(crate) direct: bool,
    pub(crate) pretenurer: Pretenurer,
    /// Full collections run in slices.
    pub(crate) incremental: bool,
    /// Bytes outside the young range at the last full collection that was begun in idle time.
    pub(crate) settled_bytes: usize,
    /// Chunks of the old space when that collection began.
    pub(crate) idle_chunks: usize,
    pub(crate) pins: Pins,
    pub(crate) external: ExternalBytes,
    /// The next slow allocation collects.
    pub(crate) collection_due: bool,
    /// Whether collections run by themselves.
    pub(crate) enabled: bool,
    pub(crate) limit: usize,
    /// What the heap tries to stay below.
    pub(crate) soft_limit: usize,
    /// Bytes in the old space, of large objects, and charged since for what lies outside, above which a full collection is due.
    pub(crate) full_threshold: usize,
    pub(crate) stress: Option<Stress>,
    pub(crate) verify_always: bool,
    /// Old objects may be moved.
    pub(crate) defragments: bool,
    pub(crate) clock: Clock,
    pub(crate) stats: HeapStats,
    pub(crate) sequence: u64,
    pub(crate) observer: Option<Observer>,
    pub(crate) owner: Owner,
    /// Chunks are taken and populated ahead of need.
    pub(crate) populates: bool,
    pub(crate) spare: SpareChunks,
    // Last: dropped after everything that points into its chunks.
    pub(crate) chunks: ChunkSpace,
    pub(crate) model: PhantomData<fn() -> M>,
}

impl<M: ObjectModel> fmt::Debug for Heap<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heap").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// The sizes of a new heap, in bytes: what was asked for within what is possible.
struct Sizes {
    limit: usize,
    nursery: usize,
    frames: usize,
    young_range: usize,
    remembered: usize,
    mark_stack: usize,
    /// Addresses for chunks. The limit counts blocks; chunks that are partly in use may take more.
    addresses: usize,
}

impl Sizes {
    fn of(config: &HeapConfig) -> Self {
        let limit = config.limit.as_usize().min(SIZE_MAX);
        let nursery = if config.generational { config.nursery } else { Bytes::ZERO };
        let nursery = nursery.as_usize().min(limit / 8).clamp(NURSERY_MIN, NURSERY_MAX);
        let nursery = nursery.next_multiple_of(config.pages.page_size());
        // A source that reserves by allocating is asked for less: few arena blocks, a short remembered set.
        let lazy = config.pages.reserves_lazily();
        Self {
            limit,
            nursery,
            frames: config.frame_region.as_usize().min(limit / 8).clamp(1, FRAME_REGION_MAX),
            young_range: if lazy { config.young_range.as_usize().min(SIZE_MAX) } else { 16 * nursery },
            remembered: config.remembered_set.as_usize().min(if lazy { SIZE_MAX } else { 1 << 20 }),
            mark_stack: config.mark_stack.as_usize().min(SIZE_MAX),
            addresses: limit.saturating_mul(2).saturating_add(1 << 28).min(isize::MAX as usize - CHUNK_SIZE),
        }
    }
}

impl<M: ObjectModel> Heap<M> {
    /// Makes a heap and takes the memory that it needs to start: frame region, nursery, and free blocks for
    /// the survivors of both.
    ///
    /// # Errors
    ///
    /// When the page source refuses, its pages are longer than 4 MiB, or the limit is too small for the least heap
    /// (about 1 MiB).
    pub fn new(config: HeapConfig) -> Result<Self, MemoryError> {
        let pages = &config.pages;
        if pages.page_size() > CHUNK_SIZE {
            return Err(errors::out_of_memory(pages.page_size(), 0));
        }
        let sizes = Sizes::of(&config);
        let young =
            YoungRange::new(pages, sizes.young_range, sizes.frames, sizes.nursery).map_err(errors::pages)?;
        let mut heap = Self {
            window: Window { cursor: 0, limit: 0 },
            window_end: 0,
            nursery_cursor: young.nursery().base,
            nursery_limit: young.nursery().base,
            nursery_size: sizes.nursery,
            frame_watermark: young.frames.base,
            arenas: Arenas::new(young.blocks),
            young_log: YoungLog::new(),
            remembered: RememberedSet::new(pages, sizes.remembered).map_err(errors::pages)?,
            rebuild_remembered: false,
            old: OldSpace::new::<M>(),
            large: LargeSpace::default(),
            stack: WorkStack::new(pages, sizes.mark_stack).map_err(errors::pages)?,
            mark_stack: WorkStack::new(pages, sizes.mark_stack).map_err(errors::pages)?,
            cycle: Cycle::new(),
            pacer: Pacer::new(),
            snapshot: None,
            growth_min: config.growth_min.as_usize().min(SIZE_MAX),
            pause_goal_ns: config.pause_goal_ns,
            generational: config.generational,
            direct: !config.generational,
            pretenurer: Pretenurer::new(config.pretenuring),
            incremental: config.incremental && config.generational,
            populates: config.populate_ahead,
            spare: SpareChunks::default(),
            huge_pages: config.huge_pages.then(|| Arc::clone(pages)),
            has_huge_pages: false,
            settled_bytes: 0,
            idle_chunks: 0,
            pins: Pins::default(),
            external: ExternalBytes::default(),
            collection_due: false,
            enabled: true,
            limit: sizes.limit,
            soft_limit: config.soft_limit.as_usize(),
            full_threshold: 0,
            stress: config.stress.map(Stress::new),
            verify_always: config.verify,
            defragments: config.defragment,
            clock: config.clock,
            stats: HeapStats::default(),
            sequence: 0,
            observer: None,
            owner: Owner::new(1).ok_or(errors::table(0))?,
            chunks: ChunkSpace::reserve(Arc::clone(pages), sizes.addresses).map_err(errors::pages)?,
            young,
            model: PhantomData,
        };
        heap.set_threshold();
        // What the nursery may need once it is longer is taken now: else the first collection would wait for it.
        heap.fill_reserve(sizes.nursery)?;
        heap.reset_nursery(heap.nursery_goal())?;
        if heap.nursery_limit == heap.nursery_cursor {
            return Err(errors::out_of_memory(sizes.nursery, heap.available()));
        }
        heap.open_window();
        Ok(heap)
    }

    /// The memory that the engine's frame stack may fill: its start and size.
    pub fn frame_region(&self) -> (NonNull<u8>, usize) {
        (self.young.frame_pointer(), self.young.frames.len)
    }

    /// Room for an object of `size` bytes in the nursery, in the old space where objects are born there at present, or in
    /// the arena that was entered. Never collects.
    ///
    /// `size` is a multiple of 8 and at least 16. `None` means that [`alloc`](Self::alloc) must be taken; that is
    /// so for every size above [`SMALL_OBJECT_MAX`].
    ///
    /// The memory is not cleared. To ask for it is safe; that the object is initialised, and of this size, before
    /// the next collection is a promise of [`RootSource`].
    #[inline(always)]
    pub fn bump(&mut self, size: usize) -> Option<NonNull<u8>> {
        debug_assert!(size >= 16 && size.is_multiple_of(8));
        let address = self.window.cursor;
        // The first comparison is decided at compile time for a constant size; it also keeps the sum from
        // wrapping.
        if size > SMALL_OBJECT_MAX || address + size > self.window.limit {
            return None;
        }
        self.window.cursor = address + size;
        // SAFETY: once the heap is made, the window lies in the young range or in a chunk, neither of which starts at
        // address 0.
        Some(unsafe { NonNull::new_unchecked(address as *mut u8) })
    }

    /// Room for an object of `size` bytes (a multiple of 8, at least 16), after a collection if need be. Large
    /// objects are zeroed.
    ///
    /// The object must be initialised before the next call that may collect, a promise of [`RootSource`].
    ///
    /// # Errors
    ///
    /// When the limit or the page source stands against it even after every kind of collection. The heap
    /// stays usable.
    pub fn alloc<R: RootSource>(&mut self, size: usize, roots: &mut R) -> Result<NonNull<u8>, MemoryError> {
        debug_assert!(size >= 16 && size.is_multiple_of(8));
        check_size(size, self.limit)?;
        self.stress_tick(roots);
        self.collect_if_due(roots);
        if size > SMALL_OBJECT_MAX {
            return self.alloc_large(size, roots);
        }
        if self.window_end - self.window.cursor >= size {
            // The end of a step, not of the window.
            self.slice_if_due(roots);
        }
        if let Some(object) = self.take(size) {
            return Ok(object);
        }
        self.satisfy(Request::Window(size), CollectionCause::NurseryFull, roots)?;
        self.take(size).ok_or(errors::out_of_memory(size, 0))
    }

    /// Makes sure that `bytes` in objects up to [`SMALL_OBJECT_MAX`] each can be had by [`bump`](Self::bump)
    /// without failing, until the next call of `alloc` or `reserve`.
    ///
    /// # Errors
    ///
    /// As for [`alloc`](Self::alloc).
    pub fn reserve<R: RootSource>(&mut self, bytes: usize, roots: &mut R) -> Result<(), MemoryError> {
        if self.is_direct() && self.generational && bytes > RESERVE_MAX {
            _ = self.refill_pretenured(bytes, roots);
        }
        check_size(bytes, if self.generational { self.young.nursery().len } else { RESERVE_MAX })?;
        self.stress_tick(roots);
        self.collect_if_due(roots);
        if self.window_end - self.window.cursor < bytes {
            self.satisfy(Request::Window(bytes), CollectionCause::NurseryFull, roots)?;
        }
        // What is reserved is there, whatever else wants the slow path.
        self.window.limit = self.window.limit.max(self.window.cursor + bytes);
        Ok(())
    }

    fn alloc_large<R: RootSource>(&mut self, size: usize, roots: &mut R) -> Result<NonNull<u8>, MemoryError> {
        self.make_way_for_large(size, roots);
        if self.room_for_large(size) {
            let first = self.large.allocate(size, &self.old, &mut self.chunks, self.owner);
            if let Ok(object) = first {
                return Ok(self.count_large(object, size));
            }
        }
        self.satisfy(Request::Large(size), CollectionCause::Exhaustion, roots)?;
        let object = self.large.allocate(size, &self.old, &mut self.chunks, self.owner)?;
        Ok(self.count_large(object, size))
    }

    /// A large object is as much growth as many minor collections: pays for it with a slice, or begins a cycle.
    pub(crate) fn make_way_for_large<R: RootSource>(&mut self, size: usize, roots: &mut R) {
        if !self.incremental {
            if self.has_grown(size) {
                self.collect_quietly(super::CollectionKind::Full, CollectionCause::OldSpaceGrown, roots);
            }
            return;
        }
        self.give_way_if_grown(size);
        self.pay_for(size, roots);
        // The slice may have ended a cycle. The next one begins after a minor collection, as all do.
        if self.cycle.is_idle() && self.has_grown(size) {
            self.collect_quietly(super::CollectionKind::Minor, CollectionCause::OldSpaceGrown, roots);
        }
    }

    pub(crate) fn count_large(&mut self, object: NonNull<u8>, size: usize) -> NonNull<u8> {
        self.stats.large.bytes_total += size as u64;
        self.stats.large_objects_total += 1;
        object
    }

    /// Bumps with the true end of the window.
    pub(crate) fn take(&mut self, size: usize) -> Option<NonNull<u8>> {
        let address = self.window.cursor;
        if size > self.window_end - address {
            return None;
        }
        self.window.cursor = address + size;
        if self.stress.is_some() || self.collection_due {
            self.window.limit = self.window.cursor;
        }
        NonNull::new(address as *mut u8)
    }

    /// Writes the cursor back to the nursery or the arena that it belongs to.
    pub(crate) fn sync(&mut self) {
        let cursor = self.window.cursor;
        match self.arenas.innermost() {
            None if self.direct => self.sync_direct(),
            None => self.nursery_cursor = cursor,
            Some(index) => {
                if let Some(segment) = self.arenas.current_segment(index) {
                    self.stats.arenas.bytes_total += (cursor - segment.top) as u64;
                    segment.top = cursor;
                }
            }
        }
    }

    /// Makes the window that of the innermost arena entered, or of the nursery.
    pub(crate) fn open_window(&mut self) {
        let (cursor, end) = match self.arenas.innermost() {
            None if self.direct => self.old.mutator_window(),
            None => (self.nursery_cursor, self.nursery_limit),
            Some(index) => match self.arenas.current_segment(index) {
                Some(segment) => (segment.top, segment.span.end()),
                // An arena without a segment: everything takes the slow path.
                None => (self.nursery_cursor, self.nursery_cursor),
            },
        };
        let full = self.stress.is_some() || self.collection_due;
        let since = if self.is_direct() { self.pacer.since_slice } else { 0 };
        let limit = end.min(cursor.saturating_add(self.pacer.step.saturating_sub(since)));
        let limit = if full { cursor } else { limit };
        self.window = Window { cursor, limit };
        self.window_end = end;
    }

    /// Bytes of objects outside the young range.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.old.live_bytes + self.large.live_bytes
    }

    /// Switches collections that run by themselves on or off; they are on at the start. While they are off, the
    /// nursery grows instead of being emptied, and a collection runs only before an allocation would fail
    /// without it, or when it is asked for.
    pub fn set_enabled(&mut self, enabled: bool) {
        self.enabled = enabled;
    }

    /// Whether collections run by themselves.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// Calls `observer` after every collection, when the heap is whole again: it may panic.
    pub fn set_observer(&mut self, observer: Box<dyn FnMut(&CollectionRecord)>) {
        self.observer = Some(observer);
    }

    /// Figures as of now.
    #[must_use]
    pub fn stats(&self) -> HeapStats {
        let mut stats = self.stats;
        let elsewhere = self.arenas.innermost().is_some() || self.is_direct();
        let nursery_top = if elsewhere { self.nursery_cursor } else { self.window.cursor };
        let unsynced = self.unsynced_arena_bytes();
        let nursery_now = (nursery_top - self.young.nursery().base) as u64;
        stats.nursery.bytes_total += nursery_now;
        stats.nursery.set_now(nursery_now);
        stats.arenas.bytes_total += unsynced;
        stats.arenas.set_now(self.arenas.used_bytes() as u64 + unsynced);
        let unsynced = if self.is_direct() { self.window.cursor - self.old.mutator_window().0 } else { 0 };
        stats.old.bytes_total += unsynced as u64;
        stats.old.set_now((self.old.live_bytes + unsynced) as u64);
        stats.large.set_now(self.large.live_bytes as u64);
        let tables = self.stack.bytes() + self.mark_stack.bytes() + self.remembered.bytes();
        stats.metadata_bytes = (tables + self.chunk_metadata_bytes()) as u64;
        let young = self.young.frames.len + self.young.committed_nursery_bytes() + self.arenas.memory_bytes();
        stats.committed_bytes = (young + tables + self.chunks.committed_bytes()) as u64;
        stats.charged_bytes = (self.charged() + self.held_reserve() * BLOCK_SIZE) as u64;
        stats.limit_bytes = self.limit as u64;
        stats
    }

    fn unsynced_arena_bytes(&self) -> u64 {
        self.arenas.open_segment().map_or(0, |segment| (self.window.cursor - segment.top) as u64)
    }

    /// The young range, constant for the heap's life: a compiler that emits the write barrier inline calls
    /// [`write`](Self::write) only for a value in it, and for every store as long as
    /// [`is_marking`](Self::is_marking).
    pub fn young_range(&self) -> core::ops::Range<usize> {
        self.young.all.base..self.young.all.end()
    }

    /// Every range of addresses that the heap has its memory in, tables included: for those who ask the
    /// system how much of it is resident.
    #[must_use]
    pub fn address_ranges(&self) -> Vec<core::ops::Range<usize>> {
        let stacks = [self.stack.addresses(), self.mark_stack.addresses()];
        let tables = [self.young_range(), self.remembered.addresses()].into_iter().chain(stacks);
        tables.chain(self.chunks.address_ranges()).collect()
    }

    /// The limit.
    #[must_use]
    pub fn limit(&self) -> Bytes {
        Bytes::from_usize(self.limit)
    }
}
