//! Objects that do not move: pinned ones, and those that were born so.

use terrane_gc::raw::Word;

use super::{Kind, Place, Shadow, Value, size_of_kind};

/// Pins that a program holds at most.
const PINS_MAX: usize = 6;

/// An object that is held by a pin, and need not be held by anything else.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pin {
    pub(super) node: usize,
    pub(super) word: Word,
}

impl Shadow {
    pub(super) fn pin(&mut self, root: usize) {
        if self.values.is_empty() || self.pins.len() == PINS_MAX {
            return;
        }
        let root = root % self.values.len();
        let Value::Object(node) = self.values[root] else { return };
        // SAFETY: a root is not stale.
        let pinned = unsafe { self.heap.pin(self.roots.words[root], &mut self.roots) };
        self.note_evacuations();
        match pinned {
            Ok(word) => {
                assert_eq!(word, self.roots.words[root], "the root was told of the move");
                self.pins.push(Pin { node, word });
            }
            Err(_) if matches!(self.nodes[node].place, Place::Arena(_)) => {}
            Err(error) => self.expect(Err(error)),
        }
    }

    pub(super) fn unpin(&mut self, pin: usize) {
        if !self.pins.is_empty() {
            let pin = self.pins.swap_remove(pin % self.pins.len());
            assert!(self.heap.unpin(pin.word));
        }
    }

    pub(super) fn allocate_pinned(&mut self, words: usize, from: usize) {
        let room = self.heap.alloc_pinned(size_of_kind(Kind::Vector, words), &mut self.roots);
        self.note_evacuations();
        match room {
            Ok(room) => self.be_born(room, Kind::Vector, words, from, Place::Heap),
            Err(error) => self.expect(Err(error)),
        }
    }

    /// There is no such birth in an arena.
    pub(super) fn allocate_directly(&mut self, kind: Kind, words: usize, from: usize) {
        if self.entered.is_empty() {
            let words = if kind == Kind::Pair { 2 } else { words };
            match self.heap.alloc_directly(size_of_kind(kind, words)) {
                Ok(room) => self.be_born(room, kind, words, from, Place::Heap),
                Err(error) => self.expect(Err(error)),
            }
        }
    }
}
