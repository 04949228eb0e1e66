//! What happens when an object with a side block dies: its value is dropped, its weak references and map entries end.
//!
//! A destructor is code of the program. It runs in the pause that finds the object dead, when the collection has done
//! all that depends on the object, and cannot reach the heap: the value has no references, and whoever could lend the
//! heap out is waiting for the collection. A panic in a destructor is caught and counted.

use crate::object::PAYLOAD_OFFSET;
use crate::object::header::{Header, header_of};
use crate::raw::{Liveness, Word};

use super::side::SideBlock;
use super::state::Roots;

/// Progress through the side table after marking, and what went wrong.
#[derive(Debug)]
pub(crate) struct Deaths {
    /// Blocks whose finalizers were looked at in this cycle.
    pub(crate) revived: u32,
    /// Blocks that were cleared in this cycle.
    pub(crate) cleared: u32,
    /// Destructors that panicked.
    pub(crate) drop_panics: u64,
    /// Values dropped.
    pub(crate) dropped: u64,
}

impl Deaths {
    pub(crate) const fn new() -> Self {
        Self { revived: 0, cleared: 0, drop_panics: 0, dropped: 0 }
    }
}

impl Roots {
    /// Releases the block of a dead object, and drops its value.
    pub(super) fn bury_if_dead<L: Liveness>(&mut self, index: u32, live: &L) {
        let block = self.side.block(index);
        // SAFETY: a block of our table; the mutator stands still.
        let block = unsafe { &mut *block };
        if block.object == Word(0) {
            return;
        }
        if live.survivor(block.object).is_some() {
            return self.maps.forget_closed(block);
        }
        self.maps.forget(block);
        if let Some(queue) = block.finalizer() {
            self.queues.unregister(queue);
        }
        let (object, info) = (block.object, block.info);
        self.side.remove(index);
        // The dead can be read until they are swept, and the block will belong to another object.
        // SAFETY: the object has been initialised, and nothing of it was reused.
        unsafe { *header_of(object) = Header::of(info) };
        if let Some(drop) = info.drop {
            self.drop_value(object, drop);
        }
    }

    /// Drops the values of all objects: the heap goes away.
    pub(super) fn drop_all(&mut self) {
        for index in 0..self.side.len() {
            // SAFETY: a block of our table, and nobody else is left.
            let SideBlock { object, info, .. } = unsafe { &*self.side.block(index) };
            if let (true, Some(drop)) = (*object != Word(0), info.drop) {
                self.drop_value(*object, drop);
            }
        }
    }

    fn drop_value(&mut self, object: Word, drop: unsafe fn(*mut u8)) {
        debug_assert!(object.0 as usize > PAYLOAD_OFFSET);
        self.deaths.dropped += 1;
        let value = core::ptr::with_exposed_provenance_mut::<u8>(object.0 as usize);
        // SAFETY: the object is dead and still readable; its block is gone, so this happens once.
        if !contain(|| unsafe { drop(value) }) {
            self.deaths.drop_panics += 1;
        }
    }
}

/// Runs a destructor; false if it panicked.
#[cfg(feature = "std")]
fn contain(run: impl FnOnce()) -> bool {
    use core::panic::AssertUnwindSafe;
    use std::panic::catch_unwind;

    let Err(payload) = catch_unwind(AssertUnwindSafe(run)) else { return true };
    // What was thrown has a destructor too, which may throw. What that throws is left alone.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        core::mem::forget(payload);
    }
    false
}

/// Runs a destructor. A panic cannot be caught without `std`, and must not leave a collection half done: the program
/// aborts, by a second panic while the first unwinds.
#[cfg(not(feature = "std"))]
fn contain(run: impl FnOnce()) -> bool {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a destructor panicked during a collection");
        }
    }
    let bomb = Bomb;
    run();
    core::mem::forget(bomb);
    true
}
