//! Budgets under threads, with many children, and very deep; and what their refusals say.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    thread,
};

use terrane_base::{Budget, BudgetName, Bytes, MemoryError, Reservation};

/// A small generator (xorshift64, G. Marsaglia 2003), so that threads need no shared state.
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Two children of a child with limits of their own compete for a root that is too small for both.
#[test]
fn no_limit_is_ever_exceeded_by_threads_together() {
    const THREADS: u64 = 4;
    let root = Budget::root(Bytes::new(1000));
    let shared = root.child("shared").max(Bytes::new(800));
    let leaves = [shared.child("left").max(Bytes::new(500)), shared.child("right"), root.child("other")];
    let granted = AtomicU64::new(0);
    let refused = AtomicU64::new(0);
    let limits_hold = || {
        for budget in leaves.iter().chain([&shared, &root]) {
            assert!(budget.used() <= budget.limit() && budget.peak() <= budget.limit(), "{budget:?}");
        }
    };
    // Subtracted before it is given back, so that the sum never exceeds what is really held.
    let give_back = |held: &mut Vec<Reservation>| {
        for reservation in held.drain(..) {
            granted.fetch_sub(reservation.size().as_u64(), Relaxed);
        }
    };
    thread::scope(|scope| {
        for seed in 1..=THREADS {
            let (leaves, granted, refused) = (&leaves, &granted, &refused);
            let (limits_hold, give_back) = (&limits_hold, &give_back);
            scope.spawn(move || {
                let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let mut held = Vec::new();
                for _ in 0..20_000 {
                    let leaf = &leaves[random(&mut state) as usize % leaves.len()];
                    match leaf.try_reserve(Bytes::new(random(&mut state) % 200)) {
                        Ok(reservation) => {
                            let size = reservation.size().as_u64();
                            assert!(
                                granted.fetch_add(size, Relaxed) + size <= 1000,
                                "granted beyond the root"
                            );
                            held.push(reservation);
                        }
                        Err(_) => _ = refused.fetch_add(1, Relaxed),
                    }
                    limits_hold();
                    if held.len() > 3 || random(&mut state).is_multiple_of(3) {
                        give_back(&mut held);
                    }
                }
                give_back(&mut held);
            });
        }
    });
    assert!(refused.load(Relaxed) > 0, "there was contention");
    for budget in leaves.iter().chain([&shared, &root]) {
        assert_eq!(budget.used(), Bytes::ZERO, "{budget:?}");
        assert!(budget.peak() > Bytes::ZERO);
    }
}

/// Children with two names come and go while others read who holds what: no name is ever a mix of both.
#[test]
fn names_are_whole_while_children_come_and_go() {
    let names = ["aaaaaaaaaaaaaaa", "bbbbbbb"];
    let root = Budget::root(Bytes::from_mib(1));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let makers = names.map(|name| {
            let root = &root;
            scope.spawn(move || {
                for size in 1..30_000 {
                    let child = root.child(name);
                    let _held = child.try_reserve(Bytes::new(size % 64 + 1)).unwrap();
                }
            })
        });
        let reader = scope.spawn(|| {
            let mut seen = 0;
            while !done.load(Relaxed) || seen == 0 {
                for consumer in root.top_consumers().iter() {
                    assert!(names.contains(&consumer.name.as_str()), "{:?}", consumer.name);
                    seen += 1;
                }
                if done.load(Relaxed) {
                    break;
                }
            }
        });
        for maker in makers {
            maker.join().unwrap();
        }
        done.store(true, Relaxed);
        reader.join().unwrap();
    });
    assert_eq!(root.used(), Bytes::ZERO);
    assert_eq!(root.top_consumers().iter().count(), 0, "all seats were given back");
}

#[test]
fn many_children_are_all_accounted_for() {
    let root = Budget::root(Bytes::new(1000));
    let children: Vec<Budget> = (0..100).map(|i| root.child(&format!("child {i}"))).collect();
    let held: Vec<_> = children.iter().map(|child| child.try_reserve(Bytes::new(5)).unwrap()).collect();
    let top = root.top_consumers();
    assert_eq!(top.iter().count(), 3);
    assert_eq!(
        top.iter().map(|consumer| consumer.used).sum::<Bytes>().saturating_add(top.rest()),
        root.used()
    );
    assert!(children.iter().all(|child| child.used() == Bytes::new(5)));
    drop(children);
    assert_eq!(root.used(), Bytes::new(500), "reservations keep their budgets");
    drop(held);
    assert_eq!(root.used(), Bytes::ZERO);
    let late = root.child("late");
    let _held = late.try_reserve(Bytes::new(1)).unwrap();
    assert_eq!(root.top_consumers().iter().next().unwrap().name.as_str(), "late", "seats are free again");
}

#[test]
fn a_very_deep_tree_is_dropped_without_recursion() {
    let build_and_drop = || {
        let root = Budget::root(Bytes::new(10));
        let mut leaf = root.clone();
        for _ in 0..5_000 {
            leaf = leaf.child("below");
        }
        let reservation = leaf.try_reserve(Bytes::new(4)).unwrap();
        assert_eq!(root.used(), Bytes::new(4));
        assert!(leaf.try_reserve(Bytes::new(7)).is_err());
        drop(leaf);
        drop(reservation);
        assert_eq!(root.used(), Bytes::ZERO);
        assert_eq!(root.top_consumers().iter().count(), 0);
    };
    thread::Builder::new().stack_size(128 << 10).spawn(build_and_drop).unwrap().join().unwrap();
}

#[test]
fn a_refusal_names_the_refusing_budget_and_its_consumers() {
    let root = Budget::root(Bytes::from_mib(10));
    let cache = root.child("cache").max(Bytes::from_mib(8));
    let parts = ["images", "fonts", "sounds", "texts"].map(|name| cache.child(name));
    let sizes = [Bytes::from_kib(512), Bytes::from_mib(3), Bytes::from_mib(1), Bytes::from_mib(2)];
    let held: Vec<_> = parts.iter().zip(sizes).map(|(part, size)| part.try_reserve(size).unwrap()).collect();
    let error = parts[0].try_reserve(Bytes::from_mib(2)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "budget `cache` exceeded: 2 MiB requested, 1.5 MiB remaining \
         (held by `fonts` 3 MiB, `texts` 2 MiB, `sounds` 1 MiB, others 512 KiB)"
    );
    let own = root.try_reserve(Bytes::from_mib(3)).unwrap();
    drop(held);
    let error = root.try_reserve(Bytes::from_mib(8)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "budget `root` exceeded: 8 MiB requested, 7 MiB remaining (held by itself 3 MiB)"
    );
    drop(own);
    let error = root.try_reserve(Bytes::from_gib(1)).unwrap_err();
    assert_eq!(error.to_string(), "budget `root` exceeded: 1 GiB requested, 10 MiB remaining");
}

#[test]
fn names_are_cut_at_characters() {
    for (name, kept) in [
        ("", ""),
        ("fifteen bytes!!", "fifteen bytes!!"),
        ("sixteen bytes!!!", "sixteen byte…"),
        ("Zwischenspeicher", "Zwischenspei…"),
        ("ééééééé", "ééééééé"),
        ("éééééééé", "éééééé…"),
        ("aéééééééé", "aééééé…"),
        ("🦀🦀🦀🦀", "🦀🦀🦀…"),
    ] {
        assert_eq!(BudgetName::new(name).as_str(), kept);
    }
}

/// Errors are plain data: no allocation hides in them, and results that carry them stay small.
#[test]
fn errors_are_small_and_own_nothing() {
    fn own_nothing<T: Copy + Send + Sync + 'static>() {}
    own_nothing::<MemoryError>();
    assert!(size_of::<Result<(), MemoryError>>() < 128);
}

#[test]
fn every_error_has_its_figures() {
    let size = Bytes::from_kib(3);
    for (error, text) in [
        (
            MemoryError::AllocationTooLarge { requested: size, max: Bytes::from_kib(2) },
            "allocation too large: 3 KiB requested, at most 2 KiB possible",
        ),
        (MemoryError::PoolExhausted { in_use: 8, capacity: 8 }, "pool exhausted: 8 of 8 objects in use"),
        (
            MemoryError::InvalidObject { address: 0xbeef8, reason: "already freed" },
            "invalid object at 0xbeef8: already freed",
        ),
        (
            MemoryError::SystemError { operation: "commit", code: Some(12) },
            "the operating system refused to commit memory (error 12)",
        ),
        (
            MemoryError::SystemError { operation: "reserve", code: None },
            "the system refused to reserve memory; a budget or limit may be too small",
        ),
        (MemoryError::HugePagesUnavailable { requested: size }, "huge pages unavailable: 3 KiB requested"),
    ] {
        assert_eq!(error.to_string(), text);
    }
}
