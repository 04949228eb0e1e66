//! Values that are computed when they are not there.

use std::convert::Infallible;
use std::hash::{BuildHasher, Hash as Hashable};
use std::time::Duration;

use crate::error::{ComputeError, Reentrant};
use crate::index::Hash;
use crate::policy::mark::{Counting, Spare};

use super::cache::{Cache, Inner};
use super::contents::Found;
use super::counters::Event;
use super::flight::Role;
use super::thread_number::thread_number;

impl<K: Hashable + Eq + Clone, V: Clone, S: BuildHasher> Cache<K, V, S> {
    /// The value of `key`, computed and put in if it is not here.
    ///
    /// Of several threads that want the same value at the same time one computes it and the others wait for it. When the computation
    /// panics, the panic goes on in the thread that computed, and another one that waits computes instead. A value that is due for
    /// [refreshing](crate::CacheBuilder::refresh_after) is computed by one caller; the others get the old one meanwhile.
    ///
    /// ```
    /// # use terrane_cache::Cache;
    /// let squares = Cache::new(100);
    /// assert_eq!(squares.get_or_compute(12, |key| key * key), Ok(144));
    /// assert_eq!(squares.get_or_compute(12, |_| unreachable!()), Ok(144));
    /// ```
    ///
    /// # Errors
    /// [`Reentrant`] when the computation asks for its own key, or two ask for each other's: they would wait for ever.
    pub fn get_or_compute(&self, key: K, compute: impl FnOnce(&K) -> V) -> Result<V, Reentrant> {
        self.try_get_or_compute(key, |key| Ok::<V, Infallible>(compute(key))).map_err(|error| match error {
            ComputeError::Reentrant => Reentrant,
            ComputeError::Failed(never) => match never {},
        })
    }

    /// As [`get_or_compute`](Cache::get_or_compute), for a computation that may fail: then nothing is put in, and of those who wait
    /// another one tries. A value that could not be refreshed stays as it is.
    ///
    /// # Errors
    /// [`ComputeError::Failed`] with the computation's own error; [`ComputeError::Reentrant`].
    pub fn try_get_or_compute<E>(
        &self,
        key: K,
        compute: impl FnOnce(&K) -> Result<V, E>,
    ) -> Result<V, ComputeError<E>> {
        let inner = &*self.inner;
        let hash = inner.hash(&key);
        match inner.look_up_or_refresh(hash, &key) {
            Wanted::Value(value) => return Ok(value),
            Wanted::Refresh(old) => return Ok(inner.refresh(hash, &key, old, compute)),
            Wanted::Nothing => {}
        }
        loop {
            match inner.flights.join(hash, &key, thread_number()) {
                Role::Lead(lead) => {
                    // It may have been put in since it was looked for.
                    if let Some(value) = inner.peek(hash, &key) {
                        lead.land(value.clone());
                        return Ok(value);
                    }
                    let value = inner.computed(|| compute(&key)).map_err(ComputeError::Failed)?;
                    // That it cannot be kept does not matter to who wants it.
                    let _kept = inner.put(hash, key, value.clone());
                    lead.land(value.clone());
                    return Ok(value);
                }
                Role::Follow(flight) => {
                    if let Some(value) = flight.wait()? {
                        return Ok(value);
                    }
                }
            }
        }
    }
}

pub(super) enum Wanted<V> {
    Value(V),
    /// The caller is the one who computes this value again.
    Refresh(V),
    Nothing,
}

impl<K: Hashable + Eq + Clone, V: Clone, S: BuildHasher> Inner<K, V, S> {
    pub(super) fn look_up_or_refresh(&self, hash: Hash, key: &K) -> Wanted<V> {
        if self.lifespans.refresh.is_none() {
            return self.look_up(hash, key).map_or(Wanted::Nothing, Wanted::Value);
        }
        let Some(value) = self.look_up(hash, key) else { return Wanted::Nothing };
        let now_ns = self.now_ns();
        let claimed = self.shard(hash).read(|contents| {
            let slot = contents.engine.find(hash, |entry| entry.key == *key);
            slot.and_then(|slot| contents.lifetime(slot)).is_some_and(|life| life.claim_refresh(now_ns))
        });
        if claimed { Wanted::Refresh(value) } else { Wanted::Value(value) }
    }

    /// The value, without counting that.
    pub(super) fn peek(&self, hash: Hash, key: &K) -> Option<V> {
        let found = self
            .shard(hash)
            .read(|contents| contents.read(hash, key, Counting::Each(&Spare::default()), || self.now_ns()));
        match found {
            (Found::Value(value), _) => Some(value),
            (Found::Expired | Found::Nothing, _) => None,
        }
    }

    fn refresh<E>(&self, hash: Hash, key: &K, old: V, compute: impl FnOnce(&K) -> Result<V, E>) -> V {
        let again = RefreshAgain { inner: self, hash };
        let Ok(value) = self.computed(|| compute(key)) else { return old };
        let _kept = self.put(hash, key.clone(), value.clone());
        std::mem::forget(again);
        value
    }

    /// Runs a computation and counts it, also if it panics.
    fn computed<T, E>(&self, compute: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let mut load = Load { inner: self, start: self.clock.now(), failed: true };
        let result = compute();
        load.failed = result.is_err();
        result
    }
}

/// A computation that is going on; counted when it ends.
pub(super) struct Load<'a, K: Hashable + Eq, V: Clone, S: BuildHasher> {
    pub(super) inner: &'a Inner<K, V, S>,
    pub(super) start: Duration,
    pub(super) failed: bool,
}

impl<K: Hashable + Eq, V: Clone, S: BuildHasher> Drop for Load<'_, K, V, S> {
    fn drop(&mut self) {
        let took = self.inner.clock.now().saturating_sub(self.start);
        self.inner.counters.note(Event::Load { took, failed: self.failed });
    }
}

/// Dropped, another caller may refresh the value.
pub(super) struct RefreshAgain<'a, K: Hashable + Eq, V: Clone, S: BuildHasher> {
    pub(super) inner: &'a Inner<K, V, S>,
    pub(super) hash: Hash,
}

impl<K: Hashable + Eq, V: Clone, S: BuildHasher> Drop for RefreshAgain<'_, K, V, S> {
    fn drop(&mut self) {
        let now_ns = self.inner.now_ns();
        self.inner.shard(self.hash).read(|contents| {
            // By hash alone: this may be unwinding from the user's code. A value refreshed early does no harm.
            let slot = contents.engine.find(self.hash, |_| true);
            if let Some(lifetime) = slot.and_then(|slot| contents.lifetime(slot)) {
                lifetime.set_refresh(now_ns);
            }
        });
    }
}
