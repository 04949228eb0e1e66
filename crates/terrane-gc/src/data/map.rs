//! A hash map in the heap.
//!
//! Open addressing with linear probing in one array, at most three quarters full; removal shifts entries back (Knuth,
//! TAOCP vol. 3, §6.4, algorithm R), so there are no tombstones.

use core::cell::Cell;
use core::fmt;
use core::hash::Hash;

use terrane_base::MemoryError;

use crate::handle::GcCell;
use crate::heap::{Mutator, out_of_memory};
use crate::object::{InHeap, Shape, Trace, Tracer};

use super::GcArray;
use super::hashing::hash_of;

/// Entries of the first array; a power of two.
const CAPACITY_MIN: usize = 8;

type Entries<'h, 'm, K, V> = GcArray<'h, 'm, Option<(K, V)>>;

/// A hash map of copied keys and values, which keeps both alive.
///
/// Keys are compared by `Eq`: strings by their text. To find by identity, use [`Mutator::identity`] as the key.
///
/// ```
/// use terrane_gc::{GcMap, GcString, Heap};
///
/// let mut heap = Heap::new()?;
/// heap.enter(|mu| {
///     let ages = mu.alloc(GcMap::<GcString, u32>::new());
///     ages.insert(mu, mu.alloc_str("Ada"), 36);
///     ages.insert(mu, mu.alloc_str("Alan"), 41);
///     assert_eq!(ages.get(mu, &mu.alloc_str("Ada")), Some(36));
///     assert_eq!(ages.remove(mu, &mu.alloc_str("Alan")), Some(41));
///     assert_eq!(ages.len(), 1);
/// });
/// # Ok::<(), terrane_base::MemoryError>(())
/// ```
pub struct GcMap<'h, 'm, K, V> {
    len: Cell<usize>,
    entries: GcCell<Option<Entries<'h, 'm, K, V>>>,
}

impl<K, V> fmt::Debug for GcMap<'_, '_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GcMap").field("len", &self.len.get()).finish_non_exhaustive()
    }
}

impl<K, V> Default for GcMap<'_, '_, K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> GcMap<'_, '_, K, V> {
    /// An empty map, without an array yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { len: Cell::new(0), entries: GcCell::new(None) }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len.get()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'h, 'm, K, V> GcMap<'h, 'm, K, V>
where
    K: InHeap<'h, 'm> + Copy + Eq + Hash,
    V: InHeap<'h, 'm> + Copy,
{
    /// The value for a key. O(1) on average.
    #[must_use]
    pub fn get(&self, mu: &Mutator<'h, '_>, key: &K) -> Option<V> {
        let entries = self.entries.get()?;
        let place = find(mu.hash_seed(), entries, key);
        entries[place].get().map(|(_, value)| value)
    }

    /// Whether there is an entry for a key.
    #[must_use]
    pub fn contains_key(&self, mu: &Mutator<'h, '_>, key: &K) -> bool {
        self.get(mu, key).is_some()
    }

    /// Sets the value for a key; answers the one before. O(1) on average; never collects.
    ///
    /// # Panics
    ///
    /// At the heap's limit.
    #[track_caller]
    pub fn insert(&self, mu: &'m Mutator<'h, '_>, key: K, value: V) -> Option<V> {
        self.try_insert(mu, key, value).unwrap_or_else(|error| out_of_memory(error))
    }

    /// The same with an error where `insert` panics.
    ///
    /// # Errors
    ///
    /// When the array must grow and there is no room for a new one. The map is as it was.
    pub fn try_insert(&self, mu: &'m Mutator<'h, '_>, key: K, value: V) -> Result<Option<V>, MemoryError> {
        let entries = match self.entries.get() {
            Some(entries) if (self.len() + 1) * 4 <= entries.len() * 3 => entries,
            _ => self.grow(mu)?,
        };
        let place = &entries[find(mu.hash_seed(), entries, &key)];
        let before = place.get();
        place.set(mu, Some((before.map_or(key, |(known, _)| known), value)));
        if before.is_none() {
            self.len.set(self.len() + 1);
        }
        Ok(before.map(|(_, value)| value))
    }

    /// Takes an entry out; answers its value. O(1) on average.
    pub fn remove(&self, mu: &'m Mutator<'h, '_>, key: &K) -> Option<V> {
        let entries = self.entries.get()?;
        let mut gap = find(mu.hash_seed(), entries, key);
        let (_, value) = entries[gap].get()?;
        let mask = entries.len() - 1;
        let mut place = gap;
        loop {
            place = (place + 1) & mask;
            let Some((key, _)) = entries[place].get() else { break };
            let home = hash_of(mu.hash_seed(), &key) as usize & mask;
            // The entry may move back if its home does not lie after the gap.
            if place.wrapping_sub(home) & mask >= place.wrapping_sub(gap) & mask {
                entries[gap].set(mu, entries[place].get());
                gap = place;
            }
        }
        entries[gap].set(mu, None);
        self.len.set(self.len() - 1);
        Some(value)
    }

    /// The entries, by copy, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (K, V)> {
        let entries = self.entries.get();
        let len = entries.map_or(0, |entries| entries.len());
        (0..len).filter_map(move |index| entries?[index].get())
    }

    #[cold]
    #[inline(never)]
    fn grow(&self, mu: &'m Mutator<'h, '_>) -> Result<Entries<'h, 'm, K, V>, MemoryError> {
        let capacity = self.entries.get().map_or(0, |entries| entries.len());
        let larger = mu.try_alloc_array(capacity.saturating_mul(2).max(CAPACITY_MIN), None)?;
        for (key, value) in self.iter() {
            larger[find(mu.hash_seed(), larger, &key)].set(mu, Some((key, value)));
        }
        self.entries.set(mu, Some(larger));
        Ok(larger)
    }
}

/// Where the entry of a key is, or would be. The array has a free place.
fn find<K: Trace + Copy + Eq + Hash, V: Trace + Copy>(
    seed: u64,
    entries: Entries<'_, '_, K, V>,
    key: &K,
) -> usize {
    let mask = entries.len() - 1;
    let mut place = hash_of(seed, key) as usize & mask;
    while entries[place].get().is_some_and(|(known, _)| known != *key) {
        place = (place + 1) & mask;
    }
    place
}

// SAFETY: the array is the only reference.
unsafe impl<K: Trace, V: Trace> Trace for GcMap<'_, '_, K, V> {
    type At<'h, 'm> = GcMap<'h, 'm, K::At<'h, 'm>, V::At<'h, 'm>>;
    const SHAPE: Shape = Shape::Words(1).at(core::mem::offset_of!(Self, entries));

    unsafe fn trace(this: *mut Self, tracer: &mut Tracer<'_>) {
        // SAFETY: the caller's promise; a cell of one reference is a slot.
        tracer.slot(unsafe { (&raw mut (*this).entries).cast() });
    }
}

// SAFETY: the references are the array and those of the entries.
unsafe impl<'h, 'm, K: InHeap<'h, 'm>, V: InHeap<'h, 'm>> InHeap<'h, 'm> for GcMap<'h, 'm, K, V> {}
