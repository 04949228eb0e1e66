//! The idle objects that one thread has at hand.
//!
//! A magazine (Bonwick, Adams: *Magazines and Vmem*, USENIX 2001) belongs to one thread, which takes from it and puts into it without
//! any atomic exchange. Others may reach into it all the same, when memory is short or a pool is exhausted: the owner says that it is
//! `busy` while it takes or puts something; who wants to reach into it holds the lock of the depot, says that the owner is `called`, runs
//! the heavy half of a [fence](super::barrier), and waits until the owner is not busy. An owner that finds itself called goes to the
//! depot instead.
//!
//! ```text
//! owner                          another thread, with the depot's lock
//!   busy := true                   called := true
//!   light fence                    heavy fence
//!   if called: busy := false,      wait until not busy
//!              to the depot        take what is there
//!   take or put                    called := false   (release)
//!   busy := false   (release)
//! ```
//!
//! Of the two that write their flag first and then read the other's, at least one sees the other. An owner is busy for some
//! instructions, which run no foreign code.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::{
    fmt,
    sync::atomic::Ordering::{Acquire, Relaxed, Release},
};

use super::barrier;
use crate::{
    node::Node,
    sync::{AtomicBool, AtomicU64, AtomicUsize, Slot},
};

/// How often it is looked whether an owner is still busy, before its thread is taken to be gone (a fork copies the memory of a process, and
/// one of its threads).
const LOOKS: u32 = 1 << 14;

/// Alone on its cache lines: nothing of other threads lies there.
#[repr(align(128))]
pub(super) struct Magazine<T> {
    busy: AtomicBool,
    called: AtomicBool,
    /// How many are in it, for others to see.
    len: AtomicUsize,
    /// How many were ever taken by the owner.
    taken: AtomicU64,
    /// Its capacity is fixed, and reserved.
    nodes: Slot<Vec<Box<Node<T>>>>,
    capacity: usize,
}

// SAFETY: the nodes are used by one thread at a time (see above), and may move between threads when their objects may. The rest is atomic.
unsafe impl<T: Send> Sync for Magazine<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Magazine<T> {}

impl<T> Magazine<T> {
    /// An empty magazine for so many; `None` where there is no memory.
    pub(super) fn try_new(capacity: usize, called: bool) -> Option<Arc<Self>> {
        let mut nodes = Vec::new();
        nodes.try_reserve_exact(capacity).ok()?;
        Some(Arc::new(Self {
            busy: AtomicBool::new(false),
            called: AtomicBool::new(called),
            len: AtomicUsize::new(0),
            taken: AtomicU64::new(0),
            nodes: Slot::new(nodes),
            capacity,
        }))
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many are in it; about so many, for others than the owner.
    pub(super) fn len(&self) -> usize {
        self.len.load(Relaxed)
    }

    /// How many its owner has taken in all.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Relaxed)
    }

    /// Takes the last one; `None` when it is empty or the owner is called.
    ///
    /// # Safety
    /// The calling thread is the owner.
    #[inline(always)]
    pub(super) unsafe fn pop(&self) -> Option<Box<Node<T>>> {
        self.busy.store(true, Relaxed);
        barrier::light();
        if self.called.load(Acquire) {
            self.busy.store(false, Release);
            return None;
        }
        // SAFETY: the owner is busy and not called, so it is the only one here.
        let nodes = unsafe { &mut *self.nodes.get() };
        let node = nodes.pop();
        self.len.store(nodes.len(), Relaxed);
        self.busy.store(false, Release);
        if node.is_some() {
            // Only the owner writes it.
            self.taken.store(self.taken.load(Relaxed) + 1, Relaxed);
        }
        node
    }

    /// Puts one in; it comes back when there is no room or the owner is called.
    ///
    /// # Safety
    /// The calling thread is the owner.
    #[inline(always)]
    pub(super) unsafe fn push(&self, node: Box<Node<T>>) -> Result<(), Box<Node<T>>> {
        self.busy.store(true, Relaxed);
        barrier::light();
        if self.called.load(Acquire) {
            self.busy.store(false, Release);
            return Err(node);
        }
        // SAFETY: the owner is busy and not called, so it is the only one here.
        let nodes = unsafe { &mut *self.nodes.get() };
        let outcome = if nodes.len() < self.capacity {
            nodes.push(node);
            self.len.store(nodes.len(), Relaxed);
            Ok(())
        } else {
            Err(node)
        };
        self.busy.store(false, Release);
        outcome
    }

    /// For the owner, when it has the lock of the depot: changes the contents in a step that runs no foreign code.
    ///
    /// # Safety
    /// The calling thread is the owner, and has the lock. Or it is the only one that knows of the magazine.
    pub(super) unsafe fn locked<R>(&self, step: impl FnOnce(&mut Vec<Box<Node<T>>>) -> R) -> R {
        // SAFETY: who is not the owner is here only with the lock, which is this thread's; and nothing leads back to here.
        let nodes = unsafe { &mut *self.nodes.get() };
        let outcome = step(nodes);
        self.len.store(nodes.len(), Relaxed);
        outcome
    }

    /// Calls the owner. For whoever has the lock of the depot.
    pub(super) fn call(&self) {
        self.called.store(true, Relaxed);
    }

    /// The owner need not come any more.
    pub(super) fn dismiss(&self) {
        self.called.store(false, Release);
    }

    /// Changes the contents in a step that runs no foreign code; `None` when the owner seems to be gone in the middle of a change.
    ///
    /// # Safety
    /// The calling thread has the lock of the depot, and between the [call](Self::call) and now a heavy fence was run.
    pub(super) unsafe fn reach_in<R>(&self, step: impl FnOnce(&mut Vec<Box<Node<T>>>) -> R) -> Option<R> {
        let mut looks = 0;
        while self.busy.load(Acquire) {
            looks += 1;
            if looks == LOOKS {
                return None;
            }
            crate::sync::wait_a_little(looks);
        }
        // SAFETY: the owner was not busy after the fence; when it comes again, it finds itself called and goes to the depot, where
        // this thread has the lock.
        let nodes = unsafe { &mut *self.nodes.get() };
        let outcome = step(nodes);
        self.len.store(nodes.len(), Relaxed);
        Some(outcome)
    }
}

impl<T> fmt::Debug for Magazine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Magazine")
            .field("len", &self.len())
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
