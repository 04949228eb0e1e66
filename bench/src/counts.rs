//! Loops over the fast paths, for counting their instructions.
//!
//! `bench-count CASE TURNS` runs one of these loops under callgrind (`cargo xtask count`). The difference between two
//! numbers of turns, divided by theirs, leaves out everything that happens once: starting the process, making the arena.
//! The same for an empty loop is subtracted; what remains is the fast path. The counts do not depend on the machine's
//! speed or load, only on the compiler, and so they can be guarded where times cannot.
//!
//! In each turn a pointer passes through `black_box`: to the new object, or to whatever keeps the compiler from leaving
//! the operation out. The empty loops do the same with a pointer that never changes. All memory is there before
//! the loop begins; a slow path would show as a fraction.

use crate::gc::counted::OldPair;
use std::hint::black_box;
use std::ptr::NonNull;
use terrane_arena::{Arena, Budget, Bytes, FrameStack};
use terrane_base::LocalLeaf;

/// The most turns that the memory of every case is enough for.
pub const TURNS_MAX: u64 = 200_000;

/// A loop to count.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What it is called on the command line and in the table of figures.
    pub name: &'static str,
    /// Runs so many turns.
    pub run: fn(u64),
}

/// All loops, the empty ones included.
pub const CASES: [Case; 13] = [
    Case { name: "loop", run: empty_loop },
    Case { name: "loop-reading", run: reading_loop },
    Case { name: "arena-alloc-u64", run: alloc::<1> },
    Case { name: "arena-alloc-16", run: alloc::<2> },
    Case { name: "arena-alloc-32", run: alloc::<4> },
    Case { name: "arena-alloc-64", run: alloc::<8> },
    Case { name: "arena-budget-16", run: alloc_within_budget },
    Case { name: "arena-scope", run: scope },
    Case { name: "frame-enter-leave", run: enter_and_leave },
    Case { name: "frame-alloc-16", run: frame_alloc },
    Case { name: "budget-local", run: charge },
    Case { name: "gc-bump-16", run: bump },
    Case { name: "gc-write-old-fixnum", run: write_number_to_old },
];

/// The loop with this name.
#[must_use]
pub fn case(name: &str) -> Option<Case> {
    CASES.into_iter().find(|case| case.name == name)
}

fn empty_loop(turns: u64) {
    #[inline(never)]
    fn count(place: &u64, turns: u64) {
        for _ in 0..turns {
            black_box(place);
        }
    }
    count(&0, turns);
}

/// As the empty loop, and reads a word that the compiler does not know.
fn reading_loop(turns: u64) {
    #[inline(never)]
    fn count(place: &u64, turns: u64) {
        for _ in 0..turns {
            read(place);
            black_box(place);
        }
    }
    count(&0, turns);
}

/// Reads a word that the compiler does not know.
#[inline(always)]
pub(crate) fn read(place: &u64) -> u64 {
    // SAFETY: a reference can be read through.
    #[expect(unsafe_code, reason = "only a volatile read is done in every turn of a loop")]
    unsafe {
        std::ptr::from_ref(place).read_volatile()
    }
}

/// Allocates objects of some words through a shared reference.
fn alloc<const WORDS: usize>(turns: u64) {
    alloc_in::<WORDS>(Arena::new(), turns);
}

/// Allocates objects of 16 bytes in an arena whose blocks are charged to a budget.
fn alloc_within_budget(turns: u64) {
    let budget = Budget::root(Bytes::from_mib(64)).child("arena").max(Bytes::from_mib(32));
    alloc_in::<2>(Arena::new().with_budget(&budget), turns);
    assert!(budget.peak() >= Bytes::from_mib(16), "its blocks were charged");
}

fn alloc_in<const WORDS: usize>(arena: Arena, turns: u64) {
    #[inline(never)]
    fn count<const WORDS: usize>(arena: &Arena, value: u64, turns: u64) {
        for _ in 0..turns {
            black_box(arena.alloc([value; WORDS]));
        }
    }
    let mut arena = arena.with_first_block(Bytes::from_mib(16));
    arena.alloc(0u64);
    arena.reset();
    count::<WORDS>(&arena, black_box(7), turns);
    assert_eq!(arena.blocks(), 1, "the loop stayed on the fast path");
    assert_eq!(arena.used_bytes() as u64, turns * size_of::<[u64; WORDS]>() as u64);
}

/// Enters a scope in which nothing is allocated and leaves it.
fn scope(turns: u64) {
    #[inline(never)]
    fn count(arena: &mut Arena, turns: u64) {
        for _ in 0..turns {
            arena.scope(|arena| {
                black_box(arena);
            });
        }
    }
    let mut arena = Arena::new();
    arena.alloc(0u64);
    count(&mut arena, turns);
    assert_eq!(arena.used_bytes(), 8);
}

fn enter_and_leave(turns: u64) {
    #[inline(never)]
    fn count(frames: &mut FrameStack, turns: u64) {
        for _ in 0..turns {
            frames.enter();
            black_box(&mut *frames);
            frames.leave();
        }
    }
    with_frames(0, |frames| {
        count(frames, turns);
        assert_eq!((frames.depth(), frames.stats().frames_entered), (0, turns));
    });
}

fn frame_alloc(turns: u64) {
    #[inline(never)]
    fn count(frames: &mut FrameStack, turns: u64) -> bool {
        for _ in 0..turns {
            let Some(place) = frames.alloc(16) else { return false };
            black_box(place);
        }
        true
    }
    with_frames(turns * 16, |frames| assert!(count(frames, turns), "the frame stack is full"));
}

/// Gives `work` a frame stack over at least so many bytes.
fn with_frames(bytes: u64, work: impl FnOnce(&mut FrameStack)) {
    let words = usize::try_from(bytes.div_ceil(8)).expect("the region fits memory").max(64);
    let mut region = vec![0u64; words];
    let base = NonNull::from(region.as_mut_slice()).cast::<u8>();
    // SAFETY: the vector's buffer is 8-aligned, outlives the stack, and is not touched beside it.
    #[expect(unsafe_code, reason = "the frame stack works on memory that somebody else owns")]
    let mut frames = unsafe { FrameStack::over(base, size_of_val(region.as_slice())) };
    work(&mut frames);
}

/// Charges a byte to a leaf of one thread: so little that the leaf goes to its budget next to never.
fn charge(turns: u64) {
    #[inline(never)]
    fn count(leaf: &LocalLeaf, size: Bytes, turns: u64) -> bool {
        for _ in 0..turns {
            if leaf.try_charge(size).is_err() {
                return false;
            }
            black_box(leaf);
        }
        true
    }
    let leaf = Budget::root(Bytes::from_mib(64)).local_leaf();
    assert!(count(&leaf, black_box(Bytes::new(1)), turns), "the budget is large enough");
    assert_eq!(leaf.charged(), Bytes::new(turns));
}

/// Takes memory for a pair from the nursery.
fn bump(turns: u64) {
    let mut pair = OldPair::new();
    assert!(pair.bump(turns), "the nursery is full");
}

/// Stores a number in an old object, with the write barrier.
fn write_number_to_old(turns: u64) {
    OldPair::new().write_numbers(turns);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_case_runs_the_most_turns() {
        for case in CASES {
            (case.run)(TURNS_MAX);
        }
    }

    #[test]
    fn names_are_unique_and_found() {
        let names: HashSet<_> = CASES.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), CASES.len());
        assert!(CASES.iter().all(|each| case(each.name).is_some_and(|found| found.name == each.name)));
        assert!(case("arena-alloc").is_none());
    }
}
