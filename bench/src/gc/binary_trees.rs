//! `gc/binary-trees/DEPTH`: the program of that name from the Benchmarks Game, after Boehm's *GCBench*.
//!
//! A tree of depth `DEPTH + 1` is built and dropped to stretch the heap, one of `DEPTH` is kept to the end, and
//! beside it many small trees are built, counted and dropped: 2^(DEPTH + 4 − d) of each even depth d from 4. Depth 18
//! makes 69 million nodes of two references each. Making and giving back the heap is part of the run.

use super::boxed::BoxedForest;
use super::gc_arena::GcArenaForest;
use super::raw::RawForest;
use crate::checksum;
use crate::clock;
use crate::row::{Contender, Home, Measurement, OURS, Rounds, Row, Tier, Unit, When};

/// The depth of the smallest trees.
const SMALLEST: u32 = 4;

pub(super) fn rows() -> Vec<Row> {
    vec![
        row(14, When::Quick, Rounds::PROGRAMS),
        row(18, When::Full, Rounds::PROGRAMS),
        row(21, When::Named, Rounds::LONG_PROGRAMS),
    ]
}

fn row(depth: u32, when: When, rounds: Rounds) -> Row {
    Row {
        name: format!("gc/binary-trees/{depth}"),
        about: format!(
            "builds, counts and drops trees up to depth {}, the Benchmarks Game's program",
            depth + 1
        ),
        tier: Some(Tier::Raw),
        unit: Unit::Run,
        when,
        threads: 1,
        rounds,
        ours: Contender::new(OURS, Home::Mimalloc, move |_| measure::<RawForest>(depth)),
        rivals: vec![
            Contender::new("gc-arena", Home::Mimalloc, move |_| measure::<GcArenaForest>(depth)),
            Contender::new("mimalloc", Home::Mimalloc, move |_| measure::<BoxedForest>(depth)),
        ],
    }
}

/// A heap that trees grow in. Every node is allocated on its own, after its children.
pub(super) trait Forest {
    /// A heap without trees.
    fn empty() -> Self;

    /// Builds a tree, counts its nodes and lets it go.
    fn temporary(&mut self, depth: u32) -> u64;

    /// Builds the tree that is kept.
    fn keep(&mut self, depth: u32);

    /// Counts the nodes of the tree that is kept.
    fn count_kept(&self) -> u64;
}

fn measure<F: Forest>(depth: u32) -> Measurement {
    let (ns, checksum) = clock::time(|| run::<F>(depth));
    Measurement { ns_by_copy: vec![ns], checksum }
}

fn run<F: Forest>(depth: u32) -> u64 {
    let mut forest = F::empty();
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
        fn empty() -> Self {
            Self(0)
        }

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
        let expected = run::<Arithmetic>(10);
        assert_eq!(run::<BoxedForest>(10), expected);
        assert_eq!(run::<GcArenaForest>(10), expected);
        assert_eq!(run::<RawForest>(10), expected);
        assert_ne!(run::<Arithmetic>(12), expected);
    }
}
