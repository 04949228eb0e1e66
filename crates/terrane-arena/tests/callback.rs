//! A global allocator that calls back into the arena which has just called it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;
use std::sync::Mutex;
use terrane_arena::{Arena, Checkpoint, ConcurrentArena, Frame, Local, MemoryError, StackArena, StackBox};

thread_local! {
    /// What the next call of the allocator does first.
    static CALL: Cell<Option<Box<dyn FnOnce()>>> = const { Cell::new(None) };
}

/// What is leaked in these tests, so that a leak checker finds it.
static KEPT: Mutex<Vec<usize>> = Mutex::new(Vec::new());

fn keep<T>(value: T) -> &'static mut T {
    let kept = Box::leak(Box::new(value));
    KEPT.lock().unwrap().push((&raw const *kept).addr());
    kept
}

struct CallingBack;

// SAFETY: the system's allocator serves all requests.
unsafe impl GlobalAlloc for CallingBack {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if let Ok(Some(call)) = CALL.try_with(Cell::take) {
            call();
        }
        // SAFETY: the caller vouches for the layout.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller vouches for both.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: CallingBack = CallingBack;

/// What the allocator got when it called back.
struct Notes<T: 'static>(&'static Cell<Option<T>>);

impl<T> Notes<T> {
    /// Has the next call of the allocator run `call` first.
    fn of(call: impl FnOnce() -> T + 'static) -> Self {
        let cell: &'static Cell<Option<T>> = keep(Cell::new(None));
        CALL.set(Some(Box::new(move || cell.set(Some(call())))));
        Self(cell)
    }

    fn take(self) -> T {
        self.0.take().expect("the allocator was called")
    }
}

type Refused = Result<&'static mut u64, MemoryError>;

/// What the callback may have got is not handed out again.
fn assert_apart(note: Refused, other: &u64) {
    if let Ok(note) = note {
        assert!(!ptr::eq(note, other), "two values at one address");
    }
}

fn arena() -> &'static Arena {
    keep(Arena::new())
}

#[test]
fn an_arena_that_is_asked_while_it_asks_hands_nothing_out_twice() {
    for size in [8, 2_000, 100_000] {
        let arena = arena();
        arena.alloc(0u64);
        let note = Notes::of(|| arena.try_alloc(5u64));
        arena.alloc_slice_fill_with(size.max(1_000), |_| 0u8);
        assert_apart(note.take(), arena.alloc(7u64));
    }
}

#[test]
fn the_first_block_is_asked_for_in_peace() {
    let arena = arena();
    let note = Notes::of(|| arena.try_alloc(5u64));
    let first = arena.alloc(7u64);
    assert_apart(note.take(), first);
    assert_eq!(arena.used_bytes(), 8);
}

#[test]
fn a_frame_and_the_handle_of_a_thread_do_as_well() {
    let arena: &'static mut Arena = keep(Arena::new());
    let guard = keep(arena.enter());
    let frame: &'static Frame<'static> = keep(guard.frame());
    frame.alloc(0u64);
    let note = Notes::of(|| frame.try_alloc(5u64));
    frame.alloc_slice_fill_with(100_000, |_| 0u8);
    assert_apart(note.take(), frame.alloc(7u64));

    let shared: &'static ConcurrentArena = keep(ConcurrentArena::new());
    let local: &'static Local<'static> = keep(shared.local());
    local.alloc(0u64);
    let note = Notes::of(|| local.try_alloc(5u64));
    local.alloc_slice_fill_with(100_000, |_| 0u8);
    assert_apart(note.take(), local.alloc(7u64));
}

#[test]
fn a_vector_that_grows_does_as_well() {
    let arena = arena();
    let mut numbers = arena.vec::<u64>();
    numbers.push(1);
    let note = Notes::of(|| arena.try_alloc(5u64));
    numbers.reserve(100_000);
    assert_apart(note.take(), arena.alloc(7u64));
}

#[test]
fn a_checkpoint_that_is_taken_while_one_is_taken_is_refused_or_apart() {
    let owner = Box::into_raw(Box::new(Arena::new()));
    // SAFETY: it is leaked, and borrowed shared until the last use of this reference, before the rewind.
    let within: &'static Arena = unsafe { &*owner };
    within.alloc(1u64);
    let note: Notes<Result<Checkpoint, MemoryError>> = Notes::of(|| within.try_checkpoint());
    let outer = within.checkpoint();
    let inner = note.take();
    within.alloc(2u64);
    // SAFETY: the shared reference is not used any more.
    let arena = unsafe { &mut *owner };
    assert_eq!(arena.rewind(outer), Ok(()));
    assert_eq!(arena.used_bytes(), 8);
    assert!(inner.is_err());
    // SAFETY: it was made by `Box`, and nothing borrows from it any more.
    drop(unsafe { Box::from_raw(owner) });
}

#[test]
fn the_buffer_of_a_stack_is_asked_for_once() {
    let stack: &'static StackArena = keep(StackArena::new());
    let note: Notes<Result<StackBox<'static, u64>, MemoryError>> = Notes::of(|| stack.try_push(5u64));
    let outer = stack.push(7u64);
    let inner = note.take().expect("there was memory");
    assert!(stack.owns(&*outer) && stack.owns(&*inner));
    assert_eq!((*outer, *inner), (7, 5));
}
