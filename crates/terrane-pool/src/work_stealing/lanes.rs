//! The deques of all threads.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::{
    ptr::NonNull,
    sync::atomic::Ordering::{AcqRel, Acquire},
};

use crossbeam_deque::{Injector, Steal, Stealer, Worker};
use parking_lot::RwLock;

use crate::{
    node::Node,
    store::{Own, Store},
    sync::AtomicU64,
    thread_cache::ThreadCache,
};

/// What one thread has.
pub(crate) struct Lane<T> {
    cache: ThreadCache<T>,
    /// Used by its thread alone.
    worker: Worker<Box<Node<T>>>,
    stealer: Stealer<Box<Node<T>>>,
}

// SAFETY: the worker's end is reached through `Own` only, which is made for the thread that the lane is of, and does not leave it. Stealers
// and caches are made for sharing, and objects may move between threads.
unsafe impl<T: Send> Sync for Lane<T> {}

impl<T> AsRef<ThreadCache<T>> for Lane<T> {
    #[inline(always)]
    fn as_ref(&self) -> &ThreadCache<T> {
        &self.cache
    }
}

impl<T> Own<'_, Lane<T>> {
    fn worker(&self) -> &Worker<Box<Node<T>>> {
        &self.part().worker
    }
}

pub(crate) struct Lanes<T> {
    list: RwLock<Vec<Arc<Lane<T>>>>,
    /// What threads that have ended left, and what came back on threads without a lane.
    left: Injector<Box<Node<T>>>,
    /// Acquisitions that threads have begun whose lanes are gone. Written with the list locked.
    begun: AtomicU64,
}

impl<T> Lanes<T> {
    pub(super) fn new() -> Self {
        Self { list: RwLock::new(Vec::new()), left: Injector::new(), begun: AtomicU64::new(0) }
    }

    /// An object that idles elsewhere.
    fn steal(&self, own: Option<Own<'_, Lane<T>>>) -> Option<Box<Node<T>>> {
        loop {
            let mut again = false;
            let mut look = |steal: Steal<Box<Node<T>>>| {
                again |= steal.is_retry();
                steal.success()
            };
            if let Some(node) = look(self.left.steal()) {
                return Some(node);
            }
            let list = self.list.read();
            let is_other =
                |lane: &&Arc<Lane<T>>| !own.is_some_and(|own| core::ptr::eq(&raw const ***lane, own.part()));
            let found = list.iter().filter(is_other).find_map(|lane| look(lane.stealer.steal()));
            if found.is_some() || !again {
                return found;
            }
            // Somebody else was quicker: so somebody got on.
            core::hint::spin_loop();
        }
    }
}

// SAFETY: a lane is in the list until its thread has left.
unsafe impl<T: Send + 'static> Store<T> for Lanes<T> {
    type Part = Lane<T>;

    fn take(&self, own: Option<Own<'_, Self::Part>>) -> Option<Box<Node<T>>> {
        own.and_then(|own| own.worker().pop()).or_else(|| self.steal(own))
    }

    fn put(&self, own: Option<Own<'_, Self::Part>>, node: Box<Node<T>>) {
        match own {
            Some(own) => own.worker().push(node),
            None => self.left.push(node),
        }
    }

    fn len(&self) -> usize {
        let list = self.list.read();
        self.left.len() + list.iter().map(|lane| lane.stealer.len()).sum::<usize>()
    }

    fn find_cache<R>(&self, mut look: impl FnMut(&ThreadCache<T>) -> Option<R>) -> Option<R> {
        self.list.read().iter().find_map(|lane| look(&lane.cache))
    }

    fn begun(&self) -> u64 {
        let list = self.list.read();
        let begun: u64 = list.iter().map(|lane| lane.cache.begun()).sum();
        begun + self.begun.load(Acquire)
    }

    /// Places are for a pool that has a table.
    fn admit(&self) -> Option<u32> {
        Some(0)
    }

    fn vacate(&self, _place: u32) {}

    fn enter(&self, capacity: usize) -> Option<NonNull<Self::Part>> {
        let worker = Worker::new_lifo();
        let lane = Arc::new(Lane { cache: ThreadCache::new(), stealer: worker.stealer(), worker });
        lane.cache.set_capacity(capacity);
        let part = NonNull::from(&*lane);
        self.list.write().push(lane);
        Some(part)
    }

    fn leave(&self, own: Own<'_, Self::Part>) {
        while let Some(node) = own.worker().pop() {
            self.left.push(node);
        }
        let mut list = self.list.write();
        let place = list.iter().position(|lane| core::ptr::eq(&raw const **lane, own.part()));
        let lane = place.map(|place| {
            self.begun.fetch_add(own.part().cache.begun(), AcqRel);
            list.swap_remove(place)
        });
        // The lock first: to free memory is foreign code.
        drop(list);
        drop(lane);
    }

    fn is_free(&self) -> bool {
        self.list.try_read().is_some()
    }
}
