//! The heap as its owner has it: made, entered, collected, asked.

use alloc::boxed::Box;
use core::cell::UnsafeCell;
use core::fmt;

use terrane_base::{Bytes, MemoryError};

use crate::raw::{CollectionKind, CollectionRecord, Corruption, HeapConfig, HeapStats};

use super::Mutator;
use super::state::State;

/// A garbage-collected heap.
///
/// Objects are born in a nursery, move to the old space when they survive its collection, and die unnoticed.
/// [`enter`](Self::enter) gives access to them:
///
/// ```
/// use terrane_gc::{GcField, Heap, Trace};
///
/// #[derive(Trace)]
/// struct Node<'h, 'm> {
///     value: i64,
///     next: GcField<'h, 'm, Node<'h, 'm>>,
/// }
///
/// let mut heap = Heap::new()?;
/// let sum = heap.enter(|mu| {
///     let last = mu.alloc(Node { value: 35, next: GcField::null() });
///     let first = mu.alloc(Node { value: 7, next: last.into() });
///     let list = mu.root(first); // survives collections
///     mu.collect_full();
///     let first = list.get(mu);
///     first.value + first.next.get().unwrap().value
/// });
/// assert_eq!(sum, 42);
/// # Ok::<(), terrane_base::MemoryError>(())
/// ```
///
/// A heap stays on its thread, since what lives in it may not be sent to another:
///
/// ```compile_fail,E0277
/// let heap = terrane_gc::Heap::new().unwrap();
/// std::thread::spawn(move || drop(heap));
/// ```
#[derive(Debug)]
pub struct Heap {
    state: Box<UnsafeCell<State>>,
}

impl Heap {
    /// A heap with the default settings.
    ///
    /// # Errors
    ///
    /// When the system refuses memory.
    pub fn new() -> Result<Self, MemoryError> {
        Self::with_config(HeapConfig::new())
    }

    /// A heap with settings of its own. The frame region is the raw tier's: it is not used.
    ///
    /// # Errors
    ///
    /// As for [`raw::Heap::new`](crate::raw::Heap::new).
    ///
    /// ```
    /// use terrane_base::{Bytes, MemoryError};
    /// use terrane_gc::{Heap, HeapConfig};
    ///
    /// let mut heap = Heap::with_config(HeapConfig::new().limit(Bytes::from_mib(8)))?;
    /// let error = heap.enter(|mu| mu.try_alloc_array(10 << 20, 0_u8).unwrap_err());
    /// assert!(matches!(error, MemoryError::OutOfMemory { .. } | MemoryError::AllocationTooLarge { .. }));
    /// # Ok::<(), MemoryError>(())
    /// ```
    pub fn with_config(config: HeapConfig) -> Result<Self, MemoryError> {
        let config = config.frame_region(Bytes::new(0));
        Ok(Self { state: Box::new(UnsafeCell::new(State::new(config)?)) })
    }

    /// Runs `body` with access to the heap. Handles made in it end with it; to keep an object beyond, see
    /// [`Mutator::persist`].
    pub fn enter<R>(&mut self, body: impl for<'h, 's> FnOnce(&mut Mutator<'h, 's>) -> R) -> R {
        // SAFETY: the heap is borrowed exclusively; the brand is new for every call, since `body` takes any; handles
        // end below, or with the scope that `scope` opens.
        let mut mu = unsafe { Mutator::new(&self.state) };
        mu.scope(|mu| body(mu))
    }

    fn state_mut(&mut self) -> &mut State {
        self.state.get_mut()
    }

    fn state_ref(&self) -> &State {
        // SAFETY: a mutator would hold the heap exclusively.
        unsafe { &*self.state.get() }
    }

    /// Collects the young objects; answers how many bytes of them were dead.
    pub fn collect_minor(&mut self) -> Bytes {
        self.state_mut().collect_and_count(CollectionKind::Minor)
    }

    /// Collects all objects; answers how many bytes were freed.
    pub fn collect_full(&mut self) -> Bytes {
        self.state_mut().collect_full()
    }

    /// Does some of the work of the collector that is left, in one pause of at most about `ns` nanoseconds or of a minor
    /// collection: for idle time. Answers whether there is more to do.
    ///
    /// ```
    /// let mut heap = terrane_gc::Heap::new()?;
    /// heap.enter(|mu| _ = mu.alloc([0_u8; 1000]));
    /// while heap.step(100_000) {} // until the next event comes in, say
    /// assert_eq!(heap.stats().old.bytes_now, 0);
    /// # Ok::<(), terrane_base::MemoryError>(())
    /// ```
    pub fn step(&mut self, ns: u64) -> bool {
        self.state_mut().step(ns)
    }

    /// Switches collections that run by themselves on or off; they are on at the start. While they are off, one runs
    /// only when asked for, or when an allocation by exclusive reference would fail without it.
    pub fn set_enabled(&mut self, enabled: bool) {
        self.state_mut().raw.set_enabled(enabled);
    }

    /// Whether collections run by themselves.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.state_ref().raw.enabled()
    }

    /// Calls `observer` after every collection. The record's `Display` is the line of a collection log.
    ///
    /// ```
    /// # let mut heap = terrane_gc::Heap::new()?;
    /// heap.set_observer(|record| eprintln!("{record}"));
    /// # Ok::<(), terrane_base::MemoryError>(())
    /// ```
    pub fn set_observer(&mut self, observer: impl FnMut(&CollectionRecord) + 'static) {
        self.state_mut().raw.set_observer(Box::new(observer));
    }

    /// Figures as of now.
    #[must_use]
    pub fn stats(&self) -> HeapStats {
        self.state_ref().raw.stats()
    }

    /// Figures of what hangs on the heap besides objects.
    #[must_use]
    pub fn handle_stats(&self) -> HandleStats {
        let roots = &self.state_ref().roots;
        HandleStats {
            roots: roots.persistent.len(),
            pins: self.state_ref().pins.len(),
            side_blocks: roots.side.in_use(),
            remembered_cells: roots.cell_log.len(),
            table_bytes: Bytes::new(
                (roots.side.bytes() + roots.handles.bytes() + roots.cell_log.bytes()) as u64,
            ),
            values_dropped: roots.deaths.dropped,
            drop_panics: roots.deaths.drop_panics,
        }
    }

    /// Collects the young objects, then examines the whole heap, by means that share nothing with the collectors.
    /// O(live objects).
    ///
    /// # Errors
    ///
    /// The first thing that is wrong. A program without `unsafe` never sees one.
    pub fn check(&mut self) -> Result<(), Corruption> {
        let state = self.state_mut();
        _ = state.collect(CollectionKind::Minor);
        state.raw.verify(&mut state.roots)
    }
}

/// What hangs on a heap besides objects; see [`Heap::handle_stats`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct HandleStats {
    /// [`Root`](crate::Root)s, those included that were dropped since the last full collection.
    pub roots: usize,
    /// [`Pinned`](crate::Pinned) handles, likewise.
    pub pins: usize,
    /// Objects with a weak reference, an identity, a finalizer, a destructor or an entry in a weak map.
    pub side_blocks: usize,
    /// Cells of old objects that may hold young references.
    pub remembered_cells: usize,
    /// Bytes of the tables.
    pub table_bytes: Bytes,
    /// Values of dead objects that were dropped.
    pub values_dropped: u64,
    /// Of them, those whose destructor panicked.
    pub drop_panics: u64,
}

impl fmt::Display for HandleStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} roots, {} pins, {} side blocks, ", self.roots, self.pins, self.side_blocks)?;
        write!(f, "{} values dropped ({} panicked), ", self.values_dropped, self.drop_panics)?;
        write!(f, "tables {}", self.table_bytes)
    }
}
