//! Loops over the fast paths of the raw tier, for [`crate::counts`].

use super::pair_model::{NIL, PAIR_BYTES, PairModel, number, pair_address};
use super::raw::Pairs;
use crate::counts;
use std::hint::black_box;
use terrane_gc::raw::{CollectionKind, Heap, HeapConfig, Word};

/// A heap with an empty nursery and one pair that is old, at the bottom of the shadow stack.
#[derive(Debug)]
pub(crate) struct OldPair(Pairs);

impl OldPair {
    pub(crate) fn new() -> Self {
        let nursery = terrane_arena::Bytes::from_mib(8);
        let mut pairs = Pairs::new(HeapConfig::default().nursery(nursery).pause_goal_ns(None));
        let pair = pairs.pair(NIL, NIL);
        pairs.roots.push(pair);
        pairs.heap.collect(CollectionKind::Full, &mut pairs.roots).expect("a pair fits the heap");
        Self(pairs)
    }

    /// Takes memory for so many pairs; false when a collection would be needed.
    pub(crate) fn bump(&mut self, turns: u64) -> bool {
        #[inline(never)]
        fn count(heap: &mut Heap<PairModel>, turns: u64) -> bool {
            for _ in 0..turns {
                let Some(place) = heap.bump(PAIR_BYTES) else { return false };
                black_box(place);
            }
            true
        }
        count(&mut self.0.heap, turns)
    }

    /// Stores a number in the old pair so many times.
    pub(crate) fn write_numbers(&mut self, turns: u64) {
        #[inline(never)]
        fn count(heap: &mut Heap<PairModel>, parent: Word, slot: *mut Word, value: &u64, turns: u64) {
            for _ in 0..turns {
                // SAFETY: the parent is an initialised pair of this heap, the slot its first; the value is a number.
                #[expect(unsafe_code, reason = "the raw tier trusts its user")]
                unsafe {
                    heap.write(parent, slot, Word(counts::read(value)));
                }
                black_box(slot);
            }
        }
        let pair = self.0.roots.words[0];
        let address = pair_address(pair).expect("a pair is at the bottom of the stack");
        let slot = std::ptr::with_exposed_provenance_mut(address);
        count(&mut self.0.heap, pair, slot, &number(5).0, turns);
        assert_eq!(self.0.fields(pair), [number(5), NIL]);
    }
}
