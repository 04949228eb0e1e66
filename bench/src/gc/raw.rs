//! Ours: pairs on the raw tier, with the roots in a shadow stack.
//!
//! The programs use the heap as a virtual machine does: an allocation is an inlined bump of the nursery's cursor, and
//! only when that fails are the pair's words put on the shadow stack for a collection to find and change. A reference
//! that must outlive another allocation lies on the shadow stack meanwhile.

use super::binary_trees::Forest;
use super::pair_model::{NIL, PAIR_BYTES, PairModel, number, number_of, pair_address, pair_at};
use super::short_lived::LiveSet;
use std::hint::black_box;
use std::ptr::NonNull;
use terrane_gc::raw::{CollectionKind, Heap, HeapConfig, RootScope, RootSource, Word};

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
}

// SAFETY: all references that a program uses after an allocation are on the stack during it (see `Pairs`), and all of
// it is visited. The frame region is never used. Nothing here unwinds or calls into the heap.
#[expect(unsafe_code, reason = "a root source is a promise to the collector")]
unsafe impl RootSource for ShadowStack {
    fn visit_roots<F: FnMut(&mut Word)>(&mut self, _scope: RootScope, visit: F) {
        self.words.iter_mut().for_each(visit);
    }

    fn frame_top(&self) -> usize {
        self.frames
    }

    fn frames_evacuated(&mut self) {}

    fn collected(&mut self) {}
}

/// A heap of pairs and its roots.
///
/// Invariant of the programs in this module: a reference is used only if it came from [`pair`](Self::pair),
/// [`fields`](Self::fields) or the shadow stack after the last allocation.
#[derive(Debug)]
pub(super) struct Pairs {
    pub(super) heap: Heap<PairModel>,
    pub(super) roots: ShadowStack,
}

impl Pairs {
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

    fn tree(&mut self, depth: u32) -> Word {
        if depth == 0 {
            return self.pair(NIL, NIL);
        }
        let left = self.tree(depth - 1);
        self.roots.push(left);
        let right = self.tree(depth - 1);
        let left = self.roots.pop();
        self.pair(left, right)
    }

    fn count(&self, tree: Word) -> u64 {
        match self.fields(tree) {
            [NIL, NIL] => 1,
            [left, right] => 1 + self.count(left) + self.count(right),
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

/// Trees of pairs. The kept tree is at the bottom of the shadow stack.
#[derive(Debug)]
pub(super) struct RawForest(Pairs);

impl Forest for RawForest {
    fn empty() -> Self {
        let mut pairs = Pairs::new(HeapConfig::default());
        pairs.roots.push(NIL);
        Self(pairs)
    }

    fn temporary(&mut self, depth: u32) -> u64 {
        let tree = self.0.tree(depth);
        self.0.count(tree)
    }

    fn keep(&mut self, depth: u32) {
        self.0.roots.words[0] = self.0.tree(depth);
    }

    fn count_kept(&self) -> u64 {
        self.0.count(self.0.roots.words[0])
    }
}

/// A list of pairs, at the bottom of the shadow stack.
#[derive(Debug)]
pub(super) struct RawLiveSet(Pairs);

impl LiveSet for RawLiveSet {
    fn of(objects: u64) -> Self {
        let mut pairs = Pairs::new(HeapConfig::default());
        let list = (1..=objects).fold(NIL, |list, value| pairs.pair(number(value), list));
        pairs.roots.push(list);
        pairs.heap.collect(CollectionKind::Full, &mut pairs.roots).expect("the list fits the heap");
        Self(pairs)
    }

    fn churn(&mut self, allocations: u64) -> u64 {
        let mut sum = 0;
        for value in 0..allocations {
            let pair = black_box(self.0.pair(number(value), NIL));
            sum += number_of(self.0.fields(pair)[0]);
        }
        sum
    }

    fn sum(&self) -> u64 {
        let mut sum = 0;
        let mut list = self.0.roots.words[0];
        while list != NIL {
            let [value, next] = self.0.fields(list);
            sum += number_of(value);
            list = next;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU64;

    /// Collects at every third allocation, poisons what it leaves, and checks every reference.
    fn stressed() -> Pairs {
        Pairs::new(HeapConfig::default().stress(NonZeroU64::new(3)).verify(true))
    }

    #[test]
    fn a_tree_survives_collections_while_it_grows() {
        let mut pairs = stressed();
        let tree = pairs.tree(7);
        assert_eq!(pairs.count(tree), 255);
        let other = pairs.tree(3);
        assert_eq!(pairs.count(other), 15);
    }

    #[test]
    fn a_list_survives_collections_while_it_grows() {
        let mut pairs = stressed();
        let list = (1..=100).fold(NIL, |list, value| pairs.pair(number(value), list));
        pairs.roots.push(list);
        let mut set = RawLiveSet(pairs);
        assert_eq!(set.churn(100), 4950);
        assert_eq!(set.sum(), 5050);
    }
}
