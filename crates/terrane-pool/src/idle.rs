//! Idle objects in the order in which they came back, the longest idle first.

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};

#[cfg(feature = "std")]
use terrane_base::Bytes;

use crate::{EvictionPolicy, Reuse, node::Node};

#[derive(Debug)]
pub(crate) struct Idle<T> {
    nodes: VecDeque<Box<Node<T>>>,
    reuse: Reuse,
}

impl<T> Idle<T> {
    pub(crate) const fn new(reuse: Reuse) -> Self {
        Self { nodes: VecDeque::new(), reuse }
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// So many fit without asking for memory.
    pub(crate) fn capacity(&self) -> usize {
        self.nodes.capacity()
    }

    /// The one that came back last.
    #[inline(always)]
    pub(crate) fn take_newest(&mut self) -> Option<Box<Node<T>>> {
        self.nodes.pop_back()
    }

    /// The next one in the order of reuse.
    pub(crate) fn take(&mut self) -> Option<Box<Node<T>>> {
        match self.reuse {
            Reuse::Lifo => self.nodes.pop_back(),
            Reuse::Fifo => self.nodes.pop_front(),
        }
    }

    /// Puts one in that has just come back. There has to be room.
    #[inline(always)]
    pub(crate) fn put(&mut self, node: Box<Node<T>>) {
        self.nodes.push_back(node);
    }

    /// Makes room for one more; whether that worked.
    pub(crate) fn make_room(&mut self) -> bool {
        self.make_room_for(1)
    }

    /// Makes room for so many more; whether that worked.
    pub(crate) fn make_room_for(&mut self, more: usize) -> bool {
        self.nodes.try_reserve(more).is_ok()
    }

    /// Takes the longest idle out, up to `count`, and no more of them than leaves `keep`.
    pub(crate) fn take_oldest(&mut self, count: usize, keep: usize) -> Vec<Box<Node<T>>> {
        let count = count.min(self.nodes.len().saturating_sub(keep));
        self.nodes.drain(..count).collect()
    }

    /// Takes the longest idle out until they make up so many bytes, and leaves `keep`.
    #[cfg(feature = "std")]
    pub(crate) fn take_bytes(&mut self, wanted: Bytes, keep: usize) -> Vec<Box<Node<T>>> {
        let mut sum = Bytes::ZERO;
        let needed = self.nodes.iter().take_while(|node| {
            let more = sum < wanted;
            sum = sum.saturating_add(node.charged());
            more
        });
        let count = needed.count();
        self.take_oldest(count, keep)
    }

    /// Takes out what has been idle, or has lived, for too long at this time, and leaves `keep`.
    pub(crate) fn take_expired(
        &mut self,
        policy: EvictionPolicy,
        now_ns: u64,
        keep: usize,
    ) -> Vec<Box<Node<T>>> {
        let mut spare = self.nodes.len().saturating_sub(keep);
        let mut expired = Vec::new();
        // Each goes once from the front to the back: that keeps their order.
        for _ in 0..self.nodes.len() {
            let Some(node) = self.nodes.pop_front() else { break };
            if spare > 0 && is_expired(&node, policy, now_ns) {
                spare -= 1;
                expired.push(node);
            } else {
                self.nodes.push_back(node);
            }
        }
        expired
    }

    /// The one that has been idle for longest.
    pub(crate) fn take_first(&mut self) -> Option<Box<Node<T>>> {
        self.nodes.pop_front()
    }
}

/// Whether an idle object is to be evicted.
pub(crate) fn is_expired<T>(node: &Node<T>, policy: EvictionPolicy, now_ns: u64) -> bool {
    policy.age.is_some_and(|longest| node.age(now_ns) > longest)
        || policy.idle.is_some_and(|longest| node.idle(now_ns) > longest)
}
