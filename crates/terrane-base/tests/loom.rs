//! All orders in which two threads can charge, be refused, reclaim and wait.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p terrane-base --test loom --release`
#![cfg(loom)]

use std::time::{Duration, Instant};

use loom::{sync::Arc, thread};
use terrane_base::{Budget, Bytes, ReclaimCost, Reclaimer};

fn bytes(size: u64) -> Bytes {
    Bytes::new(size)
}

/// Loom's clock stands still, and its waiting has no time-outs: a lost wake-up is a deadlock, which it reports.
fn far() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

#[test]
fn two_charges_never_exceed_the_limit_and_leave_nothing() {
    loom::model(|| {
        let root = Budget::root(bytes(10));
        let parts = ["left", "right"].map(|name| root.child(name));
        let threads = parts.map(|part| {
            thread::spawn(move || {
                let granted = part.try_reserve(bytes(6));
                assert!(part.peak() <= bytes(6));
                granted.is_ok()
            })
        });
        for thread in threads {
            thread.join().expect("the thread");
        }
        assert!(root.peak() <= bytes(10));
        assert_eq!(root.used(), Bytes::ZERO);
    });
}

/// Charges around the minimum, where the amount that goes up depends on what the other thread does.
#[test]
fn claims_stay_exact_around_a_minimum() {
    loom::model(|| {
        let root = Budget::root(bytes(10));
        let sure = root.child("sure").min(bytes(4)).expect("room");
        let held = sure.try_reserve(bytes(3)).expect("guaranteed");
        let other = sure.clone();
        let thread = thread::spawn(move || other.try_reserve(bytes(3)).is_ok());
        drop(held);
        let beside = root.try_reserve(bytes(4)).expect("never part of the guarantee");
        thread.join().expect("the thread");
        assert_eq!(root.used(), bytes(8), "the minimum and what lies beside");
        assert!(root.peak() <= bytes(10));
        drop((beside, sure));
        assert_eq!(root.used(), Bytes::ZERO);
    });
}

#[test]
fn no_wake_up_is_lost() {
    loom::model(|| {
        let root = Budget::root(bytes(10));
        let held = root.try_reserve(bytes(8)).expect("room");
        let waiting = root.clone();
        let thread = thread::spawn(move || waiting.reserve_wait(bytes(5), far()).is_ok());
        drop(held);
        assert!(thread.join().expect("the thread"));
        assert_eq!(root.used(), Bytes::ZERO);
    });
}

/// A cache of one entry.
struct Cache(loom::sync::Mutex<Option<terrane_base::Reservation>>);

impl Reclaimer for Cache {
    fn reclaim(&self, _wanted: Bytes) -> Bytes {
        let entry = self.0.try_lock().ok().and_then(|mut entry| entry.take());
        entry.map_or(Bytes::ZERO, |entry| entry.size())
    }
}

#[test]
fn two_threads_ask_the_same_reclaimer() {
    loom::model(|| {
        let root = Budget::root(bytes(10));
        let entry = root.try_reserve(bytes(8)).expect("room");
        let cache = std::sync::Arc::new(Cache(loom::sync::Mutex::new(Some(entry))));
        root.add_reclaimer("cache", ReclaimCost::CacheEviction, &cache);
        let other = root.clone();
        let thread = thread::spawn(move || other.try_reserve(bytes(5)).is_ok());
        let _own = root.try_reserve(bytes(4));
        thread.join().expect("the thread");
        assert!(root.peak() <= bytes(10));
        assert!(cache.0.lock().expect("whole").is_none(), "one of them was short");
    });
}

#[test]
fn a_shared_leaf_loses_nothing_between_charge_and_reclaim() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let root = Budget::root(bytes(64 << 10));
        let leaf = Arc::new(root.shared_leaf());
        let other = Arc::clone(&leaf);
        let thread = thread::spawn(move || {
            other.try_charge(bytes(100)).expect("room");
            other.discharge(bytes(100));
        });
        leaf.give_back();
        leaf.try_charge(bytes(60)).expect("room");
        thread.join().expect("the thread");
        assert_eq!(leaf.charged(), bytes(60));
        leaf.discharge(bytes(60));
        leaf.give_back();
        assert_eq!(root.used(), Bytes::ZERO);
    });
}
