//! Strings, and an array of them.

use super::super::configuration::Configuration;
use super::super::strings::{PLACES, Strings, ends};
use super::{SharedHeap, heap, load};
use std::hint::black_box;
use terrane_gc::{Array, GcString, Root};

/// The strings of [`Strings`].
#[derive(Debug)]
pub(in super::super) struct SafeStrings {
    heap: SharedHeap,
    table: Root<Array<Option<GcString<'static, 'static>>>>,
}

impl SafeStrings {
    pub(in super::super) fn new(configuration: Configuration) -> Self {
        let mut heap = heap(configuration);
        let table = heap.get_mut().enter(|mu| mu.persist(mu.alloc_array(PLACES, None::<GcString<'_, '_>>)));
        Self { heap, table }
    }
}

impl Strings for SafeStrings {
    #[inline]
    fn temporary(&mut self, text: &str) -> u64 {
        self.heap.get_mut().enter(|mu| {
            mu.safepoint();
            ends(black_box(mu.alloc_str(text)).as_bytes())
        })
    }

    #[inline]
    fn keep(&mut self, place: usize, text: &str) -> bool {
        self.heap.get_mut().enter(|mu| {
            mu.safepoint();
            let table = load(mu, &self.table);
            let place = &table[place];
            let found = place.get().is_some_and(|string| **string == *text);
            if !found {
                place.set(mu, Some(mu.alloc_str(text)));
            }
            found
        })
    }

    fn kept_ends(&self, place: usize) -> u64 {
        self.heap
            .borrow_mut()
            .enter(|mu| load(mu, &self.table)[place].get().map_or(0, |string| ends(string.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::super::STRESSED;
    use super::*;

    #[test]
    fn strings_survive_collections() {
        let mut strings = SafeStrings::new(STRESSED);
        assert!(!strings.keep(5, "abcdefghi"));
        assert!(!strings.keep(PLACES - 1, "a longer text of some bytes"));
        assert_eq!(strings.temporary("abcdefghi"), ends(b"abcdefghi"));
        assert!(strings.keep(5, "abcdefghi"));
        assert!(!strings.keep(5, "abcdefghj"));
        assert_eq!(strings.kept_ends(PLACES - 1), ends(b"a longer text of some bytes"));
        assert_eq!(strings.kept_ends(6), 0);
    }
}
