//! The global allocator refuses, one request after the other: each refusal is an error value, what was there stays, and
//! nothing leaks.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;
use terrane_arena::{Arena, Bytes, Checkpoint, ConcurrentArena, MemoryError, StackArena, TypedArena};

thread_local! {
    /// How many requests of this thread are still granted; `None` grants all.
    static GRANTED: Cell<Option<usize>> = const { Cell::new(None) };
    /// Requests of this thread for more bytes are refused.
    static LARGEST: Cell<usize> = const { Cell::new(usize::MAX) };
    static LIVE_BYTES: Cell<isize> = const { Cell::new(0) };
}

struct Refusing;

// SAFETY: it hands on to the system's allocator, or returns null, which an allocator may.
unsafe impl GlobalAlloc for Refusing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > LARGEST.get() {
            return ptr::null_mut();
        }
        match GRANTED.get() {
            Some(0) => return ptr::null_mut(),
            Some(left) => GRANTED.set(Some(left - 1)),
            None => {}
        }
        LIVE_BYTES.set(LIVE_BYTES.get() + layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE_BYTES.set(LIVE_BYTES.get() - layout.size() as isize);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Refusing = Refusing;

/// Runs `work` while only `granted` requests of this thread are granted.
fn with_granted<R>(granted: usize, work: impl FnOnce() -> R) -> R {
    GRANTED.set(Some(granted));
    let result = work();
    GRANTED.set(None);
    result
}

/// The arenas that stand on the common one.
fn kinds() -> Result<(), MemoryError> {
    let typed = TypedArena::new();
    for number in 0..200 {
        typed.try_alloc([number; 4])?;
    }
    assert_eq!(typed.len(), 200);
    // A budget's own node cannot be refused politely, so it is made beforehand.
    let granted = GRANTED.replace(None);
    let shared = ConcurrentArena::new();
    GRANTED.set(granted);
    let numbers = shared.try_local()?.try_alloc_slice_fill_with(500, |i| i)?;
    assert_eq!(numbers[499], 499);
    let stack = StackArena::new();
    assert_eq!(*stack.try_push(7)?, 7);
    Ok(())
}

/// Blocks, blocks of one value's own, checkpoints and scopes, in some order. Returns the first refusal.
fn program(arena: &mut Arena) -> Result<(), MemoryError> {
    let numbers = arena.try_alloc_slice_fill_with(300, |i| i as u64)?;
    let text = arena.try_alloc_str("a text that must survive")?;
    let checkpoint: Checkpoint = arena.try_checkpoint()?;
    let large = arena.try_alloc_slice_copy(&[3u8; 9_000])?;
    for i in 0..2_000u64 {
        assert_eq!(*arena.try_alloc(i)?, i);
    }
    assert!(numbers.iter().enumerate().all(|(i, number)| *number == i as u64));
    assert!(text == "a text that must survive" && large.iter().all(|byte| *byte == 3));
    arena.rewind(checkpoint).expect("a good checkpoint");
    arena.scope(|outer| {
        let kept = outer.try_alloc_slice_from_iter(0..700u32)?;
        outer.scope(|inner| inner.try_alloc_with(|| [1u8; 30_000]).map(|_| ()))?;
        let line = outer.try_alloc_fmt(format_args!("{:>5000}", "end"))?;
        assert!(kept.iter().copied().eq(0..700) && line.len() == 5_000);
        Ok::<(), MemoryError>(())
    })?;
    kinds()
}

#[test]
fn each_request_in_turn_may_be_refused() {
    let mut refusals = 0;
    for granted in 0.. {
        let live = LIVE_BYTES.get();
        let mut arena = Arena::new();
        let result = with_granted(granted, || program(&mut arena));
        let Err(error) = result else { break };
        assert!(matches!(error, MemoryError::OutOfMemory { .. }), "{error}");
        refusals += 1;
        program(&mut arena).expect("the arena still works");
        arena.reset();
        program(&mut arena).expect("and after a reset");
        drop(arena);
        assert_eq!(LIVE_BYTES.get(), live, "all memory is given back");
    }
    assert!(refusals >= 5, "the program makes several requests: {refusals}");
}

#[test]
fn a_dropped_arena_gives_back_blocks_of_every_kind() {
    let live = LIVE_BYTES.get();
    let mut arena = Arena::new();
    arena.scope(|arena| {
        arena.alloc_slice_fill_with(5_000, |i| i as u8);
        arena.alloc_slice_fill_with(900, |i| i as u8);
    });
    arena.alloc(1u64);
    arena.alloc_slice_fill_with(50_000, |i| i as u8);
    let _ = arena.checkpoint();
    assert!(LIVE_BYTES.get() > live + 50_000);
    drop(arena);
    assert_eq!(LIVE_BYTES.get(), live);
}

#[test]
fn a_smaller_block_is_taken_where_the_common_size_is_refused() {
    let arena = Arena::new().with_first_block(Bytes::from_mib(1));
    LARGEST.set(100_000);
    let value = arena.try_alloc(1u64).map(|value| *value);
    LARGEST.set(usize::MAX);
    assert_eq!((value, arena.committed_bytes()), (Ok(1), 1 << 16));
}

#[test]
fn a_refusal_leaves_the_room_of_the_current_block() {
    let arena = Arena::new();
    arena.alloc(1u64);
    assert!(with_granted(0, || arena.try_alloc([0u8; 5000]).map(|_| ())).is_err());
    assert_eq!(with_granted(0, || arena.try_alloc(2u64).map(|value| *value)), Ok(2));
    assert_eq!((arena.used_bytes(), arena.blocks()), (16, 1));
}

#[test]
fn the_plain_methods_panic_with_the_figures() {
    let arena = Arena::new().with_limit(Bytes::new(64));
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        arena.alloc([0u8; 1000]);
    }))
    .expect_err("no room");
    let message = panic.downcast_ref::<String>().expect("a message");
    assert_eq!(message, "arena: out of memory: 1.06 KiB requested, 64 B available");
}
