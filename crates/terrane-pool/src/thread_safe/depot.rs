//! What the threads of a pool have in common: the objects that are idle with none of them, and the counts.
//!
//! All of it is behind one lock. Nothing here runs foreign code; what is to be dropped is handed out.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::time::Duration;

use super::{barrier, magazine::Magazine};
use crate::{PoolStrategy, idle::Idle, node::Node};

pub(super) struct Depot<T> {
    pub(super) idle: Idle<T>,
    /// Objects that exist or are being made.
    pub(super) total: usize,
    pub(super) tally: Tally,
    magazines: Vec<Arc<Magazine<T>>>,
    /// How many objects all magazines together have room for.
    room_in_magazines: usize,
    /// How many of these have room in magazines that are [aside](Magazine::is_aside).
    room_aside: usize,
    /// Threads that wait for an object. While there are some, owners stay called.
    pub(super) waiters: usize,
    pub(super) next_eviction_ns: u64,
    pub(super) next_validation_ns: u64,
}

#[derive(Default)]
pub(super) struct Tally {
    pub(super) peak: usize,
    /// Acquisitions that were not served by a magazine, and those of magazines that are gone.
    pub(super) taken: u64,
    /// Of all, how many came to nothing.
    pub(super) in_vain: u64,
    pub(super) misses: u64,
    pub(super) refused: u64,
    pub(super) created: u64,
    pub(super) dropped: u64,
    pub(super) detached: u64,
    pub(super) waits: u64,
    pub(super) wait_time: Duration,
}

/// A node that did not find a place.
pub(super) type Surplus<T> = Vec<Box<Node<T>>>;

impl<T> Depot<T> {
    pub(super) fn new(strategy: &PoolStrategy) -> Self {
        Self {
            idle: Idle::new(strategy.reuse),
            total: 0,
            tally: Tally::default(),
            magazines: Vec::new(),
            room_in_magazines: 0,
            room_aside: 0,
            waiters: 0,
            next_eviction_ns: 0,
            next_validation_ns: 0,
        }
    }

    /// A new magazine for the calling thread, if one of some size may be had: of `wanted`, or of half the room that is left for idle
    /// objects. While somebody waits, nobody gets one, as everything goes through the depot then.
    pub(super) fn add_magazine(
        &mut self,
        wanted: usize,
        strategy: &PoolStrategy,
    ) -> Option<Arc<Magazine<T>>> {
        let room = strategy.max_idle - self.room_in_magazines;
        let capacity = wanted.min(room / 2);
        if capacity == 0 || self.waiters > 0 || self.magazines.try_reserve(1).is_err() {
            return None;
        }
        let magazine = Magazine::try_new(capacity, false)?;
        self.room_in_magazines += capacity;
        self.magazines.push(Arc::clone(&magazine));
        // SAFETY: the magazine is going to be the calling thread's, which has the lock; nobody else has touched it.
        unsafe { self.settle(&magazine, strategy) };
        Some(magazine)
    }

    /// Puts what has no room here, since a magazine has come or come back, into that of the calling thread.
    ///
    /// # Safety
    /// `magazine` is the calling thread's, which has attended.
    unsafe fn settle(&mut self, magazine: &Magazine<T>, strategy: &PoolStrategy) {
        while self.idle.len() > self.idle_max(strategy)
            && magazine.len() < magazine.capacity()
            && let Some(node) = self.idle.take_newest()
        {
            // SAFETY: the thread has the lock, and it is its own magazine.
            if let Err(node) = unsafe { magazine.push_locked(node) } {
                self.idle.put(node);
                break;
            }
        }
        // From a magazine it will be taken without a look at the depot.
        self.note_peak();
    }

    /// The magazine's thread takes part no more, and gets what is to be dropped; the counts stay.
    ///
    /// # Safety
    /// `magazine` is the calling thread's.
    pub(super) unsafe fn remove_magazine(
        &mut self,
        magazine: &Magazine<T>,
        strategy: &PoolStrategy,
    ) -> (Surplus<T>, Option<Arc<Magazine<T>>>) {
        // SAFETY: passed on.
        let surplus = unsafe { self.empty(magazine, strategy) };
        let place = self.magazines.iter().position(|other| core::ptr::eq(&raw const **other, magazine));
        let Some(place) = place else { return (surplus, None) };
        self.room_in_magazines -= magazine.capacity();
        self.room_aside -= magazine.capacity();
        self.tally.taken += magazine.taken();
        (surplus, Some(self.magazines.swap_remove(place)))
    }

    /// How many objects are idle anywhere.
    pub(super) fn idle_everywhere(&self) -> usize {
        self.idle.len() + self.magazines.iter().map(|magazine| magazine.len()).sum::<usize>()
    }

    /// How many acquisitions there were.
    pub(super) fn taken_everywhere(&self) -> u64 {
        let of_magazines: u64 = self.magazines.iter().map(|magazine| magazine.taken()).sum();
        self.tally.taken.wrapping_add(of_magazines).saturating_sub(self.tally.in_vain)
    }

    /// Notes how many can be in use now at most.
    pub(super) fn note_peak(&mut self) {
        self.tally.peak = self.tally.peak.max(self.total - self.idle.len());
    }

    /// Takes one object, and moves some more into the magazine of the calling thread: half of what it has room for, and no more than
    /// half of what there is.
    ///
    /// # Safety
    /// `magazine` is the calling thread's.
    pub(super) unsafe fn take(
        &mut self,
        magazine: Option<&Magazine<T>>,
        strategy: &PoolStrategy,
    ) -> Option<Box<Node<T>>> {
        let Some(magazine) = magazine.filter(|_| self.waiters == 0 || self.idle.len() == 0) else {
            let node = self.idle.take()?;
            self.note_peak();
            return Some(node);
        };
        // SAFETY: the thread has the lock, and it is its own magazine.
        unsafe { self.attend_magazine(magazine) };
        // The owner may have come here because it was called.
        // SAFETY: as above.
        let node = self.idle.take().or_else(|| unsafe { magazine.pop_locked() })?;
        if self.waiters == 0 {
            let some = (magazine.capacity() / 2).min(self.idle.len() / 2);
            while magazine.len() < some
                && let Some(node) = self.idle.take()
            {
                // SAFETY: as above.
                if let Err(node) = unsafe { magazine.push_locked(node) } {
                    self.idle.put(node);
                    break;
                }
            }
            // SAFETY: as above.
            unsafe { self.settle(magazine, strategy) };
        }
        self.note_peak();
        Some(node)
    }

    /// Finds a place for an object that has come back: in the thread's magazine, which hands half of its objects on when it is full, or
    /// here. What finds none is handed out.
    ///
    /// # Safety
    /// `magazine` is the calling thread's.
    pub(super) unsafe fn put(
        &mut self,
        node: Box<Node<T>>,
        magazine: Option<&Magazine<T>>,
        strategy: &PoolStrategy,
    ) -> Surplus<T> {
        let mut surplus = Vec::new();
        let Some(magazine) = magazine.filter(|_| self.waiters == 0) else {
            self.store(node, strategy, &mut surplus);
            return surplus;
        };
        // SAFETY: the thread has the lock, and it is its own magazine.
        unsafe { self.attend_magazine(magazine) };
        if magazine.len() == magazine.capacity() {
            // Half of them, if there is room for so many; where there is none, one that has been idle for long has to go.
            let half = magazine.capacity() - magazine.capacity() / 2;
            let count = self.room(strategy).clamp(1, half);
            // SAFETY: as above.
            unsafe {
                magazine.take_first_locked(count, |node| self.store(node, strategy, &mut surplus));
                if magazine.len() == magazine.capacity()
                    && let Some(node) = magazine.pop_locked()
                {
                    self.store(node, strategy, &mut surplus);
                }
            }
        }
        // SAFETY: as above.
        if let Err(node) = unsafe { magazine.push_locked(node) } {
            self.store(node, strategy, &mut surplus);
        }
        // SAFETY: as above.
        unsafe { self.settle(magazine, strategy) };
        self.shed(strategy, &mut surplus);
        surplus
    }

    /// The owner of the magazine has come; nobody waits. What there is too much of is handed out.
    ///
    /// # Safety
    /// `magazine` is the calling thread's.
    pub(super) unsafe fn attend(&mut self, magazine: &Magazine<T>, strategy: &PoolStrategy) -> Surplus<T> {
        let mut surplus = Vec::new();
        // SAFETY: the thread has the lock, and it is its own magazine.
        unsafe {
            self.attend_magazine(magazine);
            self.settle(magazine, strategy);
        }
        self.shed(strategy, &mut surplus);
        surplus
    }

    /// # Safety
    /// `magazine` is the calling thread's.
    unsafe fn attend_magazine(&mut self, magazine: &Magazine<T>) {
        if magazine.is_aside() {
            self.room_aside -= magazine.capacity();
        }
        // SAFETY: the thread has the lock, and it is its own magazine.
        unsafe { magazine.attend(self.waiters > 0) };
    }

    /// Brings everything here that the calling thread has at hand. Its magazine is aside then: so there is room.
    ///
    /// # Safety
    /// `magazine` is the calling thread's.
    pub(super) unsafe fn empty(&mut self, magazine: &Magazine<T>, strategy: &PoolStrategy) -> Surplus<T> {
        let mut surplus = Vec::new();
        // SAFETY: the thread has the lock, and it is its own magazine.
        unsafe {
            self.attend_magazine(magazine);
            self.room_aside += magazine.capacity();
            magazine.take_first_locked(usize::MAX, |node| self.store(node, strategy, &mut surplus));
            if let Some(node) = magazine.pop_locked() {
                self.store(node, strategy, &mut surplus);
            }
            magazine.set_aside();
        }
        surplus
    }

    /// How many may idle here: what magazines have room for is theirs, unless they are aside.
    fn idle_max(&self, strategy: &PoolStrategy) -> usize {
        strategy.max_idle - (self.room_in_magazines - self.room_aside)
    }

    /// How many more may idle here.
    fn room(&self, strategy: &PoolStrategy) -> usize {
        self.idle_max(strategy).saturating_sub(self.idle.len())
    }

    /// Hands out what there is too much of, the longest idle first.
    fn shed(&mut self, strategy: &PoolStrategy, surplus: &mut Surplus<T>) {
        while self.idle.len() > self.idle_max(strategy)
            && let Some(node) = self.idle.take_first()
        {
            surplus.push(node);
        }
    }

    /// Puts an object into the depot, if there may be one more.
    pub(super) fn store(&mut self, node: Box<Node<T>>, strategy: &PoolStrategy, surplus: &mut Surplus<T>) {
        if self.room(strategy) > 0 && self.idle.make_room() {
            self.idle.put(node);
        } else {
            surplus.push(node);
        }
    }

    /// Brings what idles in magazines here, as far as that is possible: from that of the calling thread in any case. These magazines are
    /// aside until their owners come.
    ///
    /// # Safety
    /// `own` is the calling thread's.
    pub(super) unsafe fn gather(&mut self, own: Option<&Magazine<T>>) {
        if let Some(own) = own {
            // SAFETY: the thread has the lock, and it is its own magazine.
            unsafe {
                self.attend_magazine(own);
                if self.idle.make_room_for(own.len()) {
                    own.take_first_locked(usize::MAX, |node| self.idle.put(node));
                    own.pop_locked().into_iter().for_each(|node| self.idle.put(node));
                    own.set_aside();
                    self.room_aside += own.capacity();
                }
            }
        }
        // Somebody who is going to wait has to see what was put in just now: of that, and of the call, one side sees the other only with the
        // fence between. Others look at magazines that seem to hold something.
        let is_worth_it = |magazine: &&Arc<Magazine<T>>| self.waiters > 0 || magazine.len() > 0;
        if !barrier::is_available() || !self.magazines.iter().any(|magazine| is_worth_it(&magazine)) {
            return;
        }
        self.magazines.iter().filter(is_worth_it).for_each(|magazine| magazine.call());
        if !barrier::heavy() {
            return;
        }
        let idle = core::cell::RefCell::new(&mut self.idle);
        for magazine in self.magazines.iter().filter(|magazine| magazine.is_called()) {
            // SAFETY: this is behind the lock; the owner was called, now or at another time, and the fence was run since.
            let is_taken = unsafe {
                magazine
                    .take_all(|len| idle.borrow_mut().make_room_for(len), |node| idle.borrow_mut().put(node))
            };
            if is_taken {
                self.room_aside += magazine.capacity();
            }
        }
    }

    /// These objects, which are not in any place any more, will not exist any more.
    pub(super) fn forget(&mut self, objects: usize) {
        self.total -= objects;
        self.tally.dropped += objects as u64;
    }
}
