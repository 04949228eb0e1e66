//! Queues of objects that died with a finalizer registered.
//!
//! No code of the program runs inside a collection: the collector keeps such an object alive once more and puts it in
//! a queue, from which the program takes it when it suits (Boehm, "Destructors, finalizers, and synchronization",
//! POPL 2003).

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use crate::raw::{RootScope, Word};

use super::side::{NONE, SideBlock, SideTable};

/// A list of side blocks, linked through them, so that neither to register nor to die takes memory.
#[derive(Debug)]
struct List {
    first: u32,
    last: u32,
    len: usize,
}

impl List {
    const EMPTY: Self = Self { first: NONE, last: NONE, len: 0 };

    /// Adds a block, which is in no list, at the end.
    fn push(&mut self, side: &SideTable, index: u32) {
        set_next(side, index, NONE);
        match self.last {
            NONE => self.first = index,
            last => set_next(side, last, index),
        }
        self.last = index;
        self.len += 1;
    }

    /// Adds a block, which is in no list, at the front.
    fn push_front(&mut self, side: &SideTable, index: u32) {
        set_next(side, index, self.first);
        if self.first == NONE {
            self.last = index;
        }
        self.first = index;
        self.len += 1;
    }

    /// Takes the first block.
    fn pop(&mut self, side: &SideTable) -> Option<u32> {
        if self.first == NONE {
            return None;
        }
        let index = self.first;
        self.first = next(side, index);
        if self.first == NONE {
            self.last = NONE;
        }
        self.len -= 1;
        Some(index)
    }
}

fn next(side: &SideTable, index: u32) -> u32 {
    // SAFETY: a block of the table, which nobody accesses meanwhile.
    unsafe { (*side.block(index)).next }
}

fn set_next(side: &SideTable, index: u32, next: u32) {
    // SAFETY: as above.
    unsafe { (*side.block(index)).next = next }
}

#[derive(Debug)]
struct Queue {
    /// Blocks of the objects that are dead and kept.
    pending: List,
    /// Objects that are watched.
    registered: usize,
    /// Gone when the program has dropped its handle.
    handle: Weak<()>,
}

#[derive(Debug)]
pub(crate) struct FinalizerQueues {
    queues: Vec<Queue>,
    /// Side blocks of objects found dead by the collection under way and not kept yet, the last one first. First all of
    /// them are found, then all are kept: so an object comes to its queue even if another one that does refers to it.
    dying: List,
    /// What of the queues is not yet part of the snapshot that is being taken: so many queues, and of the last of them
    /// the blocks from this one on.
    undelivered: (usize, u32),
}

impl FinalizerQueues {
    pub(crate) const fn new() -> Self {
        Self { queues: Vec::new(), dying: List::EMPTY, undelivered: (0, NONE) }
    }

    /// Opens a queue; answers its number and what keeps it open.
    pub(crate) fn open(&mut self) -> (u32, Arc<()>) {
        let handle = Arc::new(());
        let queue = Queue { pending: List::EMPTY, registered: 0, handle: Arc::downgrade(&handle) };
        // A queue that was dropped is free when nothing is registered with it or waits in it any more.
        let free = |queue: &Queue| {
            queue.handle.strong_count() == 0 && queue.registered == 0 && queue.pending.len == 0
        };
        let index = self.queues.iter().position(free).unwrap_or(self.queues.len());
        match self.queues.get_mut(index) {
            Some(place) => *place = queue,
            None => self.queues.push(queue),
        }
        (index as u32, handle)
    }

    /// Counts an object as registered.
    pub(crate) fn register(&mut self, queue: u32) {
        self.queues[queue as usize].registered += 1;
    }

    /// An object left the books of a queue otherwise than by dying.
    pub(crate) fn unregister(&mut self, queue: u32) {
        self.queues[queue as usize].registered -= 1;
    }

    /// Notes the side block of an object that was found dead.
    pub(crate) fn note_dying(&mut self, side: &SideTable, block: u32) {
        self.dying.push_front(side, block);
    }

    /// Forgets what was noted.
    pub(crate) fn forget_dying(&mut self) {
        self.dying = List::EMPTY;
    }

    /// How many are noted.
    pub(crate) fn dying(&self) -> usize {
        self.dying.len
    }

    /// The side block that was noted last.
    pub(crate) fn next_dying(&mut self, side: &SideTable) -> Option<u32> {
        self.dying.pop(side)
    }

    /// Whether anybody still wants what dies.
    pub(crate) fn is_open(&self, queue: u32) -> bool {
        self.queues[queue as usize].handle.strong_count() != 0
    }

    /// Puts the block of a dead object in its queue.
    pub(crate) fn push(&mut self, side: &SideTable, queue: u32, block: u32) {
        let queue = &mut self.queues[queue as usize];
        queue.registered -= 1;
        queue.pending.push(side, block);
    }

    /// Takes the next block from a queue.
    pub(crate) fn pop(&mut self, side: &SideTable, queue: u32) -> Option<u32> {
        let block = self.queues[queue as usize].pending.pop(side)?;
        // Its object is marked by whoever takes it.
        if self.undelivered.0 == queue as usize + 1 && self.undelivered.1 == block {
            self.undelivered.1 = next(side, block);
        }
        Some(block)
    }

    pub(crate) fn pending(&self, queue: u32) -> usize {
        self.queues[queue as usize].pending.len
    }

    /// Begins the snapshot of a full collection. What is taken from a queue is marked then, so all may be delivered later.
    pub(crate) fn begin_snapshot(&mut self) {
        self.undelivered = (self.queues.len(), self.queues.last().map_or(NONE, |queue| queue.pending.first));
    }

    /// Lets go of what waits in queues that were dropped, unless a snapshot is being taken: it must come to it.
    pub(crate) fn empty_closed(&mut self) {
        if self.undelivered.0 != 0 {
            return;
        }
        for queue in self.queues.iter_mut().filter(|queue| queue.handle.strong_count() == 0) {
            queue.pending = List::EMPTY;
        }
    }

    /// The next object for the snapshot.
    pub(crate) fn next_undelivered(&mut self, side: &SideTable) -> Option<Word> {
        loop {
            let (queues, block) = self.undelivered;
            if block != NONE {
                self.undelivered.1 = next(side, block);
                // SAFETY: as for `next`.
                return Some(unsafe { (*side.block(block)).object });
            }
            let left = queues.checked_sub(1)?;
            let first = left.checked_sub(1).map_or(NONE, |last| self.queues[last].pending.first);
            self.undelivered = (left, first);
        }
    }

    /// What is pending was kept by a collection, so it is old.
    pub(crate) fn visit(&mut self, side: &SideTable, scope: RootScope, visit: &mut impl FnMut(&mut Word)) {
        if scope == RootScope::Young {
            return;
        }
        for queue in &self.queues {
            let mut index = queue.pending.first;
            while index != NONE {
                // SAFETY: as for `next`.
                let SideBlock { object, next, .. } = unsafe { &mut *side.block(index) };
                visit(object);
                index = *next;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::TypeInfo;

    #[test]
    fn a_snapshot_comes_to_all_that_is_not_taken_meanwhile() {
        let mut side = SideTable::new();
        let mut queues = FinalizerQueues::new();
        let handles = [queues.open(), queues.open(), queues.open()];
        let blocks: Vec<u32> = (0..6)
            .map(|object| {
                let block = side.insert(TypeInfo::of::<i64>(), Word(8 + object), true);
                // SAFETY: a block of the table.
                unsafe { (*block).index }
            })
            .collect();
        for (position, &block) in blocks.iter().enumerate() {
            queues.register(position as u32 % 2 * 2);
            queues.push(&side, position as u32 % 2 * 2, block);
        }
        queues.begin_snapshot();
        let mut seen = Vec::new();
        seen.extend(queues.next_undelivered(&side));
        // The next of the queue that is being gone through, and the first of another one.
        for queue in [2, 2, 0] {
            let block = queues.pop(&side, queue).unwrap();
            // SAFETY: a block of the table.
            seen.push(unsafe { (*side.block(block)).object });
        }
        seen.extend(core::iter::from_fn(|| queues.next_undelivered(&side)));
        seen.sort_unstable_by_key(|word| word.0);
        seen.dedup();
        assert_eq!(seen, [8, 9, 10, 11, 12, 13].map(Word));
        assert_eq!((queues.pending(0), queues.pending(1), queues.pending(2)), (2, 0, 1));
        drop(handles);
        queues.empty_closed();
        assert_eq!((queues.pending(0), queues.pop(&side, 2)), (0, None));
    }
}
