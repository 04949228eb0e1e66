//! Hash tables whose keys are addresses.

use std::hash::{BuildHasherDefault, Hasher};

/// The hasher of such a table.
pub(super) type ByAddress = BuildHasherDefault<AddressHasher>;

/// Multiplies by 2⁶⁴ divided by the golden ratio (Knuth, *The Art of Computer Programming* 3, §6.4), and puts the high
/// bits of the product, which are well mixed, where the table looks first.
#[derive(Debug, Default)]
pub(super) struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_usize(usize::from(byte)));
    }

    #[inline]
    fn write_usize(&mut self, address: usize) {
        self.0 = (self.0 ^ address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    #[test]
    fn neighbours_are_spread() {
        let hashes: Vec<u64> = (0..4096_usize).map(|i| ByAddress::default().hash_one(i * 16)).collect();
        let low: HashSet<u64> = hashes.iter().map(|hash| hash & 4095).collect();
        assert!(low.len() > 2_000, "{}", low.len());
    }
}
