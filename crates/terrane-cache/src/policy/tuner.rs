//! Which rule is right, found by simulation.
//!
//! A hill climber (Einziger, Eytan, Friedman and Manes, *Adaptive Software Cache Management*, Middleware 2018) changes the window and
//! looks whether hits become more or fewer; it follows slowly, mistakes a change of the work for an effect of its own step, and stays
//! on a plateau, such as the zero hits of an LRU in a loop. So all rules are looked at without trying them out: a sample of the keys, chosen by
//! hash, is run through small caches with their share of the capacity, one for each rule (Waldspurger, Saemundsson, Ahmad and
//! Park, *Cache Modeling and Optimization using Miniature Simulations*, ATC 2017). The rule that served best becomes that of the cache.
//!
//! *Best* is judged over two spans. What is clearly better of late is followed at once: a loop has begun. What is somewhat better of
//! late is not: before a hot set changes, the rule that holds on to it always looks best. There the long span decides.
//!
//! A sample of keys has a weakness: where the key that is asked for most happens to be in it, nearly all sampled requests may be for that
//! one, though it is a small part of all requests. Those would dilute every difference, and let the miniatures forget too soon. So only
//! requests count that some rule would miss, and one for the same key as the last is no more than a use of it.

use crate::index::Hash;

use super::engine::Engine;
use super::mark::{Counting, Spare};
use super::rule::{Admission, Rule, Share};

const fn rule(percent: u32, admission: Admission) -> Rule {
    Rule { window: Share((percent << 16) / 100), admission }
}

/// The rules that are compared.
const RULES: [Rule; 4] =
    [Rule::MORE_OFTEN, rule(1, Admission::Again), rule(20, Admission::Again), Rule::RECENT];

/// A miniature has about so many entries, if the cache has as many.
const MINIATURE_ENTRIES: u64 = 256;
/// The spans over which hits are counted, in contested requests for each entry of a miniature. Older ones fade away.
const SHORT_SPAN: u64 = 8;
const LONG_SPAN: u64 = 64;
/// The share of the short span that has to be over before anything is judged.
const PATIENCE: f32 = 0.25;
/// How much better, in hits per contested request, is clearly better.
const CLEARLY: f32 = 0.08;
/// A change moves entries, and a little better may be chance.
const A_LITTLE: f32 = 0.015;

#[derive(Debug)]
pub(crate) struct Tuner {
    miniatures: [Miniature; RULES.len()],
    current: usize,
    seen: u64,
    /// How many of them were contested: missed by at least one miniature.
    contested: u64,
    last: Option<Hash>,
    /// For how many entries it was made.
    entries: u64,
    /// What share of the scores a contested request is.
    short_weight: f32,
    long_weight: f32,
}

/// A cache of hashes that follows one rule, and its hits per contested request.
#[derive(Debug)]
struct Miniature {
    engine: Engine<u64>,
    of_late: f32,
    for_long: f32,
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
        #[expect(clippy::cast_precision_loss, reason = "a miniature is small")]
        let weight = |span| 1.0 / (span * capacity) as f32;
        Self {
            miniatures: RULES.map(|rule| Miniature::new(capacity, rule)),
            current: 1,
            seen: 0,
            contested: 0,
            last: None,
            entries,
            short_weight: weight(SHORT_SPAN),
            long_weight: weight(LONG_SPAN),
        }
    }

    /// A sampled key is asked for; the rule from now on.
    pub(crate) fn note(&mut self, hash: Hash) -> Rule {
        self.seen += 1;
        if self.last.replace(hash) == Some(hash) {
            self.miniatures.iter().for_each(|miniature| miniature.use_again(hash));
            return RULES[self.current];
        }
        let hits = self.miniatures.each_mut().map(|miniature| miniature.ask(hash));
        if hits.contains(&false) {
            self.score(hits);
        }
        RULES[self.current]
    }

    /// A contested request had these hits.
    fn score(&mut self, hits: [bool; RULES.len()]) {
        self.contested += 1;
        // Plain means, until there are enough requests for one that fades.
        #[expect(clippy::cast_precision_loss, reason = "where it matters the number is small")]
        let plain = 1.0 / self.contested as f32;
        let (short, long) = (self.short_weight.max(plain), self.long_weight.max(plain));
        for (miniature, hit) in self.miniatures.iter_mut().zip(hits) {
            let hit = f32::from(u8::from(hit));
            miniature.of_late += short * (hit - miniature.of_late);
            miniature.for_long += long * (hit - miniature.for_long);
        }
        if self.contested.is_multiple_of(64) && plain * PATIENCE < self.short_weight {
            self.choose();
        }
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
        let of_late: fn(&Miniature) -> f32 = |miniature| miniature.of_late;
        let for_long: fn(&Miniature) -> f32 = |miniature| miniature.for_long;
        let gain = |rule: usize, score: fn(&Miniature) -> f32| {
            score(&self.miniatures[rule]) - score(&self.miniatures[self.current])
        };
        let best =
            |score| (0..RULES.len()).max_by(|&one, &other| gain(one, score).total_cmp(&gain(other, score)));
        let (Some(best_of_late), Some(best_for_long)) = (best(of_late), best(for_long)) else { return };
        if gain(best_of_late, of_late) > CLEARLY {
            self.current = best_of_late;
        } else if gain(best_for_long, for_long) > A_LITTLE && gain(best_for_long, of_late) > -CLEARLY {
            self.current = best_for_long;
        }
    }
}

impl Miniature {
    fn new(capacity: u64, rule: Rule) -> Self {
        Self { engine: Engine::new(capacity, rule, true), of_late: 0.0, for_long: 0.0 }
    }

    /// A request for the key of the last one: it is here, and no new time passes.
    fn use_again(&self, hash: Hash) {
        self.engine.find_and_use(hash, Counting::Each(&Spare::default()), |&other| other == hash.0);
    }

    fn ask(&mut self, hash: Hash) -> bool {
        self.engine.note_request(0);
        if self
            .engine
            .find_and_use(hash, Counting::Each(&Spare::default()), |&other| other == hash.0)
            .is_some()
        {
            return true;
        }
        let slot = self.engine.insert(hash, 1, hash.0);
        self.engine.settle(Some(slot), &mut |_, _| ());
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(tuner: &mut Tuner, keys: impl Iterator<Item = u64>) -> Rule {
        keys.map(|key| tuner.note(Hash::spread(key))).last().unwrap()
    }

    #[test]
    fn it_finds_the_rule_for_loops_and_for_what_was_used_last_and_comes_back() {
        let mut tuner = Tuner::new(100);
        let again = |from: u64| (0..10_000).map(move |request| from + request / 2 - request % 2 * 40);
        assert_eq!(ask(&mut tuner, again(1000)), Rule::RECENT);
        assert_eq!(ask(&mut tuner, (0..10_000).map(|request| request % 150)), Rule::MORE_OFTEN);
        assert_eq!(ask(&mut tuner, again(100_000)), Rule::RECENT);
    }

    #[test]
    fn what_is_clearly_better_is_followed_at_once() {
        let mut tuner = Tuner::new(100);
        let again = (0..100_000_u64).map(|request| 1000 + request / 2 - request % 2 * 40);
        assert_eq!(ask(&mut tuner, again), Rule::RECENT);
        // Five rounds; the long span is of forty.
        assert_eq!(ask(&mut tuner, (0..750).map(|request| request % 150)), Rule::MORE_OFTEN);
    }

    #[test]
    fn one_key_that_is_asked_for_all_the_time_hides_nothing() {
        let mut tuner = Tuner::new(100);
        // Thirty requests to it for each of a loop that does not fit.
        let requests = (0..300_000).map(|request| if request % 31 == 0 { 1 + request / 31 % 150 } else { 0 });
        assert_eq!(ask(&mut tuner, requests), Rule::MORE_OFTEN);
    }

    #[test]
    fn a_large_cache_is_simulated_by_a_sample() {
        assert_eq!((sample_mask(0), sample_mask(300), sample_mask(100_000)), (0, 0, 255));
        let tuner = Tuner::new(100_000);
        assert!(tuner.miniatures.iter().all(|miniature| miniature.engine.capacity() == 390));
        assert!(tuner.is_for(30_000) && tuner.is_for(300_000) && !tuner.is_for(20_000) && !tuner.is_for(0));
    }
}
