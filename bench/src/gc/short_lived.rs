//! `gc/short-lived/LIVE`: what a short-lived object costs while many others live.
//!
//! A list of LIVE nodes of 16 bytes is built and collected once; then nodes that nothing refers to are allocated,
//! enough of them for a collector that traces everything to do so several times. Only these allocations are timed.
//! A collector that pays for the live set at each collection gets slower as that grows; `gc/short-lived-growth` is
//! ours beside itself with a sixteenth of the objects.

use super::gc_arena::GcArenaLiveSet;
use super::raw::RawLiveSet;
use crate::clock;
use crate::row::{Contender, Home, Measurement, Mode, OURS, Rounds, Row, Tier, Unit, When};

const FULL: Sizes = Sizes { few: 1_000_000, many: 16_000_000, when: When::Full };
const QUICK: Sizes = Sizes { few: 100_000, many: 1_600_000, when: When::Quick };

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
        rows.push(row(sizes.few, sizes.when));
        rows.push(row(sizes.many, sizes.when));
        rows.push(growth_row(sizes));
    }
    rows
}

fn row(live: u64, when: When) -> Row {
    Row {
        name: format!("gc/short-lived/{live}"),
        about: format!("one short-lived allocation of 16 bytes while {live} others of that size live"),
        tier: Some(Tier::Raw),
        unit: Unit::Operation,
        when,
        threads: 1,
        rounds: Rounds::PROGRAMS,
        ours: Contender::new(OURS, Home::Mimalloc, move |mode| measure::<RawLiveSet>(live, mode)),
        rivals: vec![Contender::new("gc-arena", Home::Mimalloc, move |mode| {
            measure::<GcArenaLiveSet>(live, mode)
        })],
    }
}

fn growth_row(Sizes { few, many, when }: Sizes) -> Row {
    Row {
        name: format!("gc/short-lived-growth/{many}"),
        about: format!("ours in gc/short-lived with {many} live objects beside ours with {few}"),
        tier: Some(Tier::Raw),
        unit: Unit::Operation,
        when,
        threads: 1,
        rounds: Rounds::PROGRAMS,
        ours: Contender::new(OURS, Home::Mimalloc, move |mode| measure::<RawLiveSet>(many, mode)),
        rivals: vec![Contender::new("terrane-few-live", Home::Mimalloc, move |mode| {
            measure::<RawLiveSet>(few, mode)
        })],
    }
}

/// A heap with a list that stays.
pub(super) trait LiveSet {
    /// A heap with a list of the numbers from `objects` down to 1, just after a full collection.
    fn of(objects: u64) -> Self;

    /// Allocates nodes with the numbers from 0 up, nothing keeping them; the sum of the numbers.
    fn churn(&mut self, allocations: u64) -> u64;

    /// The sum of the list.
    fn sum(&self) -> u64;
}

fn measure<L: LiveSet>(live: u64, mode: Mode) -> Measurement {
    measure_churn::<L>(live, allocations(mode))
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 allocations")]
fn measure_churn<L: LiveSet>(live: u64, allocations: u64) -> Measurement {
    let mut set = L::of(live);
    let (ns, checksum) = clock::time(|| set.churn(allocations));
    assert_eq!(set.sum(), live * (live + 1) / 2, "the live objects changed");
    Measurement { ns_by_copy: vec![ns / allocations as f64], checksum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_contenders_compute_the_sum_of_the_numbers() {
        let expected = 100_000 * 99_999 / 2;
        assert_eq!(measure_churn::<GcArenaLiveSet>(1_000, 100_000).checksum, expected);
        assert_eq!(measure_churn::<GcArenaLiveSet>(50_000, 100_000).checksum, expected);
        assert_eq!(measure_churn::<RawLiveSet>(50_000, 100_000).checksum, expected);
    }
}
