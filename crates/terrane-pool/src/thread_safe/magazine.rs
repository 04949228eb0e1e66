//! The idle objects that one thread has at hand.
//!
//! A magazine (Bonwick, Adams: *Magazines and Vmem*, USENIX 2001) belongs to one thread, which takes from it and puts into it without
//! any atomic exchange. Others may reach into it all the same, when memory is short or a pool is exhausted. The owner says that it is
//! *busy* while it takes or puts something. Who wants to reach into it holds the lock of the depot, says that the owner is *called*, runs
//! the heavy half of a [fence](super::barrier), waits until the owner is not busy, takes everything, and leaves a note that it is *empty*. An
//! owner that finds itself called goes to the depot, where, with the lock, it reads the note and is called no more.
//!
//! ```text
//! owner                                    another thread, with the depot's lock
//!   state := state + busy                    called := true
//!   light fence                              heavy fence
//!   if called: state := state, to the depot  wait until state is not busy
//!   take or put                              take what is there
//!   state := one less or one more            emptied := true
//! ```
//!
//! Of the two that write their flag first and then read the other's, at least one sees the other. Only the owner writes its state, and only
//! the owner, with the lock, takes `called` back: so a state that it has read before it was called does no harm, it never acts on
//! it. An owner is busy for some instructions, which run no foreign code.
//!
//! The state is one word (busy, how many were ever taken, how many there are), since what limits the speed of all this is the number of
//! stores: four for taking an object and putting it back.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::{
    fmt,
    mem::MaybeUninit,
    sync::atomic::Ordering::{Acquire, Relaxed, Release},
};

use super::barrier;
use crate::{
    node::Node,
    sync::{AtomicBool, AtomicU64, Slot, wait_a_little},
};

/// The owner is taking or putting something.
const BUSY: u64 = 1 << 63;
/// One object that the owner took.
const TAKEN: u64 = 1 << LEN_BITS;
/// The lower bits: how many there are.
const LEN_BITS: u32 = 16;

/// How often it is looked whether an owner is still busy, before its thread is taken to be gone (a fork copies the memory of a process, and
/// one of its threads).
const LOOKS: u32 = 1 << 14;

/// Alone on its cache lines: nothing of other threads lies there.
#[repr(align(128))]
pub(crate) struct Magazine<T> {
    state: AtomicU64,
    called: AtomicBool,
    /// Somebody has taken everything, and the state does not say so yet. Written and read with the lock.
    emptied: AtomicBool,
    /// The first ones, as many as the state says, hold nodes.
    slots: Box<[NodeSlot<T>]>,
}

type NodeSlot<T> = Slot<MaybeUninit<Box<Node<T>>>>;

// SAFETY: the slots are used by one thread at a time (see above), and nodes may move between threads when their objects may. The rest
// is atomic.
unsafe impl<T: Send> Sync for Magazine<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Magazine<T> {}

fn len_of(state: u64) -> usize {
    (state & (TAKEN - 1)) as usize
}

impl<T> Magazine<T> {
    /// An empty magazine for so many; `None` where there is no memory.
    pub(super) fn try_new(capacity: usize, called: bool) -> Option<Arc<Self>> {
        let capacity = capacity.min(TAKEN as usize - 1);
        let mut slots = Vec::new();
        slots.try_reserve_exact(capacity).ok()?;
        slots.extend((0..capacity).map(|_| Slot::new(MaybeUninit::uninit())));
        Some(Arc::new(Self {
            state: AtomicU64::new(0),
            called: AtomicBool::new(called),
            emptied: AtomicBool::new(false),
            slots: slots.into_boxed_slice(),
        }))
    }

    pub(super) fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// How many are in it; for whoever has the lock.
    pub(super) fn len(&self) -> usize {
        if self.emptied.load(Relaxed) { 0 } else { len_of(self.state.load(Relaxed)) }
    }

    /// How many its owner has taken in all.
    pub(super) fn taken(&self) -> u64 {
        (self.state.load(Relaxed) & !BUSY) >> LEN_BITS
    }

    /// Says that the owner is busy; the state, unless it is called.
    #[inline(always)]
    fn enter(&self) -> Option<u64> {
        let state = self.state.load(Relaxed);
        self.state.store(state | BUSY, Relaxed);
        barrier::light();
        if self.called.load(Acquire) {
            self.state.store(state, Release);
            return None;
        }
        Some(state)
    }

    /// Takes the last one; `None` when it is empty or the owner is called.
    ///
    /// # Safety
    /// The calling thread is the owner.
    #[inline(always)]
    pub(super) unsafe fn pop(&self) -> Option<Box<Node<T>>> {
        let state = self.enter()?;
        // Of an empty magazine this would be a slot beyond all others.
        let Some(slot) = self.slots.get(len_of(state).wrapping_sub(1)) else {
            self.state.store(state, Release);
            return None;
        };
        // SAFETY: the owner is busy and not called, so it is the only one here; below its length, slots hold nodes. This one is
        // beyond the length from now on.
        let node = unsafe { (*slot.get()).assume_init_read() };
        self.state.store(state + TAKEN - 1, Release);
        Some(node)
    }

    /// Puts one in; it comes back when there is no room or the owner is called.
    ///
    /// # Safety
    /// The calling thread is the owner.
    #[inline(always)]
    pub(super) unsafe fn push(&self, node: Box<Node<T>>) -> Result<(), Box<Node<T>>> {
        let Some(state) = self.enter() else { return Err(node) };
        let Some(slot) = self.slots.get(len_of(state)) else {
            self.state.store(state, Release);
            return Err(node);
        };
        // SAFETY: the owner is busy and not called, so it is the only one here; from its length on, slots hold nothing.
        unsafe { (*slot.get()).write(node) };
        self.state.store(state + 1, Release);
        Ok(())
    }

    /// For the owner when it comes to the depot: reads what others have left, and is called no more, unless it is to `stay_called`.
    ///
    /// # Safety
    /// The calling thread is the owner, and has the lock.
    pub(super) unsafe fn attend(&self, stay_called: bool) {
        let state = self.state.load(Relaxed);
        if self.emptied.load(Relaxed) {
            self.emptied.store(false, Relaxed);
            self.state.store(state - len_of(state) as u64, Relaxed);
        }
        if !stay_called {
            self.called.store(false, Relaxed);
        }
    }

    /// Takes the last one.
    ///
    /// # Safety
    /// The calling thread is the owner, has the lock, and has [attended](Self::attend).
    pub(super) unsafe fn pop_locked(&self) -> Option<Box<Node<T>>> {
        let state = self.state.load(Relaxed);
        let slot = self.slots.get(len_of(state).wrapping_sub(1))?;
        // SAFETY: who is not the owner is here only with the lock, which is this thread's; below the length slots hold nodes.
        let node = unsafe { (*slot.get()).assume_init_read() };
        self.state.store(state - 1, Relaxed);
        Some(node)
    }

    /// Puts one in, if there is room.
    ///
    /// # Safety
    /// The calling thread is the owner, has the lock, and has [attended](Self::attend).
    pub(super) unsafe fn push_locked(&self, node: Box<Node<T>>) -> Result<(), Box<Node<T>>> {
        let state = self.state.load(Relaxed);
        let Some(slot) = self.slots.get(len_of(state)) else { return Err(node) };
        // SAFETY: who is not the owner is here only with the lock, which is this thread's; from the length on slots hold nothing.
        unsafe { (*slot.get()).write(node) };
        self.state.store(state + 1, Relaxed);
        Ok(())
    }

    /// Takes the first ones, which are the longest idle, so that `keep` stay.
    ///
    /// # Safety
    /// The calling thread is the owner, has the lock, and has [attended](Self::attend).
    pub(super) unsafe fn take_first_locked(&self, keep: usize, mut each: impl FnMut(Box<Node<T>>)) {
        let state = self.state.load(Relaxed);
        let len = len_of(state);
        let out = len.saturating_sub(keep);
        for (place, slot) in self.slots[..len].iter().enumerate() {
            // SAFETY: as in `pop_locked`; each slot is read once, and those that stay are written to slots that were read before.
            unsafe {
                let node = (*slot.get()).assume_init_read();
                if place < out {
                    each(node);
                } else {
                    (*self.slots[place - out].get()).write(node);
                }
            }
        }
        self.state.store(state - out as u64, Relaxed);
    }

    /// Calls the owner. For whoever has the lock of the depot.
    pub(super) fn call(&self) {
        self.called.store(true, Relaxed);
    }

    /// Takes all that is in it, if there `is_room` for it. Not when the owner seems to be gone in the middle of a change.
    ///
    /// # Safety
    /// The calling thread has the lock of the depot, and between the [call](Self::call) and now a heavy fence was run.
    pub(super) unsafe fn take_all(
        &self,
        is_room: impl FnOnce(usize) -> bool,
        mut each: impl FnMut(Box<Node<T>>),
    ) {
        let mut looks = 0;
        let state = loop {
            let state = self.state.load(Acquire);
            if state & BUSY == 0 {
                break state;
            }
            looks += 1;
            if looks == LOOKS {
                return;
            }
            wait_a_little(looks);
        };
        let len = len_of(state);
        if self.emptied.load(Relaxed) || !is_room(len) {
            return;
        }
        self.emptied.store(true, Relaxed);
        for slot in &self.slots[..len] {
            // SAFETY: the owner was not busy after the fence; when it comes again, it finds itself called and goes to the depot, where
            // this thread has the lock. Below the length slots hold nodes, and the note says that these do no more.
            each(unsafe { (*slot.get()).assume_init_read() });
        }
    }
}

impl<T> Drop for Magazine<T> {
    fn drop(&mut self) {
        if self.emptied.load(Relaxed) {
            return;
        }
        let len = len_of(self.state.load(Relaxed));
        let nodes: Vec<Box<Node<T>>> = self.slots[..len]
            .iter()
            // SAFETY: nobody else has the magazine any more; below its length slots hold nodes, each of which is read once.
            .map(|slot| unsafe { (*slot.get()).assume_init_read() })
            .collect();
        // Where a destructor panics, the vector drops the others.
        drop(nodes);
    }
}

impl<T> fmt::Debug for Magazine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Magazine")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}
