//! Entries in numbered slots, found by their hash, and linked in the order in which the clock hand comes to them.
//!
//! Everything about an entry is in its slot: so a hit touches a bucket of the index and one entry, and the hand touches one entry for each
//! step. With keys and values of eight bytes a slot has 32, two to a cache line. In a full cache a new entry takes the slot of another, and
//! with it the place in the clock: nothing is linked, and no slot becomes free.

use crate::index::{Elsewhere, Hash, Index, NONE};

use super::mark::Mark;

/// The fields keep their order: what a look-up needs comes first.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Nodes<T> {
    index: Index,
    slots: Vec<Slot<T>>,
    /// The first free slot; each free one has the number of the next.
    free: u32,
    len: usize,
}

#[derive(Debug)]
enum Slot<T> {
    Taken(Node<T>),
    /// Of a clock whose hand has not come by yet, or free.
    Empty {
        next: u32,
    },
}

#[derive(Debug)]
pub(crate) struct Node<T> {
    pub(crate) item: T,
    tag: u32,
    /// The next of its clock.
    next: u32,
    pub(crate) weight: u32,
    pub(crate) mark: Mark,
    pub(crate) part: Part,
    pub(crate) pinned: bool,
}

/// What is left of an entry that made room for another one.
pub(crate) struct Replaced<T> {
    pub(crate) item: T,
    pub(crate) tag: u32,
    pub(crate) weight: u32,
    pub(crate) uses: u8,
    /// The next of the slot that it was in.
    pub(crate) next: u32,
    /// What the candidate weighs, and where it is now.
    pub(crate) candidate_weight: u32,
    pub(crate) to: u32,
    /// The next of the slot that the candidate was in, and where the new one is.
    pub(crate) candidate_next: u32,
}

/// Which clock an entry is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Window,
    Main,
}

impl<T> Default for Nodes<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), index: Index::default(), free: NONE, len: 0 }
    }
}

impl<T> Node<T> {
    /// An entry that was asked for so often.
    pub(crate) fn new(hash: Hash, item: T, weight: u32, uses: u8) -> Self {
        let (tag, mark) = (hash.tag(), Mark::new(uses));
        Self { item, tag, next: NONE, weight, mark, part: Part::Window, pinned: false }
    }

    /// The part of the hash that is kept.
    pub(crate) fn tag(&self) -> u32 {
        self.tag
    }
}

impl<T> Nodes<T> {
    pub(crate) fn with_capacity(slots: usize) -> Self {
        Self { slots: Vec::with_capacity(slots), ..Self::default() }
    }

    /// The entry with this hash whose item `is_it`.
    #[inline]
    pub(crate) fn find(&self, hash: Hash, mut is_it: impl FnMut(&T) -> bool) -> Option<(u32, &Node<T>)> {
        self.index.find(hash.tag(), |slot| self.get(slot).filter(|node| is_it(&node.item)))
    }

    /// The same, as far as that is simple: see [`Index::find_at_home`].
    #[inline(always)]
    pub(crate) fn find_at_home(
        &self,
        hash: Hash,
        mut is_it: impl FnMut(&T) -> bool,
    ) -> Result<Option<&Node<T>>, Elsewhere> {
        let found =
            self.index.find_at_home(hash.tag(), |slot| self.get(slot).filter(|node| is_it(&node.item)));
        found.map(|found| found.map(|(_, node)| node))
    }

    /// Puts an entry into a free slot.
    #[inline]
    pub(crate) fn insert(&mut self, node: Node<T>) -> u32 {
        let tag = node.tag;
        let slot = match self.slots.get_mut(self.free as usize) {
            Some(place) => {
                let slot = self.free;
                if let Slot::Empty { next } = *place {
                    self.free = next;
                }
                *place = Slot::Taken(node);
                slot
            }
            None => self.append(node),
        };
        self.enter(tag, slot);
        self.len += 1;
        slot
    }

    /// An entry of weight 1 comes in, that was asked for so often. Where the `candidate` `wins` against the `victim`, by the uses of both, it
    /// moves to the slot of that one, which comes out; else it comes out itself. The new entry gets the candidate's slot. Slots keep their
    /// places in their clocks.
    ///
    /// Both cases are the same instructions: a processor that has to guess which one it is would be wrong half of the time.
    #[inline(always)]
    pub(crate) fn replace(
        &mut self,
        [candidate, victim]: [u32; 2],
        wins: impl FnOnce(u8, u8) -> bool,
        hash: Hash,
        item: T,
        uses: u8,
    ) -> Option<Replaced<T>> {
        let (mover, other) = (self.get(candidate)?, self.get(victim)?);
        let wins = usize::from(wins(mover.mark.uses(), other.mark.uses()));
        let (to, out) = ([candidate, victim][wins], [mover, other][wins]);
        let (mover_tag, mover_next, mover_weight) = (mover.tag, mover.next, mover.weight);
        let (tag, next, part, weight, out_uses) = (out.tag, out.next, out.part, out.weight, out.mark.uses());
        self.index.rename(mover_tag, candidate, to);
        self.index.replace([tag, hash.tag()], [to, candidate]);
        let slots = &mut *self.slots;
        slots.swap(candidate as usize, to as usize);
        let Slot::Taken(mover) = &mut slots[to as usize] else { return None };
        mover.next = next;
        mover.part = part;
        let Slot::Taken(place) = &mut slots[candidate as usize] else { return None };
        // Field by field: to build it first and then copy it would wait for the writes to come through.
        let item = std::mem::replace(&mut place.item, item);
        place.tag = hash.tag();
        place.next = mover_next;
        place.weight = 1;
        place.mark = Mark::new(uses);
        place.part = Part::Window;
        place.pinned = false;
        Some(Replaced {
            item,
            tag,
            weight,
            uses: out_uses,
            next,
            candidate_weight: mover_weight,
            to,
            candidate_next: mover_next,
        })
    }

    #[inline]
    fn enter(&mut self, tag: u32, slot: u32) {
        let slots = &self.slots;
        self.index.insert(tag, slot, |slot| match slots.get(slot as usize) {
            Some(Slot::Taken(node)) => node.tag,
            _ => 0,
        });
    }

    #[cold]
    #[inline(never)]
    fn append(&mut self, node: Node<T>) -> u32 {
        let slot = u32::try_from(self.slots.len()).unwrap_or(NONE);
        assert_ne!(slot, NONE, "a shard holds fewer than 2^32 - 1 entries");
        self.slots.push(Slot::Taken(node));
        slot
    }

    /// Takes an entry out. Its slot stays in its clock, until it is [freed](Nodes::free).
    #[inline]
    pub(crate) fn take(&mut self, slot: u32) -> Option<Node<T>> {
        let place = self.slots.get_mut(slot as usize)?;
        let next = match place {
            Slot::Taken(node) => node.next,
            Slot::Empty { .. } => return None,
        };
        let Slot::Taken(node) = std::mem::replace(place, Slot::Empty { next }) else { return None };
        self.index.remove(node.tag, slot);
        self.len -= 1;
        Some(node)
    }

    /// A slot that is empty and in no clock can be used again.
    #[inline]
    pub(crate) fn free(&mut self, slot: u32) {
        self.set_next(slot, self.free);
        self.free = slot;
    }

    #[inline]
    pub(crate) fn get(&self, slot: u32) -> Option<&Node<T>> {
        match self.slots.get(slot as usize) {
            Some(Slot::Taken(node)) => Some(node),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut Node<T>> {
        match self.slots.get_mut(slot as usize) {
            Some(Slot::Taken(node)) => Some(node),
            _ => None,
        }
    }

    /// The slot after this one.
    #[inline]
    pub(crate) fn next(&self, slot: u32) -> u32 {
        match self.slots.get(slot as usize) {
            Some(Slot::Taken(node)) => node.next,
            Some(Slot::Empty { next }) => *next,
            None => NONE,
        }
    }

    #[inline]
    pub(crate) fn set_next(&mut self, slot: u32, to: u32) {
        match self.slots.get_mut(slot as usize) {
            Some(Slot::Taken(node)) => node.next = to,
            Some(Slot::Empty { next }) => *next = to,
            None => {}
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many slots there are, empty ones included.
    pub(crate) fn count(&self) -> usize {
        self.slots.len()
    }

    /// All entries with their slots, in the order of the slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Node<T>)> {
        (0_u32..).zip(&self.slots).filter_map(|(number, slot)| match slot {
            Slot::Taken(node) => Some((number, node)),
            Slot::Empty { .. } => None,
        })
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Node<T>> {
        self.slots.iter_mut().filter_map(|slot| match slot {
            Slot::Taken(node) => Some(node),
            Slot::Empty { .. } => None,
        })
    }

    /// Takes all entries out, and gives the memory back.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Node<T>> + use<T> {
        std::mem::take(self).slots.into_iter().filter_map(|slot| match slot {
            Slot::Taken(node) => Some(node),
            Slot::Empty { .. } => None,
        })
    }

    /// How much memory slots and index have.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot<T>>() + self.index.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(key: u32) -> Node<u32> {
        Node::new(Hash::spread(u64::from(key)), key, 1, 0)
    }

    #[test]
    fn a_slot_is_used_again_when_it_is_freed_and_not_before() {
        let mut nodes = Nodes::default();
        let all: Vec<u32> = (0..100).map(|key| nodes.insert(node(key))).collect();
        let taken = nodes.take(all[7]).unwrap();
        assert_eq!((taken.item, nodes.take(all[7]).is_none(), nodes.len()), (7, true, 99));
        assert_eq!(nodes.insert(node(100)), 100);
        nodes.free(all[7]);
        assert_eq!(nodes.insert(node(101)), all[7]);
        let find =
            |key: u32| nodes.find(Hash::spread(u64::from(key)), |&item| item == key).map(|(slot, _)| slot);
        assert_eq!((find(101), find(100), find(7)), (Some(all[7]), Some(100), None));
        assert_eq!((nodes.iter().count(), nodes.drain().count(), nodes.len()), (101, 101, 0));
    }

    #[test]
    fn an_entry_of_two_words_takes_half_a_cache_line() {
        assert_eq!(size_of::<Slot<(u64, u64)>>(), 32);
    }
}
