//! A small stack machine on the raw tier: how an engine brings its own objects, roots and allocation sequence.
//!
//! Values are tagged words: fixnums, and pairs without a header, 16 bytes each. The machine's stack is its only root. It
//! sorts a list of pseudo-random numbers by merging, which makes garbage as fast as it can.

use terrane_base::{Bytes, MemoryError};
use terrane_gc::raw::{CollectionKind, Heap, HeapConfig, ObjectModel, RootScope, RootSource, Word};

/// Pairs: tag 1. Fixnums: tag 0, the number above. Tag 5 marks what was moved. The empty list is tag 2.
#[derive(Debug)]
struct Pairs;

const NIL: Word = Word(2);

fn fixnum(number: u64) -> Word {
    Word(number << 3)
}

fn number(word: Word) -> u64 {
    word.0 >> 3
}

fn slots(pair: Word) -> *mut Word {
    std::ptr::with_exposed_provenance_mut((pair.0 & !7) as usize)
}

// SAFETY: tag and size of a pair are as the functions say, tag 5 is used for nothing else, and a pair has two slots.
unsafe impl ObjectModel for Pairs {
    #[inline]
    fn address(word: Word) -> Option<usize> {
        (word.0 & 7 == 1).then_some((word.0 & !7) as usize)
    }

    #[inline]
    fn with_address(_: Word, address: usize) -> Word {
        Word(address as u64 | 1)
    }

    #[inline]
    unsafe fn size(_: Word) -> usize {
        16
    }

    #[inline]
    unsafe fn visit_slots<F: FnMut(*mut Word)>(word: Word, mut visit: F) {
        visit(slots(word));
        visit(slots(word).wrapping_add(1));
    }

    #[inline]
    unsafe fn visit_slots_within<F: FnMut(*mut Word)>(word: Word, start: usize, end: usize, mut visit: F) {
        let within = |slot: *mut Word| (start..end).contains(&slot.addr());
        // SAFETY: the caller's promise.
        unsafe {
            Self::visit_slots(word, |slot| {
                if within(slot) {
                    visit(slot)
                }
            })
        }
    }

    #[inline]
    unsafe fn word_at(address: usize) -> Word {
        Word(address as u64 | 1)
    }

    #[inline]
    fn forwarding(address: usize) -> Word {
        Word(address as u64 | 5)
    }

    #[inline]
    fn forwarded(first: Word) -> Option<usize> {
        (first.0 & 7 == 5).then_some((first.0 & !7) as usize)
    }
}

/// The machine's stack, the only place outside the heap that holds references.
struct Stack {
    values: Vec<Word>,
    /// Values below were seen by the last collection and not written since.
    watermark: usize,
    frame_base: usize,
}

// SAFETY: the stack is private to the machine, which keeps every reference there, and does not use the frame region.
unsafe impl RootSource for Stack {
    fn visit_roots<F: FnMut(&mut Word)>(&mut self, scope: RootScope, visit: F) {
        let start = if scope == RootScope::Young { self.watermark } else { 0 };
        self.values[start..].iter_mut().for_each(visit);
    }

    fn frame_top(&self) -> usize {
        self.frame_base
    }

    fn frames_evacuated(&mut self) {}

    fn collected(&mut self) {
        self.watermark = self.values.len();
    }
}

struct Machine {
    heap: Heap<Pairs>,
    stack: Stack,
}

impl Machine {
    fn new(config: HeapConfig) -> Result<Self, MemoryError> {
        let heap = Heap::new(config)?;
        let frame_base = heap.frame_region().0.as_ptr().addr();
        Ok(Self { heap, stack: Stack { values: Vec::new(), watermark: 0, frame_base } })
    }

    fn push(&mut self, value: Word) {
        self.stack.values.push(value);
    }

    fn pop(&mut self) -> Word {
        let value = self.stack.values.pop().expect("the program keeps its stack balanced");
        self.stack.watermark = self.stack.watermark.min(self.stack.values.len());
        value
    }

    /// The value `depth` below the top.
    fn peek(&self, depth: usize) -> Word {
        self.stack.values[self.stack.values.len() - 1 - depth]
    }

    /// `tail head → pair`: the allocation sequence, with its collection out of line.
    fn cons(&mut self) -> Result<(), MemoryError> {
        let room = match self.heap.bump(16) {
            Some(room) => room,
            // Head and tail are on the stack, so the collection finds and updates them.
            None => self.heap.alloc(16, &mut self.stack)?,
        };
        let (head, tail) = (self.pop(), self.pop());
        let pair = room.as_ptr().cast::<Word>();
        // SAFETY: room for two words.
        unsafe {
            pair.write(head);
            pair.add(1).write(tail);
        }
        self.push(Word(pair.expose_provenance() as u64 | 1));
        Ok(())
    }

    /// Slot `index` of a pair.
    fn field(pair: Word, index: usize) -> Word {
        assert_eq!(pair.0 & 7, 1, "not a pair");
        // SAFETY: a reference from the stack is never stale, and a pair has two slots.
        unsafe { *slots(pair).add(index) }
    }

    /// Sets the tail of a pair, through the barrier.
    fn set_tail(&mut self, pair: Word, tail: Word) {
        assert_eq!(pair.0 & 7, 1, "not a pair");
        // SAFETY: as for `field`; `tail` is a value from the stack.
        unsafe { self.heap.write(pair, slots(pair).add(1), tail) }
    }

    /// `list list → list`: merges two sorted lists into a new one, back to front, then turns it round in place.
    fn merge(&mut self) -> Result<(), MemoryError> {
        self.push(NIL);
        // The stack is now: left right merged.
        while self.peek(1) != NIL || self.peek(2) != NIL {
            let from_left = self.peek(1) == NIL
                || self.peek(2) != NIL
                    && number(Self::field(self.peek(2), 0)) <= number(Self::field(self.peek(1), 0));
            let source = if from_left { 2 } else { 1 };
            let place = self.stack.values.len() - 1 - source;
            self.push(Self::field(self.stack.values[place], 0));
            self.cons()?;
            self.stack.values[place] = Self::field(self.stack.values[place], 1);
            self.stack.watermark = self.stack.watermark.min(place);
        }
        let mut merged = self.pop();
        self.pop();
        self.pop();
        let mut turned = NIL;
        while merged != NIL {
            let rest = Self::field(merged, 1);
            self.set_tail(merged, turned);
            (turned, merged) = (merged, rest);
        }
        self.push(turned);
        Ok(())
    }

    /// `→ list`: a sorted list of `count` numbers.
    fn sorted(&mut self, count: u64, seed: &mut u64) -> Result<(), MemoryError> {
        if count == 1 {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            self.push(NIL);
            self.push(fixnum(*seed >> 40));
            return self.cons();
        }
        self.sorted(count / 2, seed)?;
        self.sorted(count - count / 2, seed)?;
        self.merge()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut machine = Machine::new(HeapConfig::new().limit(Bytes::from_mib(64)))?;
    machine.sorted(100_000, &mut 42)?;
    let (mut length, mut list, mut last) = (0, machine.peek(0), 0);
    while list != NIL {
        let value = number(Machine::field(list, 0));
        assert!(last <= value, "not sorted");
        (length, last, list) = (length + 1, value, Machine::field(list, 1));
    }
    assert_eq!(length, 100_000);
    machine.pop();
    let record = machine.heap.collect(CollectionKind::Full, &mut machine.stack)?;
    assert_eq!(record.live_bytes, 0);
    let stats = machine.heap.stats();
    let minor = stats.collections_of(CollectionKind::Minor);
    println!(
        "sorted {length} numbers: {} allocated, {} minor collections",
        Bytes::new(stats.nursery.bytes_total),
        minor.count
    );
    println!("{record}");
    Ok(())
}
