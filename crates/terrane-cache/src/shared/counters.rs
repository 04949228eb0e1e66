//! Counting hits and misses without contention.
//!
//! A counter that all threads add to would cost more than the rest of a hit. So there are stripes, each on cache lines of its own; the first
//! threads own one each and count with a load and a store, all others share one and add atomically.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::stats::CacheStats;

use super::thread_number::thread_number;

/// Stripes with an owner; one more is for everybody else.
const OWNED: usize = 15;

#[derive(Debug, Default)]
pub(super) struct Counters {
    stripes: [Stripe; OWNED + 1],
    rejected: AtomicU64,
    loads: AtomicU64,
    failed_loads: AtomicU64,
    load_ns: AtomicU64,
    listener_panics: AtomicU64,
}

/// Prefetchers fetch two lines of 64 bytes.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe {
    hits: AtomicU64,
    misses: AtomicU64,
}

/// What is rare enough to be counted in one place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Rejected,
    Load { took: Duration, failed: bool },
    ListenerPanic,
}

impl Counters {
    /// Counts a hit of the thread with this number; how many there were in its stripe before.
    #[inline]
    pub(super) fn hit(&self, thread: usize) -> u64 {
        self.count(thread, |stripe| &stripe.hits)
    }

    #[inline]
    pub(super) fn miss(&self, thread: usize) {
        self.count(thread, |stripe| &stripe.misses);
    }

    #[inline]
    fn count(&self, thread: usize, which: impl Fn(&Stripe) -> &AtomicU64) -> u64 {
        match self.stripes[..OWNED].get(thread) {
            Some(own) => {
                let counter = which(own);
                let before = counter.load(Relaxed);
                counter.store(before + 1, Relaxed);
                before
            }
            None => self.count_first(which),
        }
    }

    /// Gives the thread a number if it has none.
    #[cold]
    #[inline(never)]
    fn count_first(&self, which: impl Fn(&Stripe) -> &AtomicU64) -> u64 {
        let own = thread_number().and_then(|number| self.stripes[..OWNED].get(number));
        which(own.unwrap_or(&self.stripes[OWNED])).fetch_add(1, Relaxed)
    }

    pub(super) fn note(&self, event: Event) {
        match event {
            Event::Rejected => self.rejected.fetch_add(1, Relaxed),
            Event::Load { took, failed } => {
                self.load_ns.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed);
                if failed { &self.failed_loads } else { &self.loads }.fetch_add(1, Relaxed)
            }
            Event::ListenerPanic => self.listener_panics.fetch_add(1, Relaxed),
        };
    }

    /// Hits so far. While threads go on, about that many.
    pub(super) fn hits(&self) -> u64 {
        self.stripes.iter().map(|stripe| stripe.hits.load(Relaxed)).sum()
    }

    /// What is counted here; the rest is counted in the shards.
    pub(super) fn stats(&self) -> CacheStats {
        CacheStats {
            hits: self.hits(),
            misses: self.stripes.iter().map(|stripe| stripe.misses.load(Relaxed)).sum(),
            rejected: self.rejected.load(Relaxed),
            loads: self.loads.load(Relaxed),
            failed_loads: self.failed_loads.load(Relaxed),
            load_time: Duration::from_nanos(self.load_ns.load(Relaxed)),
            listener_panics: self.listener_panics.load(Relaxed),
            ..CacheStats::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::thread_number::known_thread_number;

    #[test]
    fn nothing_is_lost_however_many_threads_there_are() {
        let counters = Counters::default();
        std::thread::scope(|scope| {
            for _ in 0..40 {
                scope.spawn(|| (0..500).for_each(|_| _ = counters.hit(known_thread_number())));
            }
        });
        assert_eq!(counters.hits(), 20_000);
    }
}
