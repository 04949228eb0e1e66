//! The mutator: a program's access to the heap that it has entered.

use core::cell::UnsafeCell;
use core::fmt;

use terrane_base::{Bytes, MemoryError};

use crate::handle::{HeapId, Invariant};
use crate::raw::HeapStats;

use super::handles::HandleStack;
use super::state::State;

/// Access to the heap `'h` within the scope `'s`.
///
/// By shared reference it allocates, reads and writes, and never collects: the [`Gc`](crate::Gc)s obtained live as
/// long as that borrow. Collections need the exclusive reference, so they find no `Gc` alive. From this follows one
/// rule for the functions of a runtime: *one that may collect takes and returns [`Local`](crate::Local)s; one that
/// cannot takes and returns [`Gc`](crate::Gc)s.*
///
/// References of two heaps do not mix, since each heap has a brand of its own:
///
/// ```compile_fail
/// use terrane_gc::{GcField, Heap, Trace};
///
/// #[derive(Trace)]
/// struct Node<'h, 'm>(GcField<'h, 'm, Node<'h, 'm>>);
///
/// let (mut one, mut other) = (Heap::new().unwrap(), Heap::new().unwrap());
/// one.enter(|one| {
///     other.enter(|other| {
///         let node = one.alloc(Node(GcField::null()));
///         other.alloc(Node(node.into()));
///     });
/// });
/// ```
pub struct Mutator<'h, 's> {
    state: &'h UnsafeCell<State>,
    brand: Invariant<'h>,
    scope: Invariant<'s>,
}

impl fmt::Debug for Mutator<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutator").field("heap", &self.heap_id()).finish_non_exhaustive()
    }
}

impl<'h> Mutator<'h, '_> {
    /// # Safety
    ///
    /// While the mutator is used, nobody else accesses the state; the brand belongs to this heap alone; the scope ends
    /// with the truncation of the handle stack to what it is now.
    pub(crate) unsafe fn new(state: &'h UnsafeCell<State>) -> Self {
        Self { state, brand: Invariant::default(), scope: Invariant::default() }
    }

    /// The state, as a raw pointer. The rule that every `SAFETY` comment about it refers to: make a reference for one
    /// operation only, and call no other method of the mutator while it lives. Then nobody else has the state meanwhile:
    /// no method runs code of the program while it holds a reference to the state, apart from destructors during a
    /// collection, which cannot have a mutator (it has lifetimes, and they are `'static`), the observer, which cannot
    /// either, and `Trace::trace`, whose contract forbids it.
    #[inline(always)]
    pub(crate) fn state(&self) -> *mut State {
        self.state.get()
    }

    pub(crate) fn state_cell(&self) -> &'h UnsafeCell<State> {
        self.state
    }

    /// The state, for an operation that may collect.
    pub(crate) fn state_mut(&mut self) -> &mut State {
        // SAFETY: `&mut` excludes every other use of this mutator, and there is one at a time.
        unsafe { &mut *self.state.get() }
    }

    #[inline(always)]
    pub(crate) fn handles(&self) -> &HandleStack {
        // SAFETY: the reference is used up before another operation begins.
        unsafe { &(*self.state.get()).roots.handles }
    }

    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "used up before another operation begins")]
    pub(crate) fn handles_mut(&self) -> &mut HandleStack {
        // SAFETY: as above.
        unsafe { &mut (*self.state.get()).roots.handles }
    }

    #[inline(always)]
    pub(crate) fn heap_id(&self) -> HeapId {
        // SAFETY: a copy of a constant.
        unsafe { (*self.state.get()).id }
    }

    /// What hashes of this heap start with.
    #[inline]
    pub(crate) fn hash_seed(&self) -> u64 {
        // SAFETY: a copy of a constant.
        unsafe { (*self.state.get()).young_base as u64 >> 12 }
    }

    /// Figures of the heap as of now.
    #[must_use]
    pub fn stats(&self) -> HeapStats {
        // SAFETY: nobody else has the state meanwhile.
        unsafe { (*self.state.get()).raw.stats() }
    }

    /// Tells that objects in the heap keep so many bytes outside alive, which then count toward the pace of collections
    /// and against the limit. O(1); never collects.
    pub fn charge(&self, bytes: Bytes) {
        // SAFETY: nobody else has the state meanwhile.
        unsafe { (*self.state.get()).raw.charge_external(bytes.as_u64().min(isize::MAX as u64) as isize) }
    }

    /// Takes back a [`charge`](Self::charge), in whole or in part.
    pub fn discharge(&self, bytes: Bytes) {
        // SAFETY: nobody else has the state meanwhile.
        unsafe { (*self.state.get()).raw.charge_external(-(bytes.as_u64().min(isize::MAX as u64) as isize)) }
    }
}

/// What went wrong when memory ran out where there is no way to answer an error.
#[cold]
#[inline(never)]
#[track_caller]
pub(crate) fn out_of_memory(error: MemoryError) -> ! {
    panic!("{error}; `try_` methods answer this as an error");
}
