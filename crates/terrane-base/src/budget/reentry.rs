//! Whether this thread is reclaiming right now.
//!
//! A reclaimer may allocate, and so be refused; asking reclaimers again from there would never end. And code that runs
//! under a lock of the budget may allocate through an allocator that is charged to that very budget. So whatever
//! reclaims or locks sets a mark on its thread first. A charge on a marked thread asks no reclaimer, waits for nobody and takes no
//! lock; it may use what is set aside for reclaim work. The mark says nothing about any system, so it is one for all trees.

use core::cell::Cell;

#[cfg(not(loom))]
std::thread_local! {
    static MARKED: Cell<bool> = const { Cell::new(false) };
}
#[cfg(loom)]
loom::thread_local! {
    static MARKED: Cell<bool> = Cell::new(false);
}

/// The mark; dropping it takes it away.
#[derive(Debug)]
pub(crate) struct Mark(());

impl Mark {
    /// Marks this thread; `None` where it is marked already, or has ended as far as its own data goes.
    pub(crate) fn set() -> Option<Self> {
        let was_set = MARKED.try_with(|marked| marked.replace(true)).unwrap_or(true);
        // Made only where it is handed out: dropping one clears the mark.
        if was_set { None } else { Some(Self(())) }
    }

    pub(crate) fn is_set() -> bool {
        MARKED.try_with(Cell::get).unwrap_or(true)
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        let _ = MARKED.try_with(|marked| marked.set(false));
    }
}

/// A number for this thread that no other living thread has: the address of something of its own.
pub(crate) fn thread_number() -> usize {
    #[cfg(not(loom))]
    return MARKED.try_with(|own| core::ptr::from_ref(own).addr()).unwrap_or(0);
    // All threads of a model run in one thread of the system; no model needs to tell them apart.
    #[cfg(loom)]
    return 1;
}
