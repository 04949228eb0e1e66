//! Who survives a marking: what is marked, and everything young.

use core::marker::PhantomData;

use super::{Keeper, Liveness, Progress};
use crate::raw::large::LargeSpace;
use crate::raw::mark::Marking;
use crate::raw::old_space::chunk::{Chunk, StartTable};
use crate::raw::prefetch::prefetch;
use crate::raw::slice::Slice;
use crate::raw::young::Span;
use crate::raw::{ObjectModel, RootSource, Word};

/// Reads mark bits.
pub(crate) struct Marked<M> {
    pub(crate) young: Span,
    pub(crate) table: StartTable,
    pub(crate) model: PhantomData<M>,
}

impl<M: ObjectModel> Liveness for Marked<M> {
    fn survivor(&self, word: Word) -> Option<Word> {
        let Some(address) = M::address(word) else { return Some(word) };
        if self.young.contains(address) {
            return Some(word);
        }
        // SAFETY: a source asks about valid references only: this one leads to the old space or to a large
        // object, and nothing of them was freed since marking began.
        unsafe { Chunk::containing(address) }.has_start_bit(self.table, address).then_some(word)
    }

    fn prefetch(&self, word: Word) {
        if let Some(address) = M::address(word) {
            prefetch(Chunk::start_word(self.table, address));
        }
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

    fn prefetch(&self, word: Word) {
        self.marked.prefetch(word);
    }
}

impl<M: ObjectModel> Keeper for Reviver<'_, '_, M> {
    fn keep(&mut self, word: Word) -> Word {
        // SAFETY: a source keeps valid references only.
        unsafe { self.marking.enqueue(word) };
        word
    }

    fn epoch(&self) -> u64 {
        *self.marking.objects
    }
}

/// Calls the revive hook, tracing on before and after each call, as far as the slice allows. Done when the hook was
/// and nothing has come to life since it was called.
pub(crate) fn revive<M: ObjectModel, R: RootSource>(
    marking: &mut Marking<'_, M>,
    large: &LargeSpace,
    roots: &mut R,
    slice: &mut Slice,
) -> Progress {
    loop {
        if marking.drain(large, slice) == Progress::More || slice.is_over() {
            return Progress::More;
        }
        let before = *marking.objects;
        let marked = Marked { young: marking.young, table: marking.table, model: PhantomData };
        let mut budget = slice.budget();
        let progress = roots.revive_old(&mut Reviver { marking, marked }, &mut budget);
        slice.settle(&budget);
        if progress == Progress::Done && *marking.objects == before {
            return Progress::Done;
        }
    }
}

/// Calls the clear hook, as far as the slice allows.
pub(crate) fn clear<M: ObjectModel, R: RootSource>(
    live: &Marked<M>,
    roots: &mut R,
    slice: &mut Slice,
) -> Progress {
    while !slice.is_over() {
        let mut budget = slice.budget();
        let progress = roots.clear_old(live, &mut budget);
        slice.settle(&budget);
        if progress == Progress::Done {
            return Progress::Done;
        }
    }
    Progress::More
}
