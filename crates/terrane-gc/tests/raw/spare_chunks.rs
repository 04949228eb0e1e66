//! Chunks that are taken, and populated by another thread, ahead of need.

use std::collections::HashSet;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use terrane_base::Bytes;
use terrane_gc::raw::{CollectionKind, HeapConfig, Progress};
use terrane_pages::{
    CHUNK_SIZE, FaultyPages, HUGE_PAGE_SIZE, HugePages, PageError, PageOperation, PageSource, system_pages,
};

use crate::machine::Machine;
use crate::model::*;

/// The system's pages, and a look at what is populated.
#[derive(Debug)]
struct Watched {
    inner: Arc<dyn PageSource>,
    populating: Mutex<Option<Range<usize>>>,
    populated: Mutex<usize>,
    /// Where pieces that were populated start, and how long each takes beside what the system does.
    pieces: Mutex<HashSet<usize>>,
    delay: Duration,
    /// The last chunk for which huge pages were asked.
    advised: Mutex<usize>,
    /// It cannot populate.
    refuses: bool,
}

impl Watched {
    fn new() -> Arc<Self> {
        Arc::new(Self::with(Duration::ZERO, false))
    }

    fn with(delay: Duration, refuses: bool) -> Self {
        Self {
            inner: system_pages(),
            populating: Mutex::new(None),
            populated: Mutex::new(0),
            pieces: Mutex::default(),
            delay,
            advised: Mutex::new(0),
            refuses,
        }
    }

    /// Nothing of this is being populated.
    fn check_idle(&self, ptr: NonNull<u8>, size: usize) {
        let (start, populating) = (ptr.as_ptr() as usize, self.populating.lock().unwrap().clone());
        let overlaps = populating.is_some_and(|range| range.start < start + size && start < range.end);
        assert!(!overlaps, "what is being populated is given back");
    }

    fn populated(&self) -> usize {
        *self.populated.lock().unwrap()
    }
}

// SAFETY: every promise is the inner source's, to which every call goes unchanged.
unsafe impl PageSource for Watched {
    fn page_size(&self) -> usize {
        self.inner.page_size()
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        self.inner.reserve(size, align)
    }

    unsafe fn commit(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { self.inner.commit(ptr, size) }
    }

    unsafe fn decommit(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        self.check_idle(ptr, size);
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { self.inner.decommit(ptr, size) }
    }

    unsafe fn release(&self, ptr: NonNull<u8>, size: usize, align: usize) {
        self.check_idle(ptr, size);
        // SAFETY: the caller's promise is the inner source's condition.
        unsafe { self.inner.release(ptr, size, align) }
    }

    unsafe fn advise_huge(&self, ptr: NonNull<u8>, _: usize) -> HugePages {
        *self.advised.lock().unwrap() = ptr.as_ptr() as usize;
        HugePages::Advised
    }

    unsafe fn populate(&self, ptr: NonNull<u8>, size: usize) -> Result<(), PageError> {
        if self.refuses {
            return Err(PageError::new(PageOperation::Populate, size, None));
        }
        let start = ptr.as_ptr() as usize;
        *self.populating.lock().unwrap() = Some(start..start + size);
        // SAFETY: the caller's promise is the inner source's condition.
        let result = unsafe { self.inner.populate(ptr, size) };
        std::thread::sleep(self.delay);
        *self.populating.lock().unwrap() = None;
        *self.populated.lock().unwrap() += size;
        self.pieces.lock().unwrap().insert(start);
        result
    }
}

/// A list of so many mebibytes.
fn machine_of(config: HeapConfig, mib: u64) -> Machine {
    let mut machine = Machine::new(config.verify(false));
    machine.roots.push(integer(0));
    machine.grow_list(0, mib << 16).unwrap();
    machine.collect(CollectionKind::Minor);
    machine
}

fn wait_until(happened: impl Fn() -> bool) {
    while !happened() {
        std::thread::yield_now();
    }
}

#[test]
fn a_heap_that_grows_has_its_next_chunk_populated() {
    let pages = Watched::new();
    let machine = machine_of(HeapConfig::new().pages(pages.clone()), 24);
    wait_until(|| pages.populated() >= 2 * CHUNK_SIZE);
    assert_eq!(machine.list_len(0), 24 << 16);
    let small = Watched::new();
    drop(machine_of(HeapConfig::new().pages(small.clone()), 2));
    let off = Watched::new();
    drop(machine_of(HeapConfig::new().pages(off.clone()).populate_ahead(false), 24));
    assert_eq!((small.populated(), off.populated()), (0, 0));
}

/// Again and again grows a heap, and gives all back in idle time or drops it in the middle of things: the watched source
/// panics at a decommit of what is being populated.
#[test]
fn nothing_is_given_back_while_it_is_populated() {
    let pages = Watched::new();
    let mut machine = machine_of(HeapConfig::new().pages(pages.clone()).growth_min(Bytes::from_mib(4)), 0);
    for round in 0..12 {
        machine.grow_list(0, (12 + round % 3 * 8) << 16).unwrap();
        machine.roots.set(0, integer(0));
        if round % 2 == 0 {
            machine.collect(CollectionKind::Full);
        }
        while machine.heap.step(100_000, &mut machine.roots) == Progress::More {}
        let committed = machine.heap.stats().committed_bytes as usize;
        assert!(committed < 16 * CHUNK_SIZE, "the spare chunk goes, too: {committed}");
    }
    assert!(pages.populated() > 0);
    for mib in [13, 17, 21] {
        drop(machine_of(HeapConfig::new().pages(pages.clone()), mib));
    }
}

/// A full collection that ends while chunks are waiting to be populated does not make that undone.
#[test]
fn a_collection_only_interrupts_what_is_populated() {
    let pages = Arc::new(Watched::with(Duration::from_millis(30), false));
    let config = HeapConfig::new().pages(pages.clone()).growth_min(Bytes::from_mib(4));
    let mut machine = machine_of(config, 24);
    let committed = machine.heap.stats().committed_bytes;
    machine.roots.set(0, integer(0));
    machine.collect(CollectionKind::Full);
    assert!(machine.heap.stats().committed_bytes < committed, "chunks were given back");
    let last = *pages.advised.lock().unwrap();
    let is_populated = |start| pages.pieces.lock().unwrap().contains(&start);
    wait_until(|| is_populated(last) && is_populated(last + HUGE_PAGE_SIZE));
}

#[test]
fn where_nothing_can_be_populated_no_chunk_is_taken_ahead() {
    let committed = |populate_ahead| {
        let pages = Arc::new(Watched::with(Duration::ZERO, true));
        let config = HeapConfig::new().pages(pages).populate_ahead(populate_ahead);
        machine_of(config.clock(|| 0), 24).heap.stats().committed_bytes
    };
    assert_eq!(committed(true), committed(false));
}

#[test]
fn a_spare_chunk_that_is_refused_is_no_error_and_never_breaks_the_limit() {
    for refused in 0..40 {
        let pages = Arc::new(FaultyPages::new(system_pages()));
        let mut machine = machine_of(HeapConfig::new().pages(pages.clone()), 14);
        pages.fail_nth(refused);
        // Room for one chunk more; which of its requests is refused decides whether the list gets longer.
        let grown = machine.grow_list(0, 6 << 16);
        pages.fail_none();
        if grown.is_err() {
            machine.grow_list(0, 1 << 16).unwrap();
        }
        machine.heap.verify(&mut machine.roots).unwrap();
    }
    let exhausted = |populate_ahead| {
        let config = HeapConfig::new().limit(Bytes::from_mib(48)).populate_ahead(populate_ahead);
        let mut machine = machine_of(config, 1);
        machine.grow_list(0, u64::MAX).unwrap_err();
        machine.heap.stats().committed_bytes
    };
    assert_eq!(exhausted(true), exhausted(false));
}

/// A program that rests often, as between frames, and does not grow, does not have a chunk populated for each time.
#[test]
fn what_a_rest_gives_back_is_not_taken_again_without_need() {
    let pages = Watched::new();
    let mut machine = machine_of(HeapConfig::new().pages(pages.clone()).clock(|| 0), 24);
    machine.roots.push(integer(0));
    let mut run = |frames| {
        for _ in 0..frames {
            for _ in 0..400 {
                machine.grow_list(1, 1 << 10).unwrap();
                machine.roots.set(1, integer(0));
            }
            while machine.heap.step(1_000_000, &mut machine.roots) == Progress::More {}
        }
        pages.populated()
    };
    let before = run(20);
    let populated = run(40) - before;
    assert!(populated <= 4 * CHUNK_SIZE, "{populated}");
}
