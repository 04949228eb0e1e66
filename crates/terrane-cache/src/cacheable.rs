//! Values that know their key and their size.

use std::hash::{BuildHasher, Hash as Hashable};

use crate::shared::{Cache, CacheBuilder};

/// A value that knows under which key it is kept, and how large it is.
///
/// ```
/// use terrane_cache::{Cache, Cacheable};
///
/// #[derive(Clone)]
/// struct User { id: u64, name: String }
///
/// impl Cacheable for User {
///     type Key = u64;
///     fn cache_key(&self) -> u64 { self.id }
///     fn size_hint(&self) -> usize { size_of::<Self>() + self.name.len() }
/// }
///
/// let users = Cache::builder().weigh_by_size(1 << 20).build();
/// users.put(User { id: 7, name: "Ada".to_owned() });
/// assert_eq!(users.get(&7).unwrap().name, "Ada");
/// assert_eq!(users.weight(), size_of::<User>() as u64 + 3);
/// ```
pub trait Cacheable: Clone {
    /// What it is found by.
    type Key: Hashable + Eq;

    /// The key of this value.
    fn cache_key(&self) -> Self::Key;

    /// About how many bytes it takes, those included that it points to.
    fn size_hint(&self) -> usize {
        size_of_val(self)
    }
}

impl<V: Cacheable, S: BuildHasher> CacheBuilder<V::Key, V, S> {
    /// Values that take at most so many bytes together, by their own account ([`Cacheable::size_hint`]).
    pub fn weigh_by_size(self, capacity_bytes: u64) -> Self {
        self.weigher(capacity_bytes, |_, value| value.size_hint() as u64)
    }
}

impl<V: Cacheable, S: BuildHasher> Cache<V::Key, V, S> {
    /// Puts a value in under its own key; as [`insert`](Cache::insert).
    pub fn put(&self, value: V) -> bool {
        self.insert(value.cache_key(), value)
    }
}
