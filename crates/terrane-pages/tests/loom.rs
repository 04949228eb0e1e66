//! All orders of what threads do (`RUSTFLAGS="--cfg loom" cargo test -p terrane-pages --test loom --release`).
#![cfg(loom)]

use std::ptr::NonNull;
use std::sync::Arc;

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use terrane_pages::{HUGE_PAGE_SIZE, PageError, PageOperation, PageSource, Populator};

/// Pages of which nothing is there but how they were populated.
#[derive(Debug)]
struct Watched {
    committed: AtomicBool,
    pieces: AtomicUsize,
}

// SAFETY: it hands out no memory.
unsafe impl PageSource for Watched {
    fn page_size(&self) -> usize {
        4096
    }

    fn reserve(&self, size: usize, _align: usize) -> Result<NonNull<u8>, PageError> {
        Err(PageError::new(PageOperation::Reserve, size, None))
    }

    unsafe fn commit(&self, _ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        Err(PageError::new(PageOperation::Commit, size, None))
    }

    unsafe fn decommit(&self, _ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        Err(PageError::new(PageOperation::Decommit, size, None))
    }

    unsafe fn release(&self, _ptr: NonNull<u8>, _size: usize, _align: usize) {}

    unsafe fn populate(&self, _ptr: NonNull<u8>, _size: usize) -> Result<(), PageError> {
        assert!(self.committed.load(SeqCst), "populated after it was decommitted");
        self.pieces.fetch_add(1, SeqCst);
        Ok(())
    }
}

fn watched() -> Arc<Watched> {
    Arc::new(Watched { committed: AtomicBool::new(true), pieces: AtomicUsize::new(0) })
}

fn order(populator: &Populator, pieces: usize) {
    let start = NonNull::without_provenance(HUGE_PAGE_SIZE.try_into().unwrap());
    // SAFETY: the source touches no memory.
    unsafe { populator.populate(start, pieces * HUGE_PAGE_SIZE) };
}

#[test]
fn what_was_withdrawn_is_not_populated_any_more() {
    loom::model(|| {
        let source = watched();
        let populator = Populator::start(source.clone()).unwrap();
        order(&populator, 2);
        populator.withdraw();
        source.committed.store(false, SeqCst);
        drop(populator);
        assert!(source.pieces.load(SeqCst) <= 2);
    });
}

#[test]
fn nothing_is_populated_after_the_populator_was_dropped() {
    loom::model(|| {
        let source = watched();
        let populator = Populator::start(source.clone()).unwrap();
        order(&populator, 2);
        order(&populator, 1);
        drop(populator);
        source.committed.store(false, SeqCst);
        assert!(source.pieces.load(SeqCst) <= 3);
    });
}
