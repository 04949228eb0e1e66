//! What idles with several threads: none of it is lost without need, and there is never more of it than allowed.
#![cfg(all(feature = "std", not(loom)))]

use std::{sync::mpsc, thread};

use proptest::prelude::*;
use terrane_pool::{
    Budget, Bytes, LockFreePool, MemoryError, PoolGuard, PoolStats, PoolStrategy, ThreadSafePool,
    WorkStealingPool,
};

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

/// Makes the budget ask the pool for one object.
fn press(budget: &Budget) {
    let rest = budget.remaining().saturating_add(Bytes::new(1));
    drop(budget.try_reserve(rest));
}

#[cfg(all(target_os = "linux", feature = "os"))]
#[test]
fn no_more_idle_than_may_after_objects_were_fetched_from_another_thread() {
    let budget = Budget::root(Bytes::from_mib(1));
    let pool = ThreadSafePool::eight_idle(&budget);
    let worker = Worker::new();
    let shared = pool.clone();
    let held = worker.run(move || {
        let mut held: Vec<_> = (0..12).map(|_| shared.acquire_owned().unwrap()).collect();
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

/// A pool that several threads share.
trait Shared: Clone + Send + Sized + 'static {
    type Guard: Send;
    /// At most 8 idle objects of 4 KiB.
    fn eight_idle(budget: &Budget) -> Self;
    fn acquire(&self) -> Result<Self::Guard, MemoryError>;
    fn flush(&self) {}
    fn trim(&self, keep: usize) -> usize;
    fn stats(&self) -> PoolStats;
}

macro_rules! shared {
    ($($pool:ident $max_total:expr $(, $flush:ident)?;)*) => {$(
        impl Shared for $pool<Vec<u8>> {
            type Guard = PoolGuard<Vec<u8>, Self>;
            fn eight_idle(budget: &Budget) -> Self {
                $pool::builder()
                    .strategy(PoolStrategy::new().max_idle(8).max_total($max_total))
                    .constructor(|| Vec::with_capacity(4096))
                    .budget(budget)
                    .build()
                    .unwrap()
            }
            fn acquire(&self) -> Result<Self::Guard, MemoryError> {
                self.acquire_owned()
            }
            $(fn flush(&self) {
                self.$flush();
            })?
            fn trim(&self, keep: usize) -> usize {
                self.trim(keep)
            }
            fn stats(&self) -> PoolStats {
                self.stats()
            }
        }
    )*};
}

shared!(ThreadSafePool usize::MAX, flush; LockFreePool 1000; WorkStealingPool usize::MAX;);

fn run<P: Shared>(pool: &P, budget: &Budget, worker: &mut Worker, held: &mut Vec<P::Guard>, step: Step) {
    let (pool, budget) = (pool.clone(), budget.clone());
    match step {
        Step::Acquire => held.extend(worker.run(move || pool.acquire())),
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

/// Three threads, one at a time. There are never too many idle, nothing but what comes back is dropped unasked.
fn idle_objects_keep_to_the_limit<P: Shared>(steps: Vec<(usize, Step)>) {
    let budget = Budget::root(Bytes::from_mib(1));
    let pool = P::eight_idle(&budget);
    let mut workers = [(); 3].map(|()| Worker::new());
    let mut held = Vec::new();
    for (worker, step) in steps {
        let before = pool.stats();
        run(&pool, &budget, &mut workers[worker], &mut held, step);
        let after = pool.stats();
        assert!(after.idle <= 8, "{step:?}: {after:?}");
        assert_eq!(after.in_use, held.len());
        let dropped = after.dropped - before.dropped;
        match step {
            Step::Release(_) => assert!(dropped <= 1),
            Step::Trim(_) | Step::Press => {}
            _ => assert_eq!(dropped, 0, "{step:?}: {before:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn with_magazines(steps in prop::collection::vec((0..3usize, step()), 1..200)) {
        idle_objects_keep_to_the_limit::<ThreadSafePool<Vec<u8>>>(steps);
    }

    #[test]
    fn without_locks(steps in prop::collection::vec((0..3usize, step()), 1..200)) {
        idle_objects_keep_to_the_limit::<LockFreePool<Vec<u8>>>(steps);
    }

    #[test]
    fn with_stealing(steps in prop::collection::vec((0..3usize, step()), 1..200)) {
        idle_objects_keep_to_the_limit::<WorkStealingPool<Vec<u8>>>(steps);
    }
}
