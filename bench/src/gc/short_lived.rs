//! `gc/short-lived/LIVE`: what a short-lived object costs while many others live.
//!
//! A list of LIVE nodes of 16 bytes is built and collected once; then nodes that nothing refers to are allocated,
//! enough of them for a collector that traces everything to do so several times. Only these allocations are timed.
//! A collector that pays for the live set at each collection gets slower as that grows; `gc/short-lived-growth` is
//! ours beside itself with a sixteenth of the objects.

use super::boehm::{self, Boehm};
use super::boxed::BoxedLiveSet;
use super::configuration::{Configuration, DEFAULT};
use super::dumpster::DumpsterLiveSet;
use super::gc_arena::{self, GcArenaLiveSet};
use super::program::Program;
use super::raw::RawLiveSet;
use super::safe::SafeLiveSet;
use crate::clock;
use crate::row::{Contender, Home, Measurement, Mode, OURS, Rounds, Row, Tier, Unit, When};
use std::rc::Rc;

const FULL: Sizes = Sizes { few: 1_000_000, many: 16_000_000, when: When::Full };
const QUICK: Sizes = Sizes { few: 100_000, many: 1_600_000, when: When::Quick };

const ROUNDS: Rounds = Rounds { full: 3, quick: 2 };

/// How many objects live in the rows of a run.
struct Sizes {
    few: u64,
    many: u64,
    when: When,
}

/// How many short-lived objects are allocated: at least four for each live one.
fn allocations(mode: Mode) -> u64 {
    match mode {
        Mode::Full => 64_000_000,
        Mode::Quick => 6_400_000,
    }
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for sizes in [QUICK, FULL] {
        rows.extend(program(sizes.few, sizes.when).rows());
        rows.extend(program(sizes.many, sizes.when).rows());
        rows.extend(growth_rows(sizes));
    }
    rows
}

fn program(live: u64, when: When) -> Program {
    let gc_arena = move |mode| {
        gc_arena::at_its_best(|pacing| measure(GcArenaLiveSet::new(live, pacing), live, allocations(mode)))
    };
    let boxed = move |mode| measure(BoxedLiveSet::new(live), live, allocations(mode));
    let dumpster = move |mode| measure(DumpsterLiveSet::new(live), live, allocations(mode));
    Program {
        name: format!("short-lived/{live}"),
        about: format!("one short-lived allocation of 16 bytes while {live} others of that size live"),
        unit: Unit::Operation,
        when,
        rounds: ROUNDS,
        ours: Rc::new(move |configuration, mode| {
            measure(RawLiveSet::new(live, configuration), live, allocations(mode))
        }),
        safe: Rc::new(move |configuration, mode| {
            measure(SafeLiveSet::new(live, configuration), live, allocations(mode))
        }),
        rivals: vec![
            Contender::new("gc-arena", Home::Mimalloc, gc_arena),
            Contender::new("dumpster", Home::Mimalloc, dumpster),
            boehm::contender(move |mode| measure(Boehm::keeping(live), live, allocations(mode))),
            Contender::new("mimalloc", Home::Mimalloc, boxed),
        ],
    }
}

fn growth_rows(sizes: Sizes) -> [Row; 2] {
    [growth_row(Tier::Raw, RawLiveSet::new, &sizes), growth_row(Tier::Safe, SafeLiveSet::new, &sizes)]
}

fn growth_row<S>(tier: Tier, make: fn(u64, Configuration) -> S, sizes: &Sizes) -> Row
where
    S: LiveSet + 'static,
{
    let &Sizes { few, many, when } = sizes;
    let ours = |live| move |mode| measure(make(live, DEFAULT), live, allocations(mode));
    Row {
        name: format!("gc/short-lived-growth/{tier}/{many}"),
        about: format!("ours in gc/short-lived with {many} live objects beside ours with {few}"),
        tier: Some(tier),
        unit: Unit::Operation,
        when,
        threads: 1,
        rounds: Rounds::PROGRAMS,
        ours: Contender::new(OURS, Home::Mimalloc, ours(many)),
        rivals: vec![Contender::new("terrane-few-live", Home::Mimalloc, ours(few))],
    }
}

/// A heap with a list that stays, of the numbers from so many down to 1, just after a full collection.
pub(super) trait LiveSet {
    /// Allocates nodes with the numbers from 0 up, nothing keeping them; the sum of the numbers.
    fn churn(&mut self, allocations: u64) -> u64;

    /// The sum of the list.
    fn sum(&self) -> u64;
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 allocations")]
fn measure(mut set: impl LiveSet, live: u64, allocations: u64) -> Measurement {
    let (ns, checksum) = clock::time(|| set.churn(allocations));
    assert_eq!(set.sum(), live * (live + 1) / 2, "the live objects changed");
    Measurement { ns_by_copy: vec![ns / allocations as f64], checksum }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checksum(set: impl LiveSet, live: u64) -> u64 {
        measure(set, live, 100_000).checksum
    }

    #[test]
    fn all_contenders_compute_the_sum_of_the_numbers() {
        let expected = 100_000 * 99_999 / 2;
        for live in [1_000, 50_000] {
            for pacing in gc_arena::PACINGS {
                assert_eq!(checksum(GcArenaLiveSet::new(live, pacing), live), expected);
            }
            assert_eq!(checksum(DumpsterLiveSet::new(live), live), expected);
            assert_eq!(checksum(BoxedLiveSet::new(live), live), expected);
            assert_eq!(checksum(RawLiveSet::new(live, DEFAULT), live), expected);
            assert_eq!(checksum(SafeLiveSet::new(live, DEFAULT), live), expected);
        }
    }
}
