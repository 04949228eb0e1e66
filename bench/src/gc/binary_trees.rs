//! `gc/binary-trees/DEPTH`: the program of that name from the Benchmarks Game, after Boehm's *GCBench*.
//!
//! A tree of depth `DEPTH + 1` is built and dropped to stretch the heap, one of `DEPTH` is kept to the end, and
//! beside it many small trees are built, counted and dropped: 2^(DEPTH + 4 − d) of each even depth d from 4. Depth 18
//! makes 69 million nodes of two references each. Making and giving back the heap is part of the run.
//!
//! `gc/binary-trees-peak/DEPTH` compares not the times but the peaks of memory, with what an arena needs that gives each
//! tree back at once.

use super::boehm::{self, Boehm};
use super::boxed::BoxedForest;
use super::bumped::BumpedForest;
use super::configuration::DEFAULT;
use super::dumpster::DumpsterForest;
use super::gc_arena::{self, GcArenaForest};
use super::program::Program;
use super::raw::RawForest;
use super::safe::SafeForest;
use crate::checksum;
use crate::clock;
use crate::row::{Contender, Home, Measurement, OURS, OURS_SAFE, Rounds, Row, Tier, Unit, When};
use std::rc::Rc;

/// The depth of the smallest trees.
const SMALLEST: u32 = 4;

/// From this depth on a run takes minutes: gc-arena has only the pacing that is faster on smaller trees, and glibc, slower
/// than mimalloc on all of them, is left out.
const LONG: u32 = 20;

pub(super) fn rows() -> Vec<Row> {
    let mut rows = program(14, When::Quick, Rounds::PROGRAMS).rows();
    rows.extend(program(18, When::Full, Rounds::PROGRAMS).rows());
    rows.extend(program(21, When::Full, Rounds { full: 2, quick: 1 }).rows());
    rows.push(peak_row(16, When::Quick));
    rows.push(peak_row(21, When::Full));
    rows
}

fn program(depth: u32, when: When, rounds: Rounds) -> Program {
    let gc_arena = move |pacing| measure(|| GcArenaForest::new(pacing), depth);
    let pacings = if depth < LONG { &gc_arena::PACINGS[..] } else { &gc_arena::PACINGS[..1] };
    let glibc = Contender::new("glibc", Home::Glibc, move |_| measure(BoxedForest::default, depth));
    Program {
        name: format!("binary-trees/{depth}"),
        about: format!(
            "builds, counts and drops trees up to depth {}, the Benchmarks Game's program",
            depth + 1
        ),
        unit: Unit::Run,
        when,
        rounds,
        ours: Rc::new(move |configuration, _| measure(|| RawForest::new(configuration), depth)),
        safe: Rc::new(move |configuration, _| measure(|| SafeForest::new(configuration), depth)),
        rivals: vec![
            Contender::new("gc-arena", Home::Mimalloc, move |_| gc_arena::best_of(pacings, gc_arena)),
            Contender::new("dumpster", Home::Mimalloc, move |_| measure(DumpsterForest::default, depth)),
            boehm::contender(move |_| measure(Boehm::start, depth)),
            Contender::new("mimalloc", Home::Mimalloc, move |_| measure(BoxedForest::default, depth)),
        ]
        .into_iter()
        .chain((depth < LONG).then_some(glibc))
        .collect(),
    }
}

fn peak_row(depth: u32, when: When) -> Row {
    let safe =
        Contender::new(OURS_SAFE, Home::Mimalloc, move |_| measure(|| SafeForest::new(DEFAULT), depth));
    Row {
        name: format!("gc/binary-trees-peak/{depth}"),
        about: format!("the most memory that gc/binary-trees/{depth} has resident"),
        tier: Some(Tier::Raw),
        unit: Unit::Peak,
        when,
        threads: 1,
        rounds: Rounds { full: 1, quick: 1 },
        ours: Contender::new(OURS, Home::Mimalloc, move |_| measure(|| RawForest::new(DEFAULT), depth)),
        rivals: vec![
            safe.on_tier(Tier::Safe),
            Contender::new("bumpalo", Home::Glibc, move |_| measure(BumpedForest::default, depth)),
        ],
    }
}

/// A heap that trees grow in. Every node is allocated on its own, after its children.
pub(super) trait Forest {
    /// Builds a tree, counts its nodes and lets it go.
    fn temporary(&mut self, depth: u32) -> u64;

    /// Builds the tree that is kept.
    fn keep(&mut self, depth: u32);

    /// Counts the nodes of the tree that is kept.
    fn count_kept(&self) -> u64;
}

fn measure<F: Forest>(empty: impl Fn() -> F, depth: u32) -> Measurement {
    let (ns, checksum) = clock::time(|| run(empty(), depth));
    Measurement { ns_by_copy: vec![ns], checksum }
}

fn run<F: Forest>(mut forest: F, depth: u32) -> u64 {
    let mut sum = checksum::of([forest.temporary(depth + 1)]);
    forest.keep(depth);
    for small in (SMALLEST..=depth).step_by(2) {
        let trees = 1u64 << (depth + SMALLEST - small);
        let nodes = (0..trees).map(|_| forest.temporary(small)).sum();
        sum = checksum::mix(sum, nodes);
    }
    checksum::mix(sum, forest.count_kept())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts without building.
    struct Arithmetic(u64);

    impl Forest for Arithmetic {
        fn temporary(&mut self, depth: u32) -> u64 {
            (2 << depth) - 1
        }

        fn keep(&mut self, depth: u32) {
            self.0 = (2 << depth) - 1;
        }

        fn count_kept(&self) -> u64 {
            self.0
        }
    }

    #[test]
    fn all_contenders_count_what_arithmetic_counts() {
        let expected = run(Arithmetic(0), 10);
        assert_eq!(run(BoxedForest::default(), 10), expected);
        assert_eq!(run(BumpedForest::default(), 10), expected);
        assert_eq!(run(DumpsterForest::default(), 10), expected);
        gc_arena::PACINGS
            .iter()
            .for_each(|&pacing| assert_eq!(run(GcArenaForest::new(pacing), 10), expected));
        assert_eq!(run(RawForest::new(DEFAULT), 10), expected);
        assert_eq!(run(SafeForest::new(DEFAULT), 10), expected);
        assert_ne!(run(Arithmetic(0), 12), expected);
    }
}
