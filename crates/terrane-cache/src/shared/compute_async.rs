//! Values that are computed by futures.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::hash::{BuildHasher, Hash as Hashable};
use std::pin::pin;

use crate::error::{ComputeError, Reentrant};

use super::cache::Cache;
use super::compute::{Load, RefreshAgain, Wanted};
use super::flight::Role;
use super::polled::Polling;

impl<K: Hashable + Eq + Clone, V: Clone, S: BuildHasher> Cache<K, V, S> {
    /// As [`try_get_or_compute_async`](Cache::try_get_or_compute_async), for a future that cannot fail.
    ///
    /// ```
    /// # use std::task::{Context, Poll, Waker};
    /// use terrane_cache::{Cache, Reentrant};
    ///
    /// async fn square(squares: &Cache<u64, u64>, number: u64) -> Result<u64, Reentrant> {
    ///     squares.get_or_compute_async(number, |_| async move { number * number }).await
    /// }
    /// # let squares = Cache::new(10);
    /// # let mut future = std::pin::pin!(square(&squares, 12));
    /// # assert_eq!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(144)));
    /// ```
    ///
    /// # Errors
    /// [`Reentrant`] when the computation asks for its own key.
    pub async fn get_or_compute_async<F>(&self, key: K, compute: impl FnOnce(&K) -> F) -> Result<V, Reentrant>
    where
        F: Future<Output = V>,
    {
        let infallible = |key: &K| {
            let computing = compute(key);
            async move { Ok::<V, Infallible>(computing.await) }
        };
        match self.try_get_or_compute_async(key, infallible).await {
            Ok(value) => Ok(value),
            Err(ComputeError::Reentrant) => Err(Reentrant),
            Err(ComputeError::Failed(never)) => match never {},
        }
    }

    /// As [`try_get_or_compute`](Cache::try_get_or_compute), for a computation that is a future; for any executor. Threads and tasks that
    /// want the same value wait for the same computation. When the future that computes is dropped, another one that waits computes.
    ///
    /// A computation that wants its own value is found out where it asks for it itself; where it waits for another task that
    /// does, it waits for ever. Nothing is locked while the future runs.
    ///
    /// The future cannot borrow the key: what it needs of that is cloned before.
    ///
    /// ```
    /// # use std::task::{Context, Poll, Waker};
    /// use terrane_cache::{Cache, ComputeError};
    ///
    /// async fn load(name: &str) -> Result<String, std::io::Error> {
    ///     Ok(format!("contents of {name}"))
    /// }
    ///
    /// async fn contents(files: &Cache<String, String>, name: &str) -> Result<String, ComputeError<std::io::Error>> {
    ///     let compute = |name: &String| {
    ///         let name = name.clone();
    ///         async move { load(&name).await }
    ///     };
    ///     files.try_get_or_compute_async(name.to_owned(), compute).await
    /// }
    /// # let files = Cache::new(10);
    /// # let mut future = std::pin::pin!(contents(&files, "a"));
    /// # let Poll::Ready(Ok(text)) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) else { panic!() };
    /// # assert_eq!(text, "contents of a");
    /// ```
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
