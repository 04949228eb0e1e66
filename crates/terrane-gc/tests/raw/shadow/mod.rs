//! A heap beside a model of it in ordinary collections.
//!
//! Each operation is carried out on both. The model knows what every object holds and which are reachable;
//! `check` walks both graphs side by side and compares each word.

mod arenas;
mod check;
mod frames;
mod gaps;
mod op;
mod pins;

use std::ptr::NonNull;

use terrane_gc::raw::{ArenaId, CollectionKind, Heap, HeapConfig, SMALL_OBJECT_MAX, Word};

pub use op::{Kind, Op};

use self::gaps::Gaps;
use self::pins::Pin;
use crate::model::*;

/// Roots that a program keeps at most.
const ROOTS_MAX: usize = 48;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Value {
    Integer(u64),
    Object(usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Heap,
    /// In the frame of this depth.
    Frame(usize),
    /// In an arena, by its number in the program.
    Arena(usize),
}

#[derive(Debug)]
struct Node {
    place: Place,
    kind: Kind,
    /// Slots, or the words of a byte string as integers.
    words: Vec<Value>,
}

pub struct Shadow {
    heap: Heap<Model>,
    roots: Roots,
    values: Vec<Value>,
    nodes: Vec<Node>,
    depth: usize,
    arenas: Vec<ArenaId>,
    destroyed: Vec<bool>,
    entered: Vec<usize>,
    pins: Vec<Pin>,
    evacuations_seen: usize,
    gaps: Gaps,
    /// Operations that ended in an error.
    pub refused: usize,
    pub strict: bool,
    /// Room was reserved: allocation must not collect.
    bump_only: bool,
}

impl Shadow {
    pub fn new(config: HeapConfig) -> Result<Self, terrane_base::MemoryError> {
        let heap = Heap::new(config)?;
        let (base, size) = heap.frame_region();
        let base = base.as_ptr() as usize;
        let roots = Roots { frame_base: base, frame_top: base, frame_end: base + size, ..Roots::default() };
        Ok(Self {
            heap,
            roots,
            values: Vec::new(),
            nodes: Vec::new(),
            depth: 0,
            arenas: Vec::new(),
            destroyed: Vec::new(),
            entered: Vec::new(),
            pins: Vec::new(),
            evacuations_seen: 0,
            gaps: Gaps::default(),
            refused: 0,
            strict: false,
            bump_only: false,
        })
    }

    pub fn heap(&self) -> &Heap<Model> {
        &self.heap
    }

    pub fn run(&mut self, program: &[Op]) {
        for op in program {
            self.step(op);
        }
        self.verify();
        self.check();
        self.gaps.count_filled(&self.places());
    }

    /// How many objects are known to have been put between older ones.
    pub fn gaps_filled(&self) -> usize {
        self.gaps.filled
    }

    pub fn step(&mut self, op: &Op) {
        match *op {
            Op::Allocate { kind, words, from } => self.allocate(kind, words, from),
            Op::List { len, from } => self.list(len, from),
            Op::Reserve { len, from } => match self.heap.reserve(len * 16, &mut self.roots) {
                Ok(()) => {
                    self.note_evacuations();
                    let refused = std::mem::replace(&mut self.bump_only, true);
                    self.list(len, from);
                    self.bump_only = refused;
                }
                Err(error) => self.expect(Err(error)),
            },
            Op::Store { parent, slot, value } => self.store(parent, slot, value),
            Op::Load { parent, slot } => self.load(parent, slot),
            Op::Spread { pairs, from } => self.spread(pairs, from),
            Op::Thin { parent, keep_each } => self.thin(parent, keep_each),
            Op::Drop { root } => {
                if !self.values.is_empty() {
                    self.drop_root(root % self.values.len());
                }
            }
            Op::DropMany { keep } => {
                while self.values.len() > keep {
                    self.drop_root(self.values.len() - 1);
                }
            }
            Op::EnterFrame => {
                self.depth += 1;
                self.roots.marks.push(self.roots.frame_top);
            }
            Op::FrameAllocate { kind, words, from } => self.frame_allocate(kind, words, from),
            Op::LeaveFrame => self.leave_frame(),
            Op::CreateArena { kib } => self.create_arena(kib),
            Op::EnterArena { arena } => self.enter_arena(arena),
            Op::LeaveArena => {
                self.entered.pop();
                self.heap.arena_leave();
            }
            Op::DestroyArena { arena } => self.destroy_arena(arena),
            Op::Collect { kind } => self.collect(kind),
            Op::AllocateDirectly { kind, words, from } => self.allocate_directly(kind, words, from),
            Op::AllocatePinned { words, from } => self.allocate_pinned(words, from),
            Op::Pin { root } => self.pin(root),
            Op::Unpin { pin } => self.unpin(pin),
            Op::BeginFull => self.heap.begin_full(&mut self.roots),
            Op::Slice { units } => _ = self.heap.step_units(units, &mut self.roots),
            Op::Poll => self.heap.poll(&mut self.roots),
            Op::Idle => _ = self.heap.step(20_000, &mut self.roots),
            Op::Enable { on } => self.heap.set_enabled(on),
            Op::Verify => self.verify(),
            Op::Check => self.check(),
        }
        self.note_evacuations();
    }

    fn list(&mut self, len: usize, from: usize) {
        self.allocate(Kind::Pair, 2, from);
        for _ in 1..len {
            let newest = self.values.len().wrapping_sub(1);
            let before = self.values.len();
            self.allocate(Kind::Pair, 2, newest);
            if self.values.len() == before + 1 {
                self.drop_root(before - 1);
            }
        }
    }

    fn spread(&mut self, pairs: usize, from: usize) {
        let roots = self.values.len();
        self.allocate(Kind::Vector, pairs, from);
        // The oldest root made way for it if there were too many.
        if self.values.len() == roots {
            return;
        }
        for index in 0..pairs {
            self.allocate(Kind::Pair, 2, from);
            if self.values.len() != roots + 2 {
                return;
            }
            let (parent, word) = (self.roots.words[roots], self.roots.words[roots + 1]);
            let Value::Object(node) = self.values[roots] else { unreachable!("a vector") };
            // SAFETY: both are live, and the slot is one of the parent's.
            unsafe { self.heap.write(parent, slot(parent, index), word) };
            self.nodes[node].words[index] = self.values[roots + 1];
            self.drop_root(roots + 1);
        }
    }

    fn collect(&mut self, kind: CollectionKind) {
        if kind == CollectionKind::Full {
            self.gaps.count_filled(&self.places());
        }
        let collected = self.heap.collect(kind, &mut self.roots);
        if collected.is_ok() && kind == CollectionKind::Full {
            self.note_evacuations();
            self.gaps.settle(self.places());
        }
        self.expect(collected.map(drop));
    }

    pub fn verify(&mut self) {
        if let Err(corruption) = self.heap.verify(&mut self.roots) {
            panic!("{corruption}");
        }
    }

    fn expect(&mut self, result: Result<(), terrane_base::MemoryError>) {
        if let Err(error) = result {
            assert!(!self.strict, "{error}");
            self.refused += 1;
        }
    }

    /// After an evacuation of the frames, their objects are in the heap.
    fn note_evacuations(&mut self) {
        if self.evacuations_seen != self.roots.evacuations {
            self.evacuations_seen = self.roots.evacuations;
            for node in &mut self.nodes {
                if let Place::Frame(_) = node.place {
                    node.place = Place::Heap;
                }
            }
        }
    }

    fn place_of(&self, value: Value) -> Place {
        match value {
            Value::Integer(_) => Place::Heap,
            Value::Object(node) => self.nodes[node].place,
        }
    }

    fn push_root(&mut self, value: Value, word: Word) {
        self.values.push(value);
        self.roots.push(word);
        if self.values.len() > ROOTS_MAX {
            self.drop_root(0);
        }
    }

    fn drop_root(&mut self, index: usize) {
        self.values.swap_remove(index);
        self.roots.swap_remove(index);
    }

    /// Roots to fill `count` slots with, none of them in a frame deeper than `depth`.
    fn fill(&self, count: usize, from: usize, depth: usize) -> Vec<(Value, usize)> {
        let allowed: Vec<usize> = (0..self.values.len())
            .filter(|&i| !matches!(self.place_of(self.values[i]), Place::Frame(d) if d > depth))
            .collect();
        (0..count)
            .map(|i| match allowed.len() {
                0 => (Value::Integer(i as u64), usize::MAX),
                // Mostly integers in long vectors, so that graphs stay small.
                n if i < 6 || i % 61 == 0 => {
                    let root = allowed[(from.min(self.values.len()) + i) % n];
                    (self.values[root], root)
                }
                _ => (Value::Integer((from + i) as u64), usize::MAX),
            })
            .collect()
    }

    fn allocate(&mut self, kind: Kind, words: usize, from: usize) {
        let words = if kind == Kind::Pair { 2 } else { words };
        let size = size_of_kind(kind, words);
        // Roots may be in frames now and in the heap after the allocation: choose after it.
        let room = match self.heap.bump(size) {
            Some(room) => Ok(room),
            None if self.bump_only => panic!("reserved, and not there"),
            None => self.heap.alloc(size, &mut self.roots),
        };
        self.note_evacuations();
        let in_arena = self.entered.last().filter(|_| size <= SMALL_OBJECT_MAX);
        let place = in_arena.map_or(Place::Heap, |&arena| Place::Arena(arena));
        match room {
            Ok(room) => self.be_born(room, kind, words, from, place),
            Err(error) => self.expect(Err(error)),
        }
    }

    /// Fills an object from the roots, and makes it one.
    fn be_born(&mut self, room: NonNull<u8>, kind: Kind, words: usize, from: usize, place: Place) {
        let values = if kind == Kind::Bytes { pattern(words) } else { self.fill(words, from, 0) };
        let word = self.initialise(room.as_ptr() as usize, kind, &values);
        self.nodes.push(Node { place, kind, words: values.iter().map(|v| v.0).collect() });
        self.push_root(Value::Object(self.nodes.len() - 1), word);
    }

    fn initialise(&self, room: usize, kind: Kind, values: &[(Value, usize)]) -> Word {
        let word = match kind {
            Kind::Pair => pair(room),
            _ => headered(room),
        };
        // SAFETY: fresh room of the right size.
        unsafe {
            match kind {
                Kind::Pair => {}
                Kind::Vector => *(room as *mut Word) = vector_header(values.len()),
                Kind::Bytes => *(room as *mut Word) = bytes_header(values.len()),
            }
            for (index, &(value, root)) in values.iter().enumerate() {
                *slot(word, index) = match value {
                    Value::Integer(i) => integer(i),
                    Value::Object(_) => self.roots.words[root],
                };
            }
        }
        word
    }

    fn object_root(&self, index: usize) -> Option<(usize, usize)> {
        let objects: Vec<usize> =
            (0..self.values.len()).filter(|&i| matches!(self.values[i], Value::Object(_))).collect();
        let root = *objects.get(index % objects.len().max(1))?;
        match self.values[root] {
            Value::Object(node)
                if self.nodes[node].kind != Kind::Bytes && !self.nodes[node].words.is_empty() =>
            {
                Some((root, node))
            }
            _ => None,
        }
    }

    fn store(&mut self, parent: usize, index: usize, value: usize) {
        let Some((root, node)) = self.object_root(parent) else { return };
        let value_root = value % self.values.len();
        let value = self.values[value_root];
        let allowed = match (self.place_of(Value::Object(node)), self.place_of(value)) {
            (Place::Frame(parent), Place::Frame(value)) => value <= parent,
            (_, Place::Frame(_)) => false,
            _ => true,
        };
        if !allowed {
            return;
        }
        let index = index % self.nodes[node].words.len();
        let (parent, word) = (self.roots.words[root], self.roots.words[value_root]);
        // SAFETY: both are live, and the slot is one of the parent's.
        unsafe { self.heap.write(parent, slot(parent, index), word) };
        self.nodes[node].words[index] = value;
    }

    /// The survivors lie far apart if the pairs lay side by side.
    fn thin(&mut self, parent: usize, keep_each: usize) {
        let Some((root, node)) = self.object_root(parent) else { return };
        let parent = self.roots.words[root];
        for index in (0..self.nodes[node].words.len()).filter(|index| index % keep_each != 0) {
            // SAFETY: the parent is live, and the slot one of its own.
            unsafe { self.heap.write(parent, slot(parent, index), integer(0)) };
            self.nodes[node].words[index] = Value::Integer(0);
        }
    }

    fn load(&mut self, parent: usize, index: usize) {
        let Some((root, node)) = self.object_root(parent) else { return };
        let index = index % self.nodes[node].words.len();
        let word = read(self.roots.words[root], index);
        self.push_root(self.nodes[node].words[index], word);
    }
}

fn size_of_kind(kind: Kind, words: usize) -> usize {
    if kind == Kind::Pair { 16 } else { headered_size(words) }
}

/// Contents of a byte string: words that look like references to whoever mistakes them for slots.
fn pattern(words: usize) -> Vec<(Value, usize)> {
    (0..words).map(|i| (Value::Integer(0x1234_5678_9ABC ^ i as u64), usize::MAX)).collect()
}
