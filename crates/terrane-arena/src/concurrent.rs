//! One arena for many threads, in segments.
//!
//! A segment is an [`Arena`] of its own. A thread that wants to allocate *claims* an idle segment, or adds one, and has it to
//! itself until its handle is dropped; so the fast path is that of a single thread, without any atomic. Claiming is one
//! exchange of a flag for each segment that is passed over; segments are added at the head of a list and never leave it
//! while the arena is shared, so that there is no question of what a stale pointer in the list might mean (the "ABA" problem).
//!
//! The exchange acquires what the last holder released, so a segment passes from thread to thread with its cursor and its
//! blocks. Values stay where they are: they live as long as the arena is borrowed, not as long as the handle.

use crate::arena::Arena;
use crate::boxed::ArenaBox;
use crate::bump::Bump;
use crate::construct;
use crate::counting::Uncounted;
use crate::format::ArenaText;
use crate::frame::{Frame, FrameCore, FrameGuard, bump_by_core};
use crate::methods::allocating_methods;
use crate::refusal::Refusal;
use crate::stats::ArenaStats;
use crate::strategy::ArenaStrategy;
use crate::sync::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, Slot};
use crate::vec::ArenaVec;
use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use terrane_base::{Budget, Bytes, MemoryError};

/// An arena that threads share by `&`: each has a segment to itself, through the handle that [`local`](Self::local) gives.
///
/// Values live as long as the borrow of the arena, also after the handle is gone, and may be passed to other threads like
/// any reference. Destructors do not run.
///
/// # Examples
///
/// ```
/// use terrane_arena::ConcurrentArena;
///
/// let mut arena = ConcurrentArena::new();
/// let sums: Vec<&u64> = std::thread::scope(|threads| {
///     let workers = [1u64, 2].map(|n| {
///         let arena = &arena;
///         threads.spawn(move || {
///             let local = arena.local();
///             let numbers = local.alloc_slice_fill_with(100, |i| i as u64 * n);
///             &*local.alloc(numbers.iter().sum::<u64>())
///         })
///     });
///     workers.map(|worker| worker.join().expect("the worker")).into()
/// });
/// assert_eq!(sums, [&4950, &9900]);
/// arena.reset();
/// ```
///
/// A handle stays with its thread:
///
/// ```compile_fail,E0277
/// # use terrane_arena::ConcurrentArena;
/// let arena = ConcurrentArena::new();
/// let local = arena.local();
/// std::thread::scope(|threads| {
///     threads.spawn(move || { local.alloc(1); });
/// });
/// ```
///
/// and no value outlives a reset:
///
/// ```compile_fail,E0502
/// # use terrane_arena::ConcurrentArena;
/// let mut arena = ConcurrentArena::new();
/// let number = arena.local().alloc(1);
/// arena.reset();
/// *number = 2;
/// ```
pub struct ConcurrentArena {
    newest: AtomicPtr<Segment>,
    strategy: ArenaStrategy,
    /// What all segments together may have.
    budget: Budget,
}

/// A part of the arena that one thread at a time has.
// Two threads never write to one cache line, nor to a pair of lines that is fetched together.
#[repr(align(128))]
struct Segment {
    claimed: AtomicBool,
    /// Belongs to who has set `claimed`, or has the arena by `&mut`.
    arena: Slot<Arena>,
    /// What the segment had when it was last given back.
    used_bytes: AtomicUsize,
    peak_bytes: AtomicUsize,
    blocks: AtomicUsize,
    overflow_blocks: AtomicUsize,
    metadata_bytes: AtomicUsize,
    /// Does not change once the segment is in the list.
    next: *mut Segment,
}

/// A thread's part of a [`ConcurrentArena`]. Dropping it leaves the values where they are and the rest to other threads.
///
/// A handle that is forgotten keeps its part from other threads until the arena is reset.
///
/// # Examples
///
/// ```
/// use terrane_arena::ConcurrentArena;
///
/// let arena = ConcurrentArena::new();
/// let name = {
///     let local = arena.local();
///     local.alloc_str("zone")
/// };
/// assert_eq!(name, "zone");
/// ```
pub struct Local<'a> {
    core: FrameCore<'a, Uncounted>,
    segment: &'a Segment,
    stays_with_its_thread: PhantomData<*const ()>,
}

// SAFETY: a segment's arena is reached only by the thread that claimed it. Arenas may move between threads, and so may the
// raw links, which are followed only while the arena lives. A budget is an `Arc` of atomics, and the counters are atomics.
// Values that threads may not exchange are not dropped by the arena, nor given to anybody.
unsafe impl Send for ConcurrentArena {}
// SAFETY: through a shared reference segments are claimed by an atomic exchange and added by another, see above.
unsafe impl Sync for ConcurrentArena {}

impl ConcurrentArena {
    /// Makes an arena without memory and without a limit. Its first segment is made for the first handle.
    ///
    /// ```
    /// # use terrane_arena::ConcurrentArena;
    /// assert_eq!(ConcurrentArena::new().stats().blocks, 0);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::with_strategy(ArenaStrategy::new())
    }

    /// Makes an arena whose segments get their blocks in this way. The limit is that of all segments together.
    ///
    /// ```
    /// use terrane_arena::{ArenaStrategy, Bytes, ConcurrentArena};
    ///
    /// let arena = ConcurrentArena::with_strategy(ArenaStrategy::new().max_size(Bytes::from_kib(4)));
    /// assert!(arena.local().try_alloc([0u8; 5000]).is_err());
    /// ```
    #[must_use]
    pub fn with_strategy(strategy: ArenaStrategy) -> Self {
        Self::with_budget(strategy, &Budget::root(Bytes::MAX))
    }

    /// The same, and the blocks are charged to a budget.
    ///
    /// ```
    /// use terrane_arena::{ArenaStrategy, Budget, Bytes, ConcurrentArena};
    ///
    /// let budget = Budget::root(Bytes::from_mib(1));
    /// let arena = ConcurrentArena::with_budget(ArenaStrategy::new(), &budget);
    /// arena.local().alloc(1);
    /// assert_eq!(budget.used(), Bytes::from_kib(1));
    /// ```
    #[must_use]
    pub fn with_budget(strategy: ArenaStrategy, budget: &Budget) -> Self {
        let limit = Bytes::from_usize(strategy.max_bytes);
        let own =
            budget.child("arena").max(if strategy.max_bytes == usize::MAX { Bytes::MAX } else { limit });
        Self { newest: AtomicPtr::new(ptr::null_mut()), strategy: strategy.max_size(Bytes::MAX), budget: own }
    }

    /// Gives the calling thread a segment of its own.
    ///
    /// Linear in the number of handles that are open at most: take one for a piece of work, not for a value.
    ///
    /// ```
    /// # use terrane_arena::ConcurrentArena;
    /// let arena = ConcurrentArena::new();
    /// let (one, other) = (arena.local(), arena.local());
    /// assert_eq!(*one.alloc(1) + *other.alloc(2), 3);
    /// ```
    ///
    /// # Panics
    ///
    /// If there is no memory for a new segment's record; see [`try_local`](Self::try_local).
    #[must_use]
    pub fn local(&self) -> Local<'_> {
        self.try_local().unwrap_or_else(|error| panic!("arena: {error}"))
    }

    /// Gives the calling thread a segment of its own.
    ///
    /// ```
    /// # use terrane_arena::ConcurrentArena;
    /// let arena = ConcurrentArena::new();
    /// assert_eq!(*arena.try_local()?.alloc(1), 1);
    /// # Ok::<(), terrane_arena::MemoryError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`MemoryError`] if there is no memory for a new segment's record.
    pub fn try_local(&self) -> Result<Local<'_>, MemoryError> {
        let idle = self.segments().find(|segment| segment.claim());
        let segment = match idle {
            Some(segment) => segment,
            None => self.add_segment()?,
        };
        // SAFETY: the segment was just claimed by this thread, and is not given back before the handle ends.
        let arena = unsafe { &*segment.arena.get() };
        if arena.committed_bytes() == 0 {
            arena.take_first_block();
        }
        Ok(Local { core: FrameCore::of_whole(arena), segment, stays_with_its_thread: PhantomData })
    }

    /// Forgets all values and keeps all memory. Linear in the number of segments.
    ///
    /// ```
    /// # use terrane_arena::ConcurrentArena;
    /// let mut arena = ConcurrentArena::new();
    /// arena.local().alloc(1);
    /// arena.reset();
    /// assert_eq!(arena.stats().used_bytes, 0);
    /// ```
    pub fn reset(&mut self) {
        self.for_each_arena(Arena::reset);
    }

    /// Forgets all values and gives all blocks back.
    ///
    /// ```
    /// # use terrane_arena::ConcurrentArena;
    /// let mut arena = ConcurrentArena::new();
    /// arena.local().alloc(1);
    /// arena.release();
    /// assert_eq!(arena.stats().committed_bytes, 0);
    /// ```
    pub fn release(&mut self) {
        self.for_each_arena(Arena::release);
    }

    /// Whether `pointer` points into a value of this arena; see [`Arena::owns`]. It takes `&mut`, as other threads may be
    /// allocating otherwise. What a handle that was forgotten has allocated last is not known to the arena, and denied.
    ///
    /// ```
    /// # use terrane_arena::ConcurrentArena;
    /// let mut arena = ConcurrentArena::new();
    /// let inside: *const i32 = arena.local().alloc(1);
    /// assert!(arena.owns(inside));
    /// ```
    #[must_use]
    pub fn owns<T: ?Sized>(&mut self, pointer: *const T) -> bool {
        self.segments().any(|segment| {
            // SAFETY: the whole arena is borrowed mutably, so nobody uses a handle meanwhile.
            unsafe { &*segment.arena.get() }.owns(pointer)
        })
    }

    /// All counters together, at any time. Bytes committed are those of now. The other figures of a segment are those of when
    /// it was last given back: what an open handle has allocated since is not in them, nor what is wasted at block ends.
    ///
    /// ```
    /// # use terrane_arena::ConcurrentArena;
    /// let arena = ConcurrentArena::new();
    /// arena.local().alloc(1u64);
    /// let stats = arena.stats();
    /// assert_eq!((stats.used_bytes, stats.committed_bytes, stats.blocks), (8, 1024, 1));
    /// ```
    #[must_use]
    pub fn stats(&self) -> ArenaStats {
        let empty = ArenaStats { committed_bytes: self.budget.used().as_usize(), ..ArenaStats::default() };
        self.segments().fold(empty, |sum, segment| ArenaStats {
            used_bytes: sum.used_bytes + segment.used_bytes.load(Ordering::Relaxed),
            peak_bytes: sum.peak_bytes + segment.peak_bytes.load(Ordering::Relaxed),
            blocks: sum.blocks + segment.blocks.load(Ordering::Relaxed),
            overflow_blocks: sum.overflow_blocks + segment.overflow_blocks.load(Ordering::Relaxed),
            metadata_bytes: sum.metadata_bytes
                + size_of::<Segment>()
                + segment.metadata_bytes.load(Ordering::Relaxed),
            ..sum
        })
    }

    fn segments(&self) -> impl Iterator<Item = &Segment> {
        // SAFETY: what is in the list is a segment that was complete when it was put there, which the load acquires, and is
        // not freed while the arena is borrowed.
        let follow = |segment: *mut Segment| unsafe { segment.as_ref() };
        let newest = follow(self.newest.load(Ordering::Acquire));
        core::iter::successors(newest, move |segment| follow(segment.next))
    }

    #[cold]
    fn add_segment(&self) -> Result<&Segment, MemoryError> {
        let arena = Arena::with_strategy(self.strategy).try_with_budget(&self.budget)?;
        let layout = Layout::new::<Segment>();
        // SAFETY: a segment is not zero-sized.
        let memory = unsafe { alloc(layout) }.cast::<Segment>();
        let Some(place) = NonNull::new(memory) else {
            return Err(Refusal::by_allocator(layout.size()).into());
        };
        let mut next = self.newest.load(Ordering::Relaxed);
        // SAFETY: the new memory has the layout of a segment.
        unsafe { place.write(Segment::claimed(arena, next)) };
        // The release makes the segment's contents visible to who finds it in the list.
        while let Err(newer) =
            self.newest.compare_exchange_weak(next, place.as_ptr(), Ordering::Release, Ordering::Relaxed)
        {
            next = newer;
            // SAFETY: the segment is not in the list yet, so nobody else knows of it.
            unsafe { (*place.as_ptr()).next = next };
        }
        // SAFETY: the segment lives until the arena is dropped.
        Ok(unsafe { place.as_ref() })
    }

    /// Works on all segments, those of forgotten handles included, and takes them back.
    fn for_each_arena(&mut self, mut work: impl FnMut(&mut Arena)) {
        for segment in self.segments() {
            // SAFETY: the whole arena is borrowed mutably, so there is no handle that could still use the segment.
            let arena = unsafe { &mut *segment.arena.get() };
            work(arena);
            segment.publish(arena);
            segment.claimed.store(false, Ordering::Relaxed);
        }
    }
}

impl Drop for ConcurrentArena {
    fn drop(&mut self) {
        let mut rest = self.newest.load(Ordering::Acquire);
        while let Some(segment) = NonNull::new(rest) {
            // SAFETY: the arena ends here, so nobody has a handle or a value; each segment is in the list once.
            unsafe {
                rest = segment.as_ref().next;
                segment.drop_in_place();
                dealloc(segment.as_ptr().cast(), Layout::new::<Segment>());
            }
        }
    }
}

impl Segment {
    fn claimed(arena: Arena, next: *mut Segment) -> Self {
        Self {
            claimed: AtomicBool::new(true),
            arena: Slot::new(arena),
            used_bytes: AtomicUsize::new(0),
            peak_bytes: AtomicUsize::new(0),
            blocks: AtomicUsize::new(0),
            overflow_blocks: AtomicUsize::new(0),
            metadata_bytes: AtomicUsize::new(0),
            next,
        }
    }

    /// Takes the segment for the calling thread, if nobody has it. Acquires what the last holder released.
    fn claim(&self) -> bool {
        !self.claimed.load(Ordering::Relaxed)
            && self.claimed.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    fn publish(&self, arena: &Arena) {
        let stats = arena.stats();
        self.used_bytes.store(stats.used_bytes, Ordering::Relaxed);
        self.peak_bytes.store(stats.peak_bytes, Ordering::Relaxed);
        self.blocks.store(stats.blocks, Ordering::Relaxed);
        self.overflow_blocks.store(stats.overflow_blocks, Ordering::Relaxed);
        self.metadata_bytes.store(stats.metadata_bytes, Ordering::Relaxed);
    }
}

impl<'a> Local<'a> {
    allocating_methods!('v, 'a, "let arena = ConcurrentArena::new();\n# let local = arena.local();", "local");

    /// Opens a frame: what is allocated in it goes away when its guard is dropped. Values of before stay in use meanwhile.
    ///
    /// ```
    /// # use terrane_arena::ConcurrentArena;
    /// let arena = ConcurrentArena::new();
    /// let mut local = arena.local();
    /// let kept = local.alloc(1);
    /// let mut guard = local.enter();
    /// assert_eq!(*guard.frame().alloc(2) + *kept, 3);
    /// ```
    #[inline(always)]
    pub fn enter(&mut self) -> FrameGuard<'_> {
        FrameGuard::over(self.core.nested())
    }

    /// Runs `work` with a frame, then forgets what was allocated in it, also if it panics.
    ///
    /// ```
    /// # use terrane_arena::ConcurrentArena;
    /// let arena = ConcurrentArena::new();
    /// let len = arena.local().scope(|frame| frame.alloc_str("scratch").len());
    /// assert_eq!(len, 7);
    /// ```
    ///
    /// # Panics
    ///
    /// If `work` panics.
    #[inline(always)]
    pub fn scope<R>(&mut self, work: impl FnOnce(&mut Frame<'_>) -> R) -> R {
        self.core.nested().run::<false, _>(work)
    }
}

impl Drop for Local<'_> {
    fn drop(&mut self) {
        self.core.stay();
        // SAFETY: the segment is still this thread's.
        self.segment.publish(unsafe { &*self.segment.arena.get() });
        // The release hands the segment's contents to who claims it next.
        self.segment.claimed.store(false, Ordering::Release);
    }
}

// SAFETY: the handle's core has the segment's arena to itself as long as the handle exists. What it hands out stays when
// the handle ends: the cursor is then carried over to the segment's arena, which goes back only when the whole arena is
// borrowed mutably. A forgotten handle never gives its segment back, so nobody allocates there before; one within which a
// frame was forgotten leaves the arena in a later block.
unsafe impl Bump for Local<'_> {
    bump_by_core!();
}

impl Default for ConcurrentArena {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ConcurrentArena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConcurrentArena").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Local<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").finish_non_exhaustive()
    }
}
