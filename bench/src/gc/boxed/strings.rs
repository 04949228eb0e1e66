//! Boxed strings.

use super::super::strings::{PLACES, Strings, ends};
use std::hint::black_box;

/// The strings of [`Strings`].
pub(in super::super) struct BoxedStrings {
    table: Vec<Option<Box<[u8]>>>,
}

impl Default for BoxedStrings {
    fn default() -> Self {
        Self { table: vec![None; PLACES] }
    }
}

impl Strings for BoxedStrings {
    #[inline]
    fn temporary(&mut self, text: &str) -> u64 {
        let text = text.as_bytes();
        ends(&black_box(Box::<[u8]>::from(text)))
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
