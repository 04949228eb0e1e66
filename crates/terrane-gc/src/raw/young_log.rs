//! The young log: slots of frame and arena objects that were scanned already and have been written since.
//!
//! A collection scans the frame region and the arenas only from their watermarks up, since nothing below can have come to hold a
//! reference to the nursery except by a store. The barrier notes those stores here. The log is small and never grows: when it is
//! full the watermarks go down instead, and everything is scanned once.

use alloc::vec::Vec;

/// Slots that the log holds.
const CAPACITY: usize = 1024;

#[derive(Debug)]
pub(crate) struct YoungLog {
    slots: Vec<usize>,
}

impl YoungLog {
    pub(crate) fn new() -> Self {
        let mut slots = Vec::new();
        // Without memory the log stays empty, and every store lowers the watermarks.
        _ = slots.try_reserve_exact(CAPACITY);
        Self { slots }
    }

    /// Notes a slot; false when the log is full.
    pub(crate) fn push(&mut self, slot: usize) -> bool {
        if self.slots.last() == Some(&slot) {
            return true;
        }
        if self.slots.len() == self.slots.capacity() {
            return false;
        }
        self.slots.push(slot);
        true
    }

    pub(crate) fn slots(&self) -> &[usize] {
        &self.slots
    }

    pub(crate) fn clear(&mut self) {
        self.slots.clear();
    }
}
