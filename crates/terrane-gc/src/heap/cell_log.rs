//! The remembered set of the safe tier: cells outside the young range into which a young reference was stored.
//!
//! A cell knows neither its object nor its size, so what is remembered is the cell itself, together with the function
//! that traces what it holds. A cell that held a young reference already is not logged again, so a loop that stores
//! to one cell logs it once. The next collection visits the cells as roots and forgets them: nothing is young then.

use alloc::vec::Vec;

use crate::object::header::header_of;
use crate::object::{PAYLOAD_OFFSET, Tracer};
use crate::raw::Word;
use crate::raw::prefetch::prefetch;

/// Between two steps of asking for what a slot leads to.
const AHEAD: usize = 8;

type TraceFn = unsafe fn(*mut u8, &mut Tracer<'_>);

#[derive(Debug)]
pub(crate) struct CellLog {
    /// Cells that are one reference.
    slots: Vec<*mut Word>,
    cells: Vec<(*mut u8, TraceFn)>,
}

impl CellLog {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), cells: Vec::new() }
    }

    /// Remembers a cell that is one reference.
    pub(crate) fn push_slot(&mut self, slot: *mut Word) {
        self.slots.push(slot);
    }

    /// Remembers a cell of any shape.
    pub(crate) fn push_cell(&mut self, cell: *mut u8, trace: TraceFn) {
        self.cells.push((cell, trace));
    }

    /// Shows the references in all remembered cells.
    ///
    /// # Safety
    ///
    /// The cells belong to objects that are still there, and nobody else accesses them meanwhile.
    pub(crate) unsafe fn visit(&mut self, visit: &mut dyn FnMut(*mut Word)) {
        for (index, &slot) in self.slots.iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { self.prefetch_after(index) };
            visit(slot);
        }
        for &(cell, trace) in &self.cells {
            // SAFETY: the caller's promise; `trace` is that of the cell's type.
            unsafe { trace(cell, &mut Tracer::new(visit)) }
        }
    }

    /// Asks for what visiting later slots will touch, one step of the way at a time: the slot, the object that it refers to, and
    /// the object's side block. Slots are written all over the heap, and a full collection in slices pushes the nursery out of
    /// the cache.
    ///
    /// # Safety
    ///
    /// As for [`visit`](Self::visit).
    #[inline(always)]
    unsafe fn prefetch_after(&self, index: usize) {
        if let Some(&slot) = self.slots.get(index + 3 * AHEAD) {
            prefetch(slot as usize);
        }
        if let Some(&slot) = self.slots.get(index + 2 * AHEAD) {
            // SAFETY: the caller's promise.
            let word = unsafe { *slot };
            prefetch((word.0 as usize).wrapping_sub(PAYLOAD_OFFSET));
        }
        if let Some(&slot) = self.slots.get(index + AHEAD) {
            // SAFETY: the caller's promise; what is no null is a reference to an object that is there, or was moved.
            let first = unsafe {
                let word = *slot;
                if word.0 == 0 {
                    return;
                }
                header_of(word).read()
            };
            if let Some(block) = first.side() {
                prefetch(block as usize);
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        self.slots.clear();
        self.cells.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len() + self.cells.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<usize>() + self.cells.capacity() * size_of::<(usize, usize)>()
    }
}
