//! Interned strings: one object for each text, for as long as somebody wants it.

use alloc::vec::Vec;

use terrane_base::MemoryError;

use crate::handle::Weak;
use crate::heap::{Mutator, out_of_memory};

use super::hashing::hash_of;
use super::{GcString, Str};

/// Places of the first table; a power of two.
const CAPACITY_MIN: usize = 64;

#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u64,
    text: Weak<Str>,
}

/// A table that answers the same string object for the same text. It keeps none of them alive.
///
/// So two interned strings are equal if they are the [same](crate::Gc::same). A place of a dead string is reused when the
/// table is full: then those that are still alive are counted, and the table grows or not. Use one table with one
/// heap; with another it starts anew.
///
/// ```
/// use terrane_gc::{Heap, InternTable};
///
/// let mut heap = Heap::new()?;
/// let mut symbols = InternTable::new();
/// heap.enter(|mu| {
///     let one = symbols.intern(mu, "lambda");
///     assert!(one.same(symbols.intern(mu, "lambda")));
///     assert!(!one.same(symbols.intern(mu, "define")));
/// });
/// # Ok::<(), terrane_base::MemoryError>(())
/// ```
#[derive(Debug, Default)]
pub struct InternTable {
    /// A power of two of places, at most three quarters in use.
    places: Vec<Option<Entry>>,
    used: usize,
}

impl InternTable {
    /// An empty table.
    #[must_use]
    pub const fn new() -> Self {
        Self { places: Vec::new(), used: 0 }
    }

    /// The string of this text, made if there is none. O(length) on average.
    ///
    /// # Panics
    ///
    /// At the heap's limit.
    #[track_caller]
    pub fn intern<'h, 'm>(&mut self, mu: &'m Mutator<'h, '_>, text: &str) -> GcString<'h, 'm> {
        self.try_intern(mu, text).unwrap_or_else(|error| out_of_memory(error))
    }

    /// The same with an error where `intern` panics.
    ///
    /// # Errors
    ///
    /// When there is no room for a new string without a collection.
    pub fn try_intern<'h, 'm>(
        &mut self,
        mu: &'m Mutator<'h, '_>,
        text: &str,
    ) -> Result<GcString<'h, 'm>, MemoryError> {
        let hash = hash_of(mu.hash_seed(), text);
        if let Some(known) = self.find(mu, hash, text) {
            return Ok(known);
        }
        if (self.used + 1) * 4 > self.places.len() * 3 {
            self.rebuild(mu);
        }
        let string = mu.try_alloc_str(text)?;
        let place = self.probe(hash).find(|&place| self.places[place].is_none());
        if let Some(place) = place {
            self.places[place] = Some(Entry { hash, text: mu.downgrade(string) });
            self.used += 1;
        }
        Ok(string)
    }

    /// The string of this text, if there is one.
    #[must_use]
    pub fn lookup<'h, 'm>(&self, mu: &'m Mutator<'h, '_>, text: &str) -> Option<GcString<'h, 'm>> {
        self.find(mu, hash_of(mu.hash_seed(), text), text)
    }

    fn find<'h, 'm>(&self, mu: &'m Mutator<'h, '_>, hash: u64, text: &str) -> Option<GcString<'h, 'm>> {
        self.probe(hash)
            .map_while(|place| self.places[place])
            .filter(|entry| entry.hash == hash)
            .filter_map(|entry| entry.text.upgrade(mu))
            .find(|string| ***string == *text)
    }

    /// The places to look at for a hash, each once.
    fn probe(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let len = self.places.len();
        (0..len).map(move |step| (hash as usize).wrapping_add(step) & (len - 1))
    }

    /// Forgets the dead, and makes room for as many again as are alive.
    #[cold]
    fn rebuild(&mut self, mu: &Mutator<'_, '_>) {
        let alive = |entry: &Entry| entry.text.is_alive(mu);
        let living: Vec<Entry> = self.places.iter().copied().flatten().filter(alive).collect();
        let capacity = (living.len() * 2).next_power_of_two().max(CAPACITY_MIN);
        self.places.clear();
        self.places.resize(capacity, None);
        self.used = living.len();
        for entry in living {
            if let Some(place) = self.probe(entry.hash).find(|&place| self.places[place].is_none()) {
                self.places[place] = Some(entry);
            }
        }
    }
}
