//! Strings of bytes, and a table of them: an array at the bottom of the shadow stack.

use super::super::cell_model::CellModel;
use super::super::configuration::Configuration;
use super::super::pair_model::NIL;
use super::super::strings::{PLACES, Strings, ends};
use super::Cells;
use std::hint::black_box;

/// The strings of [`Strings`].
#[derive(Debug)]
pub(in super::super) struct RawStrings(Cells<CellModel>);

impl RawStrings {
    pub(in super::super) fn new(configuration: Configuration) -> Self {
        let mut cells = Cells::<CellModel>::new((configuration.heap)());
        let table = cells.array(PLACES);
        cells.roots.push(table);
        Self(cells)
    }
}

impl Strings for RawStrings {
    #[inline]
    fn temporary(&mut self, text: &str) -> u64 {
        let text = text.as_bytes();
        let string = black_box(self.0.bytes_like(text));
        ends(self.0.bytes_of(string))
    }

    #[inline]
    fn keep(&mut self, place: usize, text: &str) -> bool {
        let text = text.as_bytes();
        let old = self.0.element(self.0.roots.words[0], place);
        if old != NIL && self.0.bytes_of(old) == text {
            return true;
        }
        let string = self.0.bytes_like(text);
        self.0.set_element(self.0.roots.words[0], place, string);
        false
    }

    fn kept_ends(&self, place: usize) -> u64 {
        match self.0.element(self.0.roots.words[0], place) {
            NIL => 0,
            string => ends(self.0.bytes_of(string)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::STRESSED;
    use super::*;

    #[test]
    fn strings_survive_collections() {
        let mut strings = RawStrings::new(STRESSED);
        assert!(!strings.keep(5, "abcdefghi"));
        assert!(!strings.keep(PLACES - 1, "a longer text of some bytes"));
        assert_eq!(strings.temporary("abcdefghi"), ends(b"abcdefghi"));
        assert!(strings.keep(5, "abcdefghi"));
        assert!(!strings.keep(5, "abcdefghj"));
        assert_eq!(strings.kept_ends(PLACES - 1), ends(b"a longer text of some bytes"));
        assert_eq!(strings.kept_ends(6), 0);
    }
}
