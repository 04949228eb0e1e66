//! Strings in one allocation each.

use super::super::strings::{PLACES, Strings, ends};
use dumpster::unsync::Gc;
use std::hint::black_box;

/// The strings of [`Strings`].
pub(in super::super) struct DumpsterStrings {
    table: Vec<Option<Gc<[u8]>>>,
}

impl Default for DumpsterStrings {
    fn default() -> Self {
        Self { table: (0..PLACES).map(|_| None).collect() }
    }
}

impl Strings for DumpsterStrings {
    #[inline]
    fn temporary(&mut self, text: &str) -> u64 {
        let text = text.as_bytes();
        ends(&black_box(Gc::<[u8]>::from(text)))
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
