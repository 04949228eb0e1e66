//! Our pools.

use super::{
    object::Object,
    pools::{Pool, work},
};
use terrane_pool::{LocalPool, LockFreePool, ObjectPool, PoolStrategy, ThreadSafePool, WorkStealingPool};

/// A pool as it comes: without limits, where it can be.
macro_rules! pools {
    ($($pool:ident),*) => {$(
        impl<O: Object> Pool for $pool<O> {
            type Object = O;

            fn open() -> Self {
                let limit = PoolStrategy::new().max_total(Self::LIMIT);
                Self::with_strategy(limit).expect("nothing but a limit is asked for")
            }

            #[inline(always)]
            fn cycle(&self, value: u64) -> u64 {
                match self.acquire() {
                    Ok(mut object) => work(&mut *object, value),
                    Err(error) => panic!("there is no limit: {error}"),
                }
            }
        }
    )*};
}

/// How many objects there may be at most.
trait Limit {
    const LIMIT: usize = usize::MAX;
}

impl<O: Object> Limit for ObjectPool<O> {}
impl<O: Object> Limit for LocalPool<O> {}
impl<O: Object> Limit for ThreadSafePool<O> {}
impl<O: Object> Limit for WorkStealingPool<O> {}
impl<O: Object> Limit for LockFreePool<O> {
    const LIMIT: usize = 1024;
}

pools!(ObjectPool, LocalPool, ThreadSafePool, LockFreePool, WorkStealingPool);

/// The thread-safe pool with a limit, which is never reached.
pub(super) struct Bounded<O: Object>(ThreadSafePool<O>);

impl<O: Object> Pool for Bounded<O> {
    type Object = O;

    fn open() -> Self {
        Self(ThreadSafePool::new(1024))
    }

    #[inline(always)]
    fn cycle(&self, value: u64) -> u64 {
        self.0.cycle(value)
    }
}
