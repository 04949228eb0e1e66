//! Values that are computed by futures, on the smallest of executors.
#![cfg(feature = "async")]

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

use terrane_cache::{Cache, ComputeError};

struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn poll<F: Future>(future: Pin<&mut F>, wakes: &Arc<Wakes>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Waker::from(wakes.clone())))
}

fn wakes() -> Arc<Wakes> {
    Arc::new(Wakes(AtomicUsize::new(0)))
}

/// Ready when `open` says so.
async fn gate(open: &Cell<bool>) {
    poll_fn(|_| if open.get() { Poll::Ready(()) } else { Poll::Pending }).await;
}

type Computed = Result<u32, ComputeError<&'static str>>;

#[test]
fn those_who_wait_are_woken_and_get_the_same_value() {
    let (cache, open, mine) = (Cache::new(10), Cell::new(false), wakes());
    let open = &open;
    let mut leader = pin!(cache.try_get_or_compute_async('k', |_| async move {
        gate(open).await;
        Ok::<u32, &str>(7)
    }));
    let mut follower = pin!(cache.try_get_or_compute_async('k', |_| async { Err("not asked") }));
    assert!(poll(leader.as_mut(), &wakes()).is_pending());
    assert!(poll(follower.as_mut(), &mine).is_pending());
    assert!(poll(follower.as_mut(), &mine).is_pending());
    open.set(true);
    assert_eq!(poll(leader, &wakes()), Poll::Ready(Ok(7)));
    assert_eq!(mine.0.load(SeqCst), 1);
    assert_eq!(poll(follower, &mine), Poll::Ready(Ok(7)));
    assert_eq!((cache.get(&'k'), cache.stats().loads), (Some(7), 1));
}

#[test]
fn when_the_leader_is_dropped_or_fails_the_next_one_computes() {
    let (cache, mine) = (Cache::new(10), wakes());
    let never = Cell::new(false);
    let mut follower = pin!(cache.try_get_or_compute_async('k', |_| async { Ok::<u32, &str>(8) }));
    {
        let leader = cache.try_get_or_compute_async('k', |_| async {
            gate(&never).await;
            Ok::<u32, &str>(7)
        });
        let mut leader = pin!(leader);
        assert!(poll(leader.as_mut(), &wakes()).is_pending());
        assert!(poll(follower.as_mut(), &mine).is_pending());
    }
    assert_eq!(mine.0.load(SeqCst), 1);
    assert_eq!(poll(follower, &mine), Poll::Ready(Ok(8)));
    let failing = pin!(cache.try_get_or_compute_async('f', |_| async { Err("no") }));
    let failed: Poll<Computed> = poll(failing, &mine);
    assert_eq!(failed, Poll::Ready(Err(ComputeError::Failed("no"))));
    assert_eq!((cache.get(&'f'), cache.stats().failed_loads), (None, 2));
}

#[test]
fn a_future_that_panics_reaches_only_the_one_who_polls_it() {
    let (cache, mine, open) = (Cache::new(10), wakes(), Cell::new(false));
    let mut leader = Box::pin(cache.try_get_or_compute_async('k', |_| async {
        gate(&open).await;
        assert!(!open.get(), "a future that panics");
        Ok::<u32, &str>(7)
    }));
    let mut follower = pin!(cache.try_get_or_compute_async('k', |_| async { Ok::<u32, &str>(8) }));
    assert!(poll(leader.as_mut(), &wakes()).is_pending());
    assert!(poll(follower.as_mut(), &mine).is_pending());
    open.set(true);
    let panic = catch_unwind(AssertUnwindSafe(|| poll(leader.as_mut(), &wakes())));
    assert!(panic.is_err());
    drop(leader);
    assert_eq!(mine.0.load(SeqCst), 1);
    assert_eq!(poll(follower, &mine), Poll::Ready(Ok(8)));
    assert_eq!((cache.stats().loads, cache.stats().failed_loads), (1, 1));
}

#[test]
fn a_future_that_wants_its_own_value_gets_an_error() {
    let cache: Cache<char, u32> = Cache::new(10);
    let outer = pin!(cache.try_get_or_compute_async('k', |_| async {
        let inner: Computed = cache.try_get_or_compute_async('k', |_| async { Ok(1) }).await;
        assert_eq!(inner, Err(ComputeError::Reentrant));
        assert!(cache.get_or_compute('k', |_| 1).is_err());
        Ok::<u32, &str>(2)
    }));
    assert_eq!(poll(outer, &wakes()), Poll::Ready(Ok(2)));
}

#[test]
fn a_closure_that_wants_its_own_value_before_its_future_begins_gets_an_error() {
    let cache: Cache<u32, u32> = Cache::new(10);
    let computing = pin!(cache.try_get_or_compute_async(1, |_| {
        let own = cache.get_or_compute(1, |_| 0);
        async move { Ok::<u32, &str>(u32::from(own.is_err()) * 77) }
    }));
    assert_eq!(poll(computing, &wakes()), Poll::Ready(Ok(77)));
}

#[test]
fn a_future_that_cannot_fail_needs_no_result() {
    let cache = Cache::new(10);
    let first = pin!(cache.get_or_compute_async(1, |key| std::future::ready(key + 1)));
    assert_eq!(poll(first, &wakes()), Poll::Ready(Ok(2)));
    let second = pin!(cache.get_or_compute_async(1, |_| std::future::ready(9)));
    assert_eq!(poll(second, &wakes()), Poll::Ready(Ok(2)));
    let mut own = pin!(cache.get_or_compute_async(5, |_| async {
        cache.get_or_compute_async(5, |_| std::future::ready(1)).await.map_or(7, |value| value)
    }));
    assert_eq!(poll(own.as_mut(), &wakes()), Poll::Ready(Ok(7)), "its own value is refused to it");
    assert_eq!(cache.stats().loads, 2);
}
