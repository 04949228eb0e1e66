//! Weak maps: ephemeron tables.

use core::marker::PhantomData;

use terrane_base::MemoryError;

use crate::handle::{Gc, InvariantType};
use crate::heap::{MapHandle, Mutator};
use crate::object::{At, Trace};

/// A map from objects to objects that keeps neither keys nor, for the sake of keys that are dead, values.
///
/// A value lives as long as its key and the map do, even if the value refers to the key (an *ephemeron*; a map with weak
/// keys only would keep both for ever). Keys are compared by identity. Look-ups cost a few loads, whatever the size, and
/// entries of dead keys cost nothing to find. `K` and `V` are the types with `'static` for both lifetimes.
/// (A number that is a key or a value needs its suffix, as in `mu.alloc(1_i64)`: the type of the map does not reach it.)
///
/// ```
/// use terrane_gc::{Heap, WeakMap};
///
/// let mut heap = Heap::new()?;
/// heap.enter(|mu| {
///     let notes = WeakMap::<i64, i64>::new(mu);
///     let key = mu.alloc(1_i64);
///     notes.insert(mu, key, mu.alloc(100_i64));
///     let kept = mu.root(key);
///     mu.collect_full();
///     assert_eq!(*notes.get(mu, kept.get(mu)).unwrap(), 100);
///     kept.set(mu, mu.alloc(2_i64));
///     mu.collect_full();
///     assert_eq!(notes.len(mu), 0);
/// });
/// # Ok::<(), terrane_base::MemoryError>(())
/// ```
///
/// A map used with another heap than its own is empty, and refuses entries by a panic.
pub struct WeakMap<K, V> {
    handle: MapHandle,
    keys: InvariantType<K>,
    values: InvariantType<V>,
}

impl<K, V> core::fmt::Debug for WeakMap<K, V> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WeakMap").finish_non_exhaustive()
    }
}

impl<K: Trace, V: Trace> WeakMap<K, V> {
    /// A new map for objects of the mutator's heap.
    #[must_use]
    pub fn new(mu: &Mutator<'_, '_>) -> Self {
        Self { handle: mu.open_map(), keys: PhantomData, values: PhantomData }
    }

    fn is_of(&self, mu: &Mutator<'_, '_>) -> bool {
        self.handle.heap == mu.heap_id()
    }

    /// How many entries there are, those included whose keys have died but were not found dead yet.
    #[must_use]
    pub fn len(&self, mu: &Mutator<'_, '_>) -> usize {
        if self.is_of(mu) { mu.map_len(self.handle.index) } else { 0 }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self, mu: &Mutator<'_, '_>) -> bool {
        self.len(mu) == 0
    }

    /// The value for a key. O(1).
    #[must_use]
    pub fn get<'h, 'm, Q>(
        &self,
        mu: &'m Mutator<'h, '_>,
        key: Gc<'h, 'm, Q>,
    ) -> Option<Gc<'h, 'm, At<'h, 'm, V>>>
    where
        Q: Trace<At<'static, 'static> = K>,
    {
        if !self.is_of(mu) {
            return None;
        }
        // SAFETY: this map keeps values of type `V` only.
        mu.map_value(self.handle.index, key.word()).map(|value| unsafe { Gc::from_word(value) })
    }

    /// Sets the value for a key; answers the one before. O(1), but the first entry of a key costs some 50 bytes.
    ///
    /// # Panics
    ///
    /// When the map belongs to another heap, or there is no memory; see [`try_insert`](Self::try_insert).
    #[track_caller]
    pub fn insert<'h, 'm, Q, U>(
        &self,
        mu: &'m Mutator<'h, '_>,
        key: Gc<'h, 'm, Q>,
        value: Gc<'h, 'm, U>,
    ) -> Option<Gc<'h, 'm, U>>
    where
        Q: Trace<At<'static, 'static> = K>,
        U: Trace<At<'static, 'static> = V>,
    {
        assert!(self.is_of(mu), "the weak map belongs to another heap");
        // SAFETY: references of this heap; the map keeps values of type `V` only.
        unsafe { Some(Gc::from_word(mu.map_insert(self.handle.index, key.word(), value.word())?)) }
    }

    /// The same with an error where `insert` panics for want of memory.
    ///
    /// # Errors
    ///
    /// When there is no memory for the entry. The map is as it was.
    ///
    /// # Panics
    ///
    /// When the map belongs to another heap.
    ///
    /// ```
    /// use terrane_gc::{Heap, MemoryError, WeakMap};
    ///
    /// Heap::new()?.enter(|mu| {
    ///     let (notes, key) = (WeakMap::<i64, i64>::new(mu), mu.alloc(1_i64));
    ///     assert!(notes.try_insert(mu, key, mu.alloc(10_i64))?.is_none());
    ///     assert_eq!(notes.try_insert(mu, key, mu.alloc(20_i64))?.as_deref(), Some(&10));
    ///     Ok::<(), MemoryError>(())
    /// })?;
    /// # Ok::<(), MemoryError>(())
    /// ```
    #[track_caller]
    pub fn try_insert<'h, 'm, Q, U>(
        &self,
        mu: &'m Mutator<'h, '_>,
        key: Gc<'h, 'm, Q>,
        value: Gc<'h, 'm, U>,
    ) -> Result<Option<Gc<'h, 'm, U>>, MemoryError>
    where
        Q: Trace<At<'static, 'static> = K>,
        U: Trace<At<'static, 'static> = V>,
    {
        assert!(self.is_of(mu), "the weak map belongs to another heap");
        // SAFETY: a reference of this heap.
        unsafe { mu.map_reserve(self.handle.index, key.word())? };
        Ok(self.insert(mu, key, value))
    }

    /// Takes an entry out; answers its value. O(1).
    pub fn remove<'h, 'm, Q>(
        &self,
        mu: &'m Mutator<'h, '_>,
        key: Gc<'h, 'm, Q>,
    ) -> Option<Gc<'h, 'm, At<'h, 'm, V>>>
    where
        Q: Trace<At<'static, 'static> = K>,
    {
        if !self.is_of(mu) {
            return None;
        }
        // SAFETY: a reference of this heap; the map keeps values of type `V` only.
        unsafe { Some(Gc::from_word(mu.map_remove(self.handle.index, key.word())?)) }
    }
}
