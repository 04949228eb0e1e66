//! Objects in the frame region, which die when their frame is left.

use terrane_gc::raw::CollectionKind;

use super::{Kind, Node, Place, Shadow, Value, pattern, size_of_kind};

impl Shadow {
    pub(super) fn frame_allocate(&mut self, kind: Kind, words: usize, from: usize) {
        if self.depth == 0 {
            return;
        }
        let words = if kind == Kind::Pair { 2 } else { words.min(200) };
        let size = size_of_kind(kind, words);
        if self.roots.frame_top + size > self.roots.frame_end {
            let collected = self.heap.collect(CollectionKind::Evacuate, &mut self.roots);
            self.note_evacuations();
            if collected.is_err() {
                return self.expect(collected.map(drop));
            }
        }
        let room = self.roots.frame_top;
        let values = if kind == Kind::Bytes { pattern(words) } else { self.fill(words, from, self.depth) };
        let word = self.initialise(room, kind, &values);
        self.roots.frame_top += size;
        let words = values.iter().map(|v| v.0).collect();
        self.nodes.push(Node { place: Place::Frame(self.depth), kind, words });
        self.push_root(Value::Object(self.nodes.len() - 1), word);
    }

    pub(super) fn leave_frame(&mut self) {
        let Some(mark) = self.roots.marks.pop() else { return };
        for index in (0..self.values.len()).rev() {
            if self.place_of(self.values[index]) == Place::Frame(self.depth) {
                self.drop_root(index);
            }
        }
        self.depth -= 1;
        self.roots.frame_top = mark;
        // SAFETY: the mark was the top when the frame was entered, so an object ends there, or the base is there.
        unsafe { self.heap.frames_left(mark) };
    }
}
