//! All orders in which threads can claim, use and give back the segments of a [`ConcurrentArena`].
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p terrane-arena --test loom --release`
#![cfg(loom)]

use loom::sync::Arc;
use loom::thread;
use terrane_arena::ConcurrentArena;

/// Allocates in a handle of its own and checks that nobody else writes there.
fn work(arena: &ConcurrentArena, seed: u64) {
    let local = arena.local();
    let values = [local.alloc(seed), local.alloc(seed + 1)];
    thread::yield_now();
    assert_eq!((*values[0], *values[1]), (seed, seed + 1));
}

#[test]
fn two_threads_never_have_the_same_segment() {
    loom::model(|| {
        let arena = Arc::new(ConcurrentArena::new());
        let other = Arc::clone(&arena);
        let thread = thread::spawn(move || work(&other, 10));
        work(&arena, 20);
        thread.join().expect("the thread");
        assert_eq!(arena.stats().used_bytes, 32);
    });
}

#[test]
fn a_segment_passes_from_thread_to_thread_with_its_contents() {
    loom::model(|| {
        let arena = Arc::new(ConcurrentArena::new());
        work(&arena, 1);
        let threads = [10, 20].map(|seed| {
            let arena = Arc::clone(&arena);
            thread::spawn(move || work(&arena, seed))
        });
        for thread in threads {
            thread.join().expect("the thread");
        }
        work(&arena, 30);
        assert_eq!(arena.stats().used_bytes, 64);
    });
}
