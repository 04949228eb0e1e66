//! Window, main part, and the contest between them: W-TinyLFU (Einziger, Friedman and Manes, ACM ToS 2017) over clocks.
//!
//! ```text
//!   new ──→ window ──→ contest ──→ main
//!            ↺ used       │ loser   ↺ used
//!                         ↓
//!                        out
//! ```
//!
//! New entries join the *window*. When it is larger than its share, its oldest entry that was not used since the hand last came by
//! (*clock*, Corbató 1968) stands against the oldest such entry of the *main* part: the one that was asked for more often
//! stays. A small window makes the cache resist scans and loops; with a window of 100 % it is an approximate LRU. How large it is, and
//! how much more often is enough, is decided elsewhere (`tuner`).
//!
//! Differences from the paper, with their reasons: uses of entries are counted at the entries, not in a sketch, so that a hit
//! touches no second place; and both parts are clocks and not lists in order of use, so that a hit moves nothing and needs no lock.

mod eviction;

use crate::index::{Elsewhere, Hash};

use super::clock::Clock;
use super::ghosts::Ghosts;
use super::mark::{Counting, Spare};
use super::nodes::{Node, Nodes, Part};
use super::rule::Rule;

/// After so many requests for each entry, all counts are halved.
const REQUESTS_PER_ENTRY: u64 = 10;
/// The ghosts are never for fewer.
const GHOST_ENTRIES_MIN: usize = 64;

/// Entries with the order in which they go. The fields keep their order: what a look-up needs comes first.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Engine<T> {
    nodes: Nodes<T>,
    window: Clock,
    main: Clock,
    capacity: u64,
    rule: Rule,
    rule_bits: u32,
    /// What the window may weigh: follows from capacity and rule.
    window_max: u64,
    /// Whether an entry that was used gets another round; not so for first in, first out.
    second_chance: bool,
    ghosts: Ghosts,
    /// Requests so far, beside hits that are counted elsewhere.
    requests: u64,
    /// So many requests, in all, were made up for by halving the counts.
    requests_aged: u64,
    /// Not earlier than after so many requests, in all, the counts are halved again.
    age_from: u64,
}

impl<T> Engine<T> {
    pub(crate) fn new(capacity: u64, rule: Rule, second_chance: bool) -> Self {
        Self {
            nodes: Nodes::default(),
            window: Clock::default(),
            main: Clock::default(),
            capacity,
            rule,
            rule_bits: rule.to_bits(),
            window_max: rule.window.of(capacity),
            second_chance,
            ghosts: Ghosts::new(GHOST_ENTRIES_MIN),
            requests: 0,
            requests_aged: 0,
            age_from: 0,
        }
    }

    #[inline]
    pub(crate) fn find(&self, hash: Hash, is_it: impl FnMut(&T) -> bool) -> Option<u32> {
        self.nodes.find(hash, is_it).map(|(slot, _)| slot)
    }

    /// Finds an entry and counts a use of it.
    #[inline(always)]
    pub(crate) fn find_and_use(
        &self,
        hash: Hash,
        counting: Counting<'_>,
        is_it: impl FnMut(&T) -> bool,
    ) -> Option<(u32, &T)> {
        let (slot, node) = self.nodes.find(hash, is_it)?;
        node.mark.note_use(counting);
        Some((slot, &node.item))
    }

    /// The same, as far as that is simple.
    #[inline(always)]
    pub(crate) fn find_at_home_and_use(
        &self,
        hash: Hash,
        counting: Counting<'_>,
        is_it: impl FnMut(&T) -> bool,
    ) -> Result<Option<&T>, Elsewhere> {
        let Some(node) = self.nodes.find_at_home(hash, is_it)? else { return Ok(None) };
        node.mark.note_use(counting);
        Ok(Some(&node.item))
    }

    pub(crate) fn item(&self, slot: u32) -> Option<&T> {
        self.nodes.get(slot).map(|node| &node.item)
    }

    pub(crate) fn item_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.nodes.get_mut(slot).map(|node| &mut node.item)
    }

    /// Puts an entry in that is not there. Room is made by [`settle`](Engine::settle).
    #[inline]
    pub(crate) fn insert(&mut self, hash: Hash, weight: u32, item: T) -> u32 {
        if self.nodes.len() >= self.ghosts.entries() {
            self.ghosts.double();
        }
        let uses = self.ghosts.welcome(hash.tag());
        let slot = self.nodes.insert(Node::new(hash, item, weight, uses));
        self.window.push(&mut self.nodes, slot, weight);
        slot
    }

    /// Changes what an entry weighs, and counts a use of it. Room is made by [`settle`](Engine::settle).
    pub(crate) fn reweigh(&mut self, slot: u32, weight: u32) {
        let Some(node) = self.nodes.get_mut(slot) else { return };
        node.mark.note_use(Counting::Each(&Spare::default()));
        let before = std::mem::replace(&mut node.weight, weight);
        match node.part {
            Part::Window => self.window.reweigh(before, weight),
            Part::Main => self.main.reweigh(before, weight),
        }
    }

    /// Takes an entry out.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<T> {
        self.age_from = 0;
        let node = self.nodes.take(slot)?;
        let clock = match node.part {
            Part::Window => &mut self.window,
            Part::Main => &mut self.main,
        };
        clock.note_taken(&mut self.nodes, node.weight);
        self.remember(node.tag(), node.mark.uses());
        Some(node.item)
    }

    /// Should it come back, it is known. A first use was written down when it came.
    #[inline]
    fn remember(&mut self, tag: u32, uses: u8) {
        if uses > 1 {
            self.ghosts.remember(tag, uses);
        }
    }

    /// Counts a request, beside the hits that there were in all and that are counted elsewhere; after enough of them all counts are halved.
    #[inline]
    pub(crate) fn note_request(&mut self, hits: u64) {
        self.requests += 1;
        let requests = self.requests + hits;
        if requests >= self.age_from {
            self.age_if_due(requests);
        }
    }

    #[cold]
    #[inline(never)]
    fn age_if_due(&mut self, requests: u64) {
        let period = REQUESTS_PER_ENTRY * (self.nodes.len() as u64).max(16);
        let new = requests - self.requests_aged;
        self.requests_aged = requests - new % period;
        // Later, if more entries come until then.
        self.age_from = self.requests_aged + period;
        for _ in 0..(new / period).min(4) {
            self.ghosts.age();
            self.nodes.iter_mut().for_each(|node| node.mark.age());
        }
    }

    pub(crate) fn set_capacity(&mut self, capacity: u64) {
        self.age_from = 0;
        self.capacity = capacity;
        self.window_max = self.rule.window.of(capacity);
    }

    #[inline]
    pub(crate) fn set_rule(&mut self, rule: Rule) {
        self.set_rule_of_bits(rule.to_bits());
    }

    /// The same, for [`Rule::to_bits`].
    #[inline]
    pub(crate) fn set_rule_of_bits(&mut self, bits: u32) {
        if bits != self.rule_bits {
            self.rule_bits = bits;
            self.rule = Rule::from_bits(bits);
            self.window_max = self.rule.window.of(self.capacity);
        }
    }

    /// Exempts an entry from eviction, or ends that; whether it is here.
    pub(crate) fn set_pinned(&mut self, slot: u32, pinned: bool) -> bool {
        self.nodes.get_mut(slot).map(|node| node.pinned = pinned).is_some()
    }

    #[inline]
    pub(crate) fn weight(&self) -> u64 {
        self.window.weight() + self.main.weight()
    }

    pub(crate) fn weight_of(&self, slot: u32) -> u32 {
        self.nodes.get(slot).map_or(0, |node| node.weight)
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.nodes.iter().map(|(slot, node)| (slot, &node.item))
    }

    /// How much memory it has taken, beside what items point to.
    pub(crate) fn bytes(&self) -> usize {
        self.nodes.bytes() + self.ghosts.bytes()
    }

    /// Gives up memory that is not needed now; how many slots are left. `moved` is told the old and the new number of each slot.
    pub(crate) fn shrink(&mut self, mut moved: impl FnMut(u32, u32)) -> usize {
        let mut nodes = Nodes::with_capacity(self.nodes.len());
        for clock in [&mut self.window, &mut self.main] {
            let mut slots = Vec::with_capacity(clock.len());
            clock.go_around(&mut self.nodes, |slot| slots.push(slot));
            *clock = Clock::default();
            for from in slots {
                let Some(node) = self.nodes.take(from) else { continue };
                let weight = node.weight;
                let to = nodes.insert(node);
                clock.push(&mut nodes, to, weight);
                moved(from, to);
            }
        }
        self.nodes = nodes;
        self.ghosts.shrink(self.nodes.len().max(GHOST_ENTRIES_MIN));
        self.nodes.count()
    }

    /// Takes all entries out, with what they weigh.
    pub(crate) fn drain(&mut self) -> Vec<(u32, T)> {
        self.age_from = 0;
        self.window = Clock::default();
        self.main = Clock::default();
        self.nodes.drain().map(|node| (node.weight, node.item)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::rule::{Admission, Share};
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    const RULES: [Rule; 3] =
        [Rule::MORE_OFTEN, Rule::RECENT, Rule { window: Share(13_107), admission: Admission::Again }];

    /// Puts a key in that is not there; what went.
    fn put(engine: &mut Engine<u64>, key: u64) -> Vec<u64> {
        let hash = Hash::spread(key);
        match engine.replace(hash, key) {
            Ok((old, _)) => vec![old],
            Err(key) => {
                let mut gone = Vec::new();
                let slot = engine.insert(hash, 1, key);
                engine.settle(Some(slot), &mut |_, old| gone.push(old));
                gone
            }
        }
    }

    fn find(engine: &Engine<u64>, key: u64) -> Option<u32> {
        engine
            .find_and_use(Hash::spread(key), Counting::Each(&Spare::default()), |&other| other == key)
            .map(|(slot, _)| slot)
    }

    proptest! {
        #[test]
        fn what_is_in_it_is_what_came_and_did_not_go(
            capacity in 1..60_u64,
            keys in 1..200_u64,
            requests in prop::collection::vec((any::<u64>(), any::<u8>()), 0..2000),
        ) {
            let mut engine = Engine::new(capacity, RULES[0], true);
            // With whether they are pinned.
            let mut model = BTreeMap::new();
            for (request, what) in requests {
                // Often the lower ones.
                let key = request % keys * (request >> 32) % keys;
                let slot = find(&engine, key);
                prop_assert_eq!(slot.is_some(), model.contains_key(&key));
                match (what, slot) {
                    (0..3, _) => engine.set_rule(RULES[usize::from(what)]),
                    (3..10, Some(slot)) => {
                        prop_assert_eq!(engine.remove(slot), Some(key));
                        model.remove(&key);
                    }
                    (10..30, Some(slot)) => {
                        let pinned = request % 4 == 0;
                        engine.set_pinned(slot, pinned);
                        model.insert(key, pinned);
                    }
                    (_, Some(_)) => {}
                    (_, None) => {
                        let full = model.len() as u64 == capacity;
                        model.insert(key, false);
                        let gone = put(&mut engine, key);
                        prop_assert_eq!(gone.len(), usize::from(full));
                        for old in gone {
                            prop_assert_eq!(model.remove(&old), Some(false));
                        }
                    }
                }
                prop_assert_eq!((engine.len(), engine.weight()), (model.len(), model.len() as u64));
            }
            let here: BTreeSet<u64> = engine.iter().map(|(_, &key)| key).collect();
            prop_assert!(here.iter().eq(model.keys()));
            // Both clocks go around through all of them.
            let mut gone = BTreeSet::new();
            for &key in model.keys() {
                let slot = find(&engine, key).unwrap();
                engine.set_pinned(slot, false);
            }
            engine.set_capacity(0);
            engine.settle(None, &mut |_, key| _ = gone.insert(key));
            prop_assert_eq!(gone, here);
        }
    }

    #[test]
    fn a_new_entry_is_reached_last() {
        let mut engine = Engine::new(4, Rule::RECENT, true);
        (0..4).for_each(|key| _ = put(&mut engine, key));
        assert!(find(&engine, 0).is_some());
        // The one that was used is passed over, and the new one comes behind it.
        let gone: Vec<u64> = (4..9).flat_map(|key| put(&mut engine, key)).collect();
        assert_eq!(gone, [1, 2, 3, 0, 4]);
    }

    #[test]
    fn a_candidate_that_wins_takes_the_place_of_the_one_that_goes() {
        // A window of one.
        let mut engine = Engine::new(4, Rule { window: Share(655), admission: Admission::Again }, true);
        (0..4).for_each(|key| _ = put(&mut engine, key));
        let in_window: Vec<u64> = (4..7).flat_map(|key| put(&mut engine, key)).collect();
        assert_eq!(in_window, [3, 4, 5], "none was asked for again");
        // A key that was here before wins when its turn comes.
        assert_eq!(put(&mut engine, 3), [6]);
        assert_eq!(put(&mut engine, 7), [0]);
        assert!([1, 2, 3, 7].into_iter().all(|key| find(&engine, key).is_some()));
        assert_eq!(engine.main.len(), 3);
    }
}
