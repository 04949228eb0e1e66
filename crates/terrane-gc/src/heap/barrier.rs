//! The write barrier of the safe tier.
//!
//! It works by cell and needs no parent. For the generations: a young reference stored into a cell that is not young,
//! and held none before, is remembered ([`cell_log`](super::cell_log)); the tests are a subtraction and a comparison
//! each, all in registers but the old value, which the store brings into the cache anyway. For marking under way: the
//! references that are overwritten are marked first (Yuasa, "Real-time garbage collection on general-purpose
//! machines", 1990), so that all that was reachable when marking began is found.

use crate::object::{Shape, Trace, Tracer};
use crate::raw::Word;

use super::Mutator;
use super::state::State;

/// So many remembered cells make a collection due. A program that fills and empties one cell in turn remembers it each
/// time.
const REMEMBERED_MAX: usize = 1 << 16;

impl State {
    fn limit_cell_log(&mut self) {
        if self.roots.cell_log.len() >= REMEMBERED_MAX {
            self.raw.request_collection();
            self.due = true;
        }
    }
}

impl Mutator<'_, '_> {
    /// Stores `value` in `cell`, and tells the collector.
    ///
    /// # Safety
    ///
    /// `cell` is initialised and valid for writes, and in this heap or in none; `value` belongs to this heap.
    #[inline(always)]
    pub(crate) unsafe fn write_barrier<V: Trace + Copy>(&self, cell: *mut V, value: V) {
        // SAFETY: the caller's promise; nobody else has the state meanwhile.
        unsafe {
            if (*self.state()).raw.is_marking() {
                self.note_store(cell, value);
            }
            if matches!(V::SHAPE, Shape::Words(1)) && size_of::<V>() == 8 {
                let slot = cell.cast::<Word>();
                let before = slot.read().0 as usize;
                cell.write(value);
                let after = slot.read().0 as usize;
                let state = &*self.state();
                if state.is_young(after) && !state.is_young(slot as usize) && !state.is_young(before) {
                    self.remember_slot(slot);
                }
            } else {
                let known = (*self.state()).is_young(cell as usize) || self.holds_young(cell);
                cell.write(value);
                if !known && self.holds_young(cell) {
                    self.remember_cell(cell);
                }
            }
        }
    }

    /// Whether a cell holds a reference into the young range.
    ///
    /// # Safety
    ///
    /// `cell` is initialised.
    unsafe fn holds_young<V: Trace>(&self, cell: *mut V) -> bool {
        let mut young = false;
        // SAFETY: the caller's promise; nobody else has the state meanwhile.
        unsafe {
            let state = &*self.state();
            V::trace(cell, &mut Tracer::new(&mut |slot| young |= state.is_young((*slot).0 as usize)));
        }
        young
    }

    /// Marks what a cell refers to, and has what it will refer to left in its place.
    ///
    /// # Safety
    ///
    /// `cell` is initialised.
    #[cold]
    #[inline(never)]
    unsafe fn note_store<V: Trace>(&self, cell: *mut V, mut value: V) {
        // SAFETY: the caller's promise; the references in a cell are valid.
        unsafe {
            let state = &mut *self.state();
            V::trace(
                cell,
                &mut Tracer::new(&mut |slot| {
                    if *slot != Word(0) {
                        _ = state.raw.weak_read(*slot);
                    }
                }),
            );
            let mut keep = |slot: *mut Word| {
                if *slot != Word(0) {
                    state.raw.keep_in_place(*slot);
                }
            };
            V::trace(&raw mut value, &mut Tracer::new(&mut keep));
        }
    }

    /// Marks what a handle refers to, before it is set: a snapshot has not come to it yet.
    ///
    /// # Safety
    ///
    /// The scope of the handle is open.
    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn keep_handle(&self, index: u32) {
        // SAFETY: the caller's promise; handles refer to objects of this heap.
        unsafe {
            let state = &mut *self.state();
            _ = state.raw.weak_read(state.roots.handles.word(index));
        }
    }

    /// # Safety
    ///
    /// `slot` is a reference in this heap or in none.
    #[cold]
    #[inline(never)]
    unsafe fn remember_slot(&self, slot: *mut Word) {
        // SAFETY: nobody else has the state meanwhile.
        let state = unsafe { &mut *self.state() };
        // A value that is still on its way to the heap is no place to look later.
        if state.raw.owns(slot as usize) {
            slot.expose_provenance();
            state.roots.cell_log.push_slot(slot);
            state.limit_cell_log();
        }
    }

    /// # Safety
    ///
    /// As for [`remember_slot`](Self::remember_slot).
    #[cold]
    #[inline(never)]
    unsafe fn remember_cell<V: Trace>(&self, cell: *mut V) {
        /// # Safety
        ///
        /// `cell` points to a `V`.
        unsafe fn trace_erased<V: Trace>(cell: *mut u8, tracer: &mut Tracer<'_>) {
            // SAFETY: the caller's promise.
            unsafe { V::trace(cell.cast(), tracer) }
        }
        // SAFETY: nobody else has the state meanwhile.
        let state = unsafe { &mut *self.state() };
        if state.raw.owns(cell as usize) {
            state.roots.cell_log.push_cell(cell.cast(), trace_erased::<V>);
            state.limit_cell_log();
        }
    }
}
