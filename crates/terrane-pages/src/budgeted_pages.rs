//! Pages whose memory is charged to a budget.
//!
//! Charged is what is committed: a reservation costs nothing, and committing twice is charged once. For that each range has one bit for
//! each of its pages. The charge is made before the memory is taken, without any lock, since a budget that is full runs reclaimers; the
//! bits are set after the memory is there. What two threads committed at once is so charged twice for a moment, and then
//! taken back.

use alloc::{collections::BTreeMap, vec::Vec};
use core::{fmt, ops::Range, ptr::NonNull};
use std::sync::{Mutex, MutexGuard, PoisonError};

use terrane_base::{Budget, Bytes, SharedLeaf};

use crate::{HugePages, PageError, PageOperation, PageSource, zeroed::zeroed};

/// A source whose committed memory is charged to a budget. What the budget refuses is refused like what the system refuses.
///
/// ```
/// use std::sync::Arc;
/// use terrane_base::{Budget, Bytes};
/// use terrane_pages::{AddressRange, BudgetedPages, system_pages};
///
/// let budget = Budget::root(Bytes::from_mib(1));
/// let pages = Arc::new(BudgetedPages::new(system_pages(), &budget));
/// let range = AddressRange::reserve(pages.clone(), 1 << 30, 1)?;
/// range.commit(0, 256 << 10)?;
/// range.commit(0, 512 << 10)?;
/// assert_eq!(pages.committed(), Bytes::from_kib(512));
/// assert!(range.commit(0, 2 << 20).is_err());
/// drop(range);
/// assert_eq!(budget.used(), Bytes::ZERO);
/// # Ok::<(), terrane_pages::PageError>(())
/// ```
pub struct BudgetedPages<P> {
    inner: P,
    leaf: SharedLeaf,
    /// By where they start.
    ranges: Mutex<BTreeMap<usize, PageBits>>,
}

impl<P: PageSource> BudgetedPages<P> {
    /// The pages of `inner`, charged to `budget`.
    pub fn new(inner: P, budget: &Budget) -> Self {
        Self { inner, leaf: budget.shared_leaf(), ranges: Mutex::default() }
    }

    /// How much is committed.
    #[must_use]
    pub fn committed(&self) -> Bytes {
        self.leaf.charged()
    }

    /// The budget that is charged.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        self.leaf.budget()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, PageBits>> {
        self.ranges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bytes(&self, pages: usize) -> Bytes {
        Bytes::from_usize(pages * self.inner.page_size())
    }

    /// Does `work` with the bits of these pages, and answers its result; 0 for a range that is none of ours.
    fn with_bits(
        &self,
        ptr: NonNull<u8>,
        size: usize,
        work: impl FnOnce(&mut PageBits, Range<usize>) -> usize,
    ) -> usize {
        let page = self.inner.page_size();
        let address = ptr.addr().get();
        let mut ranges = self.lock();
        let Some((base, bits)) = ranges.range_mut(..=address).next_back() else { return 0 };
        let first = (address - base) / page;
        work(bits, first..first + size / page)
    }

    fn give_back(&self, pages: usize) {
        if pages > 0 {
            self.leaf.discharge(self.bytes(pages));
            self.leaf.give_back();
        }
    }
}

// SAFETY: what is granted comes from the inner source unchanged, and what is refused changes nothing. The books beside it
// are changed under a lock by code that does not unwind: the bits of a range are made when it is reserved.
unsafe impl<P: PageSource> PageSource for BudgetedPages<P> {
    fn page_size(&self) -> usize {
        self.inner.page_size()
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        let refused = PageError::new(PageOperation::Reserve, size, None);
        let bits = PageBits::try_new(size.div_ceil(self.inner.page_size())).ok_or(refused)?;
        let base = self.inner.reserve(size, align)?;
        self.lock().insert(base.addr().get(), bits);
        Ok(base)
    }

    unsafe fn commit(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        let missing = self.with_bits(ptr, size, |bits, pages| bits.clear_in(pages));
        if missing > 0 && self.leaf.try_charge(self.bytes(missing)).is_err() {
            return Err(PageError::new(PageOperation::Commit, size, None));
        }
        // SAFETY: the caller's promise is the inner source's condition.
        if let Err(error) = unsafe { self.inner.commit(ptr, size) } {
            self.give_back(missing);
            return Err(error);
        }
        let new = self.with_bits(ptr, size, PageBits::set);
        if new > missing {
            // Another thread decommitted some meanwhile.
            self.leaf.force_charge(self.bytes(new - missing));
        }
        self.give_back(missing.saturating_sub(new));
        Ok(())
    }

    unsafe fn decommit(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { self.inner.decommit(ptr, size) }?;
        self.give_back(self.with_bits(ptr, size, PageBits::unset));
        Ok(())
    }

    unsafe fn release(&self, ptr: NonNull<u8>, size: usize, align: usize) {
        // Before the release: right after it, the same addresses may be another range's.
        let bits = self.lock().remove(&ptr.addr().get());
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { self.inner.release(ptr, size, align) };
        self.give_back(bits.map_or(0, |bits| bits.count()));
    }

    unsafe fn advise_huge(&self, ptr: NonNull<u8>, size: usize) -> HugePages {
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { self.inner.advise_huge(ptr, size) }
    }

    unsafe fn populate(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { self.inner.populate(ptr, size) }
    }

    unsafe fn lock(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { self.inner.lock(ptr, size) }
    }

    unsafe fn unlock(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { self.inner.unlock(ptr, size) }
    }

    fn reserves_lazily(&self) -> bool {
        self.inner.reserves_lazily()
    }
}

impl<P: fmt::Debug> fmt::Debug for BudgetedPages<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BudgetedPages")
            .field("inner", &self.inner)
            .field("committed", &self.leaf.charged())
            .finish_non_exhaustive()
    }
}

/// One bit for each page of a range: set when it is committed.
struct PageBits(Vec<u64>);

impl PageBits {
    fn try_new(pages: usize) -> Option<Self> {
        zeroed(pages.div_ceil(64)).map(Self)
    }

    fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// How many of these pages are not committed.
    fn clear_in(&mut self, pages: Range<usize>) -> usize {
        self.each_word(pages, |word, mask| (!*word & mask).count_ones())
    }

    /// Sets the bits; how many were not set before.
    fn set(&mut self, pages: Range<usize>) -> usize {
        self.each_word(pages, |word, mask| {
            let new = !*word & mask;
            *word |= mask;
            new.count_ones()
        })
    }

    /// Clears the bits; how many were set before.
    fn unset(&mut self, pages: Range<usize>) -> usize {
        self.each_word(pages, |word, mask| {
            let old = *word & mask;
            *word &= !mask;
            old.count_ones()
        })
    }

    /// Does `work` with each word and the mask of the pages in it, and adds up its answers.
    fn each_word(&mut self, pages: Range<usize>, mut work: impl FnMut(&mut u64, u64) -> u32) -> usize {
        let (mut page, mut sum) = (pages.start, 0);
        while page < pages.end {
            let (low, count) = (page % 64, (64 - page % 64).min(pages.end - page));
            let mask = (u64::MAX >> (64 - count)) << low;
            if let Some(word) = self.0.get_mut(page / 64) {
                sum += work(word, mask) as usize;
            }
            page += count;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AddressRange, FaultyPages, HeapPages};
    use alloc::sync::Arc;
    use proptest::prelude::*;

    const PAGE: usize = 4096;

    proptest! {
        /// Against a list of truth values.
        #[test]
        fn what_is_committed_is_charged_once(
            steps in proptest::collection::vec((0_u8..3, 0_usize..200, 1_usize..200), 1..40),
        ) {
            let budget = Budget::root(Bytes::from_mib(100));
            let source = Arc::new(BudgetedPages::new(HeapPages::new(), &budget));
            let range = AddressRange::reserve(source.clone(), 200 * PAGE, PAGE).unwrap();
            let mut model = [false; 200];
            for (step, first, count) in steps {
                let end = (first + count).min(200);
                if step < 2 {
                    range.commit(first * PAGE, (end - first) * PAGE).unwrap();
                } else {
                    // SAFETY: nobody uses the range.
                    unsafe { range.decommit(first * PAGE, (end - first) * PAGE) }.unwrap();
                }
                model[first..end].fill(step < 2);
                let committed = model.iter().filter(|page| **page).count();
                prop_assert_eq!(source.committed().as_usize(), committed * PAGE);
            }
            drop(range);
            prop_assert_eq!(source.committed(), Bytes::ZERO);
            prop_assert_eq!(budget.used(), Bytes::ZERO);
        }
    }

    #[test]
    fn what_is_refused_is_not_charged() {
        let budget = Budget::root(Bytes::from_usize(8 * PAGE));
        let source = Arc::new(BudgetedPages::new(FaultyPages::new(HeapPages::new()), &budget));
        let range = AddressRange::reserve(source.clone(), 100 * PAGE, PAGE).unwrap();
        assert!(range.commit(0, 9 * PAGE).is_err(), "beyond the budget");
        assert_eq!(source.committed(), Bytes::ZERO);
        source.inner.fail_nth(1);
        assert!(range.commit(0, 8 * PAGE).is_err(), "the inner source refuses");
        assert_eq!((source.committed(), budget.used()), (Bytes::ZERO, Bytes::ZERO));
        range.commit(0, 8 * PAGE).unwrap();
        range.commit(0, 8 * PAGE).expect("what is there already needs no room");
        source.inner.fail_nth(1);
        // SAFETY: nobody uses the range.
        assert!(unsafe { range.decommit(0, PAGE) }.is_err());
        assert_eq!(source.committed(), Bytes::from_usize(8 * PAGE));
        source.inner.fail_nth(1);
        assert!(AddressRange::reserve(source.clone(), PAGE, PAGE).is_err());
        drop(range);
        assert_eq!(budget.used(), Bytes::ZERO);
    }

    #[test]
    fn two_ranges_do_not_meet() {
        let budget = Budget::root(Bytes::from_mib(1));
        let source = Arc::new(BudgetedPages::new(HeapPages::new(), &budget));
        let [one, other] = [(); 2].map(|()| AddressRange::reserve(source.clone(), 4 * PAGE, PAGE).unwrap());
        one.commit(0, 4 * PAGE).unwrap();
        other.commit(PAGE, PAGE).unwrap();
        drop(one);
        assert_eq!(source.committed(), Bytes::from_usize(PAGE));
        drop(other);
        assert_eq!(budget.used(), Bytes::ZERO);
    }
}
