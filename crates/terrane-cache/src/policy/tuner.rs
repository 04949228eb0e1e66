//! How large the window should be, found by simulation.
//!
//! A hill climber (Einziger, Eytan, Friedman and Manes, *Adaptive Software Cache Management*, Middleware 2018) changes the window and
//! looks whether hits become more or fewer; it follows slowly, mistakes a change of the work for an effect of its own step, and stays
//! on a plateau, such as the zero hits of an LRU in a loop. So the neighbours, and all other sizes, are looked at without
//! trying them out: a sample of the keys, chosen by hash, is run through small caches with their share of the capacity, one for each size of the
//! window (Waldspurger, Saemundsson, Ahmad and Park, *Cache Modeling and Optimization using Miniature Simulations*, ATC 2017). The
//! window that served best of late becomes that of the cache.

use crate::index::Hash;

use super::engine::{Engine, Share};

/// The windows that are compared.
const SHARES: [Share; 5] = [Share(655), Share(6554), Share(19661), Share(45875), Share::WHOLE];
/// A miniature has about so many entries, if the cache has as many.
const MINIATURE_ENTRIES: u64 = 256;

#[derive(Debug)]
pub(crate) struct Tuner {
    miniatures: [Miniature; SHARES.len()],
    best: usize,
    seen: u32,
    entries: u64,
    /// Hits are forgotten at this rate.
    memory: f64,
}

#[derive(Debug)]
struct Miniature {
    engine: Engine<u64>,
    score: f64,
}

/// Which keys take part: those whose tag has zeros in these bits.
pub(crate) fn sample_mask(entries: u64) -> u32 {
    let ratio = (entries / MINIATURE_ENTRIES).clamp(1, 1 << 20);
    // The next smaller power of two.
    (1 << ratio.ilog2()) - 1
}

impl Tuner {
    /// For a cache of so many entries.
    pub(crate) fn new(entries: u64) -> Self {
        let capacity = (entries / (u64::from(sample_mask(entries)) + 1)).max(1);
        let miniatures =
            SHARES.map(|share| Miniature { engine: Engine::new(capacity, share, true), score: 0.0 });
        Self { miniatures, best: 0, seen: 0, entries, memory: 1.0 / (8 * capacity) as f64 }
    }

    /// A sampled key is asked for; the share of the window from now on.
    pub(crate) fn note(&mut self, hash: Hash) -> Share {
        for miniature in &mut self.miniatures {
            let hit = miniature.ask(hash);
            miniature.score += self.memory * (f64::from(u8::from(hit)) - miniature.score);
        }
        self.seen = self.seen.wrapping_add(1);
        if self.seen.is_multiple_of(64) {
            self.choose();
        }
        SHARES[self.best]
    }

    /// Seldom enough.
    pub(crate) fn is_time_to_compare_size(&self) -> bool {
        self.seen.is_multiple_of(1024)
    }

    /// Whether it was made for a cache of about so many entries.
    pub(crate) fn is_for(&self, entries: u64) -> bool {
        let entries = entries.max(1);
        entries / 4 <= self.entries && self.entries / 4 <= entries
    }

    fn choose(&mut self) {
        let score = |at: usize| self.miniatures[at].score;
        let best =
            (0..SHARES.len()).fold(self.best, |best, at| if score(at) > score(best) { at } else { best });
        // Not for nothing: a change moves many entries.
        if score(best) > score(self.best) + 0.005 {
            self.best = best;
        }
    }
}

impl Miniature {
    fn ask(&mut self, hash: Hash) -> bool {
        self.engine.note_requests(1);
        if self.engine.find_and_use(hash, |&other| other == hash.0).is_some() {
            return true;
        }
        let slot = self.engine.insert(hash, 1, hash.0);
        self.engine.settle(Some(slot), &mut |_, _| ());
        false
    }
}
