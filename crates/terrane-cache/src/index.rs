//! From a hash to the number of a slot.
//!
//! A table of buckets, each one cache line: twelve slot numbers, and in front of them a byte of the hash of each, its *fingerprint*
//! (after F14: Bronson and Shi, *Open-sourcing F14 for faster, more memory-efficient hash tables*, 2019).
//!
//! ```text
//!  0          12       16                                          64 bytes
//!  ┌───────────┬────────┬───────────────────────────────────────────┐
//!  │ 12 finger-│ passed │ 12 slot numbers                           │
//!  │ prints    │ by     │                                           │
//!  └───────────┴────────┴───────────────────────────────────────────┘
//! ```
//!
//! So a look-up touches one line here and one of the entry. A number that does not fit its bucket goes into the next that has room, and
//! every bucket that it passed counts it; a look-up goes on where that count is not zero, and a number that is taken out is counted
//! down. So nothing is left of what went, and a table through which entries come and go need never be made anew.
//!
//! Keys and hashes are in the slots. Growing needs the 32 bits of a hash, the *tag*, which the slot keeps, and not the key: user code
//! runs only where a look-up compares keys, and a panic there finds everything whole.

use wide::{bytemuck, u8x16, u32x4};

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

/// How many numbers a bucket has.
const LANES: usize = 12;
/// The table grows when a bucket has more than so many on average. More would often not fit their bucket.
const LOAD_MAX: usize = 8;

/// The table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// A power of two of them, or none.
    buckets: Box<[Bucket]>,
    /// One less than there are.
    mask: u32,
    len: u32,
}

/// Not where it would mostly be.
#[derive(Debug)]
pub(crate) struct Elsewhere;

#[derive(Clone, Debug, Default)]
#[repr(C, align(64))]
struct Bucket {
    /// Zero where the lane is empty. The last four bytes say how many numbers would be here, had there been room.
    fingerprints: [u8; 16],
    slots: [u32; LANES],
}

impl Index {
    /// Goes through slots that may have this tag, in no order, until `look` gives something; that, with the slot.
    #[inline(always)]
    pub(crate) fn find<R>(&self, tag: u32, mut look: impl FnMut(u32) -> Option<R>) -> Option<(u32, R)> {
        let home = self.home(tag);
        let bucket = self.buckets.get(home)?;
        let found = bucket.find(tag, &mut look);
        if found.is_none() && bucket.passed() > 0 {
            return self.find_from(self.after(home), tag, &mut look);
        }
        found
    }

    /// The same, where the first slot that may have this tag is the one, or there is none: without a loop. `Err` where that is not so.
    #[inline(always)]
    pub(crate) fn find_at_home<R>(
        &self,
        tag: u32,
        look: impl FnOnce(u32) -> Option<R>,
    ) -> Result<Option<(u32, R)>, Elsewhere> {
        let bucket = self.buckets.get(self.home(tag)).ok_or(Elsewhere)?;
        let Some(lane) = bucket.matches(fingerprint(tag)).next() else {
            return if bucket.passed() > 0 { Err(Elsewhere) } else { Ok(None) };
        };
        let slot = bucket.slots[lane];
        look(slot).map(|found| Some((slot, found))).ok_or(Elsewhere)
    }

    #[cold]
    #[inline(never)]
    fn find_from<R>(
        &self,
        mut at: usize,
        tag: u32,
        look: &mut impl FnMut(u32) -> Option<R>,
    ) -> Option<(u32, R)> {
        for _ in 1..self.buckets.len() {
            let bucket = &self.buckets[at];
            let found = bucket.find(tag, look);
            if found.is_some() || bucket.passed() == 0 {
                return found;
            }
            at = self.after(at);
        }
        None
    }

    /// Enters a slot that is not in the table. `tag_of` knows the tags of all that are.
    #[inline]
    pub(crate) fn insert(&mut self, tag: u32, slot: u32, tag_of: impl Fn(u32) -> u32) {
        debug_assert_ne!(slot, NONE);
        if self.len as usize >= self.buckets.len() * LOAD_MAX {
            self.remake((self.buckets.len() * 2).max(1), &tag_of);
        }
        self.enter(tag, slot);
    }

    #[inline]
    fn enter(&mut self, tag: u32, slot: u32) {
        self.len += 1;
        let home = self.home(tag);
        if !self.buckets[home].enter(tag, slot) {
            self.enter_from(home, tag, slot);
        }
    }

    /// Enters a slot that has no room in its `home`.
    #[cold]
    #[inline(never)]
    fn enter_from(&mut self, home: usize, tag: u32, slot: u32) {
        let mut at = home;
        // There is room: buckets are not full on average.
        while !self.buckets[at].enter(tag, slot) {
            let bucket = &mut self.buckets[at];
            bucket.set_passed(bucket.passed() + 1);
            at = self.after(at);
        }
    }

    /// What is in one slot, of that tag, is in another one now.
    #[inline]
    pub(crate) fn rename(&mut self, tag: u32, from: u32, to: u32) {
        let home = self.home(tag);
        let Some(bucket) = self.buckets.get_mut(home) else { return };
        match bucket.lane_of(tag, from) {
            Some(lane) => bucket.slots[lane] = to,
            None => self.rename_from(home, tag, from, to),
        }
    }

    /// Renames a slot that is not in its `home`.
    #[cold]
    #[inline(never)]
    fn rename_from(&mut self, home: usize, tag: u32, from: u32, to: u32) {
        let mut at = self.after(home);
        while at != home {
            let bucket = &mut self.buckets[at];
            if let Some(lane) = bucket.lane_of(tag, from) {
                bucket.slots[lane] = to;
                return;
            }
            at = self.after(at);
        }
    }

    /// Takes a slot out that is there, and enters one that is not, each with its tag: what [`remove`](Index::remove) and
    /// [`insert`](Index::insert) do, but the table never grows.
    #[inline(always)]
    pub(crate) fn replace(&mut self, [old_tag, tag]: [u32; 2], [old_slot, slot]: [u32; 2]) {
        if self.buckets.is_empty() {
            return;
        }
        let home = self.home(old_tag);
        let bucket = &mut self.buckets[home];
        if !bucket.remove(old_tag, old_slot) {
            self.remove_from(home, old_tag, old_slot);
        }
        let home = self.home(tag);
        let bucket = &mut self.buckets[home];
        if !bucket.enter(tag, slot) {
            self.enter_from(home, tag, slot);
        }
    }

    /// Takes a slot out; whether it was there.
    #[inline]
    pub(crate) fn remove(&mut self, tag: u32, slot: u32) -> bool {
        let home = self.home(tag);
        let Some(bucket) = self.buckets.get_mut(home) else { return false };
        let removed = bucket.remove(tag, slot) || bucket.passed() > 0 && self.remove_from(home, tag, slot);
        self.len -= u32::from(removed);
        removed
    }

    /// Takes a slot out that is not in its `home`.
    #[cold]
    #[inline(never)]
    fn remove_from(&mut self, home: usize, tag: u32, slot: u32) -> bool {
        let mut at = self.after(home);
        while at != home && !self.buckets[at].remove(tag, slot) {
            if self.buckets[at].passed() == 0 {
                return false;
            }
            at = self.after(at);
        }
        let removed = at != home;
        while removed && at != home {
            at = if at == 0 { self.buckets.len() - 1 } else { at - 1 };
            let bucket = &mut self.buckets[at];
            bucket.set_passed(bucket.passed() - 1);
        }
        removed
    }

    #[cold]
    #[inline(never)]
    fn remake(&mut self, buckets: usize, tag_of: &impl Fn(u32) -> u32) {
        let mask = u32::try_from(buckets - 1).expect("there are fewer buckets than slots");
        let buckets = vec![Bucket::default(); buckets].into();
        let old = std::mem::replace(self, Self { buckets, mask, len: 0 });
        for bucket in &old.buckets {
            for (&slot, &fingerprint) in bucket.slots.iter().zip(&bucket.fingerprints[..LANES]) {
                if fingerprint != 0 {
                    self.enter(tag_of(slot), slot);
                }
            }
        }
    }

    /// Forgets all slots, and gives the memory back.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// How much memory the table has.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.buckets)
    }

    /// Gives up what is not needed.
    pub(crate) fn shrink(&mut self, tag_of: impl Fn(u32) -> u32) {
        if self.len == 0 {
            return self.clear();
        }
        let needed = (self.len as usize).div_ceil(LOAD_MAX).next_power_of_two();
        if needed < self.buckets.len() {
            self.remake(needed, &tag_of);
        }
    }

    /// Where a tag belongs: by the bits above its fingerprint, and by those of the fingerprint only in a table that needs them all.
    #[inline(always)]
    fn home(&self, tag: u32) -> usize {
        (tag.rotate_right(8) & self.mask) as usize
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        if at + 1 < self.buckets.len() { at + 1 } else { 0 }
    }
}

/// The lower bits of a tag. Zero is for empty lanes.
#[inline(always)]
fn fingerprint(tag: u32) -> u8 {
    (tag as u8).max(1)
}

impl Bucket {
    #[inline(always)]
    fn find<R>(&self, tag: u32, look: &mut impl FnMut(u32) -> Option<R>) -> Option<(u32, R)> {
        for lane in self.matches(fingerprint(tag)) {
            let slot = self.slots[lane];
            if let Some(found) = look(slot) {
                return Some((slot, found));
            }
        }
        None
    }

    /// Enters a slot, if there is room.
    #[inline(always)]
    fn enter(&mut self, tag: u32, slot: u32) -> bool {
        let Some(lane) = self.matches(0).next() else { return false };
        self.fingerprints[lane] = fingerprint(tag);
        self.slots[lane] = slot;
        true
    }

    #[inline]
    fn remove(&mut self, tag: u32, slot: u32) -> bool {
        let lane = self.lane_of(tag, slot);
        if let Some(lane) = lane {
            self.fingerprints[lane] = 0;
        }
        lane.is_some()
    }

    #[inline(always)]
    fn lane_of(&self, tag: u32, slot: u32) -> Option<usize> {
        self.matches(fingerprint(tag)).find(|&lane| self.slots[lane] == slot)
    }

    /// The lanes with this fingerprint.
    #[inline(always)]
    fn matches(&self, fingerprint: u8) -> Matches {
        // What `u8x16::splat` does, with a shorter multiplication.
        let all: u8x16 = bytemuck::cast(u32x4::splat(u32::from(fingerprint) * 0x0101_0101));
        let equal = u8x16::new(self.fingerprints).simd_eq(all);
        Matches(equal.to_bitmask() & ((1 << LANES) - 1))
    }

    #[inline(always)]
    fn passed(&self) -> u32 {
        let [.., a, b, c, d] = self.fingerprints;
        u32::from_le_bytes([a, b, c, d])
    }

    fn set_passed(&mut self, passed: u32) {
        self.fingerprints[LANES..].copy_from_slice(&passed.to_le_bytes());
    }
}

/// Lanes, one bit for each.
struct Matches(u32);

impl Iterator for Matches {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let lane = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(lane)
    }
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
        Rename(prop::sample::Index),
        Shrink,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        // Few tags, so that many slots share one.
        let tag = prop_oneof![0..4_u32, (u32::MAX - 3)..=u32::MAX, any::<u32>()];
        let step = prop_oneof![
            4 => tag.prop_map(Step::Insert),
            3 => any::<prop::sample::Index>().prop_map(Step::Remove),
            2 => any::<prop::sample::Index>().prop_map(Step::Rename),
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
                let tag_of = |tags: &[u32], slot: u32| tags[slot as usize];
                match step {
                    Step::Insert(tag) => {
                        index.insert(tag, slot, |slot| tag_of(&tags, slot));
                        model.push((tag, slot));
                    }
                    Step::Remove(which) if !model.is_empty() => {
                        let (tag, slot) = model.swap_remove(which.index(model.len()));
                        prop_assert!(index.remove(tag, slot));
                        prop_assert!(!index.remove(tag, slot));
                    }
                    Step::Remove(_) => prop_assert!(!index.remove(7, 7)),
                    Step::Rename(which) if !model.is_empty() => {
                        let at = which.index(model.len());
                        let (tag, from) = &mut model[at];
                        index.rename(*tag, *from, slot);
                        *from = slot;
                        tags[slot as usize] = *tag;
                    }
                    Step::Rename(_) => index.rename(7, 7, slot),
                    Step::Shrink => index.shrink(|slot| tag_of(&tags, slot)),
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
