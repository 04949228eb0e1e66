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

use crate::index::{Elsewhere, Hash};

use super::clock::Clock;
use super::ghosts::Ghosts;
use super::mark::{Counting, Spare};
use super::nodes::{Node, Nodes, Part};

/// By so much more often: in a loop each key is asked for as often as any other, give or take one, and nothing should move.
const MARGIN: u8 = 2;
/// After so many requests for each entry, all counts are halved.
const REQUESTS_PER_ENTRY: u64 = 10;
/// So many entries at most move from window to main part with one that comes in, so that filling up has no long step.
const MOVES_MAX: u32 = 4;
/// The ghosts are never for fewer.
const GHOST_ENTRIES_MIN: usize = 64;
/// So far at most the hand goes to find an entry that was not used.
const HAND_STEPS_MAX: usize = 64;

/// The window's share of the capacity, in 65536ths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share(pub(crate) u32);

impl Share {
    pub(crate) const WHOLE: Self = Self(1 << 16);

    pub(crate) fn of(self, capacity: u64) -> u64 {
        if self == Self::WHOLE {
            return capacity;
        }
        let part = (u128::from(capacity) * u128::from(self.0)) >> 16;
        (part as u64).max(1).min(capacity)
    }
}

/// How an entry that comes out of the window can win against an old one, which was not used for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// By having been asked for clearly more often.
    MoreOften,
    /// By having been asked for more than once of late.
    Again,
}

/// What a policy is made of.
///
/// As (1 %, more often) this is W-TinyLFU, with (1 %, again) much like 2Q (Johnson and Shasha, VLDB 1994) with fingerprints for its
/// ghosts, with (100 %, any) an approximate LRU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) window: Share,
    pub(crate) admission: Admission,
}

impl Rule {
    /// Holds on to what is asked for most.
    pub(crate) const MORE_OFTEN: Self = Self { window: Share(655), admission: Admission::MoreOften };
    /// Holds on to what was used last.
    pub(crate) const RECENT: Self = Self { window: Share::WHOLE, admission: Admission::Again };

    /// Whether an entry that was asked for so often wins against one that was asked for so often.
    #[inline]
    fn admits(self, candidate_uses: u8, victim_uses: u8) -> bool {
        let enough = match self.admission {
            Admission::MoreOften => victim_uses + MARGIN,
            Admission::Again => 2,
        };
        candidate_uses >= enough
    }

    /// As one number, so that it can be told to other threads without a lock.
    pub(crate) fn to_bits(self) -> u32 {
        self.window.0 << 1 | u32::from(self.admission == Admission::Again)
    }

    pub(crate) fn from_bits(bits: u32) -> Self {
        let admission = if bits & 1 == 1 { Admission::Again } else { Admission::MoreOften };
        Self { window: Share(bits >> 1), admission }
    }
}

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

    /// Puts an entry of weight 1 in that is not there, in the place of the one that has to go, where nothing else is to be done: the cache
    /// is full, and so is its window. Who went then, with its weight; else the entry again. Entries may change their slots.
    #[inline(always)]
    pub(crate) fn replace(&mut self, hash: Hash, item: T) -> Result<(T, u32), T> {
        if self.weight() != self.capacity || self.window.weight() != self.window_max {
            return Err(item);
        }
        let Some(candidate) = self.hand(Part::Window, None) else { return Err(item) };
        // The candidate against itself, where there is no other.
        let victim = self.rival().unwrap_or(candidate);
        let uses = self.ghosts.welcome(hash.tag());
        let rule = self.rule;
        let wins = |candidate, victim| rule.admits(candidate, victim);
        let out = self.nodes.replace([candidate, victim], wins, hash, item, uses);
        let out = out.expect("a clock has entries at its hand");
        self.window.reweigh(out.candidate_weight, 1);
        self.window.pass_if(true, out.candidate_next);
        self.main.reweigh(out.weight, out.candidate_weight);
        self.main.pass_if(out.to != candidate, out.next);
        // Where there is nothing to remember, what is known of the newest is written down again: as `Nodes::replace`, without a guess.
        let (tag, count) = if out.uses > 1 { (out.tag, out.uses) } else { (hash.tag(), uses) };
        self.ghosts.remember(tag, count);
        Ok((out.item, out.weight))
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

    /// Makes room until all weighs at most the capacity; what has to go is handed out. `newest` has just come, and stays if anything else
    /// can go. Whether there was enough that is not pinned.
    #[inline]
    pub(crate) fn settle(&mut self, newest: Option<u32>, out: &mut impl FnMut(u32, T)) -> bool {
        let mut moves = 0;
        loop {
            let too_much = self.weight() > self.capacity;
            let window_over = self.window.weight() > self.window_max;
            if !too_much && (!window_over || moves == MOVES_MAX) {
                return true;
            }
            let victim = if window_over || self.main.len() == 0 {
                match self.hand(Part::Window, newest) {
                    Some(candidate) if moves < MOVES_MAX && self.fits_main(candidate) => {
                        self.promote(candidate);
                        moves += 1;
                        continue;
                    }
                    _ if !too_much => return true,
                    Some(candidate) => Some(self.contest(candidate)),
                    None => self.hand(Part::Main, None),
                }
            } else {
                self.hand(Part::Main, None)
            };
            match victim {
                Some(victim) => self.evict(victim, out),
                None => return self.evict_any(out),
            }
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

    /// Moves the hand on to the first entry that was not used since it last came by, and that may go. `newest` is passed over.
    #[inline(always)]
    fn hand(&mut self, part: Part, newest: Option<u32>) -> Option<u32> {
        // Mostly that is the first one.
        let slot = self.clock(part).hand();
        if let Some(node) = self.nodes.get(slot)
            && !(self.second_chance && node.mark.is_used_lately())
            && !node.pinned
            && newest != Some(slot)
        {
            return Some(slot);
        }
        self.move_hand(part, newest)
    }

    #[inline(never)]
    fn move_hand(&mut self, part: Part, newest: Option<u32>) -> Option<u32> {
        let clock = match part {
            Part::Window => &mut self.window,
            Part::Main => &mut self.main,
        };
        let mut second_chances = if self.second_chance { HAND_STEPS_MAX } else { 0 };
        // Twice around: after the first time none counts as used any more.
        for _ in 0..2 * clock.len() {
            let slot = clock.at_hand(&mut self.nodes)?;
            let node = self.nodes.get_mut(slot)?;
            let used = second_chances > 0 && node.mark.take_used_lately();
            if !used && !node.pinned && newest != Some(slot) {
                return Some(slot);
            }
            second_chances -= usize::from(used);
            clock.pass(&self.nodes);
        }
        None
    }

    #[inline]
    fn clock(&self, part: Part) -> &Clock {
        match part {
            Part::Window => &self.window,
            Part::Main => &self.main,
        }
    }

    fn fits_main(&self, candidate: u32) -> bool {
        self.main.weight() + u64::from(self.weight_of(candidate)) <= self.capacity - self.window_max
    }

    /// Moves the entry at the window's hand to the main part.
    fn promote(&mut self, candidate: u32) {
        let Some(node) = self.nodes.get_mut(candidate) else { return };
        node.part = Part::Main;
        let weight = node.weight;
        self.window.pop(&mut self.nodes, candidate, weight);
        self.main.push(&mut self.nodes, candidate, weight);
    }

    /// The window's candidate against the main part's: who has to go. The candidate is in the main part then, if it is not the one.
    #[inline]
    fn contest(&mut self, candidate: u32) -> u32 {
        let Some(victim) =
            self.rival().filter(|&victim| self.rule.admits(self.uses(candidate), self.uses(victim)))
        else {
            return candidate;
        };
        self.promote(candidate);
        victim
    }

    /// Against whom in the main part the window's candidate stands.
    #[inline]
    fn rival(&mut self) -> Option<u32> {
        if self.window_max == self.capacity { None } else { self.hand(Part::Main, None) }
    }

    #[inline]
    fn uses(&self, slot: u32) -> u8 {
        self.nodes.get(slot).map_or(0, |node| node.mark.uses())
    }

    /// Evicts the entry at the hand of its part.
    #[inline]
    fn evict(&mut self, slot: u32, out: &mut impl FnMut(u32, T)) {
        let Some(node) = self.nodes.take(slot) else { return };
        let clock = match node.part {
            Part::Window => &mut self.window,
            Part::Main => &mut self.main,
        };
        clock.pop(&mut self.nodes, slot, node.weight);
        self.nodes.free(slot);
        self.remember(node.tag(), node.mark.uses());
        out(node.weight, node.item);
    }

    /// Should it come back, it is known. A first use was written down when it came.
    #[inline]
    fn remember(&mut self, tag: u32, uses: u8) {
        if uses > 1 {
            self.ghosts.remember(tag, uses);
        }
    }

    /// The part whose turn it is has nothing that may go. Whatever may go goes, at last the newest.
    #[cold]
    fn evict_any(&mut self, out: &mut impl FnMut(u32, T)) -> bool {
        while self.weight() > self.capacity {
            let Some(victim) = self.hand(Part::Window, None).or_else(|| self.hand(Part::Main, None)) else {
                return false;
            };
            self.evict(victim, out);
        }
        true
    }
}

#[cfg(test)]
mod tests {
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
