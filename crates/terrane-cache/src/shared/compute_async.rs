//! Values that are computed by futures.

use std::future::{Future, poll_fn};
use std::hash::{BuildHasher, Hash as Hashable};
use std::pin::pin;

use crate::error::ComputeError;

use super::cache::Cache;
use super::compute::{Load, RefreshAgain, Wanted};
use super::flight::Role;
use super::polled::Polling;

impl<K: Hashable + Eq + Clone, V: Clone, S: BuildHasher> Cache<K, V, S> {
    /// As [`try_get_or_compute`](Cache::try_get_or_compute), for a computation that is a future; for any executor. Threads and tasks that
    /// want the same value wait for the same computation. When the future that computes is dropped, another one that waits computes.
    ///
    /// A computation that wants its own value is found out where it asks for it itself; where it waits for another task that
    /// does, it waits for ever. Nothing is locked while the future runs.
    ///
    /// # Errors
    /// [`ComputeError::Failed`] with the computation's own error; [`ComputeError::Reentrant`].
    pub async fn try_get_or_compute_async<E, F>(
        &self,
        key: K,
        compute: impl FnOnce(&K) -> F,
    ) -> Result<V, ComputeError<E>>
    where
        F: Future<Output = Result<V, E>>,
    {
        let inner = &*self.inner;
        let hash = inner.hash(&key);
        match inner.look_up_or_refresh(hash, &key) {
            Wanted::Value(value) => return Ok(value),
            Wanted::Refresh(old) => {
                let again = RefreshAgain { inner, hash };
                let mut load = Load { inner, start: inner.clock.now(), failed: true };
                let Ok(value) = compute(&key).await else { return Ok(old) };
                load.failed = false;
                let _kept = inner.put(hash, key, value.clone());
                std::mem::forget(again);
                return Ok(value);
            }
            Wanted::Nothing => {}
        }
        loop {
            match inner.flights.join(hash, &key, None) {
                Role::Lead(lead) => {
                    // It may have been put in since it was looked for.
                    if let Some(value) = inner.peek(hash, &key) {
                        lead.land(value.clone());
                        return Ok(value);
                    }
                    let mut load = Load { inner, start: inner.clock.now(), failed: true };
                    let number = lead.number();
                    let mut computing = pin!({
                        // What is done before there is a future can want the value too.
                        let _polling = Polling::begin(number);
                        compute(&key)
                    });
                    let result = poll_fn(|context| {
                        let _polling = Polling::begin(number);
                        computing.as_mut().poll(context)
                    });
                    let value = result.await.map_err(ComputeError::Failed)?;
                    load.failed = false;
                    {
                        // So can a listener.
                        let _polling = Polling::begin(number);
                        let _kept = inner.put(hash, key.clone(), value.clone());
                    }
                    lead.land(value.clone());
                    return Ok(value);
                }
                Role::Follow(flight) => {
                    if let Some(value) = poll_fn(|context| flight.poll(context)).await? {
                        return Ok(value);
                    }
                }
            }
        }
    }
}
