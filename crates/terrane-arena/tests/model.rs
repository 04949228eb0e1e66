//! Generated programs against a plain model: what is handed out is aligned, overlaps nothing, keeps its contents until
//! the arena goes back beyond it, and the counters and refusals are those of the model.

use core::alloc::Layout;
use core::ptr::NonNull;
use proptest::prelude::*;
use terrane_arena::{Arena, Bytes, Checkpoint, CheckpointError, Frame, MemoryError};

#[derive(Clone, Debug)]
enum Step {
    Byte(u8),
    Pair(u64, u64),
    Wide([u128; 6]),
    /// The largest value that counts as small.
    Page(u8),
    Str(String),
    Words(Vec<u32>),
    Built(usize),
    Formatted(u32),
    Collected(usize),
    Raw {
        size: usize,
        align_shift: u32,
    },
    /// Bare memory that grows or shrinks, as the last value or with another behind it.
    Resized {
        from: usize,
        to: usize,
        align_shift: u32,
        covered: bool,
    },
    /// A vector that has the arena to itself, and is kept as a slice or dropped; in a frame it means nothing.
    Exclusive {
        len: u64,
        kept: bool,
    },
    Checkpoint,
    Rewind(prop::sample::Index),
    /// In a frame only allocations and further frames mean anything.
    Scope(Vec<Step>),
    /// A frame whose guard is forgotten.
    Leaked(Vec<Step>),
    Reset,
    Release,
}

fn allocation() -> impl Strategy<Value = Step> {
    prop_oneof![
        any::<u8>().prop_map(Step::Byte),
        any::<(u64, u64)>().prop_map(|(a, b)| Step::Pair(a, b)),
        any::<[u128; 6]>().prop_map(Step::Wide),
        any::<u8>().prop_map(Step::Page),
        "[a-zß]{0,40}".prop_map(Step::Str),
        prop::collection::vec(any::<u32>(), 0..60).prop_map(Step::Words),
        (0..300usize).prop_map(Step::Built),
        any::<u32>().prop_map(Step::Formatted),
        (0..200usize).prop_map(Step::Collected),
        (0..700usize, 0..13u32).prop_map(|(size, align_shift)| Step::Raw { size, align_shift }),
        (0..60_000usize, 0..6u32).prop_map(|(size, align_shift)| Step::Raw { size, align_shift }),
        (1..3_000usize, 1..3_000usize, 0..8u32, any::<bool>()).prop_map(
            |(from, to, align_shift, covered)| { Step::Resized { from, to, align_shift, covered } }
        ),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let going_back = prop_oneof![
        3 => Just(Step::Checkpoint),
        3 => any::<prop::sample::Index>().prop_map(Step::Rewind),
        1 => (0..3_000u64, any::<bool>()).prop_map(|(len, kept)| Step::Exclusive { len, kept }),
        1 => Just(Step::Reset),
        1 => Just(Step::Release),
    ];
    let flat = prop_oneof![4 => allocation(), 1 => going_back];
    let nested = flat.prop_recursive(3, 60, 12, |step| {
        (prop::collection::vec(step, 0..12), 0..8)
            .prop_map(|(steps, leak)| if leak == 0 { Step::Leaked(steps) } else { Step::Scope(steps) })
    });
    prop::collection::vec(nested, 0..60)
}

/// A value that the arena must keep intact.
#[derive(Clone, Debug)]
struct Value {
    at: NonNull<u8>,
    expected: Vec<u8>,
}

impl Value {
    /// Fills new memory with a pattern.
    fn fill(at: NonNull<u8>, size: usize, seed: usize) -> Self {
        let expected: Vec<u8> = (0..size).map(|i| (i * 7 + seed * 31) as u8).collect();
        // SAFETY: the arena handed out `size` bytes at `at`.
        unsafe { at.copy_from_nonoverlapping(NonNull::from(&expected[..]).cast(), size) };
        Self { at, expected }
    }

    /// Remembers a value that is already written.
    fn written<T: ?Sized>(value: &mut T, expected: Vec<u8>) -> Self {
        assert_eq!(size_of_val(value), expected.len());
        assert!((&raw const *value).addr().is_multiple_of(align_of_val(value)), "alignment");
        Self { at: NonNull::from(value).cast(), expected }
    }

    fn start(&self) -> usize {
        self.at.addr().get()
    }

    fn end(&self) -> usize {
        self.start() + self.expected.len()
    }

    fn check(&self) {
        // SAFETY: the arena has not gone back beyond this value, and all its bytes were written.
        let found = unsafe { core::slice::from_raw_parts(self.at.as_ptr(), self.expected.len()) };
        assert_eq!(found, self.expected, "contents survive");
    }
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    checkpoint: Checkpoint,
    values: usize,
    used_bytes: usize,
    good: bool,
}

#[derive(Debug, Default)]
struct Model {
    values: Vec<Value>,
    marks: Vec<Mark>,
    /// The peak that is known outside of frames.
    peak_bytes: usize,
    /// What the values alone had at most.
    least_peak: usize,
    leaky: bool,
    limit: usize,
}

/// Whether a frame within these steps is forgotten.
fn leaks(steps: &[Step]) -> bool {
    steps.iter().any(|step| match step {
        Step::Leaked(_) => true,
        Step::Scope(inner) => leaks(inner),
        _ => false,
    })
}

/// What can be allocated in: an arena or a frame.
trait Allocate {
    fn allocate(&self, step: &Step, seed: usize) -> Result<Value, MemoryError>;
}

macro_rules! allocate {
    ($zone:ty) => {
        impl Allocate for $zone {
            fn allocate(&self, step: &Step, seed: usize) -> Result<Value, MemoryError> {
                match step {
                    Step::Byte(byte) => self.try_alloc(*byte).map(|value| Value::written(value, vec![*byte])),
                    Step::Pair(a, b) => self
                        .try_alloc([*a, *b])
                        .map(|value| Value::written(value, [a.to_ne_bytes(), b.to_ne_bytes()].concat())),
                    Step::Wide(words) => self.try_alloc_with(|| *words).map(|value| {
                        Value::written(value, words.iter().flat_map(|word| word.to_ne_bytes()).collect())
                    }),
                    Step::Page(byte) => {
                        self.try_alloc([*byte; 4096]).map(|value| Value::written(value, vec![*byte; 4096]))
                    }
                    Step::Str(text) => {
                        self.try_alloc_str(text).map(|value| Value::written(value, text.as_bytes().to_vec()))
                    }
                    Step::Formatted(number) => self
                        .try_alloc_fmt(format_args!("<{number:>9}>"))
                        .map(|value| Value::written(value, format!("<{number:>9}>").into_bytes())),
                    Step::Words(words) => self.try_alloc_slice_copy(words).map(|value| {
                        Value::written(value, words.iter().flat_map(|word| word.to_ne_bytes()).collect())
                    }),
                    Step::Built(len) => self.try_alloc_slice_fill_with(*len, |i| i as u16).map(|value| {
                        Value::written(value, (0..*len).flat_map(|i| (i as u16).to_ne_bytes()).collect())
                    }),
                    Step::Collected(len) => {
                        self.try_alloc_slice_from_iter((0..*len).filter(|i| i % 3 != 0)).map(|value| {
                            let expected = (0..*len).filter(|i| i % 3 != 0);
                            Value::written(value, expected.flat_map(|i| i.to_ne_bytes()).collect())
                        })
                    }
                    Step::Raw { size, align_shift } => {
                        let layout =
                            Layout::from_size_align(*size, 1 << align_shift).expect("a small layout");
                        self.try_alloc_layout(layout).map(|at| {
                            assert!(at.addr().get().is_multiple_of(layout.align()), "alignment");
                            Value::fill(at, *size, seed)
                        })
                    }
                    Step::Resized { from, to, align_shift, covered } => {
                        let layout = |size| Layout::from_size_align(size, 1 << align_shift).expect("small");
                        let (old, new) = (layout(*from), layout(*to));
                        let before = self.try_alloc_layout(old).map(|at| Value::fill(at, *from, seed))?;
                        let cover = if *covered { self.try_alloc(seed).ok() } else { None };
                        // SAFETY: the value came from here with this layout, and is reached through the result only.
                        let moved = unsafe {
                            match to >= from {
                                true => self.try_grow(before.at, old, new),
                                false => self.try_shrink(before.at, old, new),
                            }
                        };
                        assert!(cover.is_none_or(|cover| *cover == seed), "the value behind it is intact");
                        let Ok(at) = moved else {
                            return Ok(before);
                        };
                        assert!(at.addr().get().is_multiple_of(new.align()), "alignment");
                        let kept = *from.min(to);
                        Value { at, expected: before.expected[..kept].to_vec() }.check();
                        Ok(Value::fill(at, *to, seed + 1))
                    }
                    _ => unreachable!("not an allocation"),
                }
            }
        }
    };
}

allocate!(Arena);
allocate!(Frame<'_>);

impl Model {
    fn run(&mut self, arena: &mut Arena, steps: &[Step]) {
        for step in steps {
            self.step(arena, step);
            self.check(arena);
        }
    }

    fn step(&mut self, arena: &mut Arena, step: &Step) {
        match step {
            Step::Checkpoint => self.marks.push(Mark {
                checkpoint: arena.try_checkpoint().expect("memory for a checkpoint"),
                values: self.values.len(),
                used_bytes: arena.used_bytes(),
                good: true,
            }),
            Step::Rewind(index) if !self.marks.is_empty() => {
                let mark = *index.get(&self.marks);
                let expected = if mark.good { Ok(()) } else { Err(CheckpointError::Stale) };
                let used = if mark.good { mark.used_bytes } else { arena.used_bytes() };
                assert_eq!(arena.rewind(mark.checkpoint), expected);
                assert_eq!(arena.used_bytes(), used);
                if mark.good {
                    self.go_back(arena, mark.values, mark.used_bytes);
                }
            }
            Step::Rewind(_) => {}
            Step::Exclusive { len, kept } => self.exclusive(arena, *len, *kept),
            Step::Scope(inner) => self.scope(arena, inner, false),
            Step::Leaked(inner) => self.scope(arena, inner, true),
            Step::Reset => {
                let committed = arena.committed_bytes();
                arena.reset();
                assert_eq!(arena.committed_bytes(), committed, "reset keeps the memory");
                self.forget_all(arena);
            }
            Step::Release => {
                arena.release();
                assert_eq!((arena.committed_bytes(), arena.blocks()), (0, 0));
                self.forget_all(arena);
            }
            allocation => self.allocate(arena, allocation),
        }
    }

    fn exclusive(&mut self, arena: &mut Arena, len: u64, kept: bool) {
        let used = arena.used_bytes();
        let mut vec = arena.exclusive_vec();
        let pushed = (0..len).take_while(|i| vec.try_push(*i).is_ok()).count();
        assert!(pushed as u64 == len || self.limit < usize::MAX, "only a limit refuses");
        assert!(vec.iter().copied().eq(0..pushed as u64));
        if kept {
            let expected = (0..pushed as u64).flat_map(u64::to_ne_bytes).collect();
            let value = Value::written(vec.into_slice(), expected);
            self.keep(Ok(value));
            assert!(arena.used_bytes() >= used + pushed * 8);
        } else {
            drop(vec);
            assert!(arena.used_bytes() >= used);
        }
    }

    fn scope(&mut self, arena: &mut Arena, steps: &[Step], leak: bool) {
        let (values, used_bytes) = (self.values.len(), arena.used_bytes());
        let mut guard = arena.enter();
        self.frame(&mut guard.frame(), steps);
        if leak {
            std::mem::forget(guard);
        } else {
            drop(guard);
        }
        if leak || leaks(steps) {
            assert!(arena.used_bytes() >= used_bytes);
            // What a forgotten frame had may stay in use; nothing says where.
            self.values.truncate(values);
            let peak = arena.stats().peak_bytes;
            self.peak_bytes = self.peak_bytes.max(peak);
        } else {
            assert_eq!(arena.used_bytes(), used_bytes, "a scope ends where it began");
            self.go_back(arena, values, used_bytes);
        }
    }

    fn frame(&mut self, frame: &mut Frame<'_>, steps: &[Step]) {
        for step in steps {
            let values = self.values.len();
            match step {
                Step::Scope(inner) => {
                    frame.scope(|frame| self.frame(frame, inner));
                    self.values.truncate(values);
                }
                Step::Leaked(inner) => {
                    let mut guard = frame.enter();
                    self.frame(&mut guard.frame(), inner);
                    std::mem::forget(guard);
                    self.values.truncate(values);
                }
                Step::Checkpoint | Step::Rewind(_) | Step::Exclusive { .. } | Step::Reset | Step::Release => {
                }
                allocation => {
                    let value = frame.allocate(allocation, values);
                    self.keep(value);
                }
            }
            self.values.iter().for_each(Value::check);
            let least: usize = self.values.iter().map(|value| value.expected.len()).sum();
            // A forgotten frame takes the knowledge of its own peak with it.
            self.least_peak = if self.leaky { 0 } else { self.least_peak.max(least) };
        }
    }

    fn allocate(&mut self, arena: &mut Arena, step: &Step) {
        let used = arena.used_bytes();
        match self.keep(arena.allocate(step, self.values.len())) {
            Some(bytes) => assert!(arena.used_bytes() >= used + bytes),
            None => assert_eq!(arena.used_bytes(), used, "a refusal takes nothing"),
        }
    }

    /// Remembers a new value, and says how large it is.
    fn keep(&mut self, value: Result<Value, MemoryError>) -> Option<usize> {
        match value {
            // An empty value moves no cursor, so a checkpoint behind it is the same as one before it.
            Ok(value) if value.expected.is_empty() => Some(0),
            Ok(value) => {
                let apart = |other: &Value| other.end() <= value.start() || value.end() <= other.start();
                assert!(self.values.iter().all(apart), "no overlap");
                let bytes = value.expected.len();
                self.values.push(value);
                Some(bytes)
            }
            Err(_) => {
                assert!(self.limit < usize::MAX, "only a limit refuses");
                None
            }
        }
    }

    fn forget_all(&mut self, arena: &Arena) {
        assert_eq!(arena.used_bytes(), 0);
        self.go_back(arena, 0, 0);
        self.marks.iter_mut().for_each(|mark| mark.good = false);
    }

    fn go_back(&mut self, arena: &Arena, values: usize, used_bytes: usize) {
        for forgotten in self.values.drain(values..) {
            assert!(!arena.owns(forgotten.at.as_ptr()), "what was forgotten is not owned");
        }
        for mark in &mut self.marks {
            mark.good &= mark.used_bytes <= used_bytes;
        }
    }

    fn check(&mut self, arena: &Arena) {
        self.peak_bytes = self.peak_bytes.max(arena.used_bytes());
        let stats = arena.stats();
        assert!(stats.peak_bytes >= self.peak_bytes.max(self.least_peak));
        assert!(stats.peak_bytes <= self.limit.min(100 << 20), "the peak is no invention");
        self.peak_bytes = stats.peak_bytes;
        assert!(stats.used_bytes <= stats.committed_bytes && stats.committed_bytes <= self.limit);
        assert_eq!(stats.blocks == 0, stats.committed_bytes == 0);
        for value in &self.values {
            value.check();
            assert!(arena.owns(value.at.as_ptr()));
            assert!(arena.owns(value.at.as_ptr().wrapping_add(value.expected.len() - 1)));
        }
        assert!(!arena.owns(&raw const *self));
    }
}

proptest! {
    #[test]
    fn an_arena_behaves_like_its_model(
        steps in steps(),
        first_block in prop_oneof![Just(0u64), 0..10_000u64],
        limit in prop_oneof![Just(usize::MAX), 0..100_000usize],
    ) {
        let mut arena =
            Arena::new().with_first_block(Bytes::new(first_block)).with_limit(Bytes::from_usize(limit));
        let mut model = Model { limit, leaky: leaks(&steps), ..Model::default() };
        model.run(&mut arena, &steps);
    }

    /// However a program mixes its sizes: after a few rounds, a reset finds all the memory that the next round needs.
    #[test]
    fn rounds_between_resets_stop_taking_memory(steps in prop::collection::vec(allocation(), 1..60)) {
        let mut arena = Arena::new();
        let mut round = || {
            let mut model = Model { limit: usize::MAX, ..Model::default() };
            steps.iter().for_each(|step| model.allocate(&mut arena, step));
            arena.reset();
            arena.committed_bytes()
        };
        let settled = (0..16).map(|_| round()).last();
        prop_assert_eq!(Some(round()), settled);
    }

    #[test]
    fn absurd_sizes_are_refused_with_figures(distance in 0..10_000usize, shift in 0..usize::BITS - 1) {
        let align = 1usize << shift;
        let largest = isize::MAX as usize - (align - 1);
        let layout = Layout::from_size_align(largest.saturating_sub(distance).max(1 << 62), align);
        prop_assume!(layout.is_ok());
        let arena = Arena::new();
        prop_assert!(arena.try_alloc_layout(layout.expect("checked")).is_err());
        prop_assert!(arena.try_alloc_slice_fill_with(usize::MAX - distance, |_| 0u16).is_err());
        prop_assert_eq!(arena.stats(), Arena::new().stats());
    }
}
