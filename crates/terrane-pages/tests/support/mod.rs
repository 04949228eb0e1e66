//! Page sources that watch or restrict another one.
#![allow(dead_code, reason = "each test file uses its part of this")]

use std::{
    ptr::NonNull,
    sync::{Arc, Mutex},
};

use terrane_pages::{PageError, PageOperation, PageSource};

/// Checks that every call is within the contract, and that everything reserved is released in the end.
#[derive(Debug)]
pub(crate) struct Audited<P: PageSource> {
    inner: P,
    /// Base, size and alignment of each live reservation.
    live: Mutex<Vec<(usize, usize, usize)>>,
    /// Reservations of more bytes than this are refused.
    largest: usize,
}

impl<P: PageSource> Audited<P> {
    pub(crate) fn new(inner: P) -> Self {
        Self::with_largest(inner, usize::MAX)
    }

    pub(crate) fn with_largest(inner: P, largest: usize) -> Self {
        Self { inner, live: Mutex::default(), largest }
    }

    pub(crate) fn live(&self) -> usize {
        self.live.lock().unwrap().len()
    }

    fn check_part(&self, ptr: NonNull<u8>, size: usize) {
        let (start, page) = (ptr.addr().get(), self.inner.page_size());
        assert!(size > 0 && start.is_multiple_of(page) && size.is_multiple_of(page), "whole pages only");
        let live = self.live.lock().unwrap();
        assert!(
            live.iter().any(|(base, len, _)| *base <= start && start + size <= base + len),
            "{size} bytes at {start:#x} are not within a reservation"
        );
    }
}

impl<P: PageSource> Drop for Audited<P> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(*self.live.get_mut().unwrap(), [], "all is released in the end");
        }
    }
}

// SAFETY: every call goes to the inner source unchanged, or is refused without effect.
unsafe impl<P: PageSource> PageSource for Audited<P> {
    fn page_size(&self) -> usize {
        self.inner.page_size()
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        if size > self.largest {
            return Err(PageError::new(PageOperation::Reserve, size, None));
        }
        let base = self.inner.reserve(size, align)?;
        let start = base.addr().get();
        let mut live = self.live.lock().unwrap();
        assert!(start.is_multiple_of(align), "aligned as demanded");
        assert!(live.iter().all(|(other, len, _)| start + size <= *other || other + len <= start));
        live.push((start, size, align));
        Ok(base)
    }

    unsafe fn commit(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        self.check_part(ptr, size);
        // SAFETY: just checked.
        unsafe { self.inner.commit(ptr, size) }
    }

    unsafe fn decommit(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        self.check_part(ptr, size);
        // SAFETY: just checked; that nobody uses it, the caller promises.
        unsafe { self.inner.decommit(ptr, size) }
    }

    unsafe fn release(&self, ptr: NonNull<u8>, size: usize, align: usize) {
        let mut live = self.live.lock().unwrap();
        let index = live.iter().position(|range| *range == (ptr.addr().get(), size, align));
        live.remove(index.expect("released as it was reserved"));
        // SAFETY: just checked; that nobody uses it, the caller promises.
        unsafe { self.inner.release(ptr, size, align) }
    }

    fn reserves_lazily(&self) -> bool {
        self.inner.reserves_lazily()
    }
}

/// The best source of the machine, audited.
pub(crate) fn audited_system() -> Arc<Audited<Arc<dyn PageSource>>> {
    Arc::new(Audited::new(terrane_pages::system_pages()))
}
