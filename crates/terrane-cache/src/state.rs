//! What is in a cache, written down for a warm restart.

use std::hash::{BuildHasher, Hash as Hashable};
use std::sync::Arc;

use terrane_base::{MemorySerializable, StateError, StateReader, StateWriter};

use crate::shared::Cache;

/// Keys and values that can be part of a [`CacheState`]: numbers, texts, bytes, pairs of these; and types of your own.
///
/// ```
/// use terrane_base::{MemorySerializable, StateError, StateReader, StateWriter};
/// use terrane_cache::{Cache, CacheState, Portable};
///
/// #[derive(Clone, Debug, PartialEq)]
/// struct Player { name: String, score: u32 }
///
/// impl Portable for Player {
///     fn write(&self, out: &mut StateWriter) {
///         self.name.write(out);
///         self.score.write(out);
///     }
///     fn read(from: &mut StateReader<'_>) -> Result<Self, StateError> {
///         Ok(Self { name: String::read(from)?, score: u32::read(from)? })
///     }
/// }
///
/// let players = Cache::new(100);
/// let ada = Player { name: "Ada".to_owned(), score: 7 };
/// players.insert(1_u32, ada.clone());
/// let bytes = players.state().serialize_state();
/// assert_eq!(CacheState::deserialize_state(&bytes)?.entries, [(1_u32, ada)]);
/// # Ok::<(), StateError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written down as a part of a cache's state",
    label = "does not implement `Portable`",
    note = "implement `Portable` for a type of your own by writing and reading its fields one after the other; put a foreign type \
            into one of your own"
)]
pub trait Portable: Sized {
    /// Writes it.
    fn write(&self, out: &mut StateWriter);

    /// Reads what [`write`](Portable::write) wrote.
    ///
    /// # Errors
    /// When it is nothing of the kind.
    fn read(from: &mut StateReader<'_>) -> Result<Self, StateError>;
}

/// Entries of a cache, in no order.
///
/// The types of keys and values are not part of what is written down: it is to be read as what it was written as. Read as something else,
/// it is an error or other entries.
///
/// ```
/// use terrane_base::MemorySerializable;
/// use terrane_cache::{Cache, CacheState};
///
/// let cache = Cache::new(100);
/// cache.insert("a".to_owned(), 1_u64);
/// let bytes = cache.state().serialize_state();
///
/// let after_restart = Cache::new(100);
/// after_restart.restore(CacheState::<String, u64>::deserialize_state(&bytes)?);
/// assert_eq!(after_restart.get("a"), Some(1));
/// # Ok::<(), terrane_base::StateError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheState<K, V> {
    /// Keys and values.
    pub entries: Vec<(K, V)>,
}

impl<K: Portable, V: Portable> MemorySerializable for CacheState<K, V> {
    const KIND: &'static str = "terrane-cache";
    const VERSION: u32 = 1;

    fn write_payload(&self, out: &mut StateWriter) {
        out.u64(self.entries.len() as u64);
        for (key, value) in &self.entries {
            key.write(out);
            value.write(out);
        }
    }

    fn read_payload(_version: u32, from: &mut StateReader<'_>) -> Result<Self, StateError> {
        let count = from.u64()?;
        // Nothing is allocated, and nothing goes on for ever, on the word of a number that was read. (Two entries differ in their keys, so
        // that at most one has no bytes.)
        if count > 1 && count > from.left() as u64 {
            return Err(from.malformed("more entries than bytes"));
        }
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push((K::read(from)?, V::read(from)?));
        }
        Ok(Self { entries })
    }
}

impl<K: Hashable + Eq + Clone, V: Clone, S: BuildHasher> Cache<K, V, S> {
    /// What is in the cache, without what has expired. How long entries still live is not part of it.
    #[must_use]
    pub fn state(&self) -> CacheState<K, V> {
        CacheState { entries: self.iter().collect() }
    }

    /// Puts entries in that another cache had, as if they came now; how many of them are kept.
    pub fn restore(&self, state: CacheState<K, V>) -> usize {
        state.entries.into_iter().map(|(key, value)| self.insert(key, value)).filter(|kept| *kept).count()
    }
}

macro_rules! portable_numbers {
    ($($number:ty),*) => {$(
        impl Portable for $number {
            fn write(&self, out: &mut StateWriter) {
                out.u64(u64::from_le_bytes(i64::from(*self).to_le_bytes()));
            }

            fn read(from: &mut StateReader<'_>) -> Result<Self, StateError> {
                let number = i64::from_le_bytes(from.u64()?.to_le_bytes());
                Self::try_from(number).map_err(|_| from.malformed("a number that is too large"))
            }
        }
    )*};
}

portable_numbers!(u8, i8, u16, i16, u32, i32, i64);

impl Portable for u64 {
    fn write(&self, out: &mut StateWriter) {
        out.u64(*self);
    }

    fn read(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        from.u64()
    }
}

impl Portable for usize {
    fn write(&self, out: &mut StateWriter) {
        out.u64(*self as u64);
    }

    fn read(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        Self::try_from(from.u64()?).map_err(|_| from.malformed("a number that is too large"))
    }
}

impl Portable for String {
    fn write(&self, out: &mut StateWriter) {
        out.text(self);
    }

    fn read(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        from.text().map(str::to_owned)
    }
}

impl Portable for Vec<u8> {
    fn write(&self, out: &mut StateWriter) {
        out.bytes(self);
    }

    fn read(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        from.bytes().map(<[u8]>::to_vec)
    }
}

impl Portable for Arc<[u8]> {
    fn write(&self, out: &mut StateWriter) {
        out.bytes(self);
    }

    fn read(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        from.bytes().map(Arc::from)
    }
}

impl Portable for Arc<str> {
    fn write(&self, out: &mut StateWriter) {
        out.text(self);
    }

    fn read(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        from.text().map(Arc::from)
    }
}

impl<A: Portable, B: Portable> Portable for (A, B) {
    fn write(&self, out: &mut StateWriter) {
        self.0.write(out);
        self.1.write(out);
    }

    fn read(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        Ok((A::read(from)?, B::read(from)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key and a value without bytes.
    #[derive(Debug, PartialEq)]
    struct Nothing;

    impl Portable for Nothing {
        fn write(&self, _out: &mut StateWriter) {}

        fn read(_from: &mut StateReader<'_>) -> Result<Self, StateError> {
            Ok(Self)
        }
    }

    /// Writes only a number of entries.
    struct Claims(u64);

    impl MemorySerializable for Claims {
        const KIND: &'static str = "terrane-cache";
        const VERSION: u32 = 1;

        fn write_payload(&self, out: &mut StateWriter) {
            out.u64(self.0);
        }

        fn read_payload(_version: u32, from: &mut StateReader<'_>) -> Result<Self, StateError> {
            from.u64().map(Self)
        }
    }

    #[test]
    fn a_number_of_entries_is_not_believed() {
        let error = CacheState::<Nothing, Nothing>::deserialize_state(&Claims(u64::MAX).serialize_state())
            .unwrap_err();
        assert!(error.to_string().contains("more entries than bytes"), "{error}");
        let one = CacheState { entries: vec![(Nothing, Nothing)] };
        assert_eq!(CacheState::deserialize_state(&one.serialize_state()), Ok(one));
    }
}
