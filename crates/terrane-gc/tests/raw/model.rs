//! The object model of the tests: headerless pairs, and headered vectors and byte strings of any size.
//!
//! Tag in the low three bits of a word: 0 immediate, 1 pair, 2 headered object. As a first word only: 7
//! header, 5 forwarding.

use terrane_gc::raw::{ObjectModel, RootScope, RootSource, Word};

#[derive(Debug)]
pub struct Model;

const PAIR: u64 = 1;
const HEADERED: u64 = 2;
const FORWARDING: u64 = 5;
const HEADER: u64 = 7;
const BYTES_FLAG: u64 = 1 << 3;
/// A vector whose first payload words are the address of a side block and the number of its slots, which one word
/// more follows: the owner's reference.
const SIDE_FLAG: u64 = 1 << 4;

pub fn integer(value: u64) -> Word {
    Word(value << 3)
}

pub fn pair(address: usize) -> Word {
    Word(address as u64 | PAIR)
}

pub fn headered(address: usize) -> Word {
    Word(address as u64 | HEADERED)
}

pub fn is_pair(word: Word) -> bool {
    word.0 & 7 == PAIR
}

/// Header of a vector of `slots` slots.
pub fn vector_header(slots: usize) -> Word {
    Word((slots as u64) << 8 | HEADER)
}

/// Header of `words` words without references.
pub fn bytes_header(words: usize) -> Word {
    Word((words as u64) << 8 | BYTES_FLAG | HEADER)
}

/// Header of a vector of `slots` slots with a side block.
pub fn side_header(slots: usize) -> Word {
    Word((slots as u64) << 8 | SIDE_FLAG | HEADER)
}

/// The slots in the side block of an object: address and number.
fn hidden(word: Word) -> (usize, usize) {
    let base = Model::address(word).expect("a reference");
    // SAFETY: a headered object starts with its header, and one with a side block has two payload words.
    unsafe {
        if is_pair(word) || *(base as *const u64) & SIDE_FLAG == 0 {
            return (0, 0);
        }
        ((*slot(word, 0)).0 as usize, ((*slot(word, 1)).0 >> 3) as usize)
    }
}

/// Bytes of a headered object with so many words of payload.
pub fn headered_size(words: usize) -> usize {
    (8 + words * 8).max(16)
}

/// The slot `index` of an object: payload words of headered objects count from 0.
pub fn slot(word: Word, index: usize) -> *mut Word {
    let base = Model::address(word).expect("a reference");
    let skip = if is_pair(word) { 0 } else { 1 };
    (base as *mut Word).wrapping_add(skip + index)
}

pub fn read(word: Word, index: usize) -> Word {
    // SAFETY: tests read slots of live objects only.
    unsafe { *slot(word, index) }
}

/// Payload words and whether they are slots.
fn payload(word: Word) -> (usize, usize, bool) {
    let base = Model::address(word).expect("a reference");
    if is_pair(word) {
        return (base, 2, true);
    }
    // SAFETY: a headered object starts with its header.
    let header = unsafe { *(base as *const u64) };
    assert_eq!(header & 7, HEADER, "no header at {base:#x}: {header:#x}");
    (base + 8, (header >> 8) as usize, header & BYTES_FLAG == 0)
}

// SAFETY: tags tell references from immediates, sizes come from the tag or the header, and tags 5 and 7 never
// occur in words that the tests store.
unsafe impl ObjectModel for Model {
    #[inline]
    fn address(word: Word) -> Option<usize> {
        matches!(word.0 & 7, PAIR | HEADERED).then_some((word.0 & !7) as usize)
    }

    #[inline]
    fn with_address(word: Word, address: usize) -> Word {
        Word(address as u64 | word.0 & 7)
    }

    #[inline]
    unsafe fn size(word: Word) -> usize {
        if is_pair(word) { 16 } else { headered_size(payload(word).1) }
    }

    #[inline]
    unsafe fn visit_slots<F: FnMut(*mut Word)>(word: Word, mut visit: F) {
        let (base, words, slots) = payload(word);
        for index in 0..if slots { words } else { 0 } {
            visit((base + index * 8) as *mut Word);
        }
        let (base, count) = hidden(word);
        (0..count).for_each(|index| visit((base + index * 8) as *mut Word));
    }

    #[inline]
    unsafe fn visit_slots_within<F: FnMut(*mut Word)>(word: Word, start: usize, end: usize, mut visit: F) {
        let (base, words, slots) = payload(word);
        let (mut at, end) = (start.max(base), end.min(base + if slots { words * 8 } else { 0 }));
        while at < end {
            visit(at as *mut Word);
            at += 8;
        }
        let (base, count) = hidden(word);
        (0..count).for_each(|index| visit((base + index * 8) as *mut Word));
    }

    const TRACKS_MOVES: bool = true;

    unsafe fn moved(new: Word) {
        let (base, count) = hidden(new);
        if base != 0 {
            // SAFETY: the word after the hidden slots.
            unsafe { *(base as *mut Word).add(count) = new };
        }
    }

    #[inline]
    unsafe fn word_at(address: usize) -> Word {
        // SAFETY: the caller's promise.
        let first = unsafe { *(address as *const u64) };
        if first & 7 == HEADER { headered(address) } else { pair(address) }
    }

    #[inline]
    fn forwarding(address: usize) -> Word {
        Word(address as u64 | FORWARDING)
    }

    #[inline]
    fn forwarded(first: Word) -> Option<usize> {
        (first.0 & 7 == FORWARDING).then_some((first.0 & !7) as usize)
    }
}

/// Roots in a vector, of which those below a watermark are left out where they may be, and a frame stack over
/// the heap's frame region.
#[derive(Debug, Default)]
pub struct Roots {
    pub words: Vec<Word>,
    /// Roots below hold nothing young.
    pub watermark: usize,
    pub frame_base: usize,
    pub frame_top: usize,
    pub frame_end: usize,
    /// Top of the frame region at each frame's entry.
    pub marks: Vec<usize>,
    pub collections: usize,
    pub evacuations: usize,
}

impl Roots {
    pub fn push(&mut self, word: Word) {
        self.words.push(word);
    }

    pub fn set(&mut self, index: usize, word: Word) {
        self.words[index] = word;
        self.watermark = self.watermark.min(index);
    }

    pub fn swap_remove(&mut self, index: usize) {
        self.words.swap_remove(index);
        self.watermark = self.watermark.min(index);
    }

    pub fn clear(&mut self) {
        self.words.clear();
        self.watermark = 0;
    }
}

// SAFETY: every reference that a test keeps is in `words`, and those below the watermark were not written
// since the last collection; frame objects are initialised when they are allocated.
unsafe impl RootSource for Roots {
    const FOLLOWS_OLD_MOVES: bool = true;

    fn visit_roots<F: FnMut(&mut Word)>(&mut self, scope: RootScope, mut visit: F) {
        let start = if scope == RootScope::Young { self.watermark } else { 0 };
        for word in &mut self.words[start..] {
            // A source may visit a copy.
            let mut copy = *word;
            visit(&mut copy);
            *word = copy;
        }
    }

    fn frame_top(&self) -> usize {
        self.frame_top
    }

    fn frames_evacuated(&mut self) {
        self.evacuations += 1;
        self.frame_top = self.frame_base;
        self.marks.iter_mut().for_each(|mark| *mark = self.frame_base);
    }

    fn collected(&mut self) {
        self.collections += 1;
        self.watermark = self.words.len();
    }
}
