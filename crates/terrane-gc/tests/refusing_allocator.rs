//! The global allocator has no memory left, at every point in turn: whatever has a `try_` in its name answers with an error,
//! and the heap goes on.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;
use std::rc::Rc;

use terrane_gc::{Bytes, FinalizerQueue, GcField, Heap, Leaf, MemoryError, Mutator, Trace, WeakMap};

thread_local! {
    /// Bytes that this thread may still take, more than it gives back; `None` grants all.
    static LEFT: Cell<Option<isize>> = const { Cell::new(None) };
}

struct Refusing;

// SAFETY: it hands on to the system's allocator, or returns null, which an allocator may.
unsafe impl GlobalAlloc for Refusing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match LEFT.get() {
            Some(left) if left < layout.size() as isize => return ptr::null_mut(),
            Some(left) => LEFT.set(Some(left - layout.size() as isize)),
            None => {}
        }
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LEFT.set(LEFT.get().map(|left| left + layout.size() as isize));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Refusing = Refusing;

/// Runs `work` with so many bytes.
fn with_bytes<R>(bytes: isize, work: impl FnOnce() -> R) -> R {
    LEFT.set(Some(bytes));
    let result = work();
    LEFT.set(None);
    result
}

/// A value with a destructor that tells how many there are.
struct Resource(Rc<Cell<isize>>);

impl Resource {
    fn new(living: &Rc<Cell<isize>>) -> Self {
        living.set(living.get() + 1);
        Self(Rc::clone(living))
    }
}

impl Drop for Resource {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Every kind of table, each so often that it grows more than once.
fn grow_tables(mu: &mut Mutator<'_, '_>) -> Result<(), MemoryError> {
    let (queue, notes, remarks) = (FinalizerQueue::new(mu), WeakMap::new(mu), WeakMap::new(mu));
    let mut kept = Vec::new();
    let mut roots = Vec::new();
    for number in 0..3000_i64 {
        let object = mu.try_alloc(number)?;
        let weak = mu.try_downgrade(object)?;
        queue.try_watch(mu, object)?;
        notes.try_insert(mu, object, object)?;
        remarks.try_insert(mu, object, mu.try_alloc(-number)?)?;
        mu.try_identity(object)?;
        roots.try_reserve(1).map_err(|_| refused())?;
        roots.push(mu.try_persist(object)?);
        kept.try_reserve(1).map_err(|_| refused())?;
        kept.push((mu.try_root(object)?, weak));
    }
    for (number, (local, weak)) in kept.iter().enumerate() {
        let object = local.get(mu);
        assert_eq!(*object, number as i64);
        assert!(weak.upgrade(mu).is_some_and(|found| found.same(object)));
        assert_eq!(remarks.get(mu, object).as_deref(), Some(&-(number as i64)));
    }
    Ok(())
}

fn refused() -> MemoryError {
    MemoryError::OutOfMemory { requested: Bytes::new(8), available: Bytes::ZERO }
}

/// Enough for the queue and the maps, which are not asked for politely.
const OPENED_BYTES: isize = 4096;
const STEP_BYTES: usize = 1000;

#[test]
fn each_refusal_is_an_error_and_the_heap_goes_on() {
    let mut heap = Heap::new().unwrap();
    let mut refusals = 0;
    for bytes in (OPENED_BYTES..).step_by(STEP_BYTES) {
        let result = heap.enter(|mu| with_bytes(bytes, || grow_tables(mu)));
        heap.check().unwrap();
        match result {
            Ok(()) => break,
            Err(MemoryError::OutOfMemory { .. }) => refusals += 1,
            Err(error) => panic!("{error}"),
        }
        if refusals % 16 == 0 {
            // The tables begin anew.
            heap = Heap::new().unwrap();
        }
    }
    assert!(refusals > 50, "{refusals} refusals");
    heap.enter(|mu| grow_tables(mu).unwrap());
}

#[derive(Trace)]
struct Link<'h, 'm> {
    numbers: [u64; 126],
    next: GcField<'h, 'm, Link<'h, 'm>>,
}

/// A list so long that the heap wants a thread that populates its next chunk: it does without, rather than end the process.
#[test]
fn a_heap_that_grows_large_does_not_end_the_process() {
    let mut grown = [0; 2];
    for bytes in (0..12_000).step_by(400) {
        let mut heap = Heap::new().unwrap();
        let result = heap.enter(|mu| {
            let list = mu.alloc_local(|_| Link { numbers: [0; 126], next: GcField::null() });
            with_bytes(bytes, || {
                (0..20_u64 << 10).try_for_each(|_| {
                    mu.scope(|mu| {
                        let next =
                            mu.try_alloc_local(|mu| Link { numbers: [1; 126], next: list.get(mu).into() })?;
                        list.set(mu, next.get(mu));
                        Ok::<(), MemoryError>(())
                    })
                })
            })
        });
        heap.check().unwrap();
        grown[usize::from(result.is_ok())] += 1;
    }
    assert!(grown[1] > 0, "{grown:?}");
}

#[test]
fn a_value_with_a_destructor_is_dropped_once_where_its_place_is_refused() {
    let living = Rc::new(Cell::new(0));
    let mut heap = Heap::new().unwrap();
    let mut refusals = 0;
    for bytes in (0..).step_by(STEP_BYTES) {
        let result = heap.enter(|mu| {
            with_bytes(bytes, || {
                (0..3000).try_for_each(|_| mu.try_alloc(Leaf(Resource::new(&living))).map(drop))
            })
        });
        heap.check().unwrap();
        if result.is_ok() {
            break;
        }
        refusals += 1;
    }
    assert!(refusals > 3, "{refusals} refusals");
    assert!(living.get() > 0);
    drop(heap);
    assert_eq!(living.get(), 0, "all were dropped once");
}
