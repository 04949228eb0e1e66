//! `gc/deep-list/LENGTH`: lists are built, walked and dropped.
//!
//! A list is as deep as it is long: a collector that follows references by calling itself, and an owner that frees
//! them so, overflow the stack. Contenders whose drop would call itself take the list apart link by link.

use super::boehm::{self, Boehm};
use super::boxed::BoxedLists;
use super::dumpster::DumpsterLists;
use super::gc_arena::{self, GcArenaLists};
use super::program::Program;
use super::raw::RawLists;
use super::safe::SafeLists;
use crate::checksum;
use crate::clock;
use crate::row::{Contender, Home, Measurement, Rounds, Row, Unit, When};
use std::rc::Rc;

/// How many lists are made, one after the other.
const LISTS: u32 = 16;

pub(super) fn rows() -> Vec<Row> {
    let mut rows = program(100_000, When::Quick).rows();
    rows.extend(program(1_000_000, When::Full).rows());
    rows
}

fn program(length: u64, when: When) -> Program {
    let gc_arena = move |pacing| measure(|| GcArenaLists::new(pacing), length);
    Program {
        name: format!("deep-list/{length}"),
        about: format!("builds, walks and drops {LISTS} lists of {length} links, one after the other"),
        unit: Unit::Run,
        when,
        rounds: Rounds::PROGRAMS,
        ours: Rc::new(move |configuration, _| measure(|| RawLists::new(configuration), length)),
        safe: Rc::new(move |configuration, _| measure(|| SafeLists::new(configuration), length)),
        rivals: vec![
            Contender::new("gc-arena", Home::Mimalloc, move |_| gc_arena::at_its_best(gc_arena)),
            Contender::new("dumpster", Home::Mimalloc, move |_| measure(|| DumpsterLists, length)),
            boehm::contender(move |_| measure(Boehm::start, length)),
            Contender::new("mimalloc", Home::Mimalloc, move |_| measure(|| BoxedLists, length)),
            Contender::new("glibc", Home::Glibc, move |_| measure(|| BoxedLists, length)),
        ],
    }
}

/// A heap for lists.
pub(super) trait Lists {
    /// Builds the list of the numbers from `length` down to 1, sums it in a walk of its own, and lets it go.
    fn temporary(&mut self, length: u64) -> u64;
}

fn measure<L: Lists>(empty: impl Fn() -> L, length: u64) -> Measurement {
    let (ns, checksum) = clock::time(|| run(empty(), length));
    Measurement { ns_by_copy: vec![ns], checksum }
}

fn run<L: Lists>(mut lists: L, length: u64) -> u64 {
    checksum::of((0..LISTS).map(|_| lists.temporary(length)))
}

#[cfg(test)]
mod tests {
    use super::super::configuration::DEFAULT;
    use super::*;

    #[test]
    fn all_contenders_sum_lists_too_long_for_the_stack() {
        let length = 300_000;
        let expected = checksum::of((0..LISTS).map(|_| length * (length + 1) / 2));
        assert_eq!(run(BoxedLists, length), expected);
        assert_eq!(run(DumpsterLists, length), expected);
        gc_arena::PACINGS
            .iter()
            .for_each(|&pacing| assert_eq!(run(GcArenaLists::new(pacing), length), expected));
        assert_eq!(run(RawLists::new(DEFAULT), length), expected);
        assert_eq!(run(SafeLists::new(DEFAULT), length), expected);
    }
}
