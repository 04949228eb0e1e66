//! From a hash to the number of a slot.
//!
//! Open addressing with linear probing (Knuth, *The Art of Computer Programming* 3, §6.4). A cell is one word: 32 bits of the hash, the
//! *tag*, and the number of the slot. So a look-up reads one cache line in most cases before it compares a key, and growing the
//! table, or closing the gap that a removal leaves (backward shift, ibid., algorithm R), needs neither keys nor their `Hash`:
//! user code runs only where a look-up compares keys, and a panic there finds everything whole.
//!
//! The home of a tag is `tag · cells / 2³²`, so a table can have any size.

/// A hash, spread over all bits whatever the hasher of the user does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hash(pub(crate) u64);

impl Hash {
    /// Mixes what a hasher gave: the halves of a product with 2⁶⁴ / φ, folded, so that each bit reaches high and low ones.
    #[inline]
    pub(crate) fn spread(raw: u64) -> Self {
        let product =
            u128::from(raw ^ 0x2545_f491_4f6c_dd1d).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
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

/// At most this share of the cells is in use, in eighths: beyond it runs of used cells grow long.
const FULL_EIGHTHS: usize = 5;

/// The table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    cells: Box<[u64]>,
    len: usize,
}

impl Index {
    /// The slots with this tag, in no order; stops where `is_it` says so, and answers with that slot.
    #[inline]
    pub(crate) fn find(&self, tag: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let cells = &*self.cells;
        if cells.is_empty() {
            return None;
        }
        let mut at = home(tag, cells.len());
        loop {
            let cell = cells[at];
            if (cell >> 32) as u32 == tag && cell != EMPTY && is_it(cell as u32) {
                return Some(cell as u32);
            }
            if cell == EMPTY {
                return None;
            }
            at += 1;
            if at == cells.len() {
                at = 0;
            }
        }
    }

    /// Enters a slot that is not in the table.
    pub(crate) fn insert(&mut self, tag: u32, slot: u32) {
        debug_assert_ne!(slot, NONE);
        if (self.len + 1) * 8 > self.cells.len() * FULL_EIGHTHS {
            self.rebuild((self.len + 1) * 2);
        }
        self.place(u64::from(tag) << 32 | u64::from(slot));
        self.len += 1;
    }

    /// Takes a slot out; whether it was there.
    pub(crate) fn remove(&mut self, tag: u32, slot: u32) -> bool {
        let cells = self.cells.len();
        if cells == 0 {
            return false;
        }
        let wanted = u64::from(tag) << 32 | u64::from(slot);
        let mut at = home(tag, cells);
        while self.cells[at] != wanted {
            if self.cells[at] == EMPTY {
                return false;
            }
            at = next(at, cells);
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
        let cells = vec![EMPTY; cells_for(slots.max(self.len + 1))].into_boxed_slice();
        let old = std::mem::replace(&mut self.cells, cells);
        for cell in old {
            if cell != EMPTY {
                self.place(cell);
            }
        }
    }

    fn place(&mut self, cell: u64) {
        let cells = self.cells.len();
        let mut at = home((cell >> 32) as u32, cells);
        while self.cells[at] != EMPTY {
            at = next(at, cells);
        }
        self.cells[at] = cell;
    }

    /// Moves later cells of the run back over the gap, each no further than its home.
    fn close_gap(&mut self, gap: usize) {
        let cells = self.cells.len();
        let (mut gap, mut at) = (gap, gap);
        loop {
            at = next(at, cells);
            let cell = self.cells[at];
            if cell == EMPTY {
                self.cells[gap] = EMPTY;
                return;
            }
            let from_home = distance(home((cell >> 32) as u32, cells), at, cells);
            if from_home >= distance(gap, at, cells) {
                self.cells[gap] = cell;
                gap = at;
            }
        }
    }
}

/// For so many slots, with a fifth more until the table has to grow.
fn cells_for(slots: usize) -> usize {
    slots * 8 / FULL_EIGHTHS + slots / 8 + 4
}

#[inline]
fn home(tag: u32, cells: usize) -> usize {
    ((u64::from(tag) * cells as u64) >> 32) as usize
}

fn next(at: usize, cells: usize) -> usize {
    if at + 1 == cells { 0 } else { at + 1 }
}

/// How far it is from one cell on to another.
fn distance(from: usize, to: usize, cells: usize) -> usize {
    if to >= from { to - from } else { to + cells - from }
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
        let tag = prop_oneof![0..4_u32, u32::MAX - 3..=u32::MAX, any::<u32>()];
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
                    prop_assert_eq!(index.find(tag, |slot| { found.insert(slot); false }), None);
                    let expected = model.iter().filter(|entry| entry.0 == tag).map(|entry| entry.1).collect();
                    prop_assert_eq!(found, expected);
                }
            }
        }
    }

    #[test]
    fn a_weak_hash_is_spread() {
        let homes: BTreeSet<usize> = (0..64_u64).map(|key| home(Hash::spread(key << 40).tag(), 64)).collect();
        assert!(homes.len() > 32, "{homes:?}");
    }

    #[test]
    fn shrinking_gives_memory_back() {
        let mut index = Index::default();
        (0..10_000).for_each(|slot| index.insert(slot, slot));
        let before = index.bytes();
        (0..10_000).filter(|&slot| slot != 1).for_each(|slot| assert!(index.remove(slot, slot)));
        index.shrink(0);
        assert!(index.bytes() < before / 100);
        assert_eq!(index.find(1, |_| true), Some(1));
    }
}
