//! Objects whose methods use the pool that they are in, in each kind of pool: nothing waits for itself, and nothing is lost.
#![cfg(all(feature = "std", not(loom)))]

use std::cell::{Cell, RefCell};

use terrane_pool::{
    LocalPool, LockFreePool, MemoryError, PoolStrategy, Poolable, ThreadSafePool, ValidationPolicy,
    WorkStealingPool,
};

thread_local! {
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };
    static CALLS: Cell<[u32; 4]> = const { Cell::new([0; 4]) };
    /// How many objects there are, and may be.
    static ALIVE: Cell<usize> = const { Cell::new(0) };
    static ALIVE_MAX: Cell<usize> = const { Cell::new(0) };
}

/// Runs `work` in the outermost method of an object, and not in those that are called by it.
fn once_inside(method: usize, work: impl FnOnce()) {
    if !IS_INSIDE.replace(true) {
        let mut calls = CALLS.get();
        calls[method] += 1;
        CALLS.set(calls);
        work();
        IS_INSIDE.set(false);
    }
}

macro_rules! pools {
    ($($name:ident: $pool:ident),*) => {$(
        #[test]
        fn $name() {
            thread_local! {
                static POOL: RefCell<Option<$pool<Selfish>>> = const { RefCell::new(None) };
            }

            struct Selfish;

            /// Two at once; all but one of these may be refused.
            fn use_pool() {
                // Nothing where the thread ends, after a failure.
                let pool = POOL.try_with(|pool| pool.borrow().clone()).ok().flatten();
                let held = pool.iter().flat_map(|pool| [pool.acquire_owned(), pool.acquire_owned()]);
                let held: Vec<_> = held.collect();
                for refused in held.iter().filter_map(|held| held.as_ref().err()) {
                    assert!(matches!(refused, MemoryError::PoolExhausted { .. }), "{refused}");
                }
            }

            impl Poolable for Selfish {
                fn create() -> Self {
                    once_inside(0, use_pool);
                    ALIVE.set(ALIVE.get() + 1);
                    assert!(ALIVE.get() <= ALIVE_MAX.get());
                    Self
                }

                fn reset(&mut self) {
                    once_inside(1, use_pool);
                }

                fn validate(&self) -> bool {
                    once_inside(2, use_pool);
                    true
                }
            }

            impl Drop for Selfish {
                fn drop(&mut self) {
                    ALIVE.set(ALIVE.get() - 1);
                    once_inside(3, use_pool);
                }
            }

            for max_total in [1, 2, 4] {
                ALIVE_MAX.set(max_total);
                let strategy =
                    PoolStrategy::new().max_total(max_total).max_idle(2).validation(ValidationPolicy::Always);
                let pool = $pool::<Selfish>::with_strategy(strategy).unwrap();
                POOL.set(Some(pool.clone()));
                for _ in 0..20 {
                    let held: Vec<_> = (0..max_total).map(|_| pool.acquire()).collect();
                    assert!(held.iter().any(Result::is_ok));
                    drop(held);
                    pool.warm_up(2).unwrap();
                    pool.trim(1);
                }
                let stats = pool.stats();
                assert_eq!((stats.in_use, stats.idle), (0, ALIVE.get()));
                assert_eq!(stats.created, stats.dropped + stats.idle as u64);
                POOL.set(None);
                drop(pool);
                assert_eq!(ALIVE.get(), 0);
            }
            assert!(CALLS.get().iter().all(|&calls| calls > 0), "{:?}", CALLS.get());
        }
    )*};
}

pools!(local: LocalPool, thread_safe: ThreadSafePool, lock_free: LockFreePool, work_stealing: WorkStealingPool);
