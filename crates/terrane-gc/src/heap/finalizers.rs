//! Queues of objects that died with a finalizer registered.
//!
//! No code of the program runs inside a collection: the collector keeps such an object alive once more and puts it in
//! a queue, from which the program takes it when it suits (Boehm, "Destructors, finalizers, and synchronization",
//! POPL 2003).

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use crate::raw::{RootScope, Word};

#[derive(Debug)]
struct Queue {
    /// Dead and kept.
    pending: VecDeque<Word>,
    /// Registered and not in the queue yet: for so many there is room, so that a collection need not allocate.
    registered: usize,
    /// Gone when the program has dropped its handle.
    handle: Weak<()>,
}

#[derive(Debug)]
pub(crate) struct FinalizerQueues {
    queues: Vec<Queue>,
    /// Side blocks of objects found dead by the collection under way and not kept yet. First all of them are found, then
    /// all are kept: so an object comes to its queue even if another one that does refers to it.
    dying: Vec<u32>,
    /// Objects registered with any queue: for so many `dying` has room.
    registered: usize,
    /// What of the queues is not yet part of the snapshot that is being taken: the queues below, and the first objects
    /// of the one that comes next.
    undelivered: (usize, usize),
}

impl FinalizerQueues {
    pub(crate) const fn new() -> Self {
        Self { queues: Vec::new(), dying: Vec::new(), registered: 0, undelivered: (0, 0) }
    }

    /// Opens a queue; answers its number and what keeps it open.
    pub(crate) fn open(&mut self) -> (u32, Arc<()>) {
        let handle = Arc::new(());
        let queue = Queue { pending: VecDeque::new(), registered: 0, handle: Arc::downgrade(&handle) };
        // A queue that was dropped is free when nothing is registered with it or waits in it any more.
        let free = |queue: &Queue| {
            queue.handle.strong_count() == 0 && queue.registered == 0 && queue.pending.is_empty()
        };
        let index = self.queues.iter().position(free).unwrap_or(self.queues.len());
        match self.queues.get_mut(index) {
            Some(place) => *place = queue,
            None => self.queues.push(queue),
        }
        (index as u32, handle)
    }

    /// Counts an object as registered, and makes room for it.
    pub(crate) fn register(&mut self, queue: u32) {
        let queue = &mut self.queues[queue as usize];
        queue.registered += 1;
        queue.pending.reserve(queue.registered);
        self.registered += 1;
        self.dying.reserve(self.registered.saturating_sub(self.dying.len()));
    }

    /// An object left the books of a queue otherwise than by dying.
    pub(crate) fn unregister(&mut self, queue: u32) {
        self.queues[queue as usize].registered -= 1;
        self.registered -= 1;
    }

    /// Notes the side block of an object that was found dead. Does not allocate.
    pub(crate) fn note_dying(&mut self, block: u32) {
        debug_assert!(self.dying.len() < self.dying.capacity());
        self.dying.push(block);
    }

    /// How many are noted.
    pub(crate) fn dying(&self) -> usize {
        self.dying.len()
    }

    /// The side block that was noted last.
    pub(crate) fn next_dying(&mut self) -> Option<u32> {
        self.dying.pop()
    }

    /// Whether anybody still wants what dies.
    pub(crate) fn is_open(&self, queue: u32) -> bool {
        self.queues[queue as usize].handle.strong_count() != 0
    }

    /// Puts a dead object in its queue. Does not allocate.
    pub(crate) fn push(&mut self, queue: u32, word: Word) {
        let queue = &mut self.queues[queue as usize];
        debug_assert!(queue.pending.len() < queue.pending.capacity());
        queue.registered -= 1;
        queue.pending.push_back(word);
        self.registered -= 1;
    }

    pub(crate) fn pop(&mut self, queue: u32) -> Option<Word> {
        self.queues[queue as usize].pending.pop_front()
    }

    pub(crate) fn pending(&self, queue: u32) -> usize {
        self.queues[queue as usize].pending.len()
    }

    /// Begins the snapshot of a full collection. What is taken from a queue is marked then, so all may be delivered later.
    pub(crate) fn begin_snapshot(&mut self) {
        self.undelivered = (self.queues.len(), 0);
    }

    /// Lets go of what waits in queues that were dropped, unless a snapshot is being taken: it must come to it.
    pub(crate) fn empty_closed(&mut self) {
        if self.undelivered != (0, 0) {
            return;
        }
        for queue in self.queues.iter_mut().filter(|queue| queue.handle.strong_count() == 0) {
            queue.pending.clear();
        }
    }

    /// The next object for the snapshot. Each queue is gone through from its end: what is taken from its front meanwhile
    /// lets others be delivered twice, and none be left out.
    pub(crate) fn next_undelivered(&mut self) -> Option<Word> {
        loop {
            let (below, objects) = self.undelivered;
            if let Some(index) = objects.checked_sub(1) {
                self.undelivered.1 = index;
                if let Some(word) = self.queues[below].pending.get(index) {
                    return Some(*word);
                }
            } else {
                let queue = below.checked_sub(1)?;
                self.undelivered = (queue, self.queues[queue].pending.len());
            }
        }
    }

    /// What is pending was kept by a collection, so it is old.
    pub(crate) fn visit(&mut self, scope: RootScope, visit: &mut impl FnMut(&mut Word)) {
        if scope == RootScope::Young {
            return;
        }
        for queue in &mut self.queues {
            queue.pending.iter_mut().for_each(&mut *visit);
        }
    }
}
