//! The counts of a pool for many threads that has no lock around them.

use core::sync::atomic::Ordering::Relaxed;

use terrane_base::MemoryError;

use crate::{
    PoolStats, PoolStrategy,
    sync::{AtomicU64, AtomicUsize},
};

/// Counts that change when objects come and go, which is rare.
pub(crate) struct Counts {
    /// Objects that exist or are being made, and the most that ever did.
    total: AtomicUsize,
    peak: AtomicUsize,
    /// Idle objects, and room that is set aside for some; counted only where there is a limit.
    idle: Option<AtomicUsize>,
    misses: AtomicU64,
    refused: AtomicU64,
    created: AtomicU64,
    dropped: AtomicU64,
    detached: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

impl Counts {
    pub(crate) fn new(strategy: &PoolStrategy) -> Self {
        let limited = strategy.max_idle < strategy.max_total;
        Self {
            total: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            idle: limited.then(|| AtomicUsize::new(0)),
            misses: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            created: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            detached: AtomicU64::new(0),
        }
    }

    pub(crate) fn total(&self) -> usize {
        self.total.load(Relaxed)
    }

    /// Counts an object that is about to be made, if there may be one more; it is counted no more when the answer is dropped, unless it
    /// is [created](Making::created).
    pub(crate) fn try_make(&self, max_total: usize) -> Option<Making<'_>> {
        let one_more = |total: usize| (total < max_total).then_some(total + 1);
        let before = self.total.fetch_update(Relaxed, Relaxed, one_more).ok()?;
        self.peak.fetch_max(before + 1, Relaxed);
        Some(Making(self))
    }

    pub(crate) fn missed(&self) {
        count(&self.misses);
    }

    /// An acquisition is refused, as nothing is idle.
    pub(crate) fn exhausted(&self, capacity: usize) -> MemoryError {
        MemoryError::PoolExhausted { in_use: self.total(), capacity }
    }

    pub(crate) fn refused(&self) {
        count(&self.refused);
    }

    /// Whether one more object may be idle; it is counted then.
    #[inline(always)]
    pub(crate) fn try_idle(&self, max_idle: usize) -> bool {
        let Some(idle) = &self.idle else { return true };
        let one_more = |idle: usize| (idle < max_idle).then_some(idle + 1);
        idle.fetch_update(Relaxed, Relaxed, one_more).is_ok()
    }

    /// Sets room aside for up to so many idle objects, half of what there is at most. They are not counted one by one.
    #[cfg(feature = "std")]
    pub(crate) fn set_room_aside(&self, wanted: usize, max_idle: usize) -> usize {
        let Some(idle) = &self.idle else { return wanted };
        let mut granted = 0;
        let _ = idle.fetch_update(Relaxed, Relaxed, |idle| {
            granted = wanted.min(max_idle.saturating_sub(idle) / 2);
            Some(idle + granted)
        });
        granted
    }

    /// The room is free again.
    #[cfg(feature = "std")]
    pub(crate) fn give_room_back(&self, room: usize) {
        if let Some(idle) = &self.idle {
            idle.fetch_sub(room, Relaxed);
        }
    }

    /// One that was idle is so no more.
    #[inline(always)]
    pub(crate) fn not_idle(&self) {
        if let Some(idle) = &self.idle {
            idle.fetch_sub(1, Relaxed);
        }
    }

    pub(crate) fn dropped(&self) {
        self.total.fetch_sub(1, Relaxed);
        count(&self.dropped);
    }

    pub(crate) fn detached(&self) {
        self.total.fetch_sub(1, Relaxed);
        count(&self.detached);
    }

    pub(crate) fn stats(&self, acquired: u64, idle: usize) -> PoolStats {
        let (total, misses) = (self.total(), self.misses.load(Relaxed));
        let idle = idle.min(total);
        PoolStats {
            acquired,
            hits: acquired.saturating_sub(misses),
            misses,
            refused: self.refused.load(Relaxed),
            created: self.created.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            detached: self.detached.load(Relaxed),
            idle,
            in_use: total - idle,
            peak_in_use: self.peak.load(Relaxed),
            ..PoolStats::default()
        }
    }
}

/// An object that is counted and does not exist yet.
pub(crate) struct Making<'a>(&'a Counts);

impl Making<'_> {
    pub(crate) fn created(self) {
        count(&self.0.created);
        core::mem::forget(self);
    }
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        self.0.total.fetch_sub(1, Relaxed);
    }
}
