//! Counting allocations on many threads, so that the sums belong together.
//!
//! Each thread counts in a shard of its own (see [`thread_slot`]), with plain stores. A shard has a number that is odd while its owner
//! writes and rises with each change (a *sequence lock*; Boehm: *Can Seqlocks Get Along with Programming Language Memory Models?*,
//! MSPC 2012). Whoever asks for the sums reads the numbers of all shards, then what they count, then the numbers again; if none has changed and
//! none was odd, all is as of one moment: an allocation is in the sums with all that is counted about it, or not at all, and
//! nothing is given back that was not allocated.
//!
//! So that threads that count all the time do not keep a reader from that moment, it first shuts a gate: who finds it shut waits until
//! the sums are made. Threads that have no shard of their own share one behind a lock.

use core::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};

use crate::{
    Route,
    thread_slot::{self, SLOTS},
};

const ROUTES: usize = Route::ALL.len();

#[derive(Debug)]
pub(crate) struct Counters {
    /// By the numbers of the threads.
    shards: Box<[Shard]>,
    /// Held by a reader, and by threads without a shard of their own while they count in the last one.
    gate: Mutex<()>,
    is_shut: AtomicBool,
}

// Two threads never write to one cache line, nor to a pair of lines that is fetched together.
#[repr(align(128))]
#[derive(Debug, Default)]
struct Shard {
    /// Odd while it changes.
    sequence: AtomicU64,
    routes: [RouteCounters; ROUTES],
    failures: AtomicU64,
}

#[derive(Debug, Default)]
struct RouteCounters {
    allocations: AtomicU64,
    deallocations: AtomicU64,
    bytes_allocated: AtomicU64,
    bytes_deallocated: AtomicU64,
}

/// Everything that is counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) routes: [RouteSums; ROUTES],
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

impl Default for Counters {
    fn default() -> Self {
        let shards = (0..=SLOTS).map(|_| Shard::default()).collect();
        Self { shards, gate: Mutex::new(()), is_shut: AtomicBool::new(false) }
    }
}

impl Counters {
    #[inline]
    pub(crate) fn allocated(&self, route: Route, size: usize) {
        self.count(|shard| {
            let counters = &shard.routes[route.index()];
            add(&counters.allocations, 1);
            add(&counters.bytes_allocated, size as u64);
        });
    }

    #[inline]
    pub(crate) fn deallocated(&self, route: Route, size: usize) {
        self.count(|shard| {
            let counters = &shard.routes[route.index()];
            add(&counters.deallocations, 1);
            add(&counters.bytes_deallocated, size as u64);
        });
    }

    pub(crate) fn failed(&self) {
        self.count(|shard| add(&shard.failures, 1));
    }

    /// All sums as of one moment.
    pub(crate) fn sums(&self) -> Sums {
        let _gate = self.gate();
        self.is_shut.store(true, Relaxed);
        let sums = loop {
            match self.try_sums() {
                Some(sums) => break sums,
                // Somebody was within a few stores when the gate was shut.
                None => thread::yield_now(),
            }
        };
        self.is_shut.store(false, Relaxed);
        sums
    }

    /// `None` when somebody counted meanwhile.
    fn try_sums(&self) -> Option<Sums> {
        let before = self.sequences();
        let mut sums = Sums::default();
        self.shards.iter().for_each(|shard| shard.add_to(&mut sums));
        // What was read stays before what is read next.
        fence(Acquire);
        self.is_still(&before).then_some(sums)
    }

    fn sequences(&self) -> Vec<u64> {
        self.shards.iter().map(|shard| shard.sequence.load(Acquire)).collect()
    }

    /// Whether nobody was counting then, nor has since.
    fn is_still(&self, sequences: &[u64]) -> bool {
        let is_still =
            |(shard, then): (&Shard, &u64)| then.is_multiple_of(2) && shard.sequence.load(Relaxed) == *then;
        self.shards.iter().zip(sequences).all(is_still)
    }

    #[inline]
    fn count(&self, change: impl FnOnce(&Shard)) {
        match thread_slot::own() {
            Some(slot) if !self.is_shut.load(Relaxed) => self.shards[slot].write(change),
            slot => self.count_behind_gate(slot, change),
        }
    }

    #[cold]
    #[inline(never)]
    fn count_behind_gate(&self, slot: Option<usize>, change: impl FnOnce(&Shard)) {
        let _gate = self.gate();
        self.shards[slot.unwrap_or(SLOTS)].write(change);
    }

    fn gate(&self) -> MutexGuard<'_, ()> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    /// For its owner, or with the gate.
    #[inline]
    fn write(&self, change: impl FnOnce(&Self)) {
        let sequence = self.sequence.load(Relaxed);
        self.sequence.store(sequence + 1, Relaxed);
        // Who sees something of the change sees that the number was odd.
        fence(Release);
        change(self);
        self.sequence.store(sequence + 2, Release);
    }

    fn add_to(&self, sums: &mut Sums) {
        for (sums, counters) in sums.routes.iter_mut().zip(&self.routes) {
            sums.allocations += counters.allocations.load(Relaxed);
            sums.deallocations += counters.deallocations.load(Relaxed);
            sums.bytes_allocated += counters.bytes_allocated.load(Relaxed);
            sums.bytes_deallocated += counters.bytes_deallocated.load(Relaxed);
        }
        sums.failures += self.failures.load(Relaxed);
    }
}

/// For the only one who writes there.
#[inline]
fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(more), Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

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

    /// What one thread allocates another gives back, in another shard.
    #[test]
    fn nothing_is_given_back_that_was_not_allocated() {
        let counters = Counters::default();
        std::thread::scope(|scope| {
            let (hand_over, taken) = mpsc::sync_channel::<usize>(4);
            let counters = &counters;
            let giving = scope.spawn(move || {
                for size in 1..20_000 {
                    counters.allocated(Route::Arenas, size);
                    hand_over.send(size).unwrap();
                }
            });
            scope.spawn(move || taken.iter().for_each(|size| counters.deallocated(Route::Arenas, size)));
            while !giving.is_finished() {
                let sums = counters.sums().routes[1];
                let held = sums.allocations.checked_sub(sums.deallocations).expect("allocated before");
                assert!(held <= 6, "as many as the two threads and what is between them can hold: {held}");
                assert!(sums.bytes_allocated >= sums.bytes_deallocated);
            }
        });
        let sums = counters.sums().routes[1];
        assert_eq!((sums.allocations, sums.bytes_allocated), (19_999, sums.bytes_deallocated));
    }

    #[test]
    fn sums_that_somebody_changes_are_read_again() {
        let counters = Counters::default();
        counters.count(|shard| {
            add(&shard.routes[0].allocations, 1);
            assert!(counters.try_sums().is_none(), "half of a change");
            add(&shard.routes[0].bytes_allocated, 5);
        });
        let sums = counters.try_sums().unwrap().routes[0];
        assert_eq!((sums.allocations, sums.bytes_allocated), (1, 5));
        let before = counters.sequences();
        assert!(counters.is_still(&before));
        counters.deallocated(Route::Pools, 5);
        assert!(!counters.is_still(&before), "a whole change");
    }

    #[test]
    fn a_thread_that_finds_the_gate_shut_waits() {
        let counters = Counters::default();
        std::thread::scope(|scope| {
            let gate = counters.gate();
            counters.is_shut.store(true, Relaxed);
            let waiting = scope.spawn(|| counters.failed());
            (0..1000).for_each(|_| thread::yield_now());
            assert!(!waiting.is_finished() && counters.try_sums().unwrap().failures == 0);
            counters.is_shut.store(false, Relaxed);
            drop(gate);
        });
        assert_eq!(counters.sums().failures, 1);
    }

    #[test]
    fn a_thread_without_a_shard_of_its_own_counts_too() {
        let counters = Counters::default();
        counters.count_behind_gate(None, |shard| add(&shard.failures, 2));
        counters.failed();
        assert_eq!(counters.sums().failures, 3);
    }
}
