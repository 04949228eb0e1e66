//! What idles with several threads: none of it is lost without need, and there is never more of it than allowed.
#![cfg(all(feature = "std", not(loom)))]

use std::{sync::mpsc, thread};

use proptest::prelude::*;
use terrane_pool::{Budget, Bytes, PoolGuard, PoolStrategy, ThreadSafePool};

/// Runs on another thread, to the end of its own variables.
fn elsewhere<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(work).join().expect("the thread"))
}

#[test]
fn a_thread_that_ends_loses_nothing_that_may_idle() {
    let pool = ThreadSafePool::<String>::with_strategy(PoolStrategy::new().max_idle(8)).unwrap();
    elsewhere(|| {
        let held: Vec<_> = (0..8).map(|_| pool.acquire().unwrap()).collect();
        drop(held);
        assert_eq!(pool.stats().idle, 8);
    });
    assert_eq!((pool.stats().idle, pool.stats().dropped), (8, 0));
}

#[test]
fn what_is_handed_to_the_others_is_not_dropped() {
    let pool = ThreadSafePool::<String>::with_strategy(PoolStrategy::new().max_idle(8)).unwrap();
    drop((0..8).map(|_| pool.acquire().unwrap()).collect::<Vec<_>>());
    assert_eq!(pool.stats().idle, 8);
    pool.flush();
    assert_eq!((pool.stats().idle, pool.stats().dropped), (8, 0));
    // It is there for all, without reaching into anything.
    elsewhere(|| {
        let held: Vec<_> = (0..8).map(|_| pool.acquire().unwrap()).collect();
        assert_eq!((held.len() as u64, pool.stats().created), (8, 8));
    });
}

/// Pool of at most 8 idle objects of 4 KiB.
fn eight_idle(budget: &Budget) -> ThreadSafePool<Vec<u8>> {
    ThreadSafePool::builder()
        .strategy(PoolStrategy::new().max_idle(8))
        .constructor(|| Vec::with_capacity(4096))
        .budget(budget)
        .build()
        .unwrap()
}

/// Makes the budget ask the pool for one object.
fn press(budget: &Budget) {
    let rest = budget.remaining().saturating_add(Bytes::new(1));
    drop(budget.try_reserve(rest));
}

#[cfg(all(target_os = "linux", feature = "os"))]
#[test]
fn no_more_idle_than_may_after_objects_were_fetched_from_another_thread() {
    let budget = Budget::root(Bytes::from_mib(1));
    let pool = eight_idle(&budget);
    let worker = Worker::new();
    let shared = pool.clone();
    let held = worker.run(move || {
        let mut held: Held = (0..12).map(|_| shared.acquire_owned().unwrap()).collect();
        held.truncate(4);
        held
    });
    assert_eq!(pool.stats().idle, 8);
    // What the other thread has at hand is fetched, and one dropped.
    assert_eq!((pool.trim(7), pool.stats().idle), (1, 7));
    worker.run(move || drop(held));
    assert_eq!(pool.stats().idle, 8);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Acquire,
    Release(usize),
    Flush,
    Trim(usize),
    Press,
    End,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => Just(Step::Acquire),
        8 => any::<usize>().prop_map(Step::Release),
        1 => Just(Step::Flush),
        1 => (0..10usize).prop_map(Step::Trim),
        1 => Just(Step::Press),
        1 => Just(Step::End),
    ]
}

type Held = Vec<PoolGuard<Vec<u8>, ThreadSafePool<Vec<u8>>>>;

/// A thread that does one piece of work after another.
struct Worker {
    work: Option<mpsc::Sender<Box<dyn FnOnce() + Send>>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Worker {
    fn new() -> Self {
        let (work, inbox) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
        let thread = thread::spawn(move || inbox.into_iter().for_each(|work| work()));
        Self { work: Some(work), thread: Some(thread) }
    }

    fn run<R: Send + 'static>(&self, work: impl FnOnce() -> R + Send + 'static) -> R {
        let (answer, answered) = mpsc::channel();
        let work = Box::new(move || answer.send(work()).expect("somebody listens"));
        self.work.as_ref().expect("it runs").send(work).expect("it runs");
        answered.recv().expect("no panic")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.work = None;
        self.thread.take().expect("it runs").join().expect("no panic");
    }
}

fn run(pool: &ThreadSafePool<Vec<u8>>, budget: &Budget, worker: &mut Worker, held: &mut Held, step: Step) {
    let (pool, budget) = (pool.clone(), budget.clone());
    match step {
        Step::Acquire => held.extend(worker.run(move || pool.acquire_owned())),
        Step::Release(_) if held.is_empty() => {}
        Step::Release(which) => {
            let guard = held.swap_remove(which % held.len());
            worker.run(move || drop(guard));
        }
        Step::Flush => worker.run(move || pool.flush()),
        Step::Trim(keep) => _ = worker.run(move || pool.trim(keep)),
        Step::Press => worker.run(move || press(&budget)),
        Step::End => *worker = Worker::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Three threads, one at a time. There are never too many idle, and nothing but what comes back is dropped unasked.
    #[test]
    fn idle_objects_of_all_threads_keep_to_the_limit(steps in prop::collection::vec((0..3usize, step()), 1..200)) {
        let budget = Budget::root(Bytes::from_mib(1));
        let pool = eight_idle(&budget);
        let mut workers = [(); 3].map(|()| Worker::new());
        let mut held = Held::new();
        for (worker, step) in steps {
            let before = pool.stats();
            run(&pool, &budget, &mut workers[worker], &mut held, step);
            let after = pool.stats();
            prop_assert!(after.idle <= 8, "{step:?}: {after:?}");
            prop_assert_eq!(after.in_use, held.len());
            let dropped = after.dropped - before.dropped;
            match step {
                Step::Release(_) => prop_assert!(dropped <= 1),
                Step::Trim(_) | Step::Press => {}
                _ => prop_assert_eq!(dropped, 0, "{:?}: {:?}", step, before),
            }
        }
    }
}
