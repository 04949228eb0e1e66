//! The parts without locks, for the tests that try all orders of their operations.

use alloc::{sync::Arc, vec::Vec};
use core::fmt;

use crate::{
    lock_free::stack::{Links, Stack},
    node::Node,
    sync::AtomicU32,
    thread_safe::{
        barrier,
        magazine::{Magazine, Put},
    },
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
