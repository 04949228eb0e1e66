//! Who survives an evacuation: what was moved out of from-space, and everything outside it.

use core::marker::PhantomData;

use super::{Keeper, Liveness};
use crate::raw::evacuate::{Evacuation, FromSpace};
use crate::raw::large::LargeSpace;
use crate::raw::{ObjectModel, RootSource, Word};

/// Reads forwarding words.
struct Forwarded<M, F> {
    from: F,
    model: PhantomData<M>,
}

impl<M: ObjectModel, F: FromSpace> Liveness for Forwarded<M, F> {
    fn survivor(&self, word: Word) -> Option<Word> {
        let Some(address) = M::address(word) else { return Some(word) };
        if !self.from.contains(address) {
            return Some(word);
        }
        // SAFETY: a source asks about valid references only, and from-space is not reused yet.
        let first = unsafe { *(address as *const Word) };
        M::forwarded(first).map(|to| M::with_address(word, to))
    }
}

/// Moves what the source keeps.
struct Reviver<'e, 'h, M, F> {
    evacuation: &'e mut Evacuation<'h, M, F>,
    large: &'e LargeSpace,
    forwarded: Forwarded<M, F>,
}

impl<M: ObjectModel, F: FromSpace> Liveness for Reviver<'_, '_, M, F> {
    fn survivor(&self, word: Word) -> Option<Word> {
        self.forwarded.survivor(word)
    }
}

impl<M: ObjectModel, F: FromSpace> Keeper for Reviver<'_, '_, M, F> {
    fn keep(&mut self, word: Word) -> Word {
        let Some(address) = M::address(word) else { return word };
        if let Some(survivor) = self.survivor(word) {
            return survivor;
        }
        // SAFETY: a source keeps valid references only, and this one leads into from-space.
        let kept = unsafe { self.evacuation.forward_root(word, address) };
        self.evacuation.drain(self.large);
        kept
    }

    fn epoch(&self) -> u64 {
        self.evacuation.copied_bytes() as u64
    }
}

/// Calls both hooks; the stack of the evacuation is empty.
pub(crate) fn process<M: ObjectModel, F: FromSpace, R: RootSource>(
    evacuation: &mut Evacuation<'_, M, F>,
    large: &LargeSpace,
    roots: &mut R,
) {
    let from = evacuation.condemned_space();
    let forwarded = || Forwarded { from, model: PhantomData };
    roots.revive_young(&mut Reviver { evacuation, large, forwarded: forwarded() });
    roots.clear_young(&forwarded());
}
