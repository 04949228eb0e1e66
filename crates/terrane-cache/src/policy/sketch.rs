//! How often keys were asked for, also those that are not here: a count-min sketch (Cormode and Muthukrishnan 2005) of 4-bit counters,
//! halved from time to time, as TinyLFU uses it (Einziger, Friedman and Manes, *TinyLFU: A Highly Efficient Cache Admission Policy*,
//! ACM ToS 2017).
//!
//! A key has four counters, and its estimate is the least of them: others can only add to it. All four lie in one block of 64 bytes,
//! so that a look costs one cache line. What is in the cache is counted there (`mark`); the sketch is written when an entry comes
//! and when it goes.

const WORDS_PER_BLOCK: usize = 8;
const COUNTER_MAX: u64 = 15;
/// The lower three bits of every counter.
const HALF_MASK: u64 = 0x7777_7777_7777_7777;

#[derive(Clone, Debug)]
pub(crate) struct Sketch {
    /// A power of two of blocks.
    words: Box<[u64]>,
}

impl Sketch {
    /// For about so many entries: eight bytes for each.
    pub(crate) fn new(entries: usize) -> Self {
        let blocks = entries.div_ceil(WORDS_PER_BLOCK).next_power_of_two();
        Self { words: vec![0; blocks * WORDS_PER_BLOCK].into_boxed_slice() }
    }

    /// For how many entries it is made.
    pub(crate) fn entries(&self) -> usize {
        self.words.len()
    }

    /// Doubles the number of counters. All estimates stay: a block is chosen by low bits, and both halves begin as the whole was.
    pub(crate) fn double(&mut self) {
        self.words = [&*self.words, &*self.words].concat().into_boxed_slice();
    }

    /// Counts a request for the key; the estimate after it.
    pub(crate) fn add(&mut self, tag: u32) -> u8 {
        let mut least = COUNTER_MAX;
        for (word, shift) in self.counters(tag) {
            let count = self.words[word] >> shift & COUNTER_MAX;
            if count < COUNTER_MAX {
                self.words[word] += 1 << shift;
            }
            least = least.min(count + 1);
        }
        least.min(COUNTER_MAX) as u8
    }

    /// The key was asked for at least `count` times.
    pub(crate) fn raise(&mut self, tag: u32, count: u8) {
        let count = u64::from(count).min(COUNTER_MAX);
        for (word, shift) in self.counters(tag) {
            let before = self.words[word] >> shift & COUNTER_MAX;
            if before < count {
                self.words[word] += (count - before) << shift;
            }
        }
    }

    /// Halves all counters.
    pub(crate) fn age(&mut self) {
        for word in &mut self.words {
            *word = *word >> 1 & HALF_MASK;
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.words)
    }

    /// Word and shift of the four counters: each in another pair of words of the block.
    #[inline]
    fn counters(&self, tag: u32) -> [(usize, u32); 4] {
        let mixed = u64::from(tag).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = mixed ^ mixed >> 29;
        let block = (mixed >> 20) as usize & (self.words.len() / WORDS_PER_BLOCK - 1);
        std::array::from_fn(|row| {
            let bits = mixed >> (5 * row);
            let word = block * WORDS_PER_BLOCK + 2 * row + (bits & 1) as usize;
            (word, (bits >> 1 & 15) as u32 * 4)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn an_estimate_is_never_too_low(tags in prop::collection::vec(0..40_u32, 0..300), double in any::<bool>()) {
            let mut sketch = Sketch::new(32);
            let mut counts = HashMap::new();
            for tag in tags {
                let tag = tag.wrapping_mul(0x9e37_79b9);
                let count: &mut u8 = counts.entry(tag).or_default();
                *count = count.saturating_add(1);
                prop_assert!(sketch.add(tag) >= (*count).min(15));
            }
            if double {
                sketch.double();
            }
            for (tag, count) in counts {
                prop_assert!(sketch.add(tag) >= (count + 1).min(15));
            }
        }
    }

    #[test]
    fn estimates_are_mostly_right_age_and_are_raised() {
        let mut sketch = Sketch::new(1000);
        for round in 1..=6 {
            let exact = (0..1000_u32).filter(|key| sketch.add(key.wrapping_mul(0x85eb_ca6b)) == round);
            assert!(exact.count() > 900);
        }
        sketch.age();
        let exact = (0..1000_u32).filter(|key| sketch.add(key.wrapping_mul(0x85eb_ca6b)) == 4);
        assert!(exact.count() > 900);
        let mut sketch = Sketch::new(8);
        sketch.raise(9, 12);
        sketch.raise(9, 3);
        assert_eq!(sketch.add(9), 13);
    }
}
