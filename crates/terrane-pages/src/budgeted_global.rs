//! A global allocator whose memory is charged to a budget.
//!
//! The allocator is a `static`, there before anything else, and a budget is made at run time; so until one is attached, bytes are only
//! counted, and attaching charges what was counted. A thread that allocates while the budget is being attached may count its bytes after
//! they were charged over; it looks again after counting, and settles by itself what it finds.
//!
//! An allocation happens in the midst of anything: under locks, within borrows, while a table changes. So none runs reclaimers or
//! listeners; its leaf [defers](Budget::deferring_leaf) that to the next charge that is made on purpose. Nor does charging allocate, or take a
//! lock under which anything allocates (there is one for waking who waits for memory).

use core::{
    alloc::{GlobalAlloc, Layout},
    fmt,
    sync::atomic::{
        AtomicUsize,
        Ordering::{Relaxed, SeqCst},
        fence,
    },
};
use std::{alloc::System, sync::OnceLock};

use terrane_base::{Budget, Bytes, MemoryError, SharedLeaf};

/// A global allocator that charges a budget for every byte, and refuses what the budget refuses.
///
/// A refused allocation is a null pointer: fallible code (`try_reserve`) sees an error, all other code ends in
/// `handle_alloc_error`, as when the system has no memory. So the budget should leave room above what such code needs.
///
/// # When the budget is full
///
/// The budget may have parts with caches, pools, a whole memory system. An allocation asks none of them, since it may come from their own
/// midst. Where the budget is full, it uses what is [set aside](Budget::set_aside), and is refused where that is used up as well. In
/// both cases the others are asked for as much by the next charge that is made on purpose, on any thread: a reservation, the leaf of a
/// pool or an arena, an allocation of a memory system; or by [`Budget::serve_deferred`]. So set aside, on the root, what the program
/// allocates at most between two of these.
///
/// What a part charges by itself for memory of this allocator, such as a cache for its entries by their weights, is charged twice.
///
/// ```
/// use terrane_base::{Budget, Bytes};
/// use terrane_pages::BudgetedGlobal;
///
/// #[global_allocator]
/// static MEMORY: BudgetedGlobal = BudgetedGlobal::new();
///
/// let budget = Budget::root(Bytes::from_mib(64)).child("heap");
/// MEMORY.attach(&budget)?;
/// let mut text = Vec::<u8>::new();
/// assert!(text.try_reserve(100 << 20).is_err());
/// text.try_reserve(1 << 20).unwrap();
/// assert!(budget.used() >= Bytes::from_mib(1));
/// # Ok::<(), terrane_base::MemoryError>(())
/// ```
pub struct BudgetedGlobal<A = System> {
    inner: A,
    leaf: OnceLock<SharedLeaf>,
    /// Bytes that were allocated without a budget and are not charged over yet. A difference: what is freed here may have been
    /// charged there.
    uncharged: AtomicUsize,
}

impl BudgetedGlobal<System> {
    /// The system's allocator, without a budget as yet.
    #[must_use]
    pub const fn new() -> Self {
        Self::over(System)
    }
}

impl Default for BudgetedGlobal<System> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A> BudgetedGlobal<A> {
    /// Any allocator, without a budget as yet.
    #[must_use]
    pub const fn over(inner: A) -> Self {
        Self { inner, leaf: OnceLock::new(), uncharged: AtomicUsize::new(0) }
    }

    /// Charges everything to `budget` from now on, what is allocated already too. Best done before there are other threads: what they
    /// allocate and free at this very moment may be charged too much or too little until they free it.
    ///
    /// # Errors
    /// When `budget` has no room for what is allocated already, and then nothing is attached; or when there is a budget already
    /// ([`MemoryError::InvalidObject`]).
    pub fn attach(&self, budget: &Budget) -> Result<(), MemoryError> {
        // A try, given back at once: what follows cannot be refused any more.
        drop(budget.try_reserve(self.uncharged())?);
        let mut leaf = Some(budget.deferring_leaf());
        self.leaf.get_or_init(|| leaf.take().unwrap_or_else(|| budget.deferring_leaf()));
        if leaf.is_some() {
            let address = core::ptr::from_ref(self).addr();
            return Err(MemoryError::InvalidObject { address, reason: "it has a budget already" });
        }
        self.settle();
        Ok(())
    }

    /// What was allocated without a budget.
    #[must_use]
    pub fn uncharged(&self) -> Bytes {
        Bytes::from_usize(self.uncharged.load(Relaxed).cast_signed().max(0).unsigned_abs())
    }

    /// Where there is a budget by now, charges or takes back what was counted meanwhile.
    #[cold]
    fn settle(&self) {
        fence(SeqCst);
        if let Some(leaf) = self.leaf.get() {
            match self.uncharged.swap(0, Relaxed).cast_signed() {
                allocated @ 0.. => leaf.force_charge(Bytes::from_usize(allocated.unsigned_abs())),
                freed => leaf.discharge(Bytes::from_usize(freed.unsigned_abs())),
            }
        }
    }

    #[inline]
    fn charge(&self, size: usize) -> bool {
        match self.leaf.get() {
            Some(leaf) => leaf.try_charge(Bytes::from_usize(size)).is_ok(),
            None => {
                self.count(size);
                true
            }
        }
    }

    #[inline]
    fn discharge(&self, size: usize) {
        match self.leaf.get() {
            Some(leaf) => leaf.discharge(Bytes::from_usize(size)),
            None => self.count(size.wrapping_neg()),
        }
    }

    /// Adds to what is counted without a budget, or takes off it.
    #[cold]
    fn count(&self, change: usize) {
        self.uncharged.fetch_add(change, Relaxed);
        self.settle();
    }
}

// SAFETY: all memory is the inner allocator's, and each call goes to it with the caller's layout unchanged, or is refused with a null
// pointer, which a global allocator may do. Charging unwinds never: a leaf that defers does arithmetic, and runs nobody's code.
unsafe impl<A: GlobalAlloc> GlobalAlloc for BudgetedGlobal<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !self.charge(layout.size()) {
            return core::ptr::null_mut();
        }
        // SAFETY: the caller's promise is the inner allocator's condition.
        let block = unsafe { self.inner.alloc(layout) };
        if block.is_null() {
            self.discharge(layout.size());
        }
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !self.charge(layout.size()) {
            return core::ptr::null_mut();
        }
        // SAFETY: the caller's promise is the inner allocator's condition.
        let block = unsafe { self.inner.alloc_zeroed(layout) };
        if block.is_null() {
            self.discharge(layout.size());
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the inner allocator's condition: all blocks are its own.
        unsafe { self.inner.dealloc(block, layout) };
        self.discharge(layout.size());
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let more = new_size.saturating_sub(layout.size());
        if more > 0 && !self.charge(more) {
            return core::ptr::null_mut();
        }
        // SAFETY: the caller's promise is the inner allocator's condition: all blocks are its own.
        let moved = unsafe { self.inner.realloc(block, layout, new_size) };
        let surplus = if moved.is_null() { more } else { layout.size().saturating_sub(new_size) };
        if surplus > 0 {
            self.discharge(surplus);
        }
        moved
    }
}

impl<A> fmt::Debug for BudgetedGlobal<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BudgetedGlobal")
            .field("leaf", &self.leaf.get())
            .field("uncharged", &self.uncharged())
            .finish_non_exhaustive()
    }
}
