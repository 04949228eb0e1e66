//! Who survives a marking: what is marked, and everything young.

use super::{Keeper, Liveness, Progress, WorkBudget};
use crate::raw::large::LargeSpace;
use crate::raw::mark::Marking;
use crate::raw::old_space::chunk::Chunk;
use crate::raw::young::Span;
use crate::raw::{ObjectModel, RootSource, Word};
use core::marker::PhantomData;

/// Reads mark bits.
struct Marked<M> {
    young: Span,
    model: PhantomData<M>,
}

impl<M: ObjectModel> Liveness for Marked<M> {
    fn survivor(&self, word: Word) -> Option<Word> {
        let Some(address) = M::address(word) else { return Some(word) };
        if self.young.contains(address) {
            return Some(word);
        }
        // SAFETY: a source asks about valid references only: this one leads to the old space or to a large
        // object, and nothing of them was freed since marking began.
        unsafe { Chunk::containing(address) }.has_start_bit(address).then_some(word)
    }
}

/// Marks what the source keeps.
struct Reviver<'e, 'h, M> {
    marking: &'e mut Marking<'h, M>,
    marked: Marked<M>,
}

impl<M: ObjectModel> Liveness for Reviver<'_, '_, M> {
    fn survivor(&self, word: Word) -> Option<Word> {
        self.marked.survivor(word)
    }
}

impl<M: ObjectModel> Keeper for Reviver<'_, '_, M> {
    fn keep(&mut self, word: Word) -> Word {
        // SAFETY: a source keeps valid references only.
        unsafe { self.marking.enqueue(word) };
        word
    }

    fn epoch(&self) -> u64 {
        self.marking.marked_objects()
    }
}

/// Calls the revive hook to its end, tracing on after each call, and then the clear hook.
pub(crate) fn process<M: ObjectModel, R: RootSource>(
    marking: &mut Marking<'_, M>,
    large: &LargeSpace,
    roots: &mut R,
) {
    let young = marking.young;
    let marked = || Marked { young, model: PhantomData };
    loop {
        let mut reviver = Reviver { marking, marked: marked() };
        let progress = roots.revive_old(&mut reviver, &mut WorkBudget::unlimited());
        marking.drain(large);
        if progress == Progress::Done {
            break;
        }
    }
    while roots.clear_old(&marked(), &mut WorkBudget::unlimited()) == Progress::More {}
}
