//! Objects whose every method panics, in turn, in each kind of pool: the panic comes out, the object at hand is gone, and nothing else is.
#![cfg(all(feature = "std", not(loom)))]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};

use support::{Subject, Tracked, alive, panic_in, panic_is_due};
use terrane_pool::{
    LocalPool, LockFreePool, PoolStrategy, ThreadSafePool, ValidationPolicy, WorkStealingPool,
};

/// Runs the same program with a panic at the first call of a method of an object, at the second, and so on, until it comes to its end.
fn panic_everywhere<S: Subject>() {
    let strategy =
        PoolStrategy::new().max_total(6).max_idle(4).growth_factor(2.0).validation(ValidationPolicy::Always);
    let mut panics = 0;
    for calls in 0.. {
        let pool = S::with(strategy).unwrap();
        panic_in(Some(calls));
        let mut held = Vec::new();
        let mut lost = 0;
        for step in 0..14 {
            let outcome = catch_unwind(AssertUnwindSafe(|| match step {
                0 => drop(pool.warm_up(2)),
                1..=6 => held.extend(pool.acquire()),
                7..=10 => drop(held.pop()),
                11 => held.extend(pool.acquire()),
                12 => _ = pool.trim(1),
                _ => held.clear(),
            }));
            lost += usize::from(outcome.is_err());
            check(&pool, held.len());
        }
        let is_over = panic_is_due();
        panic_in(None);
        assert_eq!(lost, usize::from(!is_over), "one panic, and it comes out");
        panics += lost;
        // All six can be had again.
        let all: Vec<_> = (0..6).map(|_| pool.acquire().expect("none is lost")).collect();
        assert!(pool.acquire().is_err());
        drop(all);
        drop(pool);
        assert_eq!(alive(), 0);
        if is_over {
            break;
        }
    }
    assert!(panics >= 20, "there are so many calls: {panics}");
}

fn check(pool: &impl Subject, held: usize) {
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.idle), (held, alive() - held));
    assert_eq!(stats.created, stats.dropped + stats.detached + alive() as u64);
}

#[test]
fn in_a_local_pool() {
    panic_everywhere::<LocalPool<Tracked>>();
}

#[test]
fn in_a_thread_safe_pool() {
    panic_everywhere::<ThreadSafePool<Tracked>>();
}

#[test]
fn in_a_lock_free_pool() {
    panic_everywhere::<LockFreePool<Tracked>>();
}

#[test]
fn in_a_work_stealing_pool() {
    panic_everywhere::<WorkStealingPool<Tracked>>();
}

#[test]
fn at_the_end_of_a_thread() {
    struct Bomb;
    impl terrane_pool::Poolable for Bomb {
        fn create() -> Self {
            Self
        }
        fn reset(&mut self) {}
    }
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a planned panic in drop");
        }
    }
    let pool = ThreadSafePool::<Bomb>::with_strategy(PoolStrategy::new().max_idle(3)).unwrap();
    // Two are kept by the thread's magazine and the depot, others are dropped, which panics; the last handle goes with the thread.
    let thread = std::thread::spawn(move || {
        let guard = pool.acquire().unwrap();
        drop(guard);
    });
    // The pool, and with it the object, ended with the closure.
    assert!(thread.join().is_err());
}
