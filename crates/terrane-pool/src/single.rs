//! State that one thread at a time uses through shared references.

use core::cell::UnsafeCell;

/// A value that is not shared between threads, and is changed in steps that nothing can come in between.
///
/// What a `RefCell` checks at run time is kept here by the crate: a step runs none of the user's code (no constructor, reset,
/// validation or destructor of an object), and none of the pool's methods, so no step begins within another one. (A step may ask the
/// global allocator for memory. One that is itself made of a pool of one thread would have to have that pool before it could make its
/// first row; whoever implements a global allocator answers for such things.)
pub(crate) struct Single<V> {
    // Not `Sync`, which keeps other threads out.
    value: UnsafeCell<V>,
}

impl<V> Single<V> {
    pub(crate) const fn new(value: V) -> Self {
        Self { value: UnsafeCell::new(value) }
    }

    /// Does one step.
    #[inline(always)]
    pub(crate) fn step<R>(&self, step: impl FnOnce(&mut V) -> R) -> R {
        // SAFETY: the cell is not `Sync`, so only this thread is here; and no step calls anything that leads back to a step of
        // this cell (see above), so this is the only reference.
        step(unsafe { &mut *self.value.get() })
    }
}
