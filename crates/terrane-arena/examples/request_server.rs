//! A server's loop: each worker takes a handle of one shared arena and a frame for each request. A request that wants more
//! than the budget allows is refused with figures, and the next one is served.
//!
//! `cargo run -p terrane-arena --example request_server`

use std::sync::atomic::{AtomicUsize, Ordering};
use terrane_arena::{ArenaStrategy, Budget, Bytes, ConcurrentArena, Frame, MemoryError, try_format_in};

const REQUESTS: usize = 1_000;

fn main() {
    let budget = Budget::root(Bytes::from_mib(1)).child("requests");
    let arena = ConcurrentArena::with_budget(ArenaStrategy::new(), &budget);
    let (next, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                let mut local = arena.local();
                while let Some(request) = take(&next) {
                    let answer = local.scope(|frame| answer(request, frame).map(|page| page.len()));
                    if let Err(error) = answer
                        && refused.fetch_add(1, Ordering::Relaxed) == 0
                    {
                        println!("request {request}: {error}");
                    }
                }
            });
        }
    });
    println!("{} of {REQUESTS} refused; {} held at most", refused.load(Ordering::Relaxed), budget.peak());
    assert_eq!(refused.load(Ordering::Relaxed), REQUESTS / 100);
}

fn take(next: &AtomicUsize) -> Option<usize> {
    Some(next.fetch_add(1, Ordering::Relaxed)).filter(|request| *request < REQUESTS)
}

/// Each hundredth request asks for too much.
fn answer<'f>(request: usize, frame: &mut Frame<'f>) -> Result<&'f str, MemoryError> {
    let rows = if request % 100 == 99 { 10_000_000 } else { 50 };
    let cells = frame.try_alloc_slice_fill_with(rows, |row| (row * request) as u64)?;
    let total: u64 = cells.iter().sum();
    Ok(try_format_in!(frame, "request {request}: {rows} rows, total {total}")?)
}
