//! How often keys were asked for, also those that are not here: a count-min sketch (Cormode and Muthukrishnan 2005) of 4-bit counters,
//! halved from time to time, as TinyLFU uses it (Einziger, Friedman and Manes, *TinyLFU: A Highly Efficient Cache Admission Policy*,
//! ACM ToS 2017).
//!
//! A key has four counters, and its estimate is the least of them: others can only add to it. All four lie in one block of 64 bytes,
//! so that a look costs one cache line. What is in the cache is counted there (`mark`); the sketch is written when an entry comes
//! and when it goes.

/// A cache line.
const WORDS_PER_BLOCK: usize = 8;
const COUNTER_MAX: u64 = 15;
/// The lower three bits of every counter.
const HALF_MASK: u64 = 0x7777_7777_7777_7777;

#[derive(Clone, Debug)]
pub(crate) struct Sketch {
    /// A power of two.
    blocks: Box<[[u64; WORDS_PER_BLOCK]]>,
}

impl Sketch {
    /// For about so many entries: eight bytes for each.
    pub(crate) fn new(entries: usize) -> Self {
        let blocks = entries.div_ceil(WORDS_PER_BLOCK).next_power_of_two();
        Self { blocks: vec![[0; WORDS_PER_BLOCK]; blocks].into_boxed_slice() }
    }

    /// For how many entries it is made.
    pub(crate) fn entries(&self) -> usize {
        self.blocks.len() * WORDS_PER_BLOCK
    }

    /// Doubles the number of counters. All estimates stay: a block is chosen by low bits, and both halves begin as the whole was.
    pub(crate) fn double(&mut self) {
        self.blocks = [&*self.blocks, &*self.blocks].concat().into_boxed_slice();
    }

    /// Halves the number of counters, as long as they are enough for so many entries. Of two that become one the larger counts: no
    /// estimate becomes less.
    pub(crate) fn shrink(&mut self, entries: usize) {
        let blocks = entries.div_ceil(WORDS_PER_BLOCK).next_power_of_two();
        while self.blocks.len() > blocks {
            let (low, high) = self.blocks.split_at(self.blocks.len() / 2);
            let pairs = low.iter().zip(high);
            self.blocks = pairs
                .map(|(low, high)| std::array::from_fn(|word| larger_counters(low[word], high[word])))
                .collect();
        }
    }

    /// Counts a request for the key; the estimate after it.
    pub(crate) fn add(&mut self, tag: u32) -> u8 {
        let (block, bits) = self.block(tag);
        let mut least = COUNTER_MAX;
        for row in 0..4 {
            let (word, shift) = counter(bits, row);
            let count = block[word] >> shift & COUNTER_MAX;
            block[word] += u64::from(count < COUNTER_MAX) << shift;
            least = least.min(count + 1);
        }
        least as u8
    }

    /// The key was asked for at least `count` times.
    pub(crate) fn raise(&mut self, tag: u32, count: u8) {
        let count = u64::from(count).min(COUNTER_MAX);
        let (block, bits) = self.block(tag);
        for row in 0..4 {
            let (word, shift) = counter(bits, row);
            let before = block[word] >> shift & COUNTER_MAX;
            block[word] += count.saturating_sub(before) << shift;
        }
    }

    /// Halves all counters.
    pub(crate) fn age(&mut self) {
        for word in self.blocks.as_flattened_mut() {
            *word = *word >> 1 & HALF_MASK;
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.blocks)
    }

    /// The block of a key, and bits that choose its counters there.
    #[inline]
    fn block(&mut self, tag: u32) -> (&mut [u64; WORDS_PER_BLOCK], u32) {
        let mixed = u64::from(tag).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mask = self.blocks.len() - 1;
        (&mut self.blocks[(mixed >> 20) as usize & mask], (mixed >> 44) as u32)
    }
}

/// Of each two counters the larger one.
fn larger_counters(one: u64, other: u64) -> u64 {
    (0..16)
        .map(|counter| COUNTER_MAX << (4 * counter))
        .map(|mask| (one & mask).max(other & mask))
        .fold(0, |all, counter| all | counter)
}

/// Word and shift of the counter in a row: each row has two words of sixteen counters.
#[inline]
fn counter(bits: u32, row: u32) -> (usize, u32) {
    let bits = bits >> (5 * row);
    (2 * row as usize + (bits & 1) as usize, (bits >> 1 & 15) * 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn an_estimate_is_never_too_low(tags in prop::collection::vec(0..40_u32, 0..300), resize in 0..4) {
            let mut sketch = Sketch::new(32);
            let mut counts = HashMap::new();
            for tag in tags {
                let tag = tag.wrapping_mul(0x9e37_79b9);
                let count: &mut u8 = counts.entry(tag).or_default();
                *count = count.saturating_add(1);
                prop_assert!(sketch.add(tag) >= (*count).min(15));
            }
            match resize {
                0 => sketch.double(),
                1 => sketch.shrink(16),
                2 => sketch.shrink(0),
                _ => {}
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
        let before = sketch.clone();
        sketch.double();
        sketch.shrink(8);
        assert_eq!(sketch.blocks, before.blocks);
    }
}
