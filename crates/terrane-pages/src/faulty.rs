//! Failures on demand, to prove that everything above survives them.

use core::{
    ptr::NonNull,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use crate::{HugePages, PageError, PageOperation, PageSource};

/// A source that refuses chosen requests and passes the others on.
///
/// Requests are all that can fail: `reserve`, `commit`, `decommit`, `lock` and `unlock`. They are counted from 1. To test an
/// operation, run it once without failures, read [`requests`](FaultyPages::requests), then run it again for each
/// `n` up to that with [`fail_nth`](FaultyPages::fail_nth).
///
/// ```
/// use terrane_pages::{FaultyPages, HeapPages, PageSource};
///
/// let source = FaultyPages::new(HeapPages::new());
/// source.fail_nth(2);
/// let first = source.reserve(4096, 4096).unwrap();
/// assert!(source.reserve(4096, 4096).is_err());
/// assert!(source.reserve(0, 4096).is_err(), "the inner source refuses this one");
/// assert_eq!((source.requests(), source.failures()), (3, 1));
/// // SAFETY: reserved above with these figures, and nobody uses it.
/// unsafe { source.release(first, 4096, 4096) };
/// ```
#[derive(Debug)]
pub struct FaultyPages<P> {
    inner: P,
    requests: AtomicUsize,
    failures: AtomicUsize,
    /// Requests with these numbers fail, both ends included; none, when the first is beyond the last.
    first_failing: AtomicUsize,
    last_failing: AtomicUsize,
}

impl<P: PageSource> FaultyPages<P> {
    /// Passes everything on to `inner` until told otherwise.
    pub const fn new(inner: P) -> Self {
        Self {
            inner,
            requests: AtomicUsize::new(0),
            failures: AtomicUsize::new(0),
            first_failing: AtomicUsize::new(usize::MAX),
            last_failing: AtomicUsize::new(0),
        }
    }

    /// Lets the `n`-th request from now fail, 1 being the next one, and no other; 0 for none.
    pub fn fail_nth(&self, n: usize) {
        let number = self.number_of(n);
        self.plan(number, if n == 0 { 0 } else { number });
    }

    /// Lets the `n`-th request from now and every one after it fail, 1 being the next one.
    pub fn fail_from(&self, n: usize) {
        self.plan(self.number_of(n), usize::MAX);
    }

    /// Lets no further request fail.
    pub fn fail_none(&self) {
        self.plan(usize::MAX, 0);
    }

    /// How many requests there were, refused ones included.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.requests.load(Relaxed)
    }

    /// How many requests this value refused by itself.
    #[must_use]
    pub fn failures(&self) -> usize {
        self.failures.load(Relaxed)
    }

    /// The source behind it.
    pub const fn inner(&self) -> &P {
        &self.inner
    }

    fn number_of(&self, n: usize) -> usize {
        self.requests().saturating_add(n)
    }

    fn plan(&self, first: usize, last: usize) {
        // Empty in between, so that another thread's request does not meet half of each plan.
        self.last_failing.store(0, Relaxed);
        self.first_failing.store(first, Relaxed);
        self.last_failing.store(last, Relaxed);
    }

    fn request(&self, operation: PageOperation, size: usize) -> Result<(), PageError> {
        let number = self.requests.fetch_add(1, Relaxed) + 1;
        let failing = self.first_failing.load(Relaxed)..=self.last_failing.load(Relaxed);
        if failing.contains(&number) {
            self.failures.fetch_add(1, Relaxed);
            return Err(PageError::new(operation, size, None));
        }
        Ok(())
    }
}

// SAFETY: what is not refused goes to the inner source unchanged; a refused request changes nothing, which every
// promise about failures allows.
unsafe impl<P: PageSource> PageSource for FaultyPages<P> {
    fn page_size(&self) -> usize {
        self.inner.page_size()
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        self.request(PageOperation::Reserve, size)?;
        self.inner.reserve(size, align)
    }

    unsafe fn commit(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        self.request(PageOperation::Commit, size)?;
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { self.inner.commit(ptr, size) }
    }

    unsafe fn decommit(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        self.request(PageOperation::Decommit, size)?;
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { self.inner.decommit(ptr, size) }
    }

    unsafe fn release(&self, ptr: NonNull<u8>, size: usize, align: usize) {
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { self.inner.release(ptr, size, align) }
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
        self.request(PageOperation::Lock, size)?;
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { self.inner.lock(ptr, size) }
    }

    unsafe fn unlock(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        self.request(PageOperation::Unlock, size)?;
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { self.inner.unlock(ptr, size) }
    }

    fn reserves_lazily(&self) -> bool {
        self.inner.reserves_lazily()
    }
}
