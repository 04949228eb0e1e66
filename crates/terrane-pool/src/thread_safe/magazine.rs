//! The idle objects that one thread has at hand.
//!
//! A magazine (Bonwick, Adams: *Magazines and Vmem*, USENIX 2001) belongs to one thread, which takes from it and puts into it without
//! any atomic exchange. Others may reach into it all the same, when memory is short or a pool is exhausted.
//!
//! Each operation of the owner is *one* store to one of two words, the pointer to the object that is at hand or the number of the others;
//! after it (a [fence](super::barrier) between) the owner looks whether it is *called*. Who wants to reach in holds the lock of the depot,
//! calls the owner, runs the heavy half of the fence, reads both words, takes what they speak of, and leaves a note of what that was.
//!
//! ```text
//! owner                                     another thread, with the depot's lock
//!   word := with one less or one more         called := true
//!   light fence                               heavy fence
//!   if called: to the depot                   read the words, take what is there
//!                                             note := what was taken
//! ```
//!
//! Of the two that write first and then read what the other has written, at least one sees the other. So if the owner finds itself not
//! called, the other one sees its word as it is now, and all is well. If it finds itself called, the other one may have seen the word as
//! it was before or as it is now. Then the owner puts back what it has taken (the word is as it was; it does not touch the object),
//! respectively leaves what it has put; and goes to the depot, where, with the lock, it reads the note and knows what is still its own.
//! Only the owner writes its words, and only the owner, with the lock, takes the call back; so there is at most one operation at a time about
//! which the two could be of different minds. Nobody ever waits for an owner, not even for one that was in the middle of something when
//! its process was forked.
//!
//! One object is *at hand*, apart from the others, because of how processors work: what is stored and loaded again takes some five cycles. With a number
//! that goes down and up again, each operation has to wait for the one before. Whether the object at hand is there is a branch,
//! which is predicted, and so only taking waits for putting.
//!
//! A magazine that somebody has emptied and whose owner has not come since is *aside*: it holds nothing but what its owner may have put in
//! on its way to the depot, so what it has room for can idle elsewhere meanwhile.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::{
    fmt,
    mem::MaybeUninit,
    ptr,
    sync::atomic::Ordering::{Acquire, Relaxed, Release},
};

use super::barrier;
use crate::{
    node::Node,
    sync::{AtomicBool, AtomicPtr, AtomicU64, Slot},
};

/// The lower bits of the state: how many there are in the row. Above: how many the owner has ever taken.
const LEN_BITS: u32 = 16;
/// One object that the owner took.
const TAKEN: u64 = 1 << LEN_BITS;

/// In a note: that there is one; that the object at hand was taken; and in the lower bits, how many of the row.
const NOTED: u64 = 1 << 63;
const AT_HAND: u64 = 1 << 62;

/// Alone on its cache lines: nothing of other threads lies there.
#[repr(align(128))]
pub(crate) struct Magazine<T> {
    /// The object at hand, or null.
    at_hand: AtomicPtr<Node<T>>,
    state: AtomicU64,
    called: AtomicBool,
    /// What somebody else has taken and the words do not show yet. Written and read with the lock.
    note: AtomicU64,
    /// The row: the first ones, as many as the state says, hold nodes.
    slots: Box<[NodeSlot<T>]>,
}

type NodeSlot<T> = Slot<MaybeUninit<Box<Node<T>>>>;

/// What became of an object that was to be put in.
pub(crate) enum Put<T> {
    Done,
    /// It is in, and the owner has to come to the depot.
    Called,
    /// There is no room.
    Full(Box<Node<T>>),
}

// SAFETY: the slots and what is at hand are used by one thread at a time (see above), and nodes may move between threads when their
// objects may. The rest is atomic.
unsafe impl<T: Send> Sync for Magazine<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Magazine<T> {}

#[inline(always)]
fn len_of(state: u64) -> usize {
    (state & (TAKEN - 1)) as usize
}

impl<T> Magazine<T> {
    /// An empty magazine for so many, at least one; `None` where there is no memory.
    pub(crate) fn try_new(capacity: usize, called: bool) -> Option<Arc<Self>> {
        let row = capacity.clamp(1, TAKEN as usize) - 1;
        let mut slots = Vec::new();
        slots.try_reserve_exact(row).ok()?;
        slots.extend((0..row).map(|_| Slot::new(MaybeUninit::uninit())));
        Some(Arc::new(Self {
            at_hand: AtomicPtr::new(ptr::null_mut()),
            state: AtomicU64::new(0),
            called: AtomicBool::new(called),
            note: AtomicU64::new(0),
            slots: slots.into_boxed_slice(),
        }))
    }

    pub(crate) fn capacity(&self) -> usize {
        self.slots.len() + 1
    }

    /// How many are in it; for whoever has the lock, and about.
    pub(crate) fn len(&self) -> usize {
        let note = self.note.load(Relaxed);
        let at_hand = !self.at_hand.load(Relaxed).is_null() && note & AT_HAND == 0;
        len_of(self.state.load(Relaxed)).saturating_sub(len_of(note)) + usize::from(at_hand)
    }

    /// How many its owner has taken in all.
    pub(crate) fn taken(&self) -> u64 {
        self.state.load(Relaxed) >> LEN_BITS
    }

    /// Takes one; `None` when it is empty or the owner is called.
    ///
    /// # Safety
    /// The calling thread is the owner.
    #[inline(always)]
    pub(crate) unsafe fn pop(&self) -> Option<Box<Node<T>>> {
        let node = self.at_hand.load(Relaxed);
        if node.is_null() {
            // SAFETY: passed on.
            return unsafe { self.pop_row() };
        }
        self.at_hand.store(ptr::null_mut(), Relaxed);
        barrier::light();
        if self.called.load(Acquire) {
            self.at_hand.store(node, Release);
            return None;
        }
        // Only the owner writes it. The count begins again after 2⁴⁸, where the word ends.
        self.state.store(self.state.load(Relaxed).wrapping_add(TAKEN), Relaxed);
        // SAFETY: it was put there as a box, and who is not called is the only one that takes it (see above).
        Some(unsafe { Box::from_raw(node) })
    }

    /// # Safety
    /// The calling thread is the owner.
    #[inline]
    unsafe fn pop_row(&self) -> Option<Box<Node<T>>> {
        let state = self.state.load(Relaxed);
        // Of an empty row this would be a slot beyond all others.
        let slot = self.slots.get(len_of(state).wrapping_sub(1))?;
        self.state.store(state.wrapping_add(TAKEN - 1), Relaxed);
        barrier::light();
        if self.called.load(Acquire) {
            self.state.store(state, Release);
            return None;
        }
        // SAFETY: below the length, slots held nodes, and who is not called is the only one that takes this one (see above).
        Some(unsafe { (*slot.get()).assume_init_read() })
    }

    /// Puts one in.
    ///
    /// # Safety
    /// The calling thread is the owner.
    #[inline(always)]
    pub(crate) unsafe fn push(&self, node: Box<Node<T>>) -> Put<T> {
        if self.at_hand.load(Relaxed).is_null() {
            // Released: who takes it sees what was written to it.
            self.at_hand.store(Box::into_raw(node), Release);
        } else {
            let state = self.state.load(Relaxed);
            let Some(slot) = self.slots.get(len_of(state)) else { return Put::Full(node) };
            // SAFETY: from the length on, slots hold nothing, and nobody but the owner looks there.
            unsafe { (*slot.get()).write(node) };
            self.state.store(state + 1, Release);
        }
        barrier::light();
        if self.called.load(Relaxed) { Put::Called } else { Put::Done }
    }

    /// For the owner when it comes to the depot: reads what others have noted, and is called no more, unless it is to `stay_called`.
    ///
    /// # Safety
    /// The calling thread is the owner, and has the lock.
    pub(crate) unsafe fn attend(&self, stay_called: bool) {
        let note = self.note.load(Relaxed);
        if note & AT_HAND != 0 {
            self.at_hand.store(ptr::null_mut(), Relaxed);
        }
        self.note.store(0, Relaxed);
        if note != 0 {
            // SAFETY: the first ones are gone, and now they are not counted any more; what was put or put back since stays.
            unsafe { self.shift_row(len_of(note)) };
        }
        if !stay_called {
            self.called.store(false, Relaxed);
        }
    }

    /// Moves what is in the row down over the first slots, which hold nothing any more.
    ///
    /// # Safety
    /// The calling thread is the owner, has the lock, and the first `gone` of the row were read out; the others hold nodes.
    unsafe fn shift_row(&self, gone: usize) {
        let state = self.state.load(Relaxed);
        for place in gone..len_of(state) {
            // SAFETY: this slot holds a node that is read once; the one that it is written to was read before.
            unsafe { (*self.slots[place - gone].get()).write((*self.slots[place].get()).assume_init_read()) };
        }
        self.state.store(state - gone as u64, Relaxed);
    }

    /// Takes one.
    ///
    /// # Safety
    /// The calling thread is the owner, has the lock, and has [attended](Self::attend).
    pub(crate) unsafe fn pop_locked(&self) -> Option<Box<Node<T>>> {
        let node = self.at_hand.load(Relaxed);
        if !node.is_null() {
            self.at_hand.store(ptr::null_mut(), Relaxed);
            // SAFETY: it was put there as a box; who is not the owner is here only with the lock, which is this thread's.
            return Some(unsafe { Box::from_raw(node) });
        }
        let state = self.state.load(Relaxed);
        let slot = self.slots.get(len_of(state).wrapping_sub(1))?;
        self.state.store(state - 1, Relaxed);
        // SAFETY: as above; below the length slots hold nodes.
        Some(unsafe { (*slot.get()).assume_init_read() })
    }

    /// Puts one in, if there is room.
    ///
    /// # Safety
    /// The calling thread is the owner, has the lock, and has [attended](Self::attend).
    pub(crate) unsafe fn push_locked(&self, node: Box<Node<T>>) -> Result<(), Box<Node<T>>> {
        // SAFETY: passed on. Whether the owner is called does not matter: it is at the depot.
        match unsafe { self.push(node) } {
            Put::Done | Put::Called => Ok(()),
            Put::Full(node) => Err(node),
        }
    }

    /// Takes so many of the row, the longest idle first.
    ///
    /// # Safety
    /// The calling thread is the owner, has the lock, and has [attended](Self::attend).
    pub(crate) unsafe fn take_first_locked(&self, count: usize, mut each: impl FnMut(Box<Node<T>>)) {
        let count = count.min(len_of(self.state.load(Relaxed)));
        for slot in &self.slots[..count] {
            // SAFETY: as in `pop_locked`; each slot is read once, and not counted afterwards.
            each(unsafe { (*slot.get()).assume_init_read() });
        }
        // SAFETY: the first ones were just read out.
        unsafe { self.shift_row(count) };
    }

    /// Whether it was emptied and its owner has not come since. For whoever has the lock of the depot.
    pub(crate) fn is_aside(&self) -> bool {
        self.note.load(Relaxed) != 0
    }

    /// The owner has emptied it itself, and will come to the depot with what it does next.
    ///
    /// # Safety
    /// The calling thread is the owner, has the lock, and has [attended](Self::attend); the magazine is empty.
    pub(crate) unsafe fn set_aside(&self) {
        self.call();
        self.note.store(NOTED, Relaxed);
    }

    /// Calls the owner. For whoever has the lock of the depot.
    pub(crate) fn call(&self) {
        self.called.store(true, Relaxed);
    }

    /// Whether the owner was called and has not come since. For whoever has the lock of the depot.
    pub(crate) fn is_called(&self) -> bool {
        self.called.load(Relaxed)
    }

    /// Takes all that is in it, if there `is_room` for it, and sets it aside; whether it did.
    ///
    /// # Safety
    /// The calling thread has the lock of the depot, and between the [call](Self::call) and now a heavy fence was run.
    pub(crate) unsafe fn take_all(
        &self,
        is_room: impl FnOnce(usize) -> bool,
        mut each: impl FnMut(Box<Node<T>>),
    ) -> bool {
        let (node, len) = (self.at_hand.load(Acquire), len_of(self.state.load(Acquire)));
        if self.note.load(Relaxed) != 0 || !is_room(len + 1) {
            return false;
        }
        self.note.store(NOTED | if node.is_null() { 0 } else { AT_HAND } | len as u64, Relaxed);
        for slot in &self.slots[..len] {
            // SAFETY: the length was acquired, so the slots below it hold nodes; the owner does not touch them before it has read
            // the note, which says that they are gone.
            each(unsafe { (*slot.get()).assume_init_read() });
        }
        if !node.is_null() {
            // SAFETY: as above; it was put there as a box.
            each(unsafe { Box::from_raw(node) });
        }
        true
    }
}

impl<T> Drop for Magazine<T> {
    fn drop(&mut self) {
        // SAFETY: nobody else has the magazine any more, so this thread may do what an owner with the lock may.
        let nodes: Vec<Box<Node<T>>> = unsafe {
            self.attend(true);
            core::iter::from_fn(|| self.pop_locked()).collect()
        };
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
