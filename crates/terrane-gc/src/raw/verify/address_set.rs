//! A set of addresses, by open addressing: the verifier asks it about every edge of the heap.

use alloc::vec::Vec;

/// A set of non-zero addresses.
#[derive(Debug, Default)]
pub(crate) struct AddressSet {
    /// Zero is a free place. The length is a power of two, at most two thirds full.
    places: Vec<usize>,
    len: usize,
}

impl AddressSet {
    /// Adds an address; answers whether it was absent.
    pub(crate) fn insert(&mut self, address: usize) -> bool {
        if self.len * 3 >= self.places.len() * 2 {
            self.grow();
        }
        let place = self.find(address);
        let absent = self.places[place] == 0;
        if absent {
            self.places[place] = address;
            self.len += 1;
        }
        absent
    }

    pub(crate) fn contains(&self, address: usize) -> bool {
        address != 0 && self.len > 0 && self.places[self.find(address)] == address
    }

    /// All addresses, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        self.places.iter().copied().filter(|&address| address != 0)
    }

    /// Where the address is, or would be.
    fn find(&self, address: usize) -> usize {
        let mask = self.places.len() - 1;
        // Fibonacci hashing: the high bits of the product depend on all bits of the address.
        let mut place = ((address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) as usize & mask;
        while self.places[place] != 0 && self.places[place] != address {
            place = (place + 1) & mask;
        }
        place
    }

    fn grow(&mut self) {
        let len = (self.places.len() * 2).max(64);
        let before = core::mem::replace(&mut self.places, alloc::vec![0; len]);
        for address in before.into_iter().filter(|&address| address != 0) {
            let place = self.find(address);
            self.places[place] = address;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_was_inserted_and_nothing_else() {
        let mut set = AddressSet::default();
        assert!(!set.contains(8));
        for i in 1..10_000 {
            assert!(set.insert(i * 16));
            assert!(!set.insert(i * 16));
        }
        assert!(!set.contains(0), "a free place is not an element");
        for i in 1..10_000 {
            assert!(set.contains(i * 16));
            assert!(!set.contains(i * 16 + 8));
        }
    }
}
