//! Pools of others, each with objects in place and in boxes, whichever is faster.

use super::{
    heap::Boxes,
    object::Object,
    pools::{Measure, Pool, work},
};
use crate::row::{Contender, Home};
use crate::settings::each_of;
use crossbeam_queue::ArrayQueue;
use lockfree_object_pool::{LinearObjectPool, SpinLockObjectPool};
use sharded_slab::{Clear, Pool as Slab};

/// All pools for several threads, and no pool at all.
pub(super) fn shared<O: Object + Sync, M: Measure>() -> Vec<Contender> {
    let mut all = vec![
        Contender::new("opool", Home::Glibc, each_of([M::of::<Opool<Inline<O>>>, M::of::<Opool<Boxed<O>>>])),
        Contender::new(
            "lockfree",
            Home::Glibc,
            each_of([
                M::of::<Linear<Inline<O>>>,
                M::of::<Linear<Boxed<O>>>,
                M::of::<Spin<Inline<O>>>,
                M::of::<Spin<Boxed<O>>>,
            ]),
        ),
        Contender::new(
            "object-pool",
            Home::Glibc,
            each_of([M::of::<ObjectPoolCrate<Inline<O>>>, M::of::<ObjectPoolCrate<Boxed<O>>>]),
        ),
        Contender::new(
            "sharded-slab",
            Home::Glibc,
            each_of([M::of::<ShardedSlab<Inline<O>>>, M::of::<ShardedSlab<Boxed<O>>>]),
        ),
        Contender::new(
            "array-queue",
            Home::Glibc,
            each_of([M::of::<Queue<Inline<O>>>, M::of::<Queue<Boxed<O>>>]),
        ),
    ];
    all.extend(heaps::<O, M>());
    all
}

/// No pool: a box each time.
pub(super) fn heaps<O: Object + Sync, M: Measure>() -> [Contender; 2] {
    [
        Contender::new("glibc", Home::Glibc, M::of::<Boxes<O>>),
        Contender::new("mimalloc", Home::Mimalloc, M::of::<Boxes<O>>),
    ]
}

/// How many objects a pool keeps, where it has to be told.
const CAPACITY: usize = 1024;

/// An object in place.
pub(super) struct Inline<O>(O);
/// An object in a box.
pub(super) struct Boxed<O>(Box<O>);

/// How a rival keeps objects.
pub(super) trait Kept: Default + Send + 'static {
    type Object: Object;
    fn object(&mut self) -> &mut Self::Object;
}

impl<O: Object> Default for Inline<O> {
    #[inline(always)]
    fn default() -> Self {
        Self(O::default())
    }
}

impl<O: Object> Default for Boxed<O> {
    #[inline(always)]
    fn default() -> Self {
        Self(Box::default())
    }
}

impl<O: Object> Kept for Inline<O> {
    type Object = O;

    #[inline(always)]
    fn object(&mut self) -> &mut O {
        &mut self.0
    }
}

impl<O: Object> Kept for Boxed<O> {
    type Object = O;

    #[inline(always)]
    fn object(&mut self) -> &mut O {
        &mut self.0
    }
}

/// `opool::Pool`.
pub(super) struct Opool<K: Kept>(opool::Pool<Maker, K>);

/// `opool::LocalPool`.
pub(super) struct OpoolLocal<K: Kept>(opool::LocalPool<Maker, K>);

/// What opool makes objects with.
pub(super) struct Maker;

impl<K: Kept> opool::PoolAllocator<K> for Maker {
    #[inline(always)]
    fn allocate(&self) -> K {
        K::default()
    }
}

impl<K: Kept> Pool for Opool<K> {
    type Object = K::Object;

    fn open() -> Self {
        Self(opool::Pool::new(CAPACITY, Maker))
    }

    #[inline(always)]
    fn cycle(&self, value: u64) -> u64 {
        work(self.0.get().object(), value)
    }
}

impl<K: Kept> Pool for OpoolLocal<K> {
    type Object = K::Object;

    fn open() -> Self {
        Self(opool::LocalPool::new(CAPACITY, Maker))
    }

    #[inline(always)]
    fn cycle(&self, value: u64) -> u64 {
        work(self.0.get().object(), value)
    }
}

/// `object_pool::Pool`.
pub(super) struct ObjectPoolCrate<K: Kept>(object_pool::Pool<K>);

impl<K: Kept> Pool for ObjectPoolCrate<K> {
    type Object = K::Object;

    fn open() -> Self {
        Self(object_pool::Pool::new(2, K::default))
    }

    #[inline(always)]
    fn cycle(&self, value: u64) -> u64 {
        work(self.0.pull(K::default).object(), value)
    }
}

/// `lockfree_object_pool`, the one that its documentation recommends.
pub(super) struct Linear<K: Kept>(LinearObjectPool<K>);
/// `lockfree_object_pool` with a spin lock.
pub(super) struct Spin<K: Kept>(SpinLockObjectPool<K>);

impl<K: Kept> Pool for Linear<K> {
    type Object = K::Object;

    fn open() -> Self {
        Self(LinearObjectPool::new(K::default, |_| ()))
    }

    #[inline(always)]
    fn cycle(&self, value: u64) -> u64 {
        work(self.0.pull().object(), value)
    }
}

impl<K: Kept> Pool for Spin<K> {
    type Object = K::Object;

    fn open() -> Self {
        Self(SpinLockObjectPool::new(K::default, |_| ()))
    }

    #[inline(always)]
    fn cycle(&self, value: u64) -> u64 {
        work(self.0.pull().object(), value)
    }
}

/// `crossbeam_queue::ArrayQueue`, with a new object when it is empty.
pub(super) struct Queue<K: Kept>(ArrayQueue<K>);

impl<K: Kept> Pool for Queue<K> {
    type Object = K::Object;

    fn open() -> Self {
        Self(ArrayQueue::new(CAPACITY))
    }

    #[inline(always)]
    fn cycle(&self, value: u64) -> u64 {
        let mut kept = self.0.pop().unwrap_or_default();
        let result = work(kept.object(), value);
        // Nobody makes more objects than there is room for.
        let _ = self.0.push(kept);
        result
    }
}

/// `sharded_slab::Pool`.
pub(super) struct ShardedSlab<K: Kept>(Slab<Cleared<K>>);

/// What it takes; clearing does nothing.
#[derive(Default)]
pub(super) struct Cleared<K>(K);

impl<K> Clear for Cleared<K> {
    #[inline(always)]
    fn clear(&mut self) {}
}

impl<K: Kept + Sync> Pool for ShardedSlab<K> {
    type Object = K::Object;

    fn open() -> Self {
        Self(Slab::new())
    }

    #[inline(always)]
    fn cycle(&self, value: u64) -> u64 {
        let mut kept = self.0.create().expect("there is room");
        let result = work(kept.0.object(), value);
        let key = kept.key();
        drop(kept);
        self.0.clear(key);
        result
    }
}
