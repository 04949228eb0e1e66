//! A cache with a cold tier: what falls out is compressed, if that pays, and kept a while longer.
//!
//! Two caches, one behind the other. An entry that has to leave the first for lack of room is compressed (LZ4, Collet 2011) and goes into
//! the second, whose capacity is in compressed bytes. A look-up that finds a value only there brings it back. Whoever is short of memory
//! and asks the budget takes from both, and what is taken so is not compressed: that would need memory.
//!
//! A value on its way from one tier to the other must not arrive after a newer one of its key, or after the key was removed. So all that
//! writes is done one after the other, which includes what falls out and is compressed. Hits in the first tier wait for nobody. Values are
//! decompressed without the lock: what was read is moved only if it is still what the cold tier has when the lock is held.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash as Hashable;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::ReentrantMutex;
use terrane_base::Budget;

use crate::error::InsertError;
use crate::shared::{Cache, RemovalCause};
use crate::stats::CacheStats;

/// A value that can be compressed: its bytes, and the value of given bytes.
///
/// ```
/// use terrane_cache::{ColdTier, Compressible, TieredCache};
///
/// #[derive(Clone)]
/// struct Map(Vec<u8>);
///
/// impl Compressible for Map {
///     fn as_bytes(&self) -> &[u8] { &self.0 }
///     fn from_bytes(bytes: Vec<u8>) -> Option<Self> { Some(Self(bytes)) }
/// }
///
/// let maps: TieredCache<u32, Map> = TieredCache::new(10_000, ColdTier::default(), None);
/// (0..20).for_each(|map| _ = maps.insert(map, Map(vec![7; 1000])));
/// assert_eq!(maps.len(), 20);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not made of bytes, so that it cannot be compressed",
    label = "does not implement `Compressible`",
    note = "implement `Compressible` for a type that can lend its bytes and be made of them again; of others, keep the encoded form \
            (`Vec<u8>`, `Arc<[u8]>`, `Arc<str>`) in the cache"
)]
pub trait Compressible: Clone {
    /// The bytes.
    fn as_bytes(&self) -> &[u8];

    /// The value of these bytes; `None` where they are none.
    fn from_bytes(bytes: Vec<u8>) -> Option<Self>;
}

impl Compressible for Arc<[u8]> {
    fn as_bytes(&self) -> &[u8] {
        self
    }

    fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        Some(bytes.into())
    }
}

impl Compressible for Vec<u8> {
    fn as_bytes(&self) -> &[u8] {
        self
    }

    fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        Some(bytes)
    }
}

impl Compressible for Arc<str> {
    fn as_bytes(&self) -> &[u8] {
        str::as_bytes(self)
    }

    fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        String::from_utf8(bytes).ok().map(Arc::from)
    }
}

impl Compressible for String {
    fn as_bytes(&self) -> &[u8] {
        str::as_bytes(self)
    }

    fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        Self::from_utf8(bytes).ok()
    }
}

/// How the cold tier of a [`TieredCache`] is.
///
/// ```
/// use terrane_cache::{ColdTier, TieredCache};
///
/// let tier = ColdTier { capacity_bytes: 1 << 20, value_bytes_min: 64, ..ColdTier::default() };
/// let texts: TieredCache<u32, String> = TieredCache::new(1000, tier, None);
/// (0..10).for_each(|text| _ = texts.insert(text, "again and ".repeat(20)));
/// assert!(texts.len() == 10 && texts.cold_bytes() > 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColdTier {
    /// How many compressed bytes it holds.
    pub capacity_bytes: u64,
    /// Smaller values are not compressed: they are dropped.
    pub value_bytes_min: usize,
    /// Larger values are not compressed, and nothing is ever decompressed to more than this.
    pub value_bytes_max: usize,
    /// It pays when the compressed value has at most so many hundredths of the bytes.
    pub ratio_percent_max: u8,
}

impl Default for ColdTier {
    /// 64 MiB, for values from 256 bytes to 64 MiB that shrink to three quarters.
    fn default() -> Self {
        Self {
            capacity_bytes: 64 << 20,
            value_bytes_min: 256,
            value_bytes_max: 64 << 20,
            ratio_percent_max: 75,
        }
    }
}

/// A compressed value.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Compressed {
    bytes: Arc<[u8]>,
    /// How many it was made of.
    original_bytes: usize,
}

impl Compressed {
    fn of(bytes: &[u8], tier: &ColdTier) -> Option<Self> {
        if !(tier.value_bytes_min..=tier.value_bytes_max).contains(&bytes.len()) {
            return None;
        }
        let compressed = lz4_flex::block::compress(bytes);
        let pays = compressed.len() as u128 * 100 <= bytes.len() as u128 * u128::from(tier.ratio_percent_max);
        pays.then(|| Self { bytes: compressed.into(), original_bytes: bytes.len() })
    }

    /// The bytes it was made of; `None` where it is damaged, or claims to be larger than allowed: then nothing was allocated.
    fn restore(&self, tier: &ColdTier) -> Option<Vec<u8>> {
        if self.original_bytes > tier.value_bytes_max {
            return None;
        }
        let restored = lz4_flex::block::decompress(&self.bytes, self.original_bytes).ok()?;
        (restored.len() == self.original_bytes).then_some(restored)
    }

    /// Whether this is the very same, and not only equal.
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.bytes, &other.bytes)
    }
}

/// A [`Cache`] whose entries are compressed when they have to leave it, and come back when they are wanted. Clones share it.
///
/// Many threads may read at the same time; those that write, or bring a compressed value back, take turns, and an entry that falls
/// out is compressed in the turn of the one that came. `Hash`, `Eq`, `Clone`, `Drop` and [`Compressible::as_bytes`] of keys and values may
/// run in such a turn, and must not use the same cache. What the budget takes back is lost: it is not compressed.
///
/// ```
/// use std::sync::Arc;
/// use terrane_cache::{ColdTier, TieredCache};
///
/// let pages: TieredCache<u32, Arc<str>> = TieredCache::new(64 << 10, ColdTier::default(), None);
/// for page in 0..100 {
///     pages.insert(page, "the same words again and again ".repeat(100).into());
/// }
/// // Much more than 64 KiB, and all of it is there.
/// assert!((0..100).all(|page| pages.get(&page).is_some()));
/// assert!(pages.cold_hits() > 50);
/// ```
pub struct TieredCache<K, V> {
    hot: Cache<K, V>,
    cold: Cache<K, Compressed>,
    tier: ColdTier,
    cold_hits: Arc<AtomicU64>,
    /// Held while an entry is written or moves from one tier to the other. (By the same thread twice where foreign code does what it
    /// must not: that is no reason to hang.)
    turn: Arc<ReentrantMutex<()>>,
}

impl<K, V> TieredCache<K, V>
where
    K: Hashable + Eq + Clone + Send + Sync + 'static,
    V: Compressible + Send + Sync + 'static,
{
    /// An empty cache: values of `hot_bytes` in all as they are, and beyond that the cold tier. Both are charged to the budget.
    #[must_use]
    pub fn new(hot_bytes: u64, tier: ColdTier, budget: Option<&Budget>) -> Self {
        let mut cold = Cache::builder()
            .weigher(tier.capacity_bytes, |_, value: &Compressed| value.bytes.len() as u64)
            .expected_entries(1024);
        if let Some(budget) = budget {
            cold = cold.budget(budget);
        }
        let cold = cold.build();
        let mut hot = Cache::builder()
            .weigher(hot_bytes, |_, value: &V| value.as_bytes().len() as u64)
            .expected_entries(1024)
            .on_removal({
                let cold = cold.clone();
                move |key: &K, value: &V, cause| {
                    // There is no room when something comes, in the turn of who puts it in. The budget takes entries at any time: such
                    // an entry might be outdated when it arrived.
                    if cause == RemovalCause::Capacity
                        && let Some(compressed) = Compressed::of(value.as_bytes(), &tier)
                    {
                        cold.insert(key.clone(), compressed);
                    }
                }
            });
        if let Some(budget) = budget {
            hot = hot.budget(budget);
        }
        Self { hot: hot.build(), cold, tier, cold_hits: Arc::default(), turn: Arc::default() }
    }

    /// The value of `key`. One that is found compressed is not so any more, unless there is no room for it.
    ///
    /// It is never older than the last that was written before this began. While an entry moves from one tier to the other, other threads
    /// may miss it.
    pub fn get<Q: Hashable + Eq + ToOwned<Owned = K> + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        if let Some(value) = self.hot.get(key) {
            return Some(value);
        }
        let compressed = self.cold.get(key)?;
        let value = compressed.restore(&self.tier).and_then(V::from_bytes);
        self.bring_back(key.to_owned(), &compressed, value.clone());
        self.cold_hits.fetch_add(u64::from(value.is_some()), Relaxed);
        value
    }

    /// Moves an entry to the hot tier, unless it is not there any more or is another one. Without a value it was damaged, and goes.
    fn bring_back(&self, key: K, compressed: &Compressed, value: Option<V>) {
        let _turn = self.turn.lock();
        if !self.cold.get(&key).is_some_and(|now| now.is(compressed)) {
            return;
        }
        if value.is_none_or(|value| self.hot.insert(key.clone(), value)) {
            self.cold.remove(&key);
        }
    }

    /// Puts an entry in; whether it is kept.
    pub fn insert(&self, key: K, value: V) -> bool {
        self.try_insert(key, value).is_ok()
    }

    /// As [`insert`](Self::insert), with the reason.
    ///
    /// ```
    /// use terrane_cache::{ColdTier, InsertError, TieredCache};
    ///
    /// let pages: TieredCache<u32, Vec<u8>> = TieredCache::new(1000, ColdTier::default(), None);
    /// assert_eq!(pages.try_insert(1, vec![0; 1001]), Err(InsertError::TooHeavy { weight: 1001, max: 1000 }));
    /// ```
    ///
    /// # Errors
    /// [`InsertError::TooHeavy`] for a value that the hot tier cannot hold as it is; [`InsertError::Budget`] as the budget says. Any value
    /// that the key had is gone then: it is outdated.
    pub fn try_insert(&self, key: K, value: V) -> Result<(), InsertError> {
        let _turn = self.turn.lock();
        // The old value first: should this one fall out at once, it must not find it there.
        self.cold.remove(&key);
        self.hot.try_insert(key, value)
    }

    /// Whether `key` is here, compressed or not; no use of it, and not counted.
    #[must_use]
    pub fn contains<Q: Hashable + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.hot.contains(key) || self.cold.contains(key)
    }

    /// Takes an entry out; whether it was there.
    pub fn remove<Q: Hashable + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        let _turn = self.turn.lock();
        let hot = self.hot.remove(key).is_some();
        self.cold.remove(key).is_some() || hot
    }

    /// Takes all entries out.
    pub fn clear(&self) {
        let _turn = self.turn.lock();
        self.hot.clear();
        self.cold.clear();
    }

    /// How many entries there are, compressed ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hot.len() + self.cold.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many look-ups found a value compressed.
    #[must_use]
    pub fn cold_hits(&self) -> u64 {
        self.cold_hits.load(Relaxed)
    }

    /// How many bytes the compressed values have.
    #[must_use]
    pub fn cold_bytes(&self) -> u64 {
        self.cold.weight()
    }

    /// What happened in the tier of values that are not compressed.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.hot.stats()
    }
}

impl<K, V> Clone for TieredCache<K, V> {
    fn clone(&self) -> Self {
        Self {
            hot: self.hot.clone(),
            cold: self.cold.clone(),
            tier: self.tier,
            cold_hits: Arc::clone(&self.cold_hits),
            turn: Arc::clone(&self.turn),
        }
    }
}

impl<K, V> fmt::Debug for TieredCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TieredCache")
            .field("hot", &self.hot)
            .field("cold", &self.cold)
            .field("tier", &self.tier)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TIER: ColdTier = ColdTier {
        capacity_bytes: 1 << 20,
        value_bytes_min: 16,
        value_bytes_max: 4096,
        ratio_percent_max: 75,
    };

    #[test]
    fn it_is_compressed_only_where_that_pays() {
        assert!(Compressed::of(&[7; 15], &TIER).is_none(), "too small");
        assert!(Compressed::of(&[7; 4097], &TIER).is_none(), "too large");
        let mut random = 1_u64;
        let noise: Vec<u8> = (0..1000)
            .map(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (random >> 56) as u8
            })
            .collect();
        assert!(Compressed::of(&noise, &TIER).is_none());
        let compressed = Compressed::of(&[7; 1000], &TIER).unwrap();
        assert!(compressed.bytes.len() < 100);
        assert_eq!(compressed.restore(&TIER), Some(vec![7; 1000]));
    }

    #[test]
    fn a_size_that_is_not_allowed_or_not_true_is_refused() {
        let compressed = Compressed::of(&[7; 1000], &TIER).unwrap();
        for original_bytes in [usize::MAX, 4097, 1001, 999, 0] {
            assert_eq!(Compressed { original_bytes, ..compressed.clone() }.restore(&TIER), None);
        }
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_there_is_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), original_bytes in 0..5000_usize) {
            let damaged = Compressed { bytes: bytes.into(), original_bytes };
            let restored = damaged.restore(&TIER);
            prop_assert!(restored.is_none_or(|bytes| bytes.len() == original_bytes));
        }
    }
}
