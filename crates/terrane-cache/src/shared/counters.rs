//! Counting what is rare. Hits, misses and evictions are counted in the shards, with the lock that they have.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::stats::CacheStats;

#[derive(Debug, Default)]
pub(super) struct Counters {
    rejected: AtomicU64,
    loads: AtomicU64,
    failed_loads: AtomicU64,
    load_ns: AtomicU64,
    listener_panics: AtomicU64,
}

/// Rare enough to be counted in one place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Rejected,
    Load { took: Duration, failed: bool },
    ListenerPanic,
}

impl Counters {
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

    /// What is counted here; the rest is counted in the shards.
    pub(super) fn stats(&self) -> CacheStats {
        CacheStats {
            rejected: self.rejected.load(Relaxed),
            loads: self.loads.load(Relaxed),
            failed_loads: self.failed_loads.load(Relaxed),
            load_time: Duration::from_nanos(self.load_ns.load(Relaxed)),
            listener_panics: self.listener_panics.load(Relaxed),
            ..CacheStats::default()
        }
    }
}
