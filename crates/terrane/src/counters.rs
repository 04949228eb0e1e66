//! Counting allocations on many threads, so that the sums belong together.
//!
//! Each thread counts in one of several shards, under the shard's lock, which it rarely finds taken. Whoever asks for the sums takes all
//! locks first: so an allocation is in the sums with all that is counted about it, or not at all, and nothing is given back that was not
//! allocated.

use core::{
    array,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Route;

const SHARDS: usize = 8;

#[derive(Debug, Default)]
pub(crate) struct Counters {
    shards: [Shard; SHARDS],
}

// Two threads never write to one cache line, nor to a pair of lines that is fetched together.
#[repr(align(128))]
#[derive(Debug, Default)]
struct Shard(Mutex<Sums>);

/// Everything that is counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) routes: [RouteSums; Route::ALL.len()],
    pub(crate) failures: u64,
}

/// What is counted about one level.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RouteSums {
    pub(crate) allocations: u64,
    pub(crate) deallocations: u64,
    pub(crate) bytes_allocated: u64,
    pub(crate) bytes_deallocated: u64,
}

impl RouteSums {
    fn add(&mut self, other: &Self) {
        self.allocations += other.allocations;
        self.deallocations += other.deallocations;
        self.bytes_allocated += other.bytes_allocated;
        self.bytes_deallocated += other.bytes_deallocated;
    }
}

impl Counters {
    pub(crate) fn allocated(&self, route: Route, size: usize) {
        let mut sums = self.own_shard();
        let sums = &mut sums.routes[route.index()];
        sums.allocations += 1;
        sums.bytes_allocated += size as u64;
    }

    pub(crate) fn deallocated(&self, route: Route, size: usize) {
        let mut sums = self.own_shard();
        let sums = &mut sums.routes[route.index()];
        sums.deallocations += 1;
        sums.bytes_deallocated += size as u64;
    }

    pub(crate) fn failed(&self) {
        self.own_shard().failures += 1;
    }

    /// All sums as of one moment.
    pub(crate) fn sums(&self) -> Sums {
        let shards: [_; SHARDS] = array::from_fn(|index| lock(&self.shards[index]));
        let mut total = Sums::default();
        for shard in &shards {
            for (total, sums) in total.routes.iter_mut().zip(&shard.routes) {
                total.add(sums);
            }
            total.failures += shard.failures;
        }
        total
    }

    fn own_shard(&self) -> MutexGuard<'_, Sums> {
        lock(&self.shards[thread_number() % SHARDS])
    }
}

fn lock(shard: &Shard) -> MutexGuard<'_, Sums> {
    shard.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Numbers the threads. It says nothing about any system, so it is one for all.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    std::thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Relaxed);
    }
    NUMBER.try_with(|number| *number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_belong_together_while_threads_count() {
        let counters = Counters::default();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for size in 1..2000 {
                        counters.allocated(Route::Pools, size);
                        counters.deallocated(Route::Pools, size);
                    }
                });
            }
            for _ in 0..500 {
                let sums = counters.sums().routes[0];
                let held = sums.allocations - sums.deallocations;
                assert!(held <= 3, "each thread holds one at most");
                let bytes = sums.bytes_allocated - sums.bytes_deallocated;
                assert!((held == 0) == (bytes == 0), "{sums:?}");
            }
        });
        let sums = counters.sums().routes[0];
        assert_eq!((sums.allocations, sums.deallocations), (3 * 1999, 3 * 1999));
        assert_eq!(sums.bytes_allocated, sums.bytes_deallocated);
    }

    /// What one thread allocates another may give back, in another shard: so all are locked before the first is read.
    #[test]
    fn all_shards_are_held_while_they_are_added_up() {
        let counters = Counters::default();
        std::thread::scope(|scope| {
            let last = lock(&counters.shards[SHARDS - 1]);
            let reader = scope.spawn(|| counters.sums());
            let others = &counters.shards[..SHARDS - 1];
            let holds_all = (0..1_000_000).any(|_| {
                std::thread::yield_now();
                others.iter().all(|shard| shard.0.try_lock().is_err())
            });
            drop(last);
            assert!(holds_all);
            assert_eq!(reader.join().unwrap().failures, 0);
        });
    }
}
