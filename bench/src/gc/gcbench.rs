//! `gc/gcbench/DEPTH`: after *GCBench* of Ellis, Kovac and Boehm.
//!
//! A long-lived tree is grown from the top (a node is allocated first, then its children, which are stored in it), and a
//! long-lived array of doubles lies beside it. Then trees of each even depth are grown and dropped, once from the top
//! and once from the bottom, as many of each depth as make up two trees of the depth that first stretched the heap.
//! Nodes are two references; the original's also hold two numbers that it never reads.

use super::boehm::{self, Boehm};
use super::boxed::BoxedGrove;
use super::dumpster::DumpsterGrove;
use super::gc_arena::{self, GcArenaGrove};
use super::program::Program;
use super::raw::RawGrove;
use super::safe::SafeGrove;
use crate::checksum;
use crate::clock;
use crate::row::{Contender, Home, Measurement, Rounds, Row, Unit, When};
use std::rc::Rc;

/// The depth of the smallest trees.
const SMALLEST: u32 = 4;

/// How many doubles are kept in a full run; the first half of them is not zero.
const DOUBLES: usize = 500_000;

pub(super) fn rows() -> Vec<Row> {
    let mut rows = program(14, When::Quick).rows();
    rows.extend(program(18, When::Full).rows());
    rows
}

fn program(depth: u32, when: When) -> Program {
    let gc_arena = move |pacing| measure(|| GcArenaGrove::new(pacing), depth);
    Program {
        name: format!("gcbench/{depth}"),
        about: format!(
            "grows trees up to depth {depth} from the top and the bottom beside a tree and an array"
        ),
        unit: Unit::Run,
        when,
        rounds: Rounds::PROGRAMS,
        ours: Rc::new(move |configuration, _| measure(|| RawGrove::new(configuration), depth)),
        safe: Rc::new(move |configuration, _| measure(|| SafeGrove::new(configuration), depth)),
        rivals: vec![
            Contender::new("gc-arena", Home::Mimalloc, move |_| gc_arena::at_its_best(gc_arena)),
            Contender::new("dumpster", Home::Mimalloc, move |_| measure(DumpsterGrove::default, depth)),
            boehm::contender(move |_| measure(Boehm::start, depth)),
            Contender::new("mimalloc", Home::Mimalloc, move |_| measure(BoxedGrove::default, depth)),
            Contender::new("glibc", Home::Glibc, move |_| measure(BoxedGrove::default, depth)),
        ],
    }
}

/// A heap that trees grow in from both ends.
pub(super) trait Grove {
    /// Grows a tree from the top and lets it go; the number of nodes down its left edge.
    fn top_down(&mut self, depth: u32) -> u64;

    /// The same, from the bottom.
    fn bottom_up(&mut self, depth: u32) -> u64;

    /// Grows the tree that is kept, from the top.
    fn keep_tree(&mut self, depth: u32);

    /// Makes the array that is kept: [`reciprocal`] of each index in its first half, zero in the other.
    fn keep_doubles(&mut self, length: usize);

    /// Counts the nodes of the tree that is kept.
    fn count_kept(&self) -> u64;

    /// An element of the array.
    fn double(&self, index: usize) -> f64;
}

/// What an element in the first half of the array is.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 elements")]
pub(super) fn reciprocal(index: usize) -> f64 {
    1.0 / (index + 1) as f64
}

fn measure<G: Grove>(empty: impl Fn() -> G, depth: u32) -> Measurement {
    let (ns, checksum) = clock::time(|| run(empty(), depth));
    Measurement { ns_by_copy: vec![ns], checksum }
}

/// The nodes of a tree.
fn nodes(depth: u32) -> u64 {
    (2 << depth) - 1
}

fn run<G: Grove>(mut grove: G, depth: u32) -> u64 {
    let mut sum = checksum::of([grove.bottom_up(depth)]);
    grove.keep_tree(depth - 2);
    grove.keep_doubles(DOUBLES);
    for small in (SMALLEST..depth - 1).step_by(2) {
        let trees = 2 * nodes(depth) / nodes(small);
        let from_the_top = (0..trees).map(|_| grove.top_down(small)).sum();
        let from_the_bottom = (0..trees).map(|_| grove.bottom_up(small)).sum();
        sum = checksum::mix(checksum::mix(sum, from_the_top), from_the_bottom);
    }
    let doubles = [0, 1_000, DOUBLES / 2 - 1, DOUBLES / 2].map(|index| grove.double(index).to_bits());
    doubles.into_iter().chain([grove.count_kept()]).fold(sum, checksum::mix)
}

#[cfg(test)]
mod tests {
    use super::super::configuration::DEFAULT;
    use super::*;

    /// Knows the answers without building.
    struct Arithmetic(u64);

    impl Grove for Arithmetic {
        fn top_down(&mut self, depth: u32) -> u64 {
            u64::from(depth) + 1
        }

        fn bottom_up(&mut self, depth: u32) -> u64 {
            u64::from(depth) + 1
        }

        fn keep_tree(&mut self, depth: u32) {
            self.0 = nodes(depth);
        }

        fn keep_doubles(&mut self, length: usize) {
            assert_eq!(length, DOUBLES);
        }

        fn count_kept(&self) -> u64 {
            self.0
        }

        fn double(&self, index: usize) -> f64 {
            if index < DOUBLES / 2 { reciprocal(index) } else { 0.0 }
        }
    }

    #[test]
    fn all_contenders_compute_what_arithmetic_computes() {
        let expected = run(Arithmetic(0), 12);
        assert_eq!(run(BoxedGrove::default(), 12), expected);
        assert_eq!(run(DumpsterGrove::default(), 12), expected);
        gc_arena::PACINGS.iter().for_each(|&pacing| assert_eq!(run(GcArenaGrove::new(pacing), 12), expected));
        assert_eq!(run(RawGrove::new(DEFAULT), 12), expected);
        assert_eq!(run(SafeGrove::new(DEFAULT), 12), expected);
    }
}
