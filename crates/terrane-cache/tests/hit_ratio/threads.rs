//! The same requests by several threads at once.

use std::sync::Barrier;

use terrane_cache::Cache;

/// So many requests a thread makes until it waits for the others, so that none is in another part of the trace.
const STRIDE: usize = 500;

/// Hits of the adaptive cache, where each of `threads` makes every `threads`-th request; those before `counted_from` are not
/// counted.
pub(crate) fn hits(threads: usize, capacity: usize, keys: &[u64], counted_from: usize) -> usize {
    // The same in each run.
    let hasher = foldhash::fast::FixedState::with_seed(7);
    let cache = &Cache::builder().capacity(capacity).hasher(hasher).build();
    let barrier = &Barrier::new(threads);
    let of_thread = |thread| {
        let mut hits = 0;
        for (number, part) in keys.chunks(STRIDE * threads).enumerate() {
            barrier.wait();
            for (at, &key) in part.iter().enumerate().skip(thread).step_by(threads) {
                if cache.get(&key).is_some() {
                    hits += usize::from(number * STRIDE * threads + at >= counted_from);
                } else {
                    cache.insert(key, ());
                }
            }
        }
        hits
    };
    std::thread::scope(|scope| {
        let of_thread = &of_thread;
        let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(move || of_thread(thread))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread of the test")).sum()
    })
}
