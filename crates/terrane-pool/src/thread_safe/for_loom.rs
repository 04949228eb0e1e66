//! The pool of many threads, for the tests that try all orders. There, a thread has no variables of its own that would lead to its
//! magazine: the test says which one it is.

use alloc::{boxed::Box, sync::Arc};
use core::{fmt, time::Duration};

use super::{
    magazine::{Magazine, Put},
    shared::{Obtained, Shared},
    waiting::Patience,
};
use crate::{PoolBuilder, PoolStrategy, node::Node, thread_slots::PoolId};

/// A pool of units.
#[derive(Clone)]
pub struct Units(Arc<Shared<Unit>>);

/// What is pooled.
#[derive(Debug)]
struct Unit;

impl crate::Poolable for Unit {
    fn create() -> Self {
        Self
    }

    fn reset(&mut self) {}
}

/// What one thread has of the pool.
pub struct Member {
    pool: Units,
    magazine: Arc<Magazine<Unit>>,
}

/// One that is in use. It is given back by hand.
#[derive(Debug)]
pub struct Held(Box<Node<Unit>>);

impl Units {
    /// At most so many.
    #[must_use]
    pub fn new(max_total: usize) -> Self {
        let strategy = PoolStrategy::new().max_total(max_total);
        Self(Shared::new(PoolId::next(), PoolBuilder::new().strategy(strategy), None))
    }

    /// For a thread that begins to use the pool.
    #[must_use]
    pub fn member(&self) -> Member {
        let magazine = self.0.depot.lock().add_magazine(2, &self.0.strategy).expect("nobody waits");
        Member { pool: self.clone(), magazine }
    }
}

impl Member {
    /// Takes one, and waits for it as long as it takes.
    #[must_use]
    pub fn take(&self) -> Held {
        // SAFETY: the test has one thread use the member.
        if let Some(node) = unsafe { self.magazine.pop() } {
            return Held(node);
        }
        let mut patience = Patience::new(Duration::MAX);
        match self.pool.0.obtain(Some(&self.magazine), &mut patience) {
            Ok(Obtained::Idle(node) | Obtained::New(node)) => Held(node),
            Err(error) => panic!("it waits without end: {error}"),
        }
    }

    /// Gives one back.
    pub fn put(&self, held: Held) {
        let magazine = Some(&*self.magazine);
        // SAFETY: as above.
        match unsafe { self.magazine.push(held.0) } {
            Put::Done => {}
            Put::Called => self.pool.0.come(magazine),
            Put::Full(node) => self.pool.0.put_back(node, magazine),
        }
    }

    /// Takes one out of the pool for good.
    pub fn detach(&self, held: Held) {
        self.pool.0.give_up(held.0);
    }

    /// Takes one out of the pool for good, and makes another one that is idle.
    pub fn detach_and_warm_up(&self, held: Held) {
        self.detach(held);
        self.pool.0.warm_up(1).expect("there is memory");
    }

    /// Gives one back, and all that is at hand to the others.
    pub fn put_and_flush(&self, held: Held) {
        self.put(held);
        self.pool.0.flush(Some(&self.magazine));
    }
}

impl fmt::Debug for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Units")
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Member")
    }
}
