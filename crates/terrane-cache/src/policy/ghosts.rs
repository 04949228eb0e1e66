//! How often keys were asked for that are not here: fingerprints, each with a count.
//!
//! TinyLFU (Einziger, Friedman and Manes, *TinyLFU: A Highly Efficient Cache Admission Policy*, ACM ToS 2017) keeps a count-min sketch
//! of all requests. Here what is in the cache is counted at the entry (`mark`), and this is written only when an entry comes and when one
//! goes that was used: so it is small enough to be found near the core, where a sketch of four counters for each key was a
//! miss of the cache for each insertion.
//!
//! ```text
//!  63          48 47          32 31          16 15       4 3   0
//!  ┌─────────────┬──────────────┬──────────────┬──────────┬─────┐
//!  │   oldest    │              │              │ fingerpr.│count│   one word, found by the hash
//!  └─────────────┴──────────────┴──────────────┴──────────┴─────┘
//! ```
//!
//! A word holds four keys, the last one that came or went in its lowest lane; the oldest falls out. A key that comes for the first
//! time is written down at once, so that nothing is left to do when it goes as most do, without a further use. All counts are halved from time to
//! time. Two keys with the same word and fingerprint are taken for one, which is one in a thousand.

const LANES: usize = 4;
const LANE_BITS: u32 = 16;
const COUNT_BITS: u32 = 4;
/// The fingerprint is in the upper bits of 64.
const FINGERPRINT_SHIFT: u32 = 64 - (LANE_BITS - COUNT_BITS);
/// A bit of each lane.
const ONES: u64 = 0x0001_0001_0001_0001;
const COUNTS: u64 = ONES * 15;
const COUNT_MAX: u64 = 15;

#[derive(Debug)]
pub(crate) struct Ghosts {
    /// A power of two of them.
    words: Box<[u64]>,
}

impl Ghosts {
    /// For about so many entries: two keys for each, in four bytes.
    pub(crate) fn new(entries: usize) -> Self {
        Self { words: vec![0; words_for(entries)].into_boxed_slice() }
    }

    /// For how many entries it is made.
    pub(crate) fn entries(&self) -> usize {
        self.words.len() * LANES / KEYS_PER_ENTRY
    }

    /// Doubles the number of words. All counts stay: a word is chosen by low bits, and both halves begin as the whole was.
    #[cold]
    pub(crate) fn double(&mut self) {
        self.words = [&*self.words, &*self.words].concat().into_boxed_slice();
    }

    /// Halves the number of words, as long as they are enough for so many entries. Of two that become one the later keys stay.
    pub(crate) fn shrink(&mut self, entries: usize) {
        while self.words.len() > words_for(entries) {
            let (low, high) = self.words.split_at(self.words.len() / 2);
            self.words = low.iter().zip(high).map(|(low, high)| low & 0xffff_ffff | high << 32).collect();
        }
    }

    /// A key comes into the cache: how often it was asked for, with this time.
    #[inline]
    pub(crate) fn welcome(&mut self, tag: u32) -> u8 {
        self.update(tag, |count| (count + 1).min(COUNT_MAX))
    }

    /// A key that was asked for so often leaves the cache.
    #[inline]
    pub(crate) fn remember(&mut self, tag: u32, count: u8) {
        self.update(tag, |_| u64::from(count).min(COUNT_MAX));
    }

    /// Moves a key to the lowest lane of its word.
    #[inline]
    fn update(&mut self, tag: u32, new_count: impl FnOnce(u64) -> u64) -> u8 {
        let (word, fingerprint) = self.place(tag);
        let (shift, if_found) = lane_of(*word, fingerprint);
        // The lanes above its own stay, those below move up.
        let above = u64::MAX << shift << LANE_BITS & if_found;
        let count = new_count(*word >> shift & COUNT_MAX & if_found);
        *word = *word & above | *word << LANE_BITS & !above | fingerprint << COUNT_BITS | count;
        count as u8
    }

    #[inline]
    fn place(&mut self, tag: u32) -> (&mut u64, u64) {
        let mixed = u64::from(tag).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mask = self.words.len() - 1;
        // No fingerprint is that of an empty lane.
        (&mut self.words[(mixed >> 20) as usize & mask], (mixed >> FINGERPRINT_SHIFT).max(1))
    }

    /// Halves all counts, rounded up: that a key was there is forgotten only when others take its place.
    pub(crate) fn age(&mut self) {
        for word in &mut self.words {
            *word -= *word >> 1 & (ONES * 7);
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.words)
    }
}

const KEYS_PER_ENTRY: usize = 2;

fn words_for(entries: usize) -> usize {
    (entries * KEYS_PER_ENTRY).div_ceil(LANES).next_power_of_two()
}

/// How far up the first lane with this fingerprint is, in bits; and all ones if there is one, else zero. Whether there is one cannot be
/// foreseen, so that nothing branches on it.
#[inline]
fn lane_of(word: u64, fingerprint: u64) -> (u32, u64) {
    // Zero where it is the same. The lowest lane that borrows from the next is the first such one.
    let difference = (word ^ ((fingerprint << COUNT_BITS) * ONES)) & !COUNTS;
    let borrows = difference.wrapping_sub(ONES << COUNT_BITS) & !difference & ONES << (LANE_BITS - 1);
    let shift = borrows.trailing_zeros() & (u64::BITS - LANE_BITS);
    (shift, 0_u64.wrapping_sub(u64::from(borrows != 0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_word_is_a_list_of_the_last_four_keys(steps in prop::collection::vec((0..7_u64, any::<bool>(), 2..20_u8), 0..100)) {
            // One word, and tags whose fingerprints differ.
            let tags: Vec<u32> = (0..7).map(|key| 0x1357_9bdf_u32.wrapping_mul(2 * key + 1)).collect();
            let mut ghosts = Ghosts::new(1);
            let mut model: Vec<(u64, u8)> = Vec::new();
            for (key, comes, count) in steps {
                let at = model.iter().position(|entry| entry.0 == key);
                let before = at.map_or(0, |at| model.remove(at).1);
                let tag = tags[key as usize];
                let after = if comes { (before + 1).min(15) } else { count.min(15) };
                if comes {
                    prop_assert_eq!(ghosts.welcome(tag), after);
                } else {
                    ghosts.remember(tag, count);
                }
                model.insert(0, (key, after));
                model.truncate(4);
            }
            ghosts.age();
            for (key, count) in model.into_iter().rev() {
                prop_assert_eq!(ghosts.welcome(tags[key as usize]), (count - count / 2 + 1).min(15));
            }
        }
    }

    #[test]
    fn keys_are_rarely_confused_and_survive_another_size() {
        let tag = |key: u32| key.wrapping_mul(0x85eb_ca6b);
        let mut ghosts = Ghosts::new(1000);
        assert!((0..1000).filter(|&key| ghosts.welcome(tag(key)) == 1).count() > 990);
        let known =
            |ghosts: &mut Ghosts, count| (0..1000).filter(|&key| ghosts.welcome(tag(key)) == count).count();
        assert!(known(&mut ghosts, 2) > 900);
        ghosts.double();
        assert!(known(&mut ghosts, 3) > 900);
        ghosts.shrink(1000);
        // Of both halves some stay that are not theirs, with a lower count.
        assert!((0..1000).filter(|&key| ghosts.welcome(tag(key)) >= 3).count() > 800);
        ghosts.shrink(1);
        assert_eq!(ghosts.entries(), 2);
    }
}
