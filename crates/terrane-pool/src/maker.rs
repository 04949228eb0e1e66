//! Making and unmaking objects: the constructor, the budget, the clock.
//!
//! What an object costs is charged before it is made, as far as that is known before; what it owns beside itself is charged when
//! it is there. A refusal, or a panic of the constructor, takes all of that back.

use alloc::{boxed::Box, sync::Arc};

use terrane_base::{Bytes, Clock, LocalLeaf, MemoryError, SharedLeaf};

use crate::{Poolable, node::Node};

/// How a pool makes a new object, where it is not [`Poolable::create`].
pub(crate) type Constructor<T> = Option<Box<dyn Fn() -> T + Send + Sync>>;

/// A leaf of a budget.
pub(crate) trait Leaf {
    fn try_charge(&self, size: Bytes) -> Result<(), MemoryError>;
    fn discharge(&self, size: Bytes);
}

impl Leaf for LocalLeaf {
    fn try_charge(&self, size: Bytes) -> Result<(), MemoryError> {
        self.try_charge(size)
    }

    fn discharge(&self, size: Bytes) {
        self.discharge(size);
    }
}

impl Leaf for SharedLeaf {
    fn try_charge(&self, size: Bytes) -> Result<(), MemoryError> {
        self.try_charge(size)
    }

    fn discharge(&self, size: Bytes) {
        self.discharge(size);
    }
}

pub(crate) struct Maker<T, L> {
    pub(crate) constructor: Constructor<T>,
    pub(crate) leaf: L,
    /// Only where something depends on time.
    pub(crate) clock: Option<Arc<dyn Clock>>,
}

impl<T: Poolable, L: Leaf> Maker<T, L> {
    /// Makes an object. Runs foreign code.
    pub(crate) fn make(&self) -> Result<Box<Node<T>>, MemoryError> {
        let mut charge = Charge::of(&self.leaf, Bytes::from_usize(Node::<T>::BYTES))?;
        let value = self.constructor.as_ref().map_or_else(T::create, |make| make());
        let heap = value.heap_bytes().unwrap_or(Bytes::ZERO);
        charge.grow(heap)?;
        let mut node = Node::try_boxed(value, self.now_ns())?;
        node.heap_bytes = heap.as_usize();
        charge.keep();
        Ok(node)
    }

    /// Charges what the object owns now instead of what it owned before. Where the budget refuses, the charge is as before. Runs
    /// foreign code.
    pub(crate) fn recharge(&self, node: &mut Node<T>) -> Result<(), MemoryError> {
        let Some(owned) = node.value.heap_bytes() else { return Ok(()) };
        let (before, now) = (node.heap_bytes, owned.as_usize());
        if now > before {
            self.leaf.try_charge(Bytes::from_usize(now - before))?;
        } else if now < before {
            self.leaf.discharge(Bytes::from_usize(before - now));
        }
        node.heap_bytes = now;
        Ok(())
    }

    /// The object is about to leave the pool: it is no longer charged.
    pub(crate) fn let_go(&self, node: &Node<T>) {
        self.leaf.discharge(node.charged());
    }

    /// The time in nanoseconds; 0 in a pool in which nothing depends on it.
    pub(crate) fn now_ns(&self) -> u64 {
        self.clock.as_ref().map_or(0, |clock| u64::try_from(clock.now().as_nanos()).unwrap_or(u64::MAX))
    }
}

/// A charge that is taken back unless it is kept.
struct Charge<'a, L: Leaf> {
    leaf: &'a L,
    size: Bytes,
}

impl<'a, L: Leaf> Charge<'a, L> {
    fn of(leaf: &'a L, size: Bytes) -> Result<Self, MemoryError> {
        leaf.try_charge(size)?;
        Ok(Self { leaf, size })
    }

    fn grow(&mut self, more: Bytes) -> Result<(), MemoryError> {
        self.leaf.try_charge(more)?;
        self.size = self.size.saturating_add(more);
        Ok(())
    }

    fn keep(self) {
        core::mem::forget(self);
    }
}

impl<L: Leaf> Drop for Charge<'_, L> {
    fn drop(&mut self) {
        self.leaf.discharge(self.size);
    }
}
