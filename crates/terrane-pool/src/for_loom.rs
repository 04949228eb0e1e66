//! The parts without locks, for the tests that try all orders of their operations.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::{fmt, ptr::NonNull};

pub use crate::thread_safe::for_loom::{Held, Member, Units};
use crate::{
    PoolBuilder, PoolStrategy, Poolable,
    lock_free::{
        places::Places as AllPlaces,
        stack::{Links, Stack},
    },
    node::Node,
    store::{Own, Store as _},
    sync::{AtomicU32, Slot},
    thread_cache::ThreadCache,
    thread_safe::{
        barrier,
        magazine::{Magazine, Put},
    },
    unlocked::Unlocked,
};

/// A magazine of numbers.
#[derive(Clone)]
pub struct Numbers(Arc<Magazine<u32>>);

impl Numbers {
    /// An empty one.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self(Magazine::try_new(capacity, false).expect("memory"))
    }

    /// For the owner: takes a number; where there is none, with the `lock`. Where others hold the lock, waits.
    pub fn take<L>(&self, lock: impl FnOnce() -> L) -> Option<u32> {
        // SAFETY: the test has one thread call this, and `put`.
        if let Some(node) = unsafe { self.0.pop() } {
            return Some(node.value);
        }
        let _locked = lock();
        // SAFETY: as above, with the lock.
        unsafe {
            self.0.attend(false);
            self.0.pop_locked().map(|node| node.value)
        }
    }

    /// For the owner: puts a number in; `false` when there is no room.
    pub fn put<L>(&self, number: u32, lock: impl FnOnce() -> L) -> bool {
        let node = Node::try_boxed(number, 0).expect("memory");
        // SAFETY: the test has one thread call this, and `take`.
        match unsafe { self.0.push(node) } {
            Put::Done => true,
            Put::Full(_) => false,
            Put::Called => {
                let _locked = lock();
                // SAFETY: as above, with the lock.
                unsafe { self.0.attend(false) };
                true
            }
        }
    }

    /// For others, with the lock: takes all.
    #[must_use]
    pub fn take_all(&self) -> Vec<u32> {
        let mut all = Vec::new();
        self.0.call();
        assert!(barrier::heavy());
        // SAFETY: the test has the lock; the owner was called before the fence.
        _ = unsafe { self.0.take_all(|_| true, |node| all.push(node.value)) };
        all
    }
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Numbers")
    }
}

/// A stack of places, with tags of so many bits.
pub struct Places<const TAG_BITS: u32> {
    stack: Stack<TAG_BITS>,
    links: Table,
}

struct Table(Vec<AtomicU32>);

impl Links for Table {
    fn below(&self, place: u32) -> &AtomicU32 {
        &self.0[place as usize]
    }
}

impl<const TAG_BITS: u32> Places<TAG_BITS> {
    /// All of so many, the first on top.
    #[must_use]
    pub fn new(places: u32) -> Self {
        let all = Self {
            stack: Stack::new(),
            links: Table((0..places).map(|_| AtomicU32::new(u32::MAX)).collect()),
        };
        (0..places).rev().for_each(|place| all.push(place));
        all
    }

    /// Puts a place on top.
    pub fn push(&self, place: u32) {
        self.stack.push(place, &self.links);
    }

    /// Takes the top place.
    #[must_use]
    pub fn pop(&self) -> Option<u32> {
        self.stack.pop(&self.links)
    }
}

impl<const TAG_BITS: u32> fmt::Debug for Places<TAG_BITS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Places")
    }
}

/// A pool without locks.
#[derive(Clone)]
pub struct Watched(Arc<Unlocked<Watch, AllPlaces<Watch>>>);

/// An object that notices when two threads have it.
pub struct Watch(Slot<u32>);

impl Poolable for Watch {
    fn create() -> Self {
        Self(Slot::new(0))
    }

    fn reset(&mut self) {
        self.touch();
    }
}

impl Watch {
    fn touch(&self) {
        // SAFETY: who has the object has it alone: `loom` checks that.
        unsafe { *self.0.get() += 1 };
    }
}

/// What one thread has of a pool without locks: its cache, or nothing.
pub struct Part {
    pool: Watched,
    cache: Option<NonNull<ThreadCache<Watch>>>,
}

// SAFETY: the test has one thread at a time use it, and the pool keeps the cache.
unsafe impl Send for Part {}

/// An object in use. It is given back by hand.
pub struct Taken(Box<Node<Watch>>);

impl Watched {
    /// With so many objects, all idle.
    #[must_use]
    pub fn new(objects: usize) -> Self {
        let strategy = PoolStrategy::new().max_total(objects);
        let pool =
            Self(Unlocked::new(PoolBuilder::<_, ()>::new().strategy(strategy), AllPlaces::new(objects)));
        assert_eq!(pool.0.warm_up(None, objects), Ok(objects));
        pool
    }

    /// For a thread that has so many objects at hand at most; with 0, for one that has none.
    #[must_use]
    pub fn part(&self, capacity: usize) -> Part {
        Part { pool: self.clone(), cache: self.0.store.enter(capacity) }
    }

    /// How many are idle.
    #[must_use]
    pub fn idle(&self) -> usize {
        self.0.stats().idle
    }
}

impl Part {
    fn own(&self) -> Option<Own<'_, ThreadCache<Watch>>> {
        // SAFETY: the test has one thread at a time use this; the pool keeps the cache.
        self.cache.map(|cache| unsafe { Own::new(cache) })
    }

    /// Takes one, if there is one.
    #[must_use]
    pub fn take(&self) -> Option<Taken> {
        let node = self.pool.0.take(self.own()).ok()?;
        node.value.touch();
        Some(Taken(node))
    }

    /// Gives one back.
    pub fn put(&self, taken: Taken) {
        self.pool.0.put_back(self.own(), taken.0);
    }

    /// The thread ends.
    pub fn leave(self) {
        self.own().into_iter().for_each(|own| self.pool.0.leave(own));
    }
}

macro_rules! opaque {
    ($($what:ident),*) => {$(
        impl fmt::Debug for $what {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($what))
            }
        }
    )*};
}

opaque!(Watched, Watch, Part, Taken);
