//! What all budgets of one tree share: the root's counter, the level of pressure, those who wait, and whom to ask for memory.

use super::pressure::Pressure;
#[cfg(feature = "std")]
use super::{arbiter::Arbiter, deferred::Deferred, waiting::Waiting};
use crate::sync::{AtomicUsize, Padded};

pub(crate) struct Tree {
    /// The usage counter of the root.
    pub(crate) used: Padded<AtomicUsize>,
    pub(crate) pressure: Pressure,
    #[cfg(feature = "std")]
    pub(crate) waiting: Waiting,
    #[cfg(feature = "std")]
    pub(crate) arbiter: Arbiter,
    #[cfg(feature = "std")]
    pub(crate) deferred: Deferred,
}

impl Tree {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            used: Padded(AtomicUsize::new(0)),
            pressure: Pressure::new(limit),
            #[cfg(feature = "std")]
            waiting: Waiting::new(),
            #[cfg(feature = "std")]
            arbiter: Arbiter::new(),
            #[cfg(feature = "std")]
            deferred: Deferred::new(),
        }
    }

    /// To be called after a counter has gone down: wakes who waits, and lets the level of pressure fall.
    #[inline]
    pub(crate) fn note_release(&self) {
        #[cfg(feature = "std")]
        self.waiting.wake();
        self.note_use();
    }

    /// To be called after the root's counter has changed, when nothing is half done.
    #[inline]
    pub(crate) fn note_use(&self) {
        let used = self.used.load(core::sync::atomic::Ordering::Relaxed);
        if self.pressure.is_out_of_band(used) {
            self.move_level(used);
        }
    }

    #[cold]
    #[inline(never)]
    fn move_level(&self, used: usize) {
        let _changed = self.pressure.set_use(used);
        #[cfg(feature = "std")]
        self.announce_level();
    }
}
