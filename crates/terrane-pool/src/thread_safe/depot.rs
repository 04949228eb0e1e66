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
    /// Threads that wait for an object. While there are some, all owners are called.
    pub(super) waiters: usize,
    pub(super) next_eviction_ns: u64,
    pub(super) next_validation_ns: u64,
}

#[derive(Default)]
pub(super) struct Tally {
    pub(super) peak: usize,
    /// Acquisitions that were not served by a magazine, and those of magazines that are gone; those that came to nothing are
    /// subtracted.
    pub(super) taken: u64,
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
            waiters: 0,
            next_eviction_ns: 0,
            next_validation_ns: 0,
        }
    }

    /// A new magazine for the calling thread, if one of some size may be had: of `wanted`, or of half the room that is left for idle
    /// objects.
    pub(super) fn add_magazine(
        &mut self,
        wanted: usize,
        strategy: &PoolStrategy,
    ) -> Option<Arc<Magazine<T>>> {
        let room = strategy.max_idle - self.room_in_magazines;
        let capacity = wanted.min(room / 2);
        if capacity == 0 || self.magazines.try_reserve(1).is_err() {
            return None;
        }
        let magazine = Magazine::try_new(capacity, self.waiters > 0)?;
        self.room_in_magazines += capacity;
        self.magazines.push(Arc::clone(&magazine));
        Some(magazine)
    }

    /// The magazine's thread takes part no more; the counts stay.
    pub(super) fn remove_magazine(&mut self, magazine: &Magazine<T>) -> Option<Arc<Magazine<T>>> {
        let place = self.magazines.iter().position(|other| core::ptr::eq(&raw const **other, magazine))?;
        self.room_in_magazines -= magazine.capacity();
        self.tally.taken += magazine.taken();
        Some(self.magazines.swap_remove(place))
    }

    /// How many objects are idle anywhere.
    pub(super) fn idle_everywhere(&self) -> usize {
        self.idle.len() + self.magazines.iter().map(|magazine| magazine.len()).sum::<usize>()
    }

    /// How many acquisitions there were.
    pub(super) fn taken_everywhere(&self) -> u64 {
        self.tally.taken + self.magazines.iter().map(|magazine| magazine.taken()).sum::<u64>()
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
    pub(super) unsafe fn take(&mut self, magazine: Option<&Magazine<T>>) -> Option<Box<Node<T>>> {
        let node = match self.idle.take() {
            Some(node) => Some(node),
            // The owner may have come here because it was called.
            // SAFETY: the thread has the lock, and it is its own magazine.
            None => magazine.and_then(|magazine| unsafe { magazine.locked(Vec::pop) }),
        }?;
        if let Some(magazine) = magazine.filter(|_| self.waiters == 0) {
            let some = (magazine.capacity() / 2).min(self.idle.len() / 2);
            // SAFETY: as above.
            unsafe {
                magazine.locked(|nodes| {
                    while nodes.len() < some
                        && let Some(node) = self.idle.take()
                    {
                        nodes.push(node);
                    }
                });
            }
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
        let mut out = Vec::new();
        let keep = magazine.capacity() / 2;
        // SAFETY: the thread has the lock, and it is its own magazine.
        unsafe {
            magazine.locked(|nodes| {
                if nodes.len() == magazine.capacity() {
                    // The longest idle go on; where there is no memory for the list of them, one does.
                    let many =
                        if out.try_reserve(nodes.len() - keep).is_ok() { nodes.len() - keep } else { 0 };
                    out.extend(nodes.drain(..many));
                }
            });
        }
        for node in out {
            self.store(node, strategy, &mut surplus);
        }
        // SAFETY: as above.
        let left = unsafe {
            magazine.locked(|nodes| {
                if nodes.len() < magazine.capacity() {
                    nodes.push(node);
                    return None;
                }
                Some(node)
            })
        };
        if let Some(node) = left {
            self.store(node, strategy, &mut surplus);
        }
        surplus
    }

    /// Puts an object into the depot, if there may be one more.
    pub(super) fn store(&mut self, node: Box<Node<T>>, strategy: &PoolStrategy, surplus: &mut Surplus<T>) {
        let most = strategy.max_idle - self.room_in_magazines;
        if self.idle.len() < most && self.idle.make_room() {
            self.idle.put(node);
        } else {
            surplus.push(node);
        }
    }

    /// Brings what idles in magazines here, as far as that is possible.
    pub(super) fn gather(&mut self) {
        if self.magazines.iter().all(|magazine| magazine.len() == 0) {
            return;
        }
        self.call();
        if barrier::heavy() {
            for magazine in &self.magazines {
                let idle = &mut self.idle;
                // SAFETY: this is behind the lock; the owner was called, and the fence was run since.
                unsafe {
                    magazine.reach_in(|nodes| {
                        if idle.make_room_for(nodes.len()) {
                            nodes.drain(..).for_each(|node| idle.put(node));
                        }
                    });
                }
            }
        }
        if self.waiters == 0 {
            self.dismiss();
        }
    }

    /// Has all owners come to the depot with what they do next.
    pub(super) fn call(&self) {
        self.magazines.iter().for_each(|magazine| magazine.call());
    }

    pub(super) fn dismiss(&self) {
        self.magazines.iter().for_each(|magazine| magazine.dismiss());
    }

    /// These objects, which are not in any place any more, will not exist any more.
    pub(super) fn forget(&mut self, objects: usize) {
        self.total -= objects;
        self.tally.dropped += objects as u64;
    }
}
