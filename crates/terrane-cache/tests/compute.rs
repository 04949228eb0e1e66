//! Values that are computed once for all who want them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use terrane_base::ManualClock;
use terrane_cache::{Cache, ComputeError, Reentrant};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn many_threads_compute_once() {
    let cache = Cache::new(100);
    let (computed, barrier) = (AtomicUsize::new(0), Barrier::new(8));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                let value = cache.get_or_compute(7, |&key| {
                    computed.fetch_add(1, SeqCst);
                    std::thread::sleep(Duration::from_millis(20));
                    key * 6
                });
                assert_eq!(value, Ok(42));
            });
        }
    });
    assert_eq!(computed.load(SeqCst), 1);
    assert_eq!((cache.stats().loads, cache.stats().failed_loads), (1, 0));
}

#[test]
fn when_a_computation_fails_another_caller_tries() {
    let cache = Cache::new(100);
    let (computed, barrier) = (AtomicUsize::new(0), Barrier::new(4));
    let results: Vec<Result<u32, ComputeError<&str>>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    cache.try_get_or_compute('k', |_| {
                        std::thread::sleep(Duration::from_millis(10));
                        if computed.fetch_add(1, SeqCst) < 2 { Err("not yet") } else { Ok(5) }
                    })
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let failed = results.iter().filter(|result| **result == Err(ComputeError::Failed("not yet"))).count();
    assert_eq!((failed, computed.load(SeqCst)), (2, 3));
    assert_eq!((cache.get(&'k'), cache.stats().failed_loads), (Some(5), 2));
}

#[test]
fn a_panic_reaches_only_the_one_who_computes() {
    let cache = Cache::new(100);
    let (computed, barrier) = (AtomicUsize::new(0), Barrier::new(4));
    let panicked = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                barrier.wait();
                let result = catch_unwind(AssertUnwindSafe(|| {
                    cache.get_or_compute('k', |_| {
                        std::thread::sleep(Duration::from_millis(10));
                        assert!(computed.fetch_add(1, SeqCst) > 0, "the first one");
                        9
                    })
                }));
                match result {
                    Ok(value) => assert_eq!(value, Ok(9)),
                    Err(_) => drop(panicked.fetch_add(1, SeqCst)),
                }
            });
        }
    });
    assert_eq!((panicked.load(SeqCst), computed.load(SeqCst)), (1, 2));
    assert_eq!((cache.stats().loads, cache.stats().failed_loads), (1, 1));
}

#[test]
fn a_computation_that_wants_its_own_value_gets_an_error() {
    let cache: Cache<u32, u32> = Cache::new(100);
    let inner = cache.get_or_compute(1, |_| match cache.get_or_compute(1, |_| 0) {
        Err(Reentrant) => 77,
        Ok(_) => 0,
    });
    assert_eq!(inner, Ok(77));
    let others = cache.get_or_compute(2, |_| cache.get_or_compute(3, |_| 5).unwrap() + 1);
    assert_eq!(others, Ok(6));
    let error: ComputeError<std::fmt::Error> = Reentrant.into();
    assert!(error.to_string().contains("wants that same value"));
}

/// Two threads, each computing what the other one wants, by way of two caches.
#[test]
fn a_circle_through_two_threads_and_two_caches_is_broken() {
    for _ in 0..20 {
        let (left, right) = (Cache::new(10), Cache::new(10));
        let barrier = Barrier::new(2);
        let refusals = AtomicUsize::new(0);
        let go = |mine: &Cache<char, u32>, other: &Cache<char, u32>| {
            mine.get_or_compute('k', |_| {
                barrier.wait();
                match other.get_or_compute('k', |_| 1) {
                    Ok(value) => value,
                    Err(Reentrant) => {
                        refusals.fetch_add(1, SeqCst);
                        100
                    }
                }
            })
        };
        std::thread::scope(|scope| {
            scope.spawn(|| go(&left, &right));
            scope.spawn(|| go(&right, &left));
        });
        assert_eq!(refusals.load(SeqCst), 1);
        assert_eq!((left.get(&'k'), right.get(&'k')), (Some(100), Some(100)));
    }
}

#[test]
fn one_caller_refreshes_and_failures_keep_the_old_value() {
    let clock = Arc::new(ManualClock::new());
    let cache = Cache::builder().capacity(9).refresh_after(SECOND).clock(clock.clone()).build();
    assert_eq!(cache.get_or_compute('a', |_| 1), Ok(1));
    clock.advance(SECOND / 2);
    assert_eq!(cache.get_or_compute('a', |_| 2), Ok(1));
    clock.advance(SECOND / 2);
    assert_eq!(cache.get(&'a'), Some(1), "a look-up does not compute");
    assert_eq!(cache.try_get_or_compute('a', |_| Err("no")), Ok(1));
    let panic = catch_unwind(AssertUnwindSafe(|| cache.get_or_compute('a', |_| panic!("no"))));
    assert!(panic.is_err());
    let refreshed = cache.get_or_compute('a', |_| {
        // Meanwhile others get the old one.
        assert_eq!(cache.get_or_compute('a', |_| unreachable!()), Ok(1));
        3
    });
    assert_eq!((refreshed, cache.get(&'a')), (Ok(3), Some(3)));
    assert_eq!(cache.get_or_compute('a', |_| 4), Ok(3));
}

#[test]
fn what_cannot_be_kept_is_computed_and_handed_out() {
    let cache = Cache::new(0);
    assert_eq!(cache.get_or_compute(1, |_| 5), Ok(5));
    assert_eq!(cache.get_or_compute(1, |_| 6), Ok(6));
}

#[test]
fn a_key_is_hashed_once_to_be_looked_up_computed_and_put_in() {
    struct Counted<'a>(u64, &'a AtomicUsize);
    impl std::hash::Hash for Counted<'_> {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            self.1.fetch_add(1, SeqCst);
            self.0.hash(state);
        }
    }
    impl PartialEq for Counted<'_> {
        fn eq(&self, other: &Self) -> bool {
            self.0 == other.0
        }
    }
    impl Eq for Counted<'_> {}
    impl Clone for Counted<'_> {
        fn clone(&self) -> Self {
            Self(self.0, self.1)
        }
    }
    let count = AtomicUsize::new(0);
    let cache = Cache::new(10);
    assert_eq!(cache.get_or_compute(Counted(1, &count), |key| key.0 * 2), Ok(2));
    assert_eq!(count.load(SeqCst), 1);
}
