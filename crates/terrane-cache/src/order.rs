//! The exact orders of eviction: least recently used, first in first out, least frequently used.

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::list::{Links, List};

/// Which entry of an [`ExactCache`](crate::ExactCache) goes first. The three orders of this crate implement it; no others can.
pub trait Order: sealed::Steps {}

pub(crate) mod sealed {
    use super::Debug;

    /// What an order is told, and asked. Slots are numbers.
    pub trait Steps: Default + Debug + Clone {
        /// A slot has a new entry.
        fn entered(&mut self, slot: u32);
        /// The entry was used.
        fn used(&mut self, slot: u32);
        /// The entry has left.
        fn left(&mut self, slot: u32);
        /// Who goes first.
        fn first(&self) -> Option<u32>;
        /// Who goes after that one.
        fn after(&self, slot: u32) -> Option<u32>;
        /// The entry in slot `from` is in slot `to` now.
        fn renumbered(&mut self, from: u32, to: u32);
        /// No slot from this one on is in use: their memory is given back.
        fn shrink(&mut self, slots: usize);
        /// How much memory it has.
        fn bytes(&self) -> usize;
    }
}
use sealed::Steps;

/// The least recently used entry goes first. O(1).
#[derive(Clone, Debug, Default)]
pub struct Lru {
    links: Links,
    list: List,
}

impl Order for Lru {}

impl Steps for Lru {
    fn entered(&mut self, slot: u32) {
        self.links.push(&mut self.list, slot);
    }

    #[inline]
    fn used(&mut self, slot: u32) {
        self.links.renew(&mut self.list, slot);
    }

    fn left(&mut self, slot: u32) {
        self.links.remove(&mut self.list, slot);
    }

    fn first(&self) -> Option<u32> {
        self.list.first()
    }

    fn after(&self, slot: u32) -> Option<u32> {
        self.links.next(slot)
    }

    fn renumbered(&mut self, from: u32, to: u32) {
        self.links.renumber(&mut self.list, from, to);
    }

    fn shrink(&mut self, slots: usize) {
        self.links.shrink(slots);
    }

    fn bytes(&self) -> usize {
        self.links.bytes()
    }
}

/// The oldest entry goes first, however often it was used. O(1).
#[derive(Clone, Debug, Default)]
pub struct Fifo {
    ages: Lru,
}

impl Order for Fifo {}

impl Steps for Fifo {
    fn entered(&mut self, slot: u32) {
        self.ages.entered(slot);
    }

    #[inline]
    fn used(&mut self, _slot: u32) {}

    fn left(&mut self, slot: u32) {
        self.ages.left(slot);
    }

    fn first(&self) -> Option<u32> {
        self.ages.first()
    }

    fn after(&self, slot: u32) -> Option<u32> {
        self.ages.after(slot)
    }

    fn renumbered(&mut self, from: u32, to: u32) {
        self.ages.renumbered(from, to);
    }

    fn shrink(&mut self, slots: usize) {
        self.ages.shrink(slots);
    }

    fn bytes(&self) -> usize {
        self.ages.bytes()
    }
}

/// The entry that was used least often since it came goes first, and of several the least recently used.
///
/// One list for each number of uses that occurs. O(log u) with u such numbers; an entry that leaves takes its count along.
#[derive(Clone, Debug, Default)]
pub struct Lfu {
    links: Links,
    /// Lists by the number of uses; none is empty.
    lists: BTreeMap<u64, List>,
    uses: Vec<u64>,
}

impl Order for Lfu {}

impl Lfu {
    fn push(&mut self, slot: u32, uses: u64) {
        if slot as usize >= self.uses.len() {
            self.uses.resize(slot as usize + 1, 0);
        }
        self.uses[slot as usize] = uses;
        self.links.push(self.lists.entry(uses).or_default(), slot);
    }
}

impl Steps for Lfu {
    fn entered(&mut self, slot: u32) {
        self.push(slot, 1);
    }

    fn used(&mut self, slot: u32) {
        let uses = self.uses[slot as usize];
        self.left(slot);
        self.push(slot, uses.saturating_add(1));
    }

    fn left(&mut self, slot: u32) {
        let uses = self.uses[slot as usize];
        if let Some(list) = self.lists.get_mut(&uses) {
            self.links.remove(list, slot);
            if list.len() == 0 {
                self.lists.remove(&uses);
            }
        }
    }

    fn first(&self) -> Option<u32> {
        self.lists.first_key_value().and_then(|(_, list)| list.first())
    }

    fn after(&self, slot: u32) -> Option<u32> {
        self.links.next(slot).or_else(|| {
            let more_uses = self.uses[slot as usize].checked_add(1)?;
            self.lists.range(more_uses..).next().and_then(|(_, list)| list.first())
        })
    }

    fn renumbered(&mut self, from: u32, to: u32) {
        let uses = self.uses[from as usize];
        self.uses[to as usize] = uses;
        if let Some(list) = self.lists.get_mut(&uses) {
            self.links.renumber(list, from, to);
        }
    }

    fn shrink(&mut self, slots: usize) {
        self.links.shrink(slots);
        self.uses.truncate(slots);
        self.uses.shrink_to_fit();
    }

    fn bytes(&self) -> usize {
        self.links.bytes() + self.uses.capacity() * size_of::<u64>()
    }
}
