//! Ours, on the raw tier, with the roots in a shadow stack.
//!
//! The programs use the heap as a virtual machine does: an allocation is an inlined bump of the nursery's cursor, and
//! only when that fails are the words of the new object put on the shadow stack for a collection to find and change. A
//! reference that must outlive another allocation lies on the shadow stack meanwhile.

mod arrays;
mod lists;
mod replaced;
mod strings;
mod table;
mod trees;

pub(super) use lists::{RawLists, RawLiveSet};
pub(super) use replaced::RawReplaced;
pub(super) use strings::RawStrings;
pub(super) use table::{RawArray, RawNodes};
pub(super) use trees::{RawForest, RawGrove};

use super::cell_model::CellModel;
use super::pair_model::{NIL, PAIR_BYTES, PairModel, pair_address, pair_at};
use std::ptr::NonNull;
use terrane_gc::raw::{Heap, HeapConfig, ObjectModel, RootScope, RootSource, Word};

/// The references that a program holds.
#[derive(Debug)]
pub(super) struct ShadowStack {
    pub(super) words: Vec<Word>,
    /// Start, and as no frames are used also the top, of the heap's frame region.
    frames: usize,
}

impl ShadowStack {
    #[inline]
    pub(super) fn push(&mut self, word: Word) {
        self.words.push(word);
    }

    #[inline]
    fn pop(&mut self) -> Word {
        self.words.pop().expect("what is popped was pushed")
    }

    #[inline]
    fn top(&self) -> Word {
        *self.words.last().expect("what is looked at was pushed")
    }
}

// SAFETY: all references that a program uses after an allocation are on the stack during it (see `Cells`), and all of
// it is visited. The frame region is never used. Nothing here unwinds or calls into the heap.
#[expect(unsafe_code, reason = "a root source is a promise to the collector")]
unsafe impl RootSource for ShadowStack {
    const FOLLOWS_OLD_MOVES: bool = true;

    fn visit_roots<F: FnMut(&mut Word)>(&mut self, _scope: RootScope, visit: F) {
        self.words.iter_mut().for_each(visit);
    }

    fn frame_top(&self) -> usize {
        self.frames
    }

    fn frames_evacuated(&mut self) {}

    fn collected(&mut self) {}
}

/// An object model of which pairs are a part.
pub(super) trait WithPairs: ObjectModel {}
impl WithPairs for PairModel {}
impl WithPairs for CellModel {}

/// A heap and its roots.
///
/// Invariant of the programs in this module: a reference is used only if it came from an allocation, a field or the
/// shadow stack after the last allocation.
#[derive(Debug)]
pub(super) struct Cells<M: ObjectModel> {
    pub(super) heap: Heap<M>,
    pub(super) roots: ShadowStack,
}

/// A heap of nothing but pairs.
pub(super) type Pairs = Cells<PairModel>;

impl<M: WithPairs> Cells<M> {
    pub(super) fn new(config: HeapConfig) -> Self {
        let heap = Heap::new(config).expect("the machine has memory for a heap");
        let frames = heap.frame_region().0.addr().get();
        Self { heap, roots: ShadowStack { words: Vec::with_capacity(1 << 10), frames } }
    }

    /// Allocates the pair of these words.
    #[inline]
    pub(super) fn pair(&mut self, first: Word, second: Word) -> Word {
        match self.heap.bump(PAIR_BYTES) {
            Some(place) => initialise(place, first, second),
            None => self.pair_with_collection(first, second),
        }
    }

    #[cold]
    #[inline(never)]
    fn pair_with_collection(&mut self, first: Word, second: Word) -> Word {
        self.roots.push(first);
        self.roots.push(second);
        let place = self.heap.alloc(PAIR_BYTES, &mut self.roots).expect("the programs fit the heap");
        let second = self.roots.pop();
        let first = self.roots.pop();
        initialise(place, first, second)
    }

    /// The words of a pair; of anything else, nothing twice.
    #[inline]
    pub(super) fn fields(&self, pair: Word) -> [Word; 2] {
        match pair_address(pair) {
            // SAFETY: the reference is up to date (invariant of `Self`), so an initialised pair is at its address, and
            // nothing writes to it while `self` is borrowed.
            #[expect(unsafe_code, reason = "a reference of the raw tier is an address")]
            Some(address) => unsafe { std::ptr::with_exposed_provenance::<[Word; 2]>(address).read() },
            None => [NIL; 2],
        }
    }

    /// Stores a word in a field of a pair, the first being 0.
    #[inline]
    fn set_field(&mut self, pair: Word, field: usize, value: Word) {
        let Some(address) = pair_address(pair) else { return };
        let slot = std::ptr::with_exposed_provenance_mut::<Word>(address + 8 * (field % 2));
        // SAFETY: the reference is up to date (invariant of `Self`), so the slot is one of an initialised pair, and so is
        // the value.
        #[expect(unsafe_code, reason = "the raw tier trusts its user")]
        unsafe {
            self.heap.write(pair, slot, value);
        }
    }
}

/// Makes a pair of memory just allocated.
#[inline]
fn initialise(place: NonNull<u8>, first: Word, second: Word) -> Word {
    // SAFETY: the heap has just given the sole use of a pair's bytes, 8-aligned, at `place`.
    #[expect(unsafe_code, reason = "the raw tier hands out bare memory")]
    unsafe {
        place.cast::<[Word; 2]>().write([first, second]);
    }
    pair_at(place.as_ptr().expose_provenance())
}

/// Collects at every third allocation, poisons what it leaves, and checks every reference.
#[cfg(test)]
const STRESSED: super::configuration::Configuration = super::configuration::Configuration {
    area: "stressed",
    id: "terrane-stressed",
    about: "a collection at every third allocation",
    heap: || HeapConfig::default().stress(std::num::NonZeroU64::new(3)).verify(true),
};
