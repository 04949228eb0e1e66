//! Numbered places for values, and the index that finds them: what every cache of this crate is built on.

use crate::index::{Hash, Index, NONE};

/// Values in numbered slots.
#[derive(Clone, Debug)]
pub(crate) struct Slots<T> {
    slots: Vec<Slot<T>>,
    index: Index,
    /// The first free slot; each free one has the number of the next.
    free: u32,
    len: usize,
}

#[derive(Clone, Debug)]
enum Slot<T> {
    Taken { tag: u32, value: T },
    Free { next: u32 },
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), index: Index::default(), free: NONE, len: 0 }
    }
}

impl<T> Slots<T> {
    /// The slot with this hash whose value `is_it`.
    #[inline]
    pub(crate) fn find(&self, hash: Hash, mut is_it: impl FnMut(&T) -> bool) -> Option<u32> {
        let found = self.index.find(hash.tag(), |slot| self.value(slot).filter(|value| is_it(value)));
        found.map(|(slot, _)| slot)
    }

    /// Puts a value into a free slot.
    pub(crate) fn insert(&mut self, hash: Hash, value: T) -> u32 {
        let tag = hash.tag();
        let new = Slot::Taken { tag, value };
        let slot = self.free;
        match self.slots.get_mut(slot as usize) {
            Some(place) => {
                if let Slot::Free { next } = *place {
                    self.free = next;
                }
                *place = new;
                self.enter(tag, slot)
            }
            None => {
                let slot = u32::try_from(self.slots.len()).unwrap_or(NONE);
                assert_ne!(slot, NONE, "a shard holds fewer than 2^32 - 1 entries");
                self.slots.push(new);
                self.enter(tag, slot)
            }
        }
    }

    fn enter(&mut self, tag: u32, slot: u32) -> u32 {
        let slots = &self.slots;
        self.index.insert(tag, slot, |slot| tag_of(slots, slot));
        self.len += 1;
        slot
    }

    /// Takes a value out of its slot.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<T> {
        let place = self.slots.get_mut(slot as usize)?;
        let Slot::Taken { tag, .. } = *place else { return None };
        let Slot::Taken { value, .. } = std::mem::replace(place, Slot::Free { next: self.free }) else {
            return None;
        };
        self.free = slot;
        self.index.remove(tag, slot);
        self.len -= 1;
        Some(value)
    }

    #[inline]
    pub(crate) fn value(&self, slot: u32) -> Option<&T> {
        match self.slots.get(slot as usize) {
            Some(Slot::Taken { value, .. }) => Some(value),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn value_mut(&mut self, slot: u32) -> Option<&mut T> {
        match self.slots.get_mut(slot as usize) {
            Some(Slot::Taken { value, .. }) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many slots there are, free ones included.
    pub(crate) fn count(&self) -> usize {
        self.slots.len()
    }

    /// Moves values from the end into free slots, and gives up what is free then. `moved` is told from where to where.
    pub(crate) fn shrink(&mut self, mut moved: impl FnMut(u32, u32)) {
        let free = (0_u32..).zip(&self.slots).filter(|(_, slot)| matches!(slot, Slot::Free { .. }));
        let free: Vec<u32> =
            free.map(|(number, _)| number).take_while(|&to| (to as usize) < self.len).collect();
        for to in free {
            while matches!(self.slots.last(), Some(Slot::Free { .. })) {
                self.slots.pop();
            }
            let from = self.slots.len() as u32 - 1;
            if let Some(last) = self.slots.pop() {
                if let Slot::Taken { tag, .. } = last {
                    self.index.remove(tag, from);
                    let slots = &self.slots;
                    self.index.insert(tag, to, |slot| tag_of(slots, slot));
                }
                self.slots[to as usize] = last;
                moved(from, to);
            }
        }
        self.slots.truncate(self.len);
        self.slots.shrink_to_fit();
        let slots = &self.slots;
        self.index.shrink(|slot| tag_of(slots, slot));
        self.free = NONE;
    }

    /// Takes all values out.
    pub(crate) fn drain(&mut self) -> Vec<T> {
        self.index.clear();
        self.free = NONE;
        self.len = 0;
        let slots = std::mem::take(&mut self.slots);
        let values = slots.into_iter().filter_map(|slot| match slot {
            Slot::Taken { value, .. } => Some(value),
            Slot::Free { .. } => None,
        });
        values.collect()
    }

    /// How much memory slots and index have.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot<T>>() + self.index.bytes()
    }
}

/// The part of the hash that is kept.
fn tag_of<T>(slots: &[Slot<T>], slot: u32) -> u32 {
    match slots.get(slot as usize) {
        Some(Slot::Taken { tag, .. }) => *tag,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(key: u32) -> Hash {
        Hash::spread(u64::from(key))
    }

    #[test]
    fn slots_are_used_again_and_what_is_free_is_given_back() {
        let mut slots = Slots::default();
        let all: Vec<u32> = (0..100).map(|key| slots.insert(hash(key), key)).collect();
        for &slot in &all[40..] {
            assert_eq!(slots.remove(slot), Some(slot));
            assert_eq!(slots.remove(slot), None);
        }
        slots.remove(all[7]);
        let mut moves = Vec::new();
        slots.shrink(|from, to| moves.push((from, to)));
        assert_eq!((slots.count(), slots.len(), moves), (39, 39, vec![(39, 7)]));
        assert_eq!(slots.find(hash(39), |&key| key == 39), Some(7));
        assert_eq!(slots.insert(hash(7), 7), 39);
        assert_eq!(slots.find(hash(7), |&key| key == 7), Some(39));
        assert_eq!(slots.find(hash(50), |&key| key == 50), None);
        let mut keys = slots.drain();
        keys.sort_unstable();
        assert_eq!(keys, (0..40).collect::<Vec<_>>());
        assert_eq!((slots.len(), slots.find(hash(7), |_| true)), (0, None));
    }
}
