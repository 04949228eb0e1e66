//! The hash function of the collected tables.
//!
//! Multiply and fold, eight bytes at a time (the construction of wyhash and its kin). The seed differs from heap to
//! heap; still, this is no defence against keys that are chosen to collide.

use core::hash::{Hash, Hasher};

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

/// The hash of a key.
pub(crate) fn hash_of<K: Hash + ?Sized>(seed: u64, key: &K) -> u64 {
    let mut hasher = Folding(seed ^ MULTIPLIER);
    key.hash(&mut hasher);
    hasher.finish()
}

struct Folding(u64);

impl Folding {
    fn add(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * u128::from(MULTIPLIER);
        self.0 = (product as u64) ^ (product >> 64) as u64 ^ MULTIPLIER.rotate_left(23);
    }
}

impl Hasher for Folding {
    fn finish(&self) -> u64 {
        let product = u128::from(self.0) * u128::from(MULTIPLIER);
        (product as u64) ^ (product >> 64) as u64
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.add(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.add(u64::from_le_bytes(last) ^ (bytes.len() as u64) << 56);
    }

    fn write_u8(&mut self, value: u8) {
        self.add(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.add(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.add(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.add(value as u64);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn low_bits_spread_for_keys_that_differ_little() {
        for stride in [1_u64, 8, 1 << 20, 1 << 48] {
            let low: HashSet<u64> = (0..4096).map(|i| hash_of(1, &(i * stride)) % 4096).collect();
            // Of so many balls in so many bins a random function fills 63 of 100.
            assert!(low.len() > 2300, "stride {stride}: {} bins", low.len());
        }
    }

    #[test]
    fn text_differs_by_every_byte_and_its_length() {
        let mut seen = HashSet::new();
        for len in 0..40 {
            assert!(seen.insert(hash_of(7, &"\0".repeat(len))));
        }
        assert_ne!(hash_of(7, "abcdefgh"), hash_of(8, "abcdefgh"));
    }
}
