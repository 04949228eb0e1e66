//! Which requests the tuner sees, and what it says.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::index::Hash;
use crate::policy::engine::Share;
use crate::policy::tuner::{Tuner, sample_mask};

use super::builder::EvictionPolicy;

/// One per cent.
const SMALL_WINDOW: Share = Share(655);
/// How many entries a cache is taken to have, as long as its weigher leaves that open.
const ENTRIES_UNKNOWN: u64 = 1024;

#[derive(Debug)]
pub(super) struct Sampling {
    /// Requests for keys with a zero in these bits of the tag are seen; all bits, and so next to none, where there is no tuner.
    mask: AtomicU32,
    window: AtomicU32,
    tuner: Option<Mutex<Tuner>>,
}

impl Sampling {
    pub(super) fn new(policy: EvictionPolicy, capacity: u64, weighed: bool, expected: Option<usize>) -> Self {
        let window = match policy {
            EvictionPolicy::Adaptive | EvictionPolicy::Lfu => SMALL_WINDOW,
            EvictionPolicy::Lru | EvictionPolicy::Fifo => Share::WHOLE,
        };
        let entries = match (weighed, expected) {
            (_, Some(expected)) => expected as u64,
            (true, None) => ENTRIES_UNKNOWN.min(capacity),
            (false, None) => capacity,
        };
        let adaptive = policy == EvictionPolicy::Adaptive && capacity > 0;
        Self {
            mask: AtomicU32::new(if adaptive { sample_mask(entries) } else { u32::MAX }),
            window: AtomicU32::new(window.0),
            tuner: adaptive.then(|| Mutex::new(Tuner::new(entries))),
        }
    }

    /// The share of the window that is right now.
    pub(super) fn window(&self) -> Share {
        Share(self.window.load(Relaxed))
    }

    /// To be called for each request. A sample of them is taken: mostly nothing happens.
    #[inline]
    pub(super) fn note(&self, hash: Hash, entries: impl FnOnce() -> u64) {
        if hash.tag() & self.mask.load(Relaxed) == 0 {
            self.note_sampled(hash, entries);
        }
    }

    #[cold]
    #[inline(never)]
    fn note_sampled(&self, hash: Hash, entries: impl FnOnce() -> u64) {
        // Where another thread is at it, this request is not seen.
        let Some(mut tuner) = self.tuner.as_ref().and_then(Mutex::try_lock) else { return };
        let window = tuner.note(hash);
        self.window.store(window.0, Relaxed);
        if tuner.is_time_to_compare_size() {
            let entries = entries();
            if !tuner.is_for(entries) {
                *tuner = Tuner::new(entries);
                self.mask.store(sample_mask(entries), Relaxed);
            }
        }
    }
}
