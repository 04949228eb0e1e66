//! An allocator for collections whose memory is charged to a budget.
//!
//! Charged is what was asked for. The blocks that are handed out are exactly that long, although the inner allocator may have given more:
//! a caller may name any size between the two when it frees, and then more might be taken back than was charged.

use core::{alloc::Layout, ptr::NonNull};

use allocator_api2::alloc::{AllocError, Allocator, Global};
use terrane_base::{Budget, Bytes, SharedLeaf};

/// An allocator that charges a budget, and refuses what the budget refuses. Clones share the charges.
///
/// ```
/// use allocator_api2::vec::Vec;
/// use terrane_base::{Budget, Bytes};
/// use terrane_pages::BudgetedAllocator;
///
/// let budget = Budget::root(Bytes::from_kib(64));
/// let mut numbers: Vec<u64, _> = Vec::new_in(BudgetedAllocator::new(&budget));
/// numbers.try_reserve(1000).unwrap();
/// assert!(budget.used() >= Bytes::new(8000));
/// assert!(numbers.try_reserve(10_000).is_err());
/// drop(numbers);
/// assert_eq!(budget.used(), Bytes::ZERO);
/// ```
#[derive(Clone, Debug)]
pub struct BudgetedAllocator<A = Global> {
    inner: A,
    leaf: SharedLeaf,
}

impl BudgetedAllocator<Global> {
    /// The global allocator, charged to `budget`.
    #[must_use]
    pub fn new(budget: &Budget) -> Self {
        Self::over(Global, budget)
    }
}

impl<A: Allocator> BudgetedAllocator<A> {
    /// Any allocator, charged to `budget`.
    #[must_use]
    pub fn over(inner: A, budget: &Budget) -> Self {
        Self { inner, leaf: budget.shared_leaf() }
    }

    /// How much is allocated by this and its clones.
    #[must_use]
    pub fn charged(&self) -> Bytes {
        self.leaf.charged()
    }

    /// Gives back to the budget what was taken ahead of need.
    pub fn give_back(&self) {
        self.leaf.give_back();
    }

    fn charge(&self, size: usize) -> Result<(), AllocError> {
        self.leaf.try_charge(Bytes::from_usize(size)).map_err(|_| AllocError)
    }

    fn discharge(&self, size: usize) {
        self.leaf.discharge(Bytes::from_usize(size));
    }

    /// Charges `size`, does it, and takes the charge back where it failed.
    fn charged_for(
        &self,
        size: usize,
        exact: usize,
        allocate: impl FnOnce() -> Result<NonNull<[u8]>, AllocError>,
    ) -> Result<NonNull<[u8]>, AllocError> {
        self.charge(size)?;
        match allocate() {
            Ok(block) => Ok(NonNull::slice_from_raw_parts(block.cast(), exact)),
            Err(error) => {
                self.discharge(size);
                Err(error)
            }
        }
    }
}

// SAFETY: all memory is the inner allocator's; blocks stay valid as long as a clone of it lives, which each clone of this has. A block is
// announced as long as was asked for, so that the layouts that fit it are those that fit the inner one's with exactly that size.
unsafe impl<A: Allocator> Allocator for BudgetedAllocator<A> {
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        self.charged_for(layout.size(), layout.size(), || self.inner.allocate(layout))
    }

    fn allocate_zeroed(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        self.charged_for(layout.size(), layout.size(), || self.inner.allocate_zeroed(layout))
    }

    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller's promise is the inner allocator's condition.
        unsafe { self.inner.deallocate(block, layout) };
        self.discharge(layout.size());
    }

    unsafe fn grow(&self, block: NonNull<u8>, old: Layout, new: Layout) -> Result<NonNull<[u8]>, AllocError> {
        let more = new.size().saturating_sub(old.size());
        self.charged_for(more, new.size(), || {
            // SAFETY: the caller's promise is the inner allocator's condition.
            unsafe { self.inner.grow(block, old, new) }
        })
    }

    unsafe fn grow_zeroed(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        let more = new.size().saturating_sub(old.size());
        self.charged_for(more, new.size(), || {
            // SAFETY: the caller's promise is the inner allocator's condition.
            unsafe { self.inner.grow_zeroed(block, old, new) }
        })
    }

    unsafe fn shrink(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: the caller's promise is the inner allocator's condition.
        let shrunk = unsafe { self.inner.shrink(block, old, new) }?;
        self.discharge(old.size().saturating_sub(new.size()));
        Ok(NonNull::slice_from_raw_parts(shrunk.cast(), new.size()))
    }
}
