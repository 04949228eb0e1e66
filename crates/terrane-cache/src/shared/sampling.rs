//! Which requests the tuner sees, and what it says.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::index::Hash;
use crate::policy::rule::Rule;
use crate::policy::tuner::{Tuner, sample_mask};

use super::builder::EvictionPolicy;

/// How many entries a cache is taken to have, as long as its weigher leaves that open.
const ENTRIES_UNKNOWN: u64 = 1024;

#[derive(Debug)]
pub(super) struct Sampling {
    /// Requests for keys with a zero in these bits of the tag are seen; all bits, and so next to none, where there is no tuner.
    mask: AtomicU32,
    rule: AtomicU32,
    /// Apart from what every request reads.
    tuner: Option<Box<Mutex<Tuner>>>,
}

impl Sampling {
    pub(super) fn new(policy: EvictionPolicy, capacity: u64, weighed: bool, expected: Option<usize>) -> Self {
        let rule = match policy {
            EvictionPolicy::Adaptive | EvictionPolicy::Lfu => Rule::MORE_OFTEN,
            EvictionPolicy::Lru | EvictionPolicy::Fifo => Rule::RECENT,
        };
        let entries = match (weighed, expected) {
            (_, Some(expected)) => expected as u64,
            (true, None) => ENTRIES_UNKNOWN.min(capacity),
            (false, None) => capacity,
        };
        let adaptive = policy == EvictionPolicy::Adaptive;
        Self {
            mask: AtomicU32::new(if adaptive { sample_mask(entries) } else { u32::MAX }),
            rule: AtomicU32::new(rule.to_bits()),
            tuner: adaptive.then(|| Box::new(Mutex::new(Tuner::new(entries)))),
        }
    }

    /// The rule that is right now.
    pub(super) fn rule(&self) -> Rule {
        Rule::from_bits(self.rule_bits())
    }

    #[inline]
    pub(super) fn rule_bits(&self) -> u32 {
        self.rule.load(Relaxed)
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
        let Some(mut tuner) = self.tuner.as_ref().and_then(|tuner| tuner.try_lock()) else { return };
        let rule = tuner.note(hash).to_bits();
        // Every request reads what is beside it.
        if self.rule.load(Relaxed) != rule {
            self.rule.store(rule, Relaxed);
        }
        if tuner.is_time_to_compare_size() {
            let entries = entries();
            if !tuner.is_for(entries) {
                *tuner = Tuner::new(entries);
                self.mask.store(sample_mask(entries), Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_that_had_no_capacity_adapts_when_it_has_one() {
        let sampling = Sampling::new(EvictionPolicy::Adaptive, 0, false, None);
        // Each key twice, soon after each other, and never again.
        let requests = (0..20_000_u64).map(|request| 1000 + request / 2 - request % 2 * 40);
        requests.for_each(|key| sampling.note(Hash::spread(key), || 100));
        assert_eq!(sampling.rule(), Rule::RECENT);
    }
}
