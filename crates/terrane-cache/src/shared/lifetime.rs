//! Until when an entry may be used.
//!
//! A time to live counts from when the value was written, a time to idle from when it was last used. A use notes its time only when the
//! *tick*, 2²⁰ ns or about a millisecond, is another one than before: most uses write nothing. So an entry may idle away up to
//! one tick early.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

const TICK_BITS: u32 = 20;
const NEVER: u64 = u64::MAX;

/// Times of one entry, in nanoseconds of the cache's clock.
#[derive(Debug)]
pub(super) struct Lifetime {
    /// Past this the value is too old.
    deadline_ns: u64,
    /// So long it may go unused.
    idle_ns: u64,
    used_ns: AtomicU64,
    /// From then on it should be computed again, though it may still be used.
    refresh_ns: AtomicU64,
}

/// Lifetimes of entries, by slot.
#[derive(Debug, Default)]
pub(super) struct Lifetimes {
    by_slot: Vec<Option<Lifetime>>,
}

impl Lifetimes {
    pub(super) fn for_slots(slots: usize) -> Self {
        let mut by_slot = Vec::new();
        by_slot.resize_with(slots, || None);
        Self { by_slot }
    }

    pub(super) fn get(&self, slot: u32) -> Option<&Lifetime> {
        self.by_slot.get(slot as usize)?.as_ref()
    }

    pub(super) fn set(&mut self, slot: u32, lifetime: Option<Lifetime>) {
        if lifetime.is_some() && self.by_slot.len() <= slot as usize {
            self.by_slot.resize_with(slot as usize + 1, || None);
        }
        if let Some(place) = self.by_slot.get_mut(slot as usize) {
            *place = lifetime;
        }
    }

    pub(super) fn take(&mut self, slot: u32) -> Option<Lifetime> {
        self.by_slot.get_mut(slot as usize)?.take()
    }

    /// How many slots there are that may have one.
    pub(super) fn slots(&self) -> usize {
        self.by_slot.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.by_slot.capacity() * size_of::<Option<Lifetime>>()
    }
}

/// How long values live, as the cache was told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lifespans {
    pub(super) live: Option<Duration>,
    pub(super) idle: Option<Duration>,
    pub(super) refresh: Option<Duration>,
}

impl Lifespans {
    pub(super) fn is_any(&self) -> bool {
        self.live.is_some() || self.idle.is_some() || self.refresh.is_some()
    }

    pub(super) fn from(&self, now_ns: u64) -> Lifetime {
        let after = |span: Option<Duration>| span.map_or(NEVER, |span| now_ns.saturating_add(ns(span)));
        Lifetime {
            deadline_ns: after(self.live),
            idle_ns: self.idle.map_or(NEVER, ns),
            used_ns: AtomicU64::new(now_ns),
            refresh_ns: AtomicU64::new(after(self.refresh)),
        }
    }
}

impl Lifetime {
    pub(super) fn is_over(&self, now_ns: u64) -> bool {
        now_ns >= self.deadline_ns || now_ns >= self.used_ns.load(Relaxed).saturating_add(self.idle_ns)
    }

    pub(super) fn note_use(&self, now_ns: u64) {
        if self.idle_ns != NEVER && self.used_ns.load(Relaxed) >> TICK_BITS != now_ns >> TICK_BITS {
            self.used_ns.store(now_ns, Relaxed);
        }
    }

    /// Claims the refreshing: only one caller gets `true`.
    pub(super) fn claim_refresh(&self, now_ns: u64) -> bool {
        let due = self.refresh_ns.load(Relaxed);
        due != NEVER
            && now_ns >= due
            && self.refresh_ns.compare_exchange(due, NEVER, Relaxed, Relaxed).is_ok()
    }

    /// The value is due for refreshing from then on.
    pub(super) fn set_refresh(&self, from_ns: u64) {
        self.refresh_ns.store(from_ns, Relaxed);
    }
}

pub(super) fn ns(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(NEVER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_end_counts_and_uses_move_only_the_one() {
        let second = 1_000_000_000;
        let spans = Lifespans {
            live: Some(Duration::from_secs(10)),
            idle: Some(Duration::from_secs(3)),
            refresh: None,
        };
        let life = spans.from(0);
        assert!(!life.is_over(3 * second - 1));
        assert!(life.is_over(3 * second));
        for time in [2, 4, 6, 8, 9] {
            life.note_use(time * second);
            assert!(!life.is_over((time + 1) * second - 1));
        }
        assert!(life.is_over(10 * second));
    }

    #[test]
    fn refreshing_is_claimed_once() {
        let life = Lifespans { refresh: Some(Duration::from_nanos(5)), ..Lifespans::default() }.from(1);
        assert!(!life.claim_refresh(5));
        assert!(life.claim_refresh(6));
        assert!(!life.claim_refresh(7));
        life.set_refresh(8);
        assert!(!life.claim_refresh(7));
        assert!(life.claim_refresh(8));
    }
}
