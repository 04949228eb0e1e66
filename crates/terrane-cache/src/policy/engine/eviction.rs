//! Who goes when there is no more room: the hands of the two clocks, and the contest between what they point at.

use crate::index::Hash;
use crate::policy::clock::Clock;
use crate::policy::nodes::Part;

use super::Engine;

/// So many entries at most move from window to main part with one that comes in, so that filling up has no long step.
const MOVES_MAX: u32 = 4;
/// So far at most the hand goes to find an entry that was not used.
const HAND_STEPS_MAX: usize = 64;

impl<T> Engine<T> {
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
