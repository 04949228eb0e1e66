//! The remembered set of the safe tier: cells outside the young range into which a young reference was stored.
//!
//! A cell knows neither its object nor its size, so what is remembered is the cell itself, together with the function
//! that traces what it holds. A cell that held a young reference already is not logged again, so a loop that stores
//! to one cell logs it once. The next collection visits the cells as roots and forgets them: nothing is young then.

use alloc::vec::Vec;

use crate::object::Tracer;
use crate::raw::Word;

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
        self.slots.iter().for_each(|&slot| visit(slot));
        for &(cell, trace) in &self.cells {
            // SAFETY: the caller's promise; `trace` is that of the cell's type.
            unsafe { trace(cell, &mut Tracer::new(visit)) }
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
