//! Waiting until somebody gives memory back.
//!
//! Who waits counts itself, notes the number of releases so far, tries once more, and sleeps until the number has changed. Who
//! gives back changes its counter first and then looks whether anybody is counted. Between the two steps each has a sequentially
//! consistent fence, so either the last try sees what was given back, or the giver sees the one who waits (Dekker's pattern): no
//! wake-up is lost. Without anybody who waits, giving back costs a fence and a load.

use std::time::Instant;

use core::sync::atomic::Ordering::{Relaxed, SeqCst};

use crate::sync::{AtomicUsize, Condvar, Mutex, fence, lock};

pub(crate) struct Waiting {
    waiters: AtomicUsize,
    /// How often somebody gave back while somebody waited.
    releases: Mutex<u64>,
    released: Condvar,
}

/// One who waits, counted until this is dropped.
pub(crate) struct Waiter<'a> {
    waiting: &'a Waiting,
    /// The releases before the last try.
    seen: u64,
}

impl Waiting {
    pub(crate) fn new() -> Self {
        Self { waiters: AtomicUsize::new(0), releases: Mutex::new(0), released: Condvar::new() }
    }

    #[inline]
    pub(crate) fn wake(&self) {
        fence(SeqCst);
        if self.waiters.load(Relaxed) > 0 {
            self.wake_all();
        }
    }

    #[cold]
    #[inline(never)]
    fn wake_all(&self) {
        *lock(&self.releases) += 1;
        self.released.notify_all();
    }

    /// Counts the caller among those who wait. What is given back from now on ends its sleep.
    pub(crate) fn enter(&self) -> Waiter<'_> {
        self.waiters.fetch_add(1, Relaxed);
        let mut waiter = Waiter { waiting: self, seen: 0 };
        waiter.look();
        waiter
    }
}

impl Waiter<'_> {
    /// To be called before each try.
    pub(crate) fn look(&mut self) {
        self.seen = *lock(&self.waiting.releases);
        fence(SeqCst);
    }

    /// Sleeps until somebody has given back since the last look, or until the deadline; `false` when that has passed.
    pub(crate) fn sleep_until(&self, deadline: Instant) -> bool {
        let mut releases = lock(&self.waiting.releases);
        while *releases == self.seen {
            let now = Instant::now();
            let Some(left) = deadline.checked_duration_since(now).filter(|left| !left.is_zero()) else {
                return false;
            };
            releases = match self.waiting.released.wait_timeout(releases, left) {
                Ok((guard, _)) => guard,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        true
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.waiting.waiters.fetch_sub(1, Relaxed);
    }
}
