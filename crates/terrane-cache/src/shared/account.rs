//! The budget that entries are charged to, and giving memory up when it is short.

use std::hash::{BuildHasher, Hash as Hashable};

use terrane_base::{Budget, Bytes, MemoryError, PressureLevel, PressureListener, Reclaimer, SharedLeaf};

use super::cache::Inner;
use super::departure::{Departures, RemovalCause};

#[derive(Debug)]
pub(super) struct Account {
    leaf: SharedLeaf,
}

/// A charge for an entry that is not in the cache yet; taken back when it is dropped.
#[derive(Debug)]
pub(super) struct Charge<'a> {
    account: &'a Account,
    bytes: Bytes,
}

impl Charge<'_> {
    /// The entry has come: when it leaves, the charge is given back.
    pub(super) fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Charge<'_> {
    fn drop(&mut self) {
        self.account.discharge(self.bytes);
    }
}

/// What the links, the index and the ghosts have for an entry, beside its slot.
const BYTES_BESIDE_SLOT: u64 = 32;

impl Account {
    pub(super) fn new(budget: &Budget) -> Self {
        Self { leaf: budget.shared_leaf() }
    }

    pub(super) fn charge(&self, bytes: Bytes) -> Result<Charge<'_>, MemoryError> {
        self.leaf.try_charge(bytes)?;
        Ok(Charge { account: self, bytes })
    }

    pub(super) fn discharge(&self, bytes: Bytes) {
        self.leaf.discharge(bytes);
    }
}

impl<K: Hashable + Eq, V: Clone, S: BuildHasher> Inner<K, V, S> {
    /// What an entry of that weight is charged.
    pub(super) fn charge_of(&self, weight: u64) -> Bytes {
        let place = Self::place_bytes();
        Bytes::new(if self.weigher.is_some() { place.saturating_add(weight) } else { place })
    }

    /// What these entries are charged in all. O(1).
    fn charge_of_all(&self, gone: &Departures<K, V>) -> Bytes {
        let places = Self::place_bytes().saturating_mul(gone.len() as u64);
        Bytes::new(if self.weigher.is_some() { places.saturating_add(gone.weight()) } else { places })
    }

    fn place_bytes() -> u64 {
        (size_of::<(K, V)>() as u64).saturating_add(BYTES_BESIDE_SLOT)
    }

    /// Gives the charges of what left back and tells the listener; then it may be dropped.
    #[inline]
    pub(super) fn see_off(&self, gone: &Departures<K, V>) {
        if (self.account.is_some() || self.listener.is_some()) && !gone.is_empty() {
            self.see_off_with_notice(gone);
        }
    }

    #[cold]
    #[inline(never)]
    fn see_off_with_notice(&self, gone: &Departures<K, V>) {
        if let Some(account) = &self.account {
            for departure in gone.iter() {
                account.discharge(self.charge_of(departure.weight));
            }
        }
        if let Some(listener) = &self.listener {
            gone.announce(listener, &self.counters);
        }
    }

    /// Evicts entries that are charged about `wanted` in all, from all shards alike as far as these have enough; how much it was.
    fn give_up(&self, wanted: Bytes) -> Bytes {
        let alike = self.give_up_by_shards(wanted, |left, shards| left.div_ceil(shards));
        // What a shard with few entries could not give, and none after it made up for, those before it may still have.
        let rest = self.give_up_by_shards(wanted.saturating_sub(alike), |left, _| left);
        if let Some(account) = &self.account {
            account.leaf.give_back();
        }
        alike.saturating_add(rest)
    }

    /// Evicts from one shard after the other what `share` says, given how much is still wanted and how many shards are left; how much it
    /// was in all. Shards that somebody is at are left out: it may be this very thread.
    fn give_up_by_shards(&self, wanted: Bytes, share: impl Fn(u64, u64) -> u64) -> Bytes {
        let mut given = Bytes::ZERO;
        for (done, shard) in self.shards.iter().enumerate() {
            let left = wanted.saturating_sub(given).as_u64();
            if left == 0 {
                break;
            }
            let share = share(left, (self.shards.len() - done) as u64);
            let mut gone = Departures::new();
            shard.try_write(|contents| {
                while self.charge_of_all(&gone).as_u64() < share && contents.engine.len() > 0 {
                    let weight = contents.engine.weight();
                    contents.evict_to(weight - 1, &mut gone, RemovalCause::Reclaimed);
                    if contents.engine.weight() == weight {
                        break;
                    }
                }
            });
            given = given.saturating_add(self.charge_of_all(&gone));
            self.see_off(&gone);
            // The thread may be anybody's who needs memory. And after a panic nobody would ask here again.
            gone.drop_each();
        }
        given
    }
}

/// What leaves a shard; it is seen off when this is dropped, also where foreign code panics while the shard is locked.
pub(super) struct Leaving<'a, K: Hashable + Eq, V: Clone, S: BuildHasher> {
    inner: &'a Inner<K, V, S>,
    pub(super) gone: Departures<K, V>,
}

impl<'a, K: Hashable + Eq, V: Clone, S: BuildHasher> Leaving<'a, K, V, S> {
    pub(super) fn new(inner: &'a Inner<K, V, S>) -> Self {
        Self { inner, gone: Departures::new() }
    }
}

impl<K: Hashable + Eq, V: Clone, S: BuildHasher> Drop for Leaving<'_, K, V, S> {
    #[inline]
    fn drop(&mut self) {
        self.inner.see_off(&self.gone);
    }
}

impl<K, V, S> Reclaimer for Inner<K, V, S>
where
    K: Hashable + Eq + Send + Sync,
    V: Clone + Send + Sync,
    S: BuildHasher + Send + Sync,
{
    fn reclaim(&self, wanted: Bytes) -> Bytes {
        self.give_up(wanted)
    }
}

impl<K, V, S> PressureListener for Inner<K, V, S>
where
    K: Hashable + Eq + Send + Sync,
    V: Clone + Send + Sync,
    S: BuildHasher + Send + Sync,
{
    /// What has expired goes at once.
    fn pressure_changed(&self, level: PressureLevel) {
        if level > PressureLevel::Normal {
            let now_ns = self.now_ns();
            for shard in &self.shards {
                let mut gone = Departures::new();
                shard.try_write(|contents| contents.sweep_all(now_ns, &mut gone));
                self.see_off(&gone);
                gone.drop_each();
            }
        }
    }
}
