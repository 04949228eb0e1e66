//! From a hash to the number of a slot.
//!
//! `hashbrown`'s table (a Swiss table: Kulukundis, *Designing a Fast, Efficient, Cache-friendly Hash Table*, CppCon 2017) of slot
//! numbers: five bytes for a place, so that the index of a cache stays near the core when its entries do not. Keys and hashes are
//! in the slots. Growing needs the 32 bits of a hash, the *tag*, which the slot keeps, and not the key: user code runs only
//! where a look-up compares keys, and a panic there finds everything whole.

use hashbrown::HashTable;

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

    /// What the tables and the ghosts tell keys apart by.
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

/// The table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    slots: HashTable<u32>,
}

impl Index {
    /// Goes through slots that may have this tag, in no order, until `look` gives something; that, with the slot.
    #[inline]
    pub(crate) fn find<R>(&self, tag: u32, mut look: impl FnMut(u32) -> Option<R>) -> Option<(u32, R)> {
        let mut found = None;
        let slot = self.slots.find(widened(tag), |&slot| {
            found = look(slot);
            found.is_some()
        })?;
        Some((*slot, found?))
    }

    /// Enters a slot that is not in the table. `tag_of` knows the tags of all that are.
    #[inline]
    pub(crate) fn insert(&mut self, tag: u32, slot: u32, tag_of: impl Fn(u32) -> u32) {
        debug_assert_ne!(slot, NONE);
        if self.slots.len() == self.slots.capacity() {
            self.make_room(&tag_of);
        }
        self.slots.insert_unique(widened(tag), slot, |&slot| widened(tag_of(slot)));
    }

    /// Makes room for one more. Where it is taken by traces of what was removed, these go; the table itself would double.
    #[cold]
    #[inline(never)]
    fn make_room(&mut self, tag_of: &impl Fn(u32) -> u32) {
        let buckets = self.slots.num_buckets();
        if self.slots.len() < buckets / 16 * 12 {
            let mut table = HashTable::with_capacity(buckets / 8 * 7);
            for &slot in &self.slots {
                table.insert_unique(widened(tag_of(slot)), slot, |_| unreachable!("there is room for all"));
            }
            self.slots = table;
        }
    }

    /// Takes a slot out; whether it was there.
    #[inline]
    pub(crate) fn remove(&mut self, tag: u32, slot: u32) -> bool {
        match self.slots.find_entry(widened(tag), |&other| other == slot) {
            Ok(entry) => {
                entry.remove();
                true
            }
            Err(_) => false,
        }
    }

    /// Forgets all slots, and gives the memory back.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// How much memory the table has.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.allocation_size()
    }

    /// Gives up what is not needed.
    pub(crate) fn shrink(&mut self, tag_of: impl Fn(u32) -> u32) {
        self.slots.shrink_to_fit(|&slot| widened(tag_of(slot)));
    }
}

/// The table takes a place from the lower bits and a fingerprint from the upper ones.
#[inline]
fn widened(tag: u32) -> u64 {
    u64::from(tag) << 32 | u64::from(tag)
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
        // Few tags, so that many slots share one.
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
            let mut tags = Vec::new();
            for (slot, step) in (0_u32..).zip(steps) {
                tags.push(if let Step::Insert(tag) = step { tag } else { 0 });
                let tag_of = |slot: u32| tags[slot as usize];
                match step {
                    Step::Insert(tag) => {
                        index.insert(tag, slot, tag_of);
                        model.push((tag, slot));
                    }
                    Step::Remove(which) if !model.is_empty() => {
                        let (tag, slot) = model.swap_remove(which.index(model.len()));
                        prop_assert!(index.remove(tag, slot));
                        prop_assert!(!index.remove(tag, slot));
                    }
                    Step::Remove(_) => prop_assert!(!index.remove(7, 7)),
                    Step::Shrink => index.shrink(tag_of),
                }
                let all: BTreeSet<u32> = model.iter().map(|&(tag, _)| tag).chain([5]).collect();
                for tag in all {
                    let mut found = BTreeSet::new();
                    prop_assert_eq!(index.find(tag, |slot| { found.insert(slot); None::<()> }), None);
                    let expected = model.iter().filter(|entry| entry.0 == tag).map(|entry| entry.1);
                    prop_assert!(expected.clone().all(|slot| found.contains(&slot)));
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
    fn coming_and_going_does_not_make_it_grow() {
        let tag_of = |slot: u32| Hash::spread(u64::from(slot)).tag();
        let mut index = Index::default();
        (0..12_000).for_each(|slot| index.insert(tag_of(slot), slot, tag_of));
        let before = index.bytes();
        for slot in 12_000..200_000 {
            index.insert(tag_of(slot), slot, tag_of);
            assert!(index.remove(tag_of(slot - 12_000), slot - 12_000));
        }
        assert_eq!(index.bytes(), before);
        assert!(
            (188_000..200_000)
                .all(|slot| index.find(tag_of(slot), |it| (it == slot).then_some(())).is_some())
        );
    }

    #[test]
    fn shrinking_gives_memory_back() {
        let mut index = Index::default();
        (0..10_000).for_each(|slot| index.insert(slot, slot, |slot| slot));
        let before = index.bytes();
        (0..10_000).filter(|&slot| slot != 1).for_each(|slot| assert!(index.remove(slot, slot)));
        index.shrink(|slot| slot);
        assert!(index.bytes() < before / 100);
        assert_eq!(index.find(1, |_| Some(())), Some((1, ())));
    }
}
