//! Strings that a table owns, in one allocation each.

use super::strings::{PLACES, Strings, ends};
use std::hint::black_box;
use std::ops::Deref;

/// The strings of [`Strings`], behind pointers of this kind.
pub(super) struct OwnedStrings<P> {
    table: Vec<Option<P>>,
}

impl<P> Default for OwnedStrings<P> {
    fn default() -> Self {
        Self { table: (0..PLACES).map(|_| None).collect() }
    }
}

impl<P: Deref<Target = [u8]> + for<'a> From<&'a [u8]>> Strings for OwnedStrings<P> {
    #[inline]
    fn temporary(&mut self, text: &str) -> u64 {
        let text = text.as_bytes();
        ends(&black_box(P::from(text)))
    }

    #[inline]
    fn keep(&mut self, place: usize, text: &str) -> bool {
        let text = text.as_bytes();
        let place = &mut self.table[place];
        let found = place.as_deref() == Some(text);
        if !found {
            *place = Some(text.into());
        }
        found
    }

    fn kept_ends(&self, place: usize) -> u64 {
        self.table[place].as_deref().map_or(0, ends)
    }
}
