//! A clock: entries in a circle, and a hand that goes around (Corbató, *A Paging Experiment with the Multics System*, 1968).
//!
//! The circle goes through the slots (`nodes`), each of which has the number of the next. The clock knows the slot at the hand, and the one
//! *before* it: so the entry at the hand can be taken out, and a new one put in behind the hand, where it is reached last. Passing an entry
//! over changes nothing but the hand, and so does an entry that takes the place of the one at the hand. What leaves from elsewhere
//! in the circle stays in it as an empty slot, until the hand comes by.

use crate::index::NONE;

use super::nodes::Nodes;

#[derive(Debug)]
pub(crate) struct Clock {
    /// The slot before the hand; none if the circle is empty.
    before: u32,
    /// The slot at the hand, which is the next of that.
    hand: u32,
    /// How many entries there are, and what they weigh.
    len: usize,
    weight: u64,
    /// How many empty slots.
    empty: usize,
}

impl Default for Clock {
    fn default() -> Self {
        Self { before: NONE, hand: NONE, len: 0, weight: 0, empty: 0 }
    }
}

impl Clock {
    /// Puts an entry in that is in no clock.
    #[inline]
    pub(crate) fn push<T>(&mut self, nodes: &mut Nodes<T>, slot: u32, weight: u32) {
        if self.before == NONE {
            self.hand = slot;
        } else {
            nodes.set_next(self.before, slot);
        }
        nodes.set_next(slot, self.hand);
        self.before = slot;
        self.weight += u64::from(weight);
        self.len += 1;
    }

    /// The slot at the hand, which is not empty; those before it are freed.
    #[inline]
    pub(crate) fn at_hand<T>(&mut self, nodes: &mut Nodes<T>) -> Option<u32> {
        loop {
            let slot = self.hand;
            if self.empty == 0 || nodes.get(slot).is_some() {
                return (slot != NONE).then_some(slot);
            }
            self.unlink(nodes, slot);
            self.empty -= 1;
            nodes.free(slot);
        }
    }

    /// The slot at the hand, which may be empty; none if the circle is empty.
    #[inline]
    pub(crate) fn hand(&self) -> u32 {
        self.hand
    }

    /// Passes over the slot at the hand.
    #[inline]
    pub(crate) fn pass<T>(&mut self, nodes: &Nodes<T>) {
        self.before = self.hand;
        self.hand = nodes.next(self.hand);
    }

    /// The same for one that is not empty, if `passes`; `next` is the next of it. Without a branch.
    #[inline]
    pub(crate) fn pass_if(&mut self, passes: bool, next: u32) {
        let passes = usize::from(passes);
        self.before = [self.before, self.hand][passes];
        self.hand = [self.hand, next][passes];
    }

    /// Takes the entry at the hand out of the circle.
    #[inline]
    pub(crate) fn pop<T>(&mut self, nodes: &mut Nodes<T>, slot: u32, weight: u32) {
        self.unlink(nodes, slot);
        self.weight -= u64::from(weight);
        self.len -= 1;
    }

    fn unlink<T>(&mut self, nodes: &mut Nodes<T>, slot: u32) {
        if self.before == slot {
            (self.before, self.hand) = (NONE, NONE);
        } else {
            self.hand = nodes.next(slot);
            nodes.set_next(self.before, self.hand);
        }
    }

    /// An entry has been taken out of its slot, which is somewhere in the circle.
    pub(crate) fn note_taken<T>(&mut self, nodes: &mut Nodes<T>, weight: u32) {
        self.weight -= u64::from(weight);
        self.len -= 1;
        self.empty += 1;
        if self.empty > self.len + 64 {
            self.go_around(nodes, |_| ());
        }
    }

    /// An entry weighs something else now.
    #[inline]
    pub(crate) fn reweigh(&mut self, before: u32, after: u32) {
        self.weight = self.weight + u64::from(after) - u64::from(before);
    }

    /// Lets the hand go around once, and frees what is empty.
    pub(crate) fn go_around<T>(&mut self, nodes: &mut Nodes<T>, mut visit: impl FnMut(u32)) {
        for _ in 0..self.len {
            if let Some(slot) = self.at_hand(nodes) {
                visit(slot);
                self.pass(nodes);
            }
        }
        // What is empty between the last entry and the first.
        self.at_hand(nodes);
    }

    #[inline]
    pub(crate) fn weight(&self) -> u64 {
        self.weight
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Hash;
    use crate::policy::nodes::Node;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    proptest! {
        #[test]
        fn it_is_a_queue_from_which_anything_can_be_taken(steps in prop::collection::vec((0..5_u8, any::<prop::sample::Index>()), 0..400)) {
            let (mut nodes, mut clock, mut model) = (Nodes::default(), Clock::default(), VecDeque::new());
            for (key, (step, which)) in (0_u32..).zip(steps) {
                let at_hand = clock.at_hand(&mut nodes);
                prop_assert_eq!(at_hand, model.front().copied());
                match (step, at_hand) {
                    (0 | 1, _) => {
                        let slot = nodes.insert(Node::new(Hash::spread(u64::from(key)), key, key, 0));
                        clock.push(&mut nodes, slot, key);
                        model.push_back(slot);
                    }
                    (2, Some(slot)) => {
                        let next = nodes.next(slot);
                        clock.pass_if(false, next);
                        if key % 2 == 0 {
                            clock.pass(&nodes);
                        } else {
                            clock.pass_if(true, next);
                        }
                        model.rotate_left(1);
                    }
                    (3, Some(slot)) => {
                        let node = nodes.take(slot).unwrap();
                        clock.pop(&mut nodes, slot, node.weight);
                        nodes.free(slot);
                        model.pop_front();
                    }
                    (4, Some(_)) => {
                        let slot = model.remove(which.index(model.len())).unwrap();
                        let node = nodes.take(slot).unwrap();
                        clock.note_taken(&mut nodes, node.weight);
                    }
                    _ => {}
                }
                let weight: u64 = model.iter().map(|&slot| u64::from(nodes.get(slot).unwrap().weight)).sum();
                prop_assert_eq!((clock.len(), clock.weight(), nodes.len()), (model.len(), weight, model.len()));
                prop_assert!(nodes.count() <= 2 * nodes.iter().count() + 400);
            }
            let mut slots = Vec::new();
            clock.go_around(&mut nodes, |slot| slots.push(slot));
            prop_assert_eq!(&slots, &model.into_iter().collect::<Vec<_>>());
            // Nothing is empty now that is not free: as many come as there are slots for.
            let count = nodes.count();
            (slots.len()..count).for_each(|key| _ = nodes.insert(Node::new(Hash::spread(key as u64), 0, 1, 0)));
            prop_assert_eq!(nodes.count(), count);
        }
    }

    #[test]
    fn what_is_taken_from_the_middle_does_not_pile_up() {
        let (mut nodes, mut clock) = (Nodes::default(), Clock::default());
        for key in 0..10_000 {
            let slot = nodes.insert(Node::new(Hash::spread(key), key, 1, 0));
            clock.push(&mut nodes, slot, 1);
            if key > 10 {
                nodes.take(slot);
                clock.note_taken(&mut nodes, 1);
            }
        }
        assert!(nodes.count() < 200, "{}", nodes.count());
    }
}
