//! The young log: slots of frame and arena objects that were scanned already and have been written since.
//!
//! A collection scans the frame region and the arenas only from their watermarks up, since nothing below can
//! have come to hold a reference to the nursery except by a store. The barrier notes those stores here. The
//! log is small and never grows: when it is full the watermarks go down instead, and everything is scanned
//! once.

use alloc::vec::Vec;

/// Entries that the log holds.
const CAPACITY: usize = 1024;

/// What the log holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LoggedYoung {
    /// The address of a slot of a frame or arena object.
    Slot(usize),
    /// The address of such an object, a slot of which outside of it was written.
    Object(usize),
}

impl LoggedYoung {
    /// The address, which lies in the object in both cases.
    pub(crate) fn address(self) -> usize {
        match self {
            Self::Slot(address) | Self::Object(address) => address,
        }
    }

    /// The entry in one word.
    pub(crate) fn to_bits(self) -> usize {
        match self {
            Self::Slot(address) => address,
            Self::Object(address) => address | OBJECT_BIT,
        }
    }
}

/// Marks an entry that is an object. Slots and objects are aligned.
const OBJECT_BIT: usize = 1;

#[derive(Debug)]
pub(crate) struct YoungLog {
    /// Addresses, those of objects with [`OBJECT_BIT`].
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

    /// Notes an object; false when the log is full.
    pub(crate) fn push_object(&mut self, object: usize) -> bool {
        self.push(LoggedYoung::Object(object).to_bits())
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = LoggedYoung> {
        self.slots.iter().map(|&entry| match entry & OBJECT_BIT {
            0 => LoggedYoung::Slot(entry),
            _ => LoggedYoung::Object(entry - OBJECT_BIT),
        })
    }

    pub(crate) fn clear(&mut self) {
        self.slots.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_written_in_a_row_is_held_once_and_the_log_has_an_end() {
        let mut log = YoungLog::new();
        (0..5).for_each(|_| assert!(log.push(8)));
        assert!(log.push_object(64));
        let entries: Vec<LoggedYoung> = log.entries().collect();
        assert_eq!(entries, [LoggedYoung::Slot(8), LoggedYoung::Object(64)]);
        let room = log.slots.capacity();
        (2..room).for_each(|i| assert!(log.push(8 + i * 8)));
        assert!(!log.push(0));
        log.clear();
        assert!(log.push(0));
    }
}
