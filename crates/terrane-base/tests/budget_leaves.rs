//! Leaves: what they take ahead of need, what they give back and when, and that nothing is lost between threads.

use std::{
    sync::{Arc, Mutex},
    thread,
};

use terrane_base::{
    Budget, Bytes, MemoryError, PressureLevel, PressureListener, ReclaimCost, Reclaimer, Reservation,
    SharedLeaf,
};

fn bytes(size: u64) -> Bytes {
    Bytes::new(size)
}

#[test]
fn a_local_leaf_takes_more_the_busier_it_is_and_gives_surplus_back() {
    let budget = Budget::root(Bytes::MAX);
    let leaf = budget.local_leaf();
    let mut taken = Vec::new();
    while taken.len() < 7 {
        let before = budget.used();
        leaf.try_charge(bytes(1024)).unwrap();
        if budget.used() > before {
            taken.push(budget.used().saturating_sub(before).as_u64() >> 10);
        }
    }
    assert_eq!(taken, [64, 128, 256, 512, 1024, 1024, 1024]);
    leaf.discharge(leaf.charged());
    assert_eq!(leaf.charged(), Bytes::ZERO);
    assert!(budget.used() <= Bytes::from_mib(2), "{}", budget.used());
    leaf.give_back();
    assert_eq!(budget.used(), Bytes::ZERO);
}

#[test]
fn leaves_take_no_more_than_needed_where_little_remains() {
    let budget = Budget::root(bytes(1000));
    let (local, shared) = (budget.local_leaf(), budget.shared_leaf());
    local.try_charge(bytes(400)).unwrap();
    shared.try_charge(bytes(400)).unwrap();
    assert_eq!(budget.used(), bytes(800));
    let error = local.try_charge(bytes(201)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "budget `root` exceeded: 201 B requested, 200 B remaining (held by itself 800 B)"
    );
    assert!(shared.try_charge(bytes(201)).is_err());
    assert_eq!((local.charged(), shared.charged(), budget.used()), (bytes(400), bytes(400), bytes(800)));
    local.try_charge(bytes(100)).unwrap();
    shared.try_charge(bytes(100)).unwrap();
    drop((local, shared));
    assert_eq!(budget.used(), Bytes::ZERO);
}

#[test]
fn what_lies_unused_in_a_shared_leaf_is_there_for_others_at_once() {
    let budget = Budget::root(Bytes::from_kib(1024));
    let (idle, busy) = (budget.child("idle").shared_leaf(), budget.child("busy"));
    idle.try_charge(bytes(100)).unwrap();
    assert_eq!(budget.used(), Bytes::from_kib(64));
    let rest = busy.try_reserve(bytes((1 << 20) - 100)).unwrap();
    assert_eq!((budget.used(), idle.charged()), (Bytes::from_mib(1), bytes(100)));
    drop(rest);
}

#[test]
fn what_lies_unused_in_a_local_leaf_comes_back_at_its_next_use_of_the_budget() {
    let budget = Budget::root(Bytes::from_kib(1024));
    let (idle, busy) = (budget.child("idle").local_leaf(), budget.child("busy"));
    idle.try_charge(bytes(100)).unwrap();
    let most = bytes((1 << 20) - 101);
    assert!(busy.try_reserve(most).is_err());
    assert!(idle.try_charge(Bytes::from_mib(1)).is_err(), "too much, but it went to the budget");
    assert_eq!((idle.charged(), budget.used()), (bytes(100), bytes(100)));
    assert!(busy.try_reserve(most).is_ok());
}

/// Entries of 1 KiB, which are given up when they are asked for; and what was told, and when.
struct Entries {
    held: Mutex<Vec<Reservation>>,
    levels: Mutex<Vec<PressureLevel>>,
}

impl Entries {
    fn fill(budget: &Budget, count: usize) -> Arc<Self> {
        let held = (0..count).map(|_| budget.try_reserve(Bytes::from_kib(1)).unwrap()).collect();
        let entries = Arc::new(Self { held: Mutex::new(held), levels: Mutex::default() });
        budget.add_reclaimer("entries", ReclaimCost::CacheEviction, &entries);
        budget.add_pressure_listener("entries", &entries);
        entries
    }

    fn count(&self) -> usize {
        self.held.lock().unwrap().len()
    }
}

impl Reclaimer for Entries {
    fn reclaim(&self, wanted: Bytes) -> Bytes {
        let mut held = self.held.lock().unwrap();
        let given = held.len().min(wanted.as_usize().div_ceil(1024));
        let kept = held.len() - given;
        held.truncate(kept);
        Bytes::from_kib(given as u64)
    }
}

impl PressureListener for Entries {
    fn pressure_changed(&self, level: PressureLevel) {
        self.levels.lock().unwrap().push(level);
    }
}

#[test]
fn a_deferring_leaf_calls_nobody_and_the_next_charge_asks() {
    let root = Budget::root(Bytes::from_kib(64));
    root.set_aside(Bytes::from_kib(8)).unwrap();
    let entries = Entries::fill(&root.child("entries"), 40);
    let leaf = root.child("plain").deferring_leaf();
    leaf.try_charge(Bytes::from_kib(20)).expect("out of what is set aside");
    assert_eq!((entries.count(), root.used()), (40, Bytes::from_kib(60)));
    assert!(leaf.try_charge(Bytes::from_kib(5)).is_err(), "more than is left of that");
    assert_eq!(entries.count(), 40);
    assert!(entries.levels.lock().unwrap().is_empty(), "the level has risen, and nobody was told");
    assert_eq!(root.pressure(), PressureLevel::Critical);

    let other = root.child("other");
    drop(other.try_reserve(Bytes::new(1)).unwrap());
    assert_eq!((entries.count(), root.used()), (31, Bytes::from_kib(51)), "there is room for it now");
    leaf.try_charge(Bytes::from_kib(5)).unwrap();
    assert_eq!(
        (entries.count(), root.used()),
        (31, Bytes::from_kib(56)),
        "nothing of what is set aside is in use"
    );
    drop(leaf);
    assert_eq!(root.used(), Bytes::from_kib(entries.count() as u64));
}

#[test]
fn what_was_deferred_is_asked_once_and_not_for_what_can_never_be() {
    let root = Budget::root(Bytes::from_kib(64));
    let part = root.child("part").max(Bytes::from_kib(32));
    let entries = Entries::fill(&part, 32);
    let leaf = part.deferring_leaf();
    assert!(leaf.try_charge(Bytes::from_kib(33)).is_err());
    assert!(leaf.try_charge(Bytes::MAX).is_err());
    root.serve_deferred();
    assert_eq!(entries.count(), 32, "nothing makes room for more than the limit");
    assert!(leaf.try_charge(Bytes::from_kib(10)).is_err());
    root.serve_deferred();
    assert_eq!(entries.count(), 22);
    root.serve_deferred();
    assert_eq!(entries.count(), 22);
    leaf.try_charge(Bytes::from_kib(10)).unwrap();
}

#[test]
fn a_deferring_leaf_that_gives_back_tells_nobody() {
    let root = Budget::root(Bytes::from_mib(4));
    let leaf = root.deferring_leaf();
    let entries = Entries::fill(&root, 0);
    leaf.try_charge(Bytes::from_mib(4)).unwrap();
    root.serve_deferred();
    assert_eq!(*entries.levels.lock().unwrap(), [PressureLevel::Critical]);
    leaf.discharge(Bytes::from_mib(4));
    leaf.give_back();
    assert_eq!((root.used(), root.pressure()), (Bytes::ZERO, PressureLevel::Normal));
    assert_eq!(entries.levels.lock().unwrap().len(), 1);
    root.serve_deferred();
    assert_eq!(*entries.levels.lock().unwrap(), [PressureLevel::Critical, PressureLevel::Normal]);
}

#[test]
fn sizes_beyond_all_reason_are_refused() {
    let budget = Budget::root(Bytes::from_mib(1));
    let (local, shared) = (budget.local_leaf(), budget.shared_leaf());
    for size in [Bytes::MAX, Bytes::new(1 << 63), Bytes::new((1 << 63) - 1), Bytes::from_gib(1 << 20)] {
        assert!(matches!(local.try_charge(size), Err(MemoryError::BudgetExceeded { .. })));
        assert!(matches!(shared.try_charge(size), Err(MemoryError::BudgetExceeded { .. })));
    }
    assert_eq!((local.charged(), shared.charged()), (Bytes::ZERO, Bytes::ZERO));
    drop((local, shared));
    let unlimited = Budget::root(Bytes::MAX);
    let shared = unlimited.shared_leaf();
    let large = Bytes::from_usize(isize::MAX as usize / 4);
    shared.try_charge(large).unwrap();
    assert_eq!(shared.charged(), large);
    shared.discharge(large);
    assert_eq!((shared.charged(), unlimited.used()), (Bytes::ZERO, Bytes::ZERO));
}

/// Two threads charge and discharge through clones of one leaf, against a limit that both meet.
#[test]
fn a_shared_leaf_counts_right_under_threads() {
    let budget = Budget::root(Bytes::from_kib(256));
    let leaf = budget.shared_leaf();
    let work = |leaf: SharedLeaf, seed: u64| {
        let (mut held, mut refused) = (Vec::new(), 0);
        for turn in 0..100_000_u64 {
            let size = (turn * 2_654_435_761 + seed) % 6_000;
            match leaf.try_charge(bytes(size)) {
                Ok(()) => held.push(size),
                Err(_) => refused += 1,
            }
            if held.len() > 90 {
                held.drain(..held.len() / 2).for_each(|size| leaf.discharge(bytes(size)));
            }
        }
        held.into_iter().for_each(|size| leaf.discharge(bytes(size)));
        refused
    };
    let refused: u64 = thread::scope(|scope| {
        let threads = [1, 77].map(|seed| {
            scope.spawn({
                let leaf = leaf.clone();
                move || work(leaf, seed)
            })
        });
        threads.map(|thread| thread.join().unwrap()).iter().sum()
    });
    assert!(refused > 0, "the limit was met");
    assert!(budget.peak() <= budget.limit());
    assert_eq!(leaf.charged(), Bytes::ZERO);
    leaf.give_back();
    assert_eq!(budget.used(), Bytes::ZERO);
}

#[test]
fn what_is_in_use_already_can_be_charged_whatever_the_limit() {
    let root = Budget::root(bytes(1000));
    let part = root.child("part").min(bytes(500)).unwrap();
    let leaf = part.shared_leaf();
    leaf.force_charge(bytes(1500));
    assert_eq!(
        (part.used(), root.used(), root.pressure()),
        (bytes(1500), bytes(1500), PressureLevel::Critical)
    );
    assert!(root.try_reserve(bytes(1)).is_err());
    leaf.discharge(bytes(1500));
    leaf.give_back();
    assert_eq!((part.used(), root.used()), (Bytes::ZERO, bytes(500)));
}

#[test]
fn the_figures_of_a_leaf_are_printed() {
    let budget = Budget::root(Bytes::MAX);
    let (local, shared) = (budget.local_leaf(), budget.shared_leaf());
    local.try_charge(bytes(24)).unwrap();
    shared.try_charge(bytes(24)).unwrap();
    for text in [format!("{local:?}"), format!("{shared:?}")] {
        assert!(text.contains("charged: Bytes(24), unused: Bytes(65512)"), "{text}");
    }
}
