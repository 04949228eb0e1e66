//! The places of a pool without locks, and the caches of its threads.

use alloc::boxed::Box;
use core::sync::atomic::Ordering::{Acquire, Relaxed};
#[cfg(feature = "std")]
use core::{ptr::NonNull, sync::atomic::Ordering::Release};

use super::stack::{Links, Stack};
use crate::{
    node::Node,
    store::{Own, Store},
    sync::{AtomicBool, AtomicU32, AtomicU64, Padded, Slot},
    thread_cache::ThreadCache,
};

/// The most threads that have objects at hand: one for each bit of a word.
const CACHES: usize = 64;

pub(crate) struct Places<T> {
    table: Table<T>,
    idle: Padded<Stack>,
    vacant: Padded<Stack>,
    caches: Box<[ThreadCache<T>]>,
    /// A bit for each cache that has an owner.
    owned: AtomicU64,
}

struct Table<T>(Box<[Place<T>]>);

struct Place<T> {
    /// What lies below it in the stack that it is in.
    below: AtomicU32,
    /// Whether it is in the stack of idle ones.
    is_idle: AtomicBool,
    /// Holds an object while the place is in the stack of idle ones.
    node: Slot<Option<Box<Node<T>>>>,
}

// SAFETY: the slot of a place is used by whoever has taken the place from a stack, which is one thread at a time, and what one has
// written there is seen by the next one: the exchange that puts a place on a stack releases it, the one that takes it acquires.
// Objects may move between threads.
unsafe impl<T: Send> Sync for Place<T> {}

impl<T> Links for Table<T> {
    #[inline(always)]
    fn below(&self, place: u32) -> &AtomicU32 {
        &self.0[place as usize].below
    }
}

impl<T> Places<T> {
    /// For so many objects.
    pub(crate) fn new(objects: usize) -> Self {
        let place =
            |_| Place { below: AtomicU32::new(0), is_idle: AtomicBool::new(false), node: Slot::new(None) };
        // Without threads' own variables nobody would find a cache again.
        let caches = if cfg!(feature = "std") { objects.min(CACHES) } else { 0 };
        let places = Self {
            table: Table((0..objects).map(place).collect()),
            idle: Padded(Stack::new()),
            vacant: Padded(Stack::new()),
            caches: (0..caches).map(|_| ThreadCache::new()).collect(),
            owned: AtomicU64::new(0),
        };
        // Their number was checked to be far below 2³².
        for place in (0..objects as u32).rev() {
            places.vacant.0.push(place, &places.table);
        }
        places
    }

    fn place(&self, place: u32) -> &Place<T> {
        &self.table.0[place as usize]
    }
}

// SAFETY: the caches live, where they are, as long as the places.
unsafe impl<T: Send + 'static> Store<T> for Places<T> {
    type Part = ThreadCache<T>;

    fn take(&self, _own: Option<Own<'_, Self::Part>>) -> Option<Box<Node<T>>> {
        let place = self.place(self.idle.0.pop(&self.table)?);
        place.is_idle.store(false, Relaxed);
        // SAFETY: the place was just taken from a stack, so this thread has it alone.
        unsafe { (*place.node.get()).take() }
    }

    fn put(&self, _own: Option<Own<'_, Self::Part>>, node: Box<Node<T>>) {
        let number = node.place;
        let place = self.place(number);
        place.is_idle.store(true, Relaxed);
        // SAFETY: an object that is in no stack has its place for itself, and this thread has the object.
        unsafe { *place.node.get() = Some(node) };
        self.idle.0.push(number, &self.table);
    }

    fn len(&self) -> usize {
        self.table.0.iter().filter(|place| place.is_idle.load(Relaxed)).count()
    }

    fn find_cache<R>(&self, mut look: impl FnMut(&ThreadCache<T>) -> Option<R>) -> Option<R> {
        let mut owned = self.owned.load(Acquire);
        while owned != 0 {
            if let Some(found) = look(&self.caches[owned.trailing_zeros() as usize]) {
                return Some(found);
            }
            owned &= owned - 1;
        }
        None
    }

    fn begun(&self) -> u64 {
        self.caches.iter().map(ThreadCache::begun).sum()
    }

    fn admit(&self) -> Option<u32> {
        self.vacant.0.pop(&self.table)
    }

    fn vacate(&self, place: u32) {
        self.vacant.0.push(place, &self.table);
    }

    #[cfg(feature = "std")]
    fn enter(&self, capacity: usize) -> Option<NonNull<Self::Part>> {
        if capacity == 0 {
            return None;
        }
        loop {
            // The first one that nobody owns.
            let place = (!self.owned.load(Relaxed)).trailing_zeros();
            let cache = self.caches.get(place as usize)?;
            if self.owned.fetch_or(1 << place, Acquire) & (1 << place) == 0 {
                cache.set_capacity(capacity);
                return Some(NonNull::from(cache));
            }
        }
    }

    #[cfg(feature = "std")]
    fn leave(&self, own: Own<'_, Self::Part>) {
        let is_it = |cache: &ThreadCache<T>| core::ptr::eq(cache, own.part());
        if let Some(place) = self.caches.iter().position(is_it) {
            // Released: the next owner sees that it is empty.
            self.owned.fetch_and(!(1 << place), Release);
        }
    }

    #[cfg(feature = "std")]
    fn is_free(&self) -> bool {
        true
    }
}

impl<T> AsRef<ThreadCache<T>> for ThreadCache<T> {
    #[inline(always)]
    fn as_ref(&self) -> &Self {
        self
    }
}
