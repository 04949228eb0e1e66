//! A heap beside a model of it in ordinary collections.
//!
//! Each operation is carried out on both. The model knows what every object holds and which are reachable;
//! `check` walks both graphs side by side and compares each word.

use std::collections::HashMap;

use terrane_base::Bytes;
use terrane_gc::raw::{
    ArenaError, ArenaId, CollectionKind, Heap, HeapConfig, ObjectModel, SMALL_OBJECT_MAX, Word,
};

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

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Pair,
    Vector,
    Bytes,
}

/// One step of a program. Indices are taken modulo what there is.
#[derive(Clone, Debug)]
pub enum Op {
    /// Allocates an object whose slots are filled from the roots, starting at one, and makes it a root.
    Allocate {
        kind: Kind,
        words: usize,
        from: usize,
    },
    /// As `List`, with the room reserved beforehand.
    Reserve {
        len: usize,
        from: usize,
    },
    /// The same many times over, each pair holding the one before.
    List {
        len: usize,
        from: usize,
    },
    Store {
        parent: usize,
        slot: usize,
        value: usize,
    },
    /// Makes what a slot holds a root.
    Load {
        parent: usize,
        slot: usize,
    },
    Drop {
        root: usize,
    },
    DropMany {
        keep: usize,
    },
    EnterFrame,
    FrameAllocate {
        kind: Kind,
        words: usize,
        from: usize,
    },
    LeaveFrame,
    CreateArena {
        kib: u64,
    },
    EnterArena {
        arena: usize,
    },
    LeaveArena,
    DestroyArena {
        arena: usize,
    },
    Collect {
        kind: CollectionKind,
    },
    /// Begins a full collection in slices.
    BeginFull,
    /// Goes on with it.
    Slice {
        units: usize,
    },
    Verify,
    Check,
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
    evacuations_seen: usize,
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
            evacuations_seen: 0,
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
            Op::Collect { kind } => {
                let collected = self.heap.collect(kind, &mut self.roots);
                self.expect(collected.map(drop));
            }
            Op::BeginFull => self.heap.begin_full(&mut self.roots),
            Op::Slice { units } => _ = self.heap.step_units(units, &mut self.roots),
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
        let room = match room {
            Ok(room) => room.as_ptr() as usize,
            Err(error) => return self.expect(Err(error)),
        };
        let values = if kind == Kind::Bytes { pattern(words) } else { self.fill(words, from, 0) };
        let word = self.initialise(room, kind, &values);
        let in_arena = self.entered.last().filter(|_| size <= SMALL_OBJECT_MAX);
        let place = in_arena.map_or(Place::Heap, |&arena| Place::Arena(arena));
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

    fn load(&mut self, parent: usize, index: usize) {
        let Some((root, node)) = self.object_root(parent) else { return };
        let index = index % self.nodes[node].words.len();
        let word = read(self.roots.words[root], index);
        self.push_root(self.nodes[node].words[index], word);
    }

    fn frame_allocate(&mut self, kind: Kind, words: usize, from: usize) {
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

    fn leave_frame(&mut self) {
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

    fn create_arena(&mut self, kib: u64) {
        match self.heap.arena_create(Bytes::from_kib(kib)) {
            Ok(id) => {
                self.arenas.push(id);
                self.destroyed.push(false);
            }
            Err(error) => self.expect(Err(error)),
        }
    }

    fn enter_arena(&mut self, arena: usize) {
        if self.arenas.is_empty() || self.entered.len() > 3 {
            return;
        }
        let arena = arena % self.arenas.len();
        match self.heap.arena_enter(self.arenas[arena]) {
            Ok(()) => {
                assert!(!self.destroyed[arena]);
                self.entered.push(arena);
            }
            Err(error) => {
                assert_eq!(error, ArenaError::Destroyed);
                assert!(self.destroyed[arena]);
            }
        }
    }

    fn destroy_arena(&mut self, arena: usize) {
        if self.arenas.is_empty() {
            return;
        }
        let arena = arena % self.arenas.len();
        let id = self.arenas[arena];
        assert_eq!(self.heap.arena_live(id), !self.destroyed[arena]);
        let reachable = self.reachable();
        match self.heap.arena_destroy(id, &mut self.roots) {
            Ok(summary) => {
                assert!(!self.entered.contains(&arena) && !self.destroyed[arena]);
                self.destroyed[arena] = true;
                let inside =
                    reachable.iter().filter(|&&node| self.nodes[node].place == Place::Arena(arena)).count();
                assert!(summary.survivors >= inside as u64, "{inside} reachable, {summary:?}");
                for node in &mut self.nodes {
                    if node.place == Place::Arena(arena) {
                        node.place = Place::Heap;
                    }
                }
            }
            Err(ArenaError::Destroyed) => assert!(self.destroyed[arena]),
            Err(ArenaError::Entered) => assert!(self.entered.contains(&arena)),
            Err(ArenaError::Memory(error)) => self.expect(Err(error)),
            Err(error) => panic!("{error}"),
        }
    }

    fn reachable(&self) -> Vec<usize> {
        let mut seen = vec![false; self.nodes.len()];
        let mut pending: Vec<Value> = self.values.clone();
        let mut found = Vec::new();
        while let Some(value) = pending.pop() {
            if let Value::Object(node) = value
                && !std::mem::replace(&mut seen[node], true)
            {
                found.push(node);
                pending.extend(&self.nodes[node].words);
            }
        }
        found
    }

    /// Compares everything reachable.
    pub fn check(&self) {
        let mut words: HashMap<usize, Word> = HashMap::new();
        let mut owners: HashMap<usize, usize> = HashMap::new();
        let mut pending: Vec<(Value, Word)> = Vec::new();
        pending.extend(self.values.iter().copied().zip(self.roots.words.iter().copied()));
        while let Some((value, word)) = pending.pop() {
            let node = match value {
                Value::Integer(i) => {
                    assert_eq!(word, integer(i));
                    continue;
                }
                Value::Object(node) => node,
            };
            let address = Model::address(word).expect("a reference");
            if let Some(&before) = words.get(&node) {
                assert_eq!(before, word, "node {node} is in two places");
                continue;
            }
            words.insert(node, word);
            assert_eq!(owners.insert(address, node), None, "two nodes at {address:#x}");
            let Node { kind, words: held, .. } = &self.nodes[node];
            assert_eq!(is_pair(word), *kind == Kind::Pair);
            // SAFETY: live, as far as the model knows.
            assert_eq!(unsafe { Model::size(word) }, size_of_kind(*kind, held.len()));
            pending.extend(held.iter().enumerate().map(|(index, &value)| (value, read(word, index))));
        }
    }
}

fn size_of_kind(kind: Kind, words: usize) -> usize {
    if kind == Kind::Pair { 16 } else { headered_size(words) }
}

/// Contents of a byte string: words that look like references to whoever mistakes them for slots.
fn pattern(words: usize) -> Vec<(Value, usize)> {
    (0..words).map(|i| (Value::Integer(0x1234_5678_9ABC ^ i as u64), usize::MAX)).collect()
}
