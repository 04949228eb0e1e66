//! The idle objects that one thread has at hand, in a pool without a lock around them.
//!
//! A few slots, each with an object or null. One thread, the owner, puts objects in, with a plain store. Whoever takes one out, the owner or
//! another thread, exchanges the slot for null, and has for himself what he gets. So an acquisition is one atomic exchange, on cache
//! lines that no other thread writes to unless it finds nothing elsewhere, and a release is none at all. Nothing depends on what was in
//! the slot before, so there is no ABA: who gets another object than the one that he saw there gets one that is as good.
//!
//! Only the owner writes anything but null. So the slots from its `len` on, which only it uses, are null; those below may be null too, where
//! others have helped themselves.
//!
//! The owner counts each acquisition *before* it takes anything: see [`Unlocked`](crate::unlocked::Unlocked) for what that is good for.

use alloc::{boxed::Box, vec::Vec};
use core::{
    marker::PhantomData,
    ptr,
    sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release},
};

use crate::{
    node::Node,
    sync::{AtomicPtr, AtomicU64, AtomicUsize},
};

/// The most objects in a cache: a cache line of them.
#[cfg(not(loom))]
pub(crate) const SLOTS: usize = 8;
#[cfg(loom)]
pub(crate) const SLOTS: usize = 2;

/// Alone on its cache lines: nothing of other threads lies there.
#[repr(align(128))]
pub(crate) struct ThreadCache<T> {
    slots: [AtomicPtr<Node<T>>; SLOTS],
    /// From here on, slots are null. The owner's.
    len: AtomicUsize,
    /// How many slots are used. The owner's.
    capacity: AtomicUsize,
    /// How many acquisitions its owners have begun.
    begun: AtomicU64,
    owns: PhantomData<Box<Node<T>>>,
}

// SAFETY: an object is taken out by an exchange, so by one thread; it sees what was written to the object before it was put in, as that
// store releases and the exchange acquires. Objects may move between threads. The rest is atomic.
unsafe impl<T: Send> Sync for ThreadCache<T> {}

impl<T> ThreadCache<T> {
    /// One without room, which has no owner.
    pub(crate) fn new() -> Self {
        Self {
            slots: core::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
            len: AtomicUsize::new(0),
            capacity: AtomicUsize::new(0),
            begun: AtomicU64::new(0),
            owns: PhantomData,
        }
    }

    /// For the owner: whether it has room for objects, and how much.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity.load(Relaxed)
    }

    /// For the owner, when it comes and when it has emptied the cache and leaves.
    #[cfg(feature = "std")]
    pub(crate) fn set_capacity(&self, objects: usize) {
        self.capacity.store(objects.min(SLOTS), Relaxed);
    }

    /// For the owner: counts an acquisition that begins.
    #[inline(always)]
    pub(crate) fn begin(&self) {
        // Released: who sees it sees what the thread has given back before.
        self.begun.store(self.begun.load(Relaxed) + 1, Release);
    }

    /// How many acquisitions its owners have begun.
    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Acquire)
    }

    /// For the owner: takes the object that it put in last.
    #[inline(always)]
    pub(crate) fn pop(&self) -> Option<Box<Node<T>>> {
        let mut len = self.len.load(Relaxed);
        let mut taken = None;
        while taken.is_none() {
            // Of an empty cache this would be a slot beyond all others.
            let Some(slot) = self.slots.get(len.wrapping_sub(1)) else { break };
            len -= 1;
            taken = take(slot);
        }
        self.len.store(len, Relaxed);
        taken
    }

    /// For the owner: puts an object in, if there is room above the others.
    #[inline(always)]
    pub(crate) fn push(&self, node: Box<Node<T>>) -> Result<(), Box<Node<T>>> {
        let len = self.len.load(Relaxed);
        match self.slots.get(len) {
            Some(slot) if len < self.capacity() => {
                // Released: who takes it sees what was written to it.
                slot.store(Box::into_raw(node), Release);
                self.len.store(len + 1, Relaxed);
                Ok(())
            }
            _ => Err(node),
        }
    }

    /// For the owner: puts an object in where another thread has taken one.
    pub(crate) fn push_between(&self, node: Box<Node<T>>) -> Result<(), Box<Node<T>>> {
        let used = &self.slots[..self.len.load(Relaxed)];
        let Some(slot) = used.iter().find(|slot| slot.load(Relaxed).is_null()) else { return Err(node) };
        // It stays null until the owner puts something in.
        slot.store(Box::into_raw(node), Release);
        Ok(())
    }

    /// For any thread: takes an object, one of the longest idle.
    pub(crate) fn steal(&self) -> Option<Box<Node<T>>> {
        self.slots.iter().find_map(|slot| {
            // Acquired: who sees that somebody has taken one sees that he had begun to acquire.
            let node = slot.load(Acquire);
            if node.is_null() {
                return None;
            }
            // Where another object has come meanwhile, its owner has got on, and goes on with that.
            let taken = slot.compare_exchange(node, ptr::null_mut(), AcqRel, Acquire).ok()?;
            // SAFETY: it was put there as a box, once, and the exchange has taken it away from everybody else. (It may be another object
            // than the one that was loaded, at the same address.)
            Some(unsafe { Box::from_raw(taken) })
        })
    }

    /// How many are in it, about.
    pub(crate) fn len(&self) -> usize {
        self.slots.iter().filter(|slot| !slot.load(Relaxed).is_null()).count()
    }
}

/// Takes what is in a slot of this thread's own.
#[inline(always)]
fn take<T>(slot: &AtomicPtr<Node<T>>) -> Option<Box<Node<T>>> {
    // Released: who finds the slot empty sees that this thread has begun to acquire. What is in it was put there by this thread.
    let node = slot.swap(ptr::null_mut(), Release);
    // SAFETY: what is not null was put there as a box, once, and the exchange has taken it away from everybody else.
    (!node.is_null()).then(|| unsafe { Box::from_raw(node) })
}

impl<T> Drop for ThreadCache<T> {
    fn drop(&mut self) {
        let nodes: Vec<Box<Node<T>>> = self.slots.iter().filter_map(take).collect();
        // Where a destructor panics, the vector drops the others.
        drop(nodes);
    }
}

#[cfg(all(test, feature = "std", not(loom)))]
mod tests {
    use super::*;

    fn node(number: usize) -> Box<Node<usize>> {
        Node::try_boxed(number, 0).expect("memory")
    }

    fn with(objects: usize, capacity: usize) -> ThreadCache<usize> {
        let cache = ThreadCache::new();
        cache.set_capacity(capacity);
        (0..objects).for_each(|number| assert!(cache.push(node(number)).is_ok()));
        cache
    }

    fn pop(cache: &ThreadCache<usize>) -> Option<usize> {
        cache.pop().map(|node| node.value)
    }

    #[test]
    fn the_owner_takes_what_it_put_in_last_and_others_what_was_first() {
        let cache = with(4, SLOTS);
        assert_eq!((pop(&cache), cache.steal().map(|node| node.value)), (Some(3), Some(0)));
        assert_eq!([(); 3].map(|()| pop(&cache)), [Some(2), Some(1), None]);
        assert!(cache.steal().is_none());
    }

    #[test]
    fn there_is_room_for_its_capacity_and_again_where_others_have_taken_some() {
        assert!(with(0, 0).push(node(1)).is_err());
        for capacity in [1, 3, SLOTS] {
            let cache = with(capacity, capacity);
            assert!(cache.push(node(9)).is_err() && cache.push_between(node(9)).is_err());
            assert!(cache.steal().is_some());
            assert!(cache.push(node(9)).is_err());
            assert!(cache.push_between(node(9)).is_ok() && cache.push_between(node(9)).is_err());
            assert_eq!((cache.len(), core::iter::from_fn(|| pop(&cache)).count()), (capacity, capacity));
        }
    }

    #[test]
    fn what_is_left_is_dropped_with_it() {
        let counter = alloc::rc::Rc::new(());
        let cache = ThreadCache::new();
        cache.set_capacity(2);
        for _ in 0..2 {
            assert!(cache.push(Node::try_boxed(alloc::rc::Rc::clone(&counter), 0).expect("memory")).is_ok());
        }
        drop(cache.steal());
        assert_eq!(alloc::rc::Rc::strong_count(&counter), 2);
        drop(cache);
        assert_eq!(alloc::rc::Rc::strong_count(&counter), 1);
    }
}
