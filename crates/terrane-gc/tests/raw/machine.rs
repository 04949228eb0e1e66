//! A heap with its roots, and short ways to make objects, for tests that follow one story.

use terrane_base::MemoryError;
use terrane_gc::raw::{CollectionKind, CollectionRecord, Heap, HeapConfig, Word};

use crate::model::*;

pub struct Machine {
    pub heap: Heap<Model>,
    pub roots: Roots,
}

impl Machine {
    pub fn new(config: HeapConfig) -> Self {
        Self::try_new(config).expect("a heap")
    }

    pub fn try_new(config: HeapConfig) -> Result<Self, MemoryError> {
        let heap = Heap::new(config)?;
        let (base, size) = heap.frame_region();
        let base = base.as_ptr() as usize;
        let roots = Roots { frame_base: base, frame_top: base, frame_end: base + size, ..Roots::default() };
        Ok(Self { heap, roots })
    }

    /// A pair of two roots or integers: what collections move is looked up after the allocation.
    pub fn pair(&mut self, first: Word, rest: Word) -> Result<Word, MemoryError> {
        self.roots.push(first);
        self.roots.push(rest);
        let room = match self.heap.bump(16) {
            Some(room) => Ok(room),
            None => self.heap.alloc(16, &mut self.roots),
        };
        let len = self.roots.words.len();
        let (first, rest) = (self.roots.words[len - 2], self.roots.words[len - 1]);
        self.roots.swap_remove(len - 1);
        self.roots.swap_remove(len - 2);
        let word = pair(room?.as_ptr() as usize);
        // SAFETY: fresh room for a pair.
        unsafe {
            *slot(word, 0) = first;
            *slot(word, 1) = rest;
        }
        Ok(word)
    }

    /// A vector of zeros.
    pub fn vector(&mut self, slots: usize) -> Result<Word, MemoryError> {
        let room = self.heap.alloc(headered_size(slots), &mut self.roots)?;
        let word = headered(room.as_ptr() as usize);
        // SAFETY: fresh room for the vector.
        unsafe {
            *(room.as_ptr() as *mut Word) = vector_header(slots);
            (0..slots).for_each(|index| *slot(word, index) = integer(0));
        }
        Ok(word)
    }

    /// A vector of `slots` slots, at least two, that owns the side block.
    pub fn side_owner(&mut self, slots: usize, block: &mut [Word]) -> Result<Word, MemoryError> {
        let word = self.vector(slots.max(2))?;
        // SAFETY: the vector is fresh and has two slots.
        unsafe {
            *(slot(word, 0).sub(1)) = side_header(slots.max(2));
            *slot(word, 0) = Word(block.as_mut_ptr() as u64);
            *slot(word, 1) = integer(block.len() as u64 - 1);
        }
        Ok(word)
    }

    /// Pushes pairs onto the list that is root `root`.
    pub fn grow_list(&mut self, root: usize, len: u64) -> Result<(), MemoryError> {
        for i in 0..len {
            let word = self.pair(integer(i), self.roots.words[root])?;
            self.roots.set(root, word);
        }
        Ok(())
    }

    pub fn list_len(&self, root: usize) -> u64 {
        let (mut word, mut len) = (self.roots.words[root], 0);
        while is_pair(word) {
            (word, len) = (read(word, 1), len + 1);
        }
        len
    }

    pub fn write(&mut self, parent: Word, index: usize, value: Word) {
        // SAFETY: tests pass live objects and slots in them.
        unsafe { self.heap.write(parent, slot(parent, index), value) }
    }

    pub fn collect(&mut self, kind: CollectionKind) -> CollectionRecord {
        self.heap.collect(kind, &mut self.roots).expect("room for the copies")
    }
}
