//! From a hash to the number of a slot.
//!
//! Open addressing with linear probing (Knuth, *The Art of Computer Programming* 3, §6.4). A cell is one word: 32 bits of the hash, the
//! *tag*, and the number of the slot. So a look-up reads one cache line in most cases before it compares a key, and growing the
//! table, or closing the gap that a removal leaves (backward shift, ibid., algorithm R), needs neither keys nor their `Hash`:
//! user code runs only where a look-up compares keys, and a panic there finds everything whole.
//!
//! The home of a tag is given by its low bits, the number of cells being a power of two.

/// A hash, spread over all bits whatever the hasher of the user does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hash(pub(crate) u64);

impl Hash {
    /// Mixes what a hasher gave: the halves of a product with 2⁶⁴ / φ, folded, so that each bit reaches high and low ones.
    #[inline]
    pub(crate) fn spread(raw: u64) -> Self {
        let product = u128::from(raw ^ 0x2545_f491_4f6c_dd1d) * 0x9e37_79b9_7f4a_7c15;
        Self((product >> 64) as u64 ^ product as u64)
    }

    /// What the tables and the sketch tell keys apart by.
    #[inline]
    pub(crate) fn tag(self) -> u32 {
        self.0 as u32
    }

    /// Bits that are no part of the tag.
    #[inline]
    pub(crate) fn shard_bits(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// No slot. Slots are numbered below it.
pub(crate) const NONE: u32 = u32::MAX;

const EMPTY: u64 = u64::MAX;

/// At most this share of the cells is in use, in quarters: beyond it runs of used cells grow long.
const FULL_QUARTERS: usize = 3;

/// The table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// None, or a power of two of them.
    cells: Box<[u64]>,
    len: usize,
}

impl Index {
    /// Goes through the slots with this tag, in no order, until `look` gives something; that, with the slot.
    #[inline]
    pub(crate) fn find<R>(&self, tag: u32, mut look: impl FnMut(u32) -> Option<R>) -> Option<(u32, R)> {
        let cells = &*self.cells;
        if cells.is_empty() {
            return None;
        }
        let last = cells.len() - 1;
        let mut at = tag as usize & last;
        loop {
            let cell = cells[at];
            if cell == EMPTY {
                return None;
            }
            if (cell >> 32) as u32 == tag
                && let Some(found) = look(cell as u32)
            {
                return Some((cell as u32, found));
            }
            at = (at + 1) & last;
        }
    }

    /// Enters a slot that is not in the table.
    pub(crate) fn insert(&mut self, tag: u32, slot: u32) {
        debug_assert_ne!(slot, NONE);
        if (self.len + 1) * 4 > self.cells.len() * FULL_QUARTERS {
            self.rebuild(self.len + 1);
        }
        self.place(u64::from(tag) << 32 | u64::from(slot));
        self.len += 1;
    }

    /// Takes a slot out; whether it was there.
    pub(crate) fn remove(&mut self, tag: u32, slot: u32) -> bool {
        let cells = &*self.cells;
        if cells.is_empty() {
            return false;
        }
        let wanted = u64::from(tag) << 32 | u64::from(slot);
        let last = cells.len() - 1;
        let mut at = tag as usize & last;
        while cells[at] != wanted {
            if cells[at] == EMPTY {
                return false;
            }
            at = (at + 1) & last;
        }
        self.close_gap(at);
        self.len -= 1;
        true
    }

    /// Forgets all slots, and gives the memory back.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// How much memory the table has.
    pub(crate) fn bytes(&self) -> usize {
        self.cells.len() * size_of::<u64>()
    }

    /// Gives up what `slots` slots do not need.
    pub(crate) fn shrink(&mut self, slots: usize) {
        let slots = slots.max(self.len);
        if cells_for(slots) < self.cells.len() {
            self.rebuild(slots);
        }
    }

    fn rebuild(&mut self, slots: usize) {
        let cells = vec![EMPTY; cells_for(slots)].into_boxed_slice();
        let old = std::mem::replace(&mut self.cells, cells);
        for cell in old {
            if cell != EMPTY {
                self.place(cell);
            }
        }
    }

    fn place(&mut self, cell: u64) {
        let cells = &mut *self.cells;
        let last = cells.len() - 1;
        let mut at = (cell >> 32) as usize & last;
        while cells[at & last] != EMPTY {
            at += 1;
        }
        cells[at & last] = cell;
    }

    /// Moves later cells of the run back over the gap, each no further than its home.
    fn close_gap(&mut self, gap: usize) {
        let cells = &mut *self.cells;
        let last = cells.len() - 1;
        let (mut gap, mut at) = (gap, gap);
        loop {
            at = (at + 1) & last;
            let cell = cells[at];
            if cell == EMPTY {
                cells[gap] = EMPTY;
                return;
            }
            let home = (cell >> 32) as usize & last;
            // Distances go around the end of the table.
            let from_home = at.wrapping_sub(home) & last;
            let from_gap = at.wrapping_sub(gap) & last;
            if from_home >= from_gap {
                cells[gap] = cell;
                gap = at;
            }
        }
    }
}

/// The least table for so many slots.
fn cells_for(slots: usize) -> usize {
    (slots * 4 / FULL_QUARTERS + 1).next_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u32),
        Remove(prop::sample::Index),
        Shrink,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        // Few tags, at the ends of the range too, so that runs are long and go around the end of the table.
        let tag = prop_oneof![0..4_u32, (u32::MAX - 3)..=u32::MAX, any::<u32>()];
        let step = prop_oneof![
            4 => tag.prop_map(Step::Insert),
            3 => any::<prop::sample::Index>().prop_map(Step::Remove),
            1 => Just(Step::Shrink),
        ];
        prop::collection::vec(step, 0..300)
    }

    proptest! {
        #[test]
        fn it_finds_what_is_in_it_and_nothing_else(steps in steps()) {
            let mut index = Index::default();
            let mut model: Vec<(u32, u32)> = Vec::new();
            for (slot, step) in (0_u32..).zip(steps) {
                match step {
                    Step::Insert(tag) => {
                        index.insert(tag, slot);
                        model.push((tag, slot));
                    }
                    Step::Remove(which) if !model.is_empty() => {
                        let (tag, slot) = model.swap_remove(which.index(model.len()));
                        prop_assert!(index.remove(tag, slot));
                        prop_assert!(!index.remove(tag, slot));
                    }
                    Step::Remove(_) => prop_assert!(!index.remove(7, 7)),
                    Step::Shrink => index.shrink(0),
                }
                let all: BTreeSet<u32> = model.iter().map(|&(tag, _)| tag).chain([5]).collect();
                for tag in all {
                    let mut found = BTreeSet::new();
                    prop_assert_eq!(index.find(tag, |slot| { found.insert(slot); None::<()> }), None);
                    let expected = model.iter().filter(|entry| entry.0 == tag).map(|entry| entry.1).collect();
                    prop_assert_eq!(found, expected);
                }
            }
        }
    }

    #[test]
    fn a_weak_hash_is_spread() {
        for shift in [0, 20, 40, 58] {
            let homes: BTreeSet<u32> = (0..64_u64).map(|key| Hash::spread(key << shift).tag() % 64).collect();
            assert!(homes.len() > 32, "{shift}: {homes:?}");
        }
    }

    #[test]
    fn shrinking_gives_memory_back() {
        let mut index = Index::default();
        (0..10_000).for_each(|slot| index.insert(slot, slot));
        let before = index.bytes();
        (0..10_000).filter(|&slot| slot != 1).for_each(|slot| assert!(index.remove(slot, slot)));
        index.shrink(0);
        assert!(index.bytes() < before / 100);
        assert_eq!(index.find(1, |_| Some(())), Some((1, ())));
    }
}
