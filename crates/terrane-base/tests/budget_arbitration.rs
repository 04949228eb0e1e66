//! Who is asked for memory, in which order, and what happens to those who misbehave; waiting; and who is told of pressure.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

use terrane_base::{
    Budget, BudgetName, Bytes, MemoryError, PressureLevel, PressureListener, ReclaimCost, Reclaimer,
    Reservation,
};

fn bytes(size: u64) -> Bytes {
    Bytes::new(size)
}

/// A budget that can be full without pressure, which counts in per cent of the root's limit.
fn without_pressure(limit: u64) -> Budget {
    Budget::root(Bytes::MAX).child("whole").max(bytes(limit))
}

/// What was asked, in order.
type Log = Arc<Mutex<Vec<String>>>;

fn taken(log: &Log) -> Vec<String> {
    std::mem::take(&mut log.lock().unwrap())
}

/// Holds memory in single bytes and gives up what is wanted.
struct Cache {
    name: &'static str,
    held: Mutex<Option<Reservation>>,
    log: Log,
}

impl Cache {
    fn new(budget: &Budget, name: &'static str, cost: ReclaimCost, size: u64, log: &Log) -> Arc<Self> {
        let held = budget.try_reserve(bytes(size)).unwrap();
        let cache = Arc::new(Self { name, held: Mutex::new(Some(held)), log: Arc::clone(log) });
        budget.add_reclaimer(name, cost, &cache);
        cache
    }

    fn held(&self) -> MutexGuard<'_, Option<Reservation>> {
        self.held.lock().unwrap()
    }
}

impl Reclaimer for Cache {
    fn reclaim(&self, wanted: Bytes) -> Bytes {
        self.log.lock().unwrap().push(format!("{} {}", self.name, wanted.as_u64()));
        self.held().as_mut().map_or(Bytes::ZERO, |held| held.shrink(wanted))
    }
}

#[test]
fn the_cheapest_are_asked_first_and_no_more_than_needed() {
    let root = without_pressure(100);
    let log = Log::default();
    let new = |name, cost, size| Cache::new(&root, name, cost, size, &log);
    let _caches = [
        new("cache", ReclaimCost::CacheEviction, 30),
        new("pool", ReclaimCost::PoolTrim, 20),
        new("cold", ReclaimCost::ColdCompression, 20),
        new("quanta", ReclaimCost::UnusedQuanta, 0),
        new("other pool", ReclaimCost::PoolTrim, 0),
    ];
    let heap = root.add_requested("heap", ReclaimCost::Collect);
    let _live = root.try_reserve(bytes(30)).unwrap();
    taken(&log);
    let held = root.try_reserve(bytes(45)).unwrap();
    assert_eq!(taken(&log), ["quanta 45", "pool 45", "other pool 25", "cold 25", "cache 5"]);
    assert!(!heap.is_pending());
    assert!(root.try_reserve(bytes(40)).is_err());
    assert_eq!(heap.take(), Some(bytes(15)), "what is still missing when all others were asked");
    assert_eq!((heap.take(), held.size()), (None, bytes(45)));
}

#[test]
fn only_the_full_part_of_the_tree_is_asked() {
    let root = Budget::root(bytes(1000));
    let full = root.child("full").max(bytes(100));
    let log = Log::default();
    let _beside = Cache::new(&root.child("beside"), "beside", ReclaimCost::PoolTrim, 10, &log);
    let _above = Cache::new(&root, "above", ReclaimCost::PoolTrim, 10, &log);
    let _inside = Cache::new(&full.child("inside"), "inside", ReclaimCost::CacheEviction, 60, &log);
    let _held = full.try_reserve(bytes(70)).unwrap();
    assert_eq!(taken(&log), ["inside 30"]);
}

/// When room at one level only shows that the next one up is full, the round goes on there.
#[test]
fn a_round_moves_up_the_tree() {
    let root = without_pressure(100);
    let part = root.child("part").max(bytes(50));
    let log = Log::default();
    let _cold = Cache::new(&root.child("beside"), "beside", ReclaimCost::PoolTrim, 60, &log);
    let _inside = Cache::new(&part, "inside", ReclaimCost::CacheEviction, 40, &log);
    let _held = part.try_reserve(bytes(50)).unwrap();
    assert_eq!(taken(&log), ["inside 50", "beside 10"]);
}

#[test]
fn what_a_guarantee_covers_is_not_asked_for() {
    let root = without_pressure(100);
    let sure = root.child("sure").min(bytes(40)).unwrap();
    let log = Log::default();
    let cache = Cache::new(&sure, "sure", ReclaimCost::CacheEviction, 40, &log);
    let _rest = root.try_reserve(bytes(60)).unwrap();
    assert!(root.try_reserve(bytes(1)).is_err());
    assert_eq!(taken(&log), [""; 0], "its memory would help nobody else");
    let own = sure.try_reserve(bytes(10)).unwrap();
    assert_eq!(taken(&log), ["sure 10"], "but itself");
    assert_eq!(cache.held().as_ref().unwrap().size(), bytes(30));
    drop(own);
}

/// Charges its own budget while it reclaims, which must not ask it again, and panics or not.
struct Nasty {
    budget: Budget,
    panics: bool,
    outcomes: Mutex<Vec<bool>>,
}

impl Reclaimer for Nasty {
    fn reclaim(&self, _wanted: Bytes) -> Bytes {
        let in_the_reserve = self.budget.try_reserve(bytes(10));
        let beyond = self.budget.try_reserve(bytes(11));
        let waited = self.budget.reserve_wait(bytes(11), Instant::now() + Duration::from_secs(3600));
        let outcomes = [in_the_reserve.is_ok(), beyond.is_ok(), waited.is_ok()];
        self.outcomes.lock().unwrap().extend(outcomes);
        assert!(!self.panics, "as it was told");
        Bytes::ZERO
    }
}

#[test]
fn a_reclaimer_has_a_reserve_and_starts_no_round_of_its_own() {
    let budget = Budget::root(bytes(100));
    budget.set_aside(bytes(10)).unwrap();
    let nasty = Arc::new(Nasty { budget: budget.clone(), panics: false, outcomes: Mutex::default() });
    budget.add_reclaimer("nasty", ReclaimCost::CacheEviction, &nasty);
    let _held = budget.try_reserve(bytes(90)).unwrap();
    for _ in 0..2 {
        assert!(budget.try_reserve(bytes(1)).is_err());
        assert_eq!(std::mem::take(&mut *nasty.outcomes.lock().unwrap()), [true, false, false]);
    }
}

#[derive(Default)]
struct Listener {
    levels: Mutex<Vec<PressureLevel>>,
    taken_out: Mutex<Vec<BudgetName>>,
    panics: bool,
}

impl PressureListener for Listener {
    fn pressure_changed(&self, level: PressureLevel) {
        self.levels.lock().unwrap().push(level);
        assert!(!self.panics, "as it was told");
    }

    fn taken_out(&self, name: BudgetName) {
        self.taken_out.lock().unwrap().push(name);
    }
}

#[test]
fn one_that_panics_is_reported_and_taken_out_and_the_others_go_on() {
    let root = Budget::root(bytes(100));
    let listener = Arc::new(Listener::default());
    root.add_pressure_listener("listener", &listener);
    let nasty = Arc::new(Nasty { budget: root.clone(), panics: true, outcomes: Mutex::default() });
    root.add_reclaimer("nasty", ReclaimCost::PoolTrim, &nasty);
    let log = Log::default();
    let _cache = Cache::new(&root, "cache", ReclaimCost::CacheEviction, 50, &log);
    let _live = root.try_reserve(bytes(20)).unwrap();
    for _ in 0..2 {
        let held = root.try_reserve(bytes(31)).unwrap();
        assert_eq!(nasty.outcomes.lock().unwrap().len(), 3, "asked once");
        drop(held);
    }
    assert_eq!(*listener.taken_out.lock().unwrap(), [BudgetName::new("nasty")]);
    assert_eq!((root.taken_out(), taken(&log).len()), (1, 1));
}

#[test]
fn a_listener_that_panics_is_taken_out_too() {
    let root = Budget::root(bytes(100));
    let bad = Arc::new(Listener { panics: true, ..Listener::default() });
    let good = Arc::new(Listener::default());
    root.add_pressure_listener("bad", &bad);
    root.add_pressure_listener("good", &good);
    root.notify(PressureLevel::Moderate);
    root.notify(PressureLevel::Critical);
    assert_eq!(*bad.levels.lock().unwrap(), [PressureLevel::Moderate]);
    assert_eq!(*good.levels.lock().unwrap(), [PressureLevel::Moderate, PressureLevel::Critical]);
    assert_eq!(*good.taken_out.lock().unwrap(), [BudgetName::new("bad")]);
}

#[test]
fn listeners_hear_each_change_of_level_once() {
    let root = Budget::root(bytes(100));
    let listener = Arc::new(Listener::default());
    root.add_pressure_listener("listener", &listener);
    let levels = || std::mem::take(&mut *listener.levels.lock().unwrap());
    let mut held = root.child("part").try_reserve(bytes(74)).unwrap();
    held.try_grow(bytes(1)).unwrap();
    held.try_grow(bytes(5)).unwrap();
    held.try_grow(bytes(20)).unwrap();
    assert_eq!(levels(), [PressureLevel::Moderate, PressureLevel::Critical]);
    root.notify(PressureLevel::Moderate);
    held.shrink(bytes(90));
    assert_eq!(levels(), [PressureLevel::Moderate], "the program still says so");
    root.notify(PressureLevel::Normal);
    assert_eq!(levels(), [PressureLevel::Normal]);
}

#[test]
fn pressure_from_outside_makes_reclaimers_run_in_order() {
    let root = Budget::root(Bytes::MAX);
    let log = Log::default();
    let new = |name, cost| Cache::new(&root, name, cost, 400, &log);
    let _caches = [new("cache", ReclaimCost::CacheEviction), new("pool", ReclaimCost::PoolTrim)];
    let heap = root.add_requested("heap", ReclaimCost::Collect);
    root.notify(PressureLevel::Moderate);
    assert_eq!((taken(&log), root.used()), (vec!["pool 100".to_owned()], bytes(700)), "an eighth");
    root.notify(PressureLevel::Moderate);
    assert_eq!(taken(&log), [""; 0], "no rise");
    let _live = root.try_reserve(bytes(9300)).unwrap();
    root.notify(PressureLevel::Critical);
    assert_eq!(taken(&log), ["pool 2500", "cache 2200"]);
    assert_eq!(heap.take(), Some(bytes(1800)), "a quarter of 10000 in all");
}

#[test]
fn halving_a_limit_makes_reclaimers_run() {
    let root = Budget::root(bytes(1000));
    let log = Log::default();
    let cache = Cache::new(&root, "cache", ReclaimCost::CacheEviction, 600, &log);
    let heap = root.add_requested("heap", ReclaimCost::Collect);
    let mut live = Some(root.try_reserve(bytes(300)).unwrap());
    taken(&log);
    assert_eq!(root.set_max(bytes(500)).unwrap(), Bytes::ZERO);
    assert_eq!(cache.held().as_ref().unwrap().size(), bytes(200));
    assert_eq!(root.set_max(bytes(250)).unwrap(), bytes(50));
    assert_eq!(cache.held().as_ref().unwrap().size(), Bytes::ZERO);
    assert_eq!(heap.take(), Some(bytes(50)));
    assert!(root.try_reserve(bytes(1)).is_err());
    live.take();
    assert!(root.try_reserve(bytes(250)).is_ok());
    assert_eq!(root.reclaim(bytes(1)), Bytes::ZERO, "there is nothing left");
}

#[test]
fn two_trees_do_not_meet() {
    let (one, other) = (Budget::root(bytes(100)), Budget::root(bytes(100)));
    let log = Log::default();
    let _idle = Cache::new(&other, "idle", ReclaimCost::PoolTrim, 50, &log);
    let heap = other.add_requested("heap", ReclaimCost::Collect);
    let listener = Arc::new(Listener::default());
    other.add_pressure_listener("listener", &listener);
    let _all = one.try_reserve(bytes(100)).unwrap();
    assert!(one.try_reserve(bytes(1)).is_err());
    one.notify(PressureLevel::Critical);
    assert_eq!((one.pressure(), other.pressure()), (PressureLevel::Critical, PressureLevel::Normal));
    assert_eq!((other.used(), heap.is_pending(), taken(&log).len()), (bytes(50), false, 0));
    assert!(listener.levels.lock().unwrap().is_empty());
}

#[test]
fn the_dead_are_not_asked() {
    let root = Budget::root(bytes(100));
    let log = Log::default();
    let cache = Cache::new(&root, "cache", ReclaimCost::CacheEviction, 50, &log);
    let requests = root.add_requested("heap", ReclaimCost::Collect);
    let _live = root.try_reserve(bytes(50)).unwrap();
    drop((cache, requests));
    assert!(root.try_reserve(bytes(51)).is_err());
    assert_eq!(taken(&log), [""; 0]);
}

#[test]
fn who_waits_gets_what_others_give_back() {
    let root = Budget::root(bytes(100));
    let held = root.child("other").try_reserve(bytes(80)).unwrap();
    let far = Instant::now() + Duration::from_secs(3600);
    let own = root.add_requested("own heap", ReclaimCost::Collect);
    thread::scope(|scope| {
        let (asked, others) = std::sync::mpsc::channel();
        let root = &root;
        scope.spawn(move || {
            let requests = root.add_requested("other heap", ReclaimCost::Collect);
            asked.send(()).unwrap();
            let mut held = held;
            while requests.take().is_none() {
                thread::yield_now();
            }
            held.shrink(bytes(30));
            held.shrink(bytes(30));
        });
        others.recv().unwrap();
        let waited = root.reserve_wait(bytes(60), far).unwrap();
        assert_eq!(waited.size(), bytes(60));
        assert!(!own.is_pending(), "a thread that waits cannot serve requests");
    });
    assert_eq!(root.used(), Bytes::ZERO);
}

#[test]
fn there_is_no_waiting_for_what_cannot_come_or_is_too_late() {
    let root = Budget::root(bytes(100));
    let part = root.child("part").max(bytes(50));
    let far = Instant::now() + Duration::from_secs(3600);
    assert!(part.reserve_wait(bytes(51), far).is_err());
    assert!(part.reserve_wait(Bytes::MAX, far).is_err());
    let _held = root.try_reserve(bytes(60)).unwrap();
    let error = part.reserve_wait(bytes(50), Instant::now()).unwrap_err();
    assert!(matches!(error, MemoryError::BudgetExceeded { .. }), "{error}");
    let soon = Instant::now() + Duration::from_millis(5);
    assert!(part.reserve_wait(bytes(50), soon).is_err());
    assert!(Instant::now() >= soon, "it did wait");
    assert!(part.reserve_wait(bytes(40), far).is_ok());
}

#[test]
fn a_raised_limit_ends_the_waiting() {
    let root = Budget::root(bytes(100));
    let far = Instant::now() + Duration::from_secs(3600);
    let _held = root.try_reserve(bytes(80)).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| root.reserve_wait(bytes(50), far).map(|held| held.size()));
        thread::sleep(Duration::from_millis(5));
        root.set_max(bytes(200)).unwrap();
        assert_eq!(waiting.join().unwrap(), Ok(bytes(50)));
    });
}
