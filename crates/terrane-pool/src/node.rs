//! An object with what its pool notes about it.

use alloc::{boxed::Box, vec::Vec};
use core::time::Duration;

use terrane_base::{Bytes, MemoryError};

/// An object and the pool's notes. It stays at one address from when it is made until it is dropped; what moves is the box.
#[derive(Debug)]
pub struct Node<T> {
    pub(crate) value: T,
    /// What is charged for memory that the object owns.
    pub(crate) heap_bytes: usize,
    /// When it was made, in nanoseconds of the pool's clock; 0 in a pool that does not care.
    pub(crate) born_ns: u64,
    /// Since when it has been idle, likewise.
    pub(crate) idle_since_ns: u64,
    /// Its place in a pool that has places.
    pub(crate) place: u32,
}

impl<T> Node<T> {
    /// What is charged for a node, beside the memory that its object owns.
    pub(crate) const BYTES: usize = size_of::<Self>();

    /// Puts an object into a box of its own. Unlike `Box::new`, this answers when there is no memory; the object is dropped then.
    pub(crate) fn try_boxed(value: T, born_ns: u64) -> Result<Box<Self>, MemoryError> {
        let mut one = Vec::new();
        let refused = |_| MemoryError::OutOfMemory {
            requested: Bytes::from_usize(Self::BYTES),
            available: Bytes::ZERO,
        };
        one.try_reserve_exact(1).map_err(refused)?;
        one.push(Self { value, heap_bytes: 0, born_ns, idle_since_ns: born_ns, place: 0 });
        let one = Box::into_raw(one.into_boxed_slice());
        // SAFETY: a boxed slice of one node has the memory, and the layout, of a boxed node; it was just given up as a pointer, so
        // the new box is the only owner.
        Ok(unsafe { Box::from_raw(one.cast::<Self>()) })
    }

    /// All that is charged for it.
    pub(crate) fn charged(&self) -> Bytes {
        Bytes::from_usize(Self::BYTES.saturating_add(self.heap_bytes))
    }

    /// How long ago it was made.
    pub(crate) fn age(&self, now_ns: u64) -> Duration {
        Duration::from_nanos(now_ns.saturating_sub(self.born_ns))
    }

    /// How long it has been idle, if it is.
    pub(crate) fn idle(&self, now_ns: u64) -> Duration {
        Duration::from_nanos(now_ns.saturating_sub(self.idle_since_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boxed_node_is_dropped_and_freed_as_a_box() {
        let counter = alloc::rc::Rc::new(());
        let node = Node::try_boxed((alloc::rc::Rc::clone(&counter), [7u8; 100]), 3).expect("memory");
        assert_eq!((node.value.1, node.born_ns), ([7; 100], 3));
        assert_eq!(alloc::rc::Rc::strong_count(&counter), 2);
        drop(node);
        assert_eq!(alloc::rc::Rc::strong_count(&counter), 1);
    }

    #[test]
    fn times_do_not_wrap() {
        let node = Node::try_boxed((), 50).expect("memory");
        assert_eq!((node.age(60), node.idle(40)), (Duration::from_nanos(10), Duration::ZERO));
    }
}
