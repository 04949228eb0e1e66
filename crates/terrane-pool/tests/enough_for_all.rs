//! Threads that want no more objects than there may be are never refused, and no two have the same, however objects move between them.
#![cfg(all(feature = "std", not(loom)))]

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

use terrane_pool::{LockFreePool, Poolable, ThreadSafePool, WorkStealingPool};

const THREADS: usize = if cfg!(miri) { 2 } else { 4 };
const ROUNDS: usize = if cfg!(miri) { 20 } else { 3000 };

/// Notices when two have it.
struct Alone(AtomicBool);

impl Poolable for Alone {
    fn create() -> Self {
        Self(AtomicBool::new(false))
    }

    fn reset(&mut self) {
        assert!(self.0.swap(false, Relaxed), "somebody else has given it back");
    }
}

macro_rules! enough {
    ($($name:ident: $pool:ident, $objects:literal;)*) => {$(
        /// Each thread has so many at a time. Every now and then one ends, and another one begins.
        #[test]
        fn $name() {
            let pool = $pool::<Alone>::new(THREADS * $objects);
            let rounds = || {
                for round in 0..ROUNDS / 10 {
                    let held: Vec<_> = (0..$objects)
                        .map(|_| pool.acquire().unwrap_or_else(|error| panic!("{error}")))
                        .inspect(|object| assert!(!object.0.swap(true, Relaxed), "somebody else has it"))
                        .collect();
                    if round % 7 == 0 {
                        thread::yield_now();
                    }
                    // In another order than before.
                    let (first, second): (Vec<_>, Vec<_>) =
                        held.into_iter().enumerate().partition(|(number, _)| number % 3 == round % 3);
                    drop((second, first));
                }
            };
            thread::scope(|scope| {
                for _ in 0..THREADS {
                    scope.spawn(|| (0..10).for_each(|_| thread::scope(|inner| inner.spawn(rounds).join().expect("no panic"))));
                }
            });
            let stats = pool.stats();
            assert_eq!((stats.refused, stats.in_use), (0, 0));
            assert_eq!(stats.acquired, (THREADS * ROUNDS * $objects) as u64);
            assert_eq!(stats.idle as u64, stats.created);
        }
    )*};
}

enough! {
    one_each_with_magazines: ThreadSafePool, 1;
    many_each_with_magazines: ThreadSafePool, 20;
    one_each_without_locks: LockFreePool, 1;
    many_each_without_locks: LockFreePool, 20;
    one_each_with_stealing: WorkStealingPool, 1;
    many_each_with_stealing: WorkStealingPool, 20;
}
