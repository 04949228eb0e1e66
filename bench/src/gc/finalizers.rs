//! `gc/pause/finalizers-…`: objects that must be seen once more when they have died.
//!
//! Slots hold resources. In a unit, 1024 slots at random are given new ones, and whatever was found dead by then is closed.
//! Ours come to a `FinalizerQueue`, which the unit empties; Boehm's have a finalizer each, which the unit asks for;
//! gc-arena's are values with a destructor, which it runs while it sweeps; so are those that are freed by hand.
//!
//! *Live* are a resource and its slot: 24 and 8 bytes.

use super::boehm::{self, Boehm};
use super::boxed::BoxedResources;
use super::configuration::DEFAULT;
use super::gc_arena::GcArenaResources;
use super::pauses::{self, InUnits};
use super::random::Random;
use super::safe::SafeResources;
use crate::checksum;
use crate::row::{Contender, Details, Home, Measurement, OURS, Rounds, Row, Tier, Unit, When};
use std::time::Duration;

/// Resources that are replaced in one unit.
const UNIT_RESOURCES: usize = 1024;

/// Bytes that live for each slot.
const LIVE_BYTES: u64 = 32;

#[derive(Clone, Copy, Debug)]
struct Size {
    name: &'static str,
    slots: usize,
    time: Duration,
    when: When,
}

const FULL: Size =
    Size { name: "finalizers-1m", slots: 1_000_000, time: Duration::from_secs(5), when: When::Full };
const QUICK: Size =
    Size { name: "finalizers-10k", slots: 10_000, time: Duration::from_secs(1), when: When::Quick };

pub(super) fn rows() -> Vec<Row> {
    [QUICK, FULL].map(row).into()
}

fn row(size: Size) -> Row {
    let Size { name, slots, when, .. } = size;
    Row {
        name: format!("gc/pause/{name}"),
        about: format!("one unit, in which {UNIT_RESOURCES} of {slots} objects with finalizers are replaced"),
        tier: Some(Tier::Safe),
        unit: Unit::Operation,
        when,
        threads: 1,
        rounds: Rounds { full: 1, quick: 1 },
        ours: contender(OURS, |slots| SafeResources::new(slots, DEFAULT), size),
        rivals: vec![
            contender("gc-arena", GcArenaResources::new, size),
            boehm::contender_with_details(move |_| measure(&Boehm::with_resources, size)),
            contender("mimalloc", BoxedResources::new, size),
        ],
    }
}

fn contender<R: Resources>(id: &'static str, make: impl Fn(usize) -> R + 'static, size: Size) -> Contender {
    Contender::with_details(id, Home::Mimalloc, move |_| measure(&make, size))
}

fn measure<R: Resources>(make: &impl Fn(usize) -> R, size: Size) -> (Measurement, Details) {
    pauses::measure(&mut Table::new(make(size.slots), size.slots), size.time)
}

/// Slots with resources.
pub(super) trait Resources {
    /// Puts a new resource in the slot.
    fn replace(&mut self, slot: usize, value: u64);

    /// What the resource in the slot holds.
    fn value(&mut self, slot: usize) -> u64;

    /// Closes those that were found dead since the last call; how many.
    fn close(&mut self) -> u64;

    /// What the heap has from the system, if it says so.
    fn heap_bytes(&self) -> Option<u64> {
        None
    }

    /// CPU time of each pause since the last call, in nanoseconds, if the collector tells.
    fn take_pauses_ns(&mut self) -> Vec<u64> {
        Vec::new()
    }
}

/// Resources, and what each must hold.
struct Table<R> {
    resources: R,
    expected: Vec<u32>,
    random: Random,
    replaced: u64,
    closed: u64,
}

impl<R: Resources> Table<R> {
    fn new(mut resources: R, slots: usize) -> Self {
        // A table has fewer than 2^32 slots.
        let expected: Vec<u32> = (0..slots as u32).collect();
        expected.iter().enumerate().for_each(|(slot, &value)| resources.replace(slot, u64::from(value)));
        Self { resources, expected, random: Random::new(17), replaced: 0, closed: 0 }
    }
}

impl<R: Resources> InUnits for Table<R> {
    fn unit(&mut self) {
        for _ in 0..UNIT_RESOURCES {
            let slot = self.random.below(self.expected.len() as u32) as usize;
            let value = self.random.next() as u32;
            self.resources.replace(slot, u64::from(value));
            self.expected[slot] = value;
            self.replaced += 1;
        }
        self.closed += self.resources.close();
    }

    fn check(&mut self) -> u64 {
        assert!(self.closed <= self.replaced, "{} of {} were closed", self.closed, self.replaced);
        let value = |slot| {
            let value = self.resources.value(slot);
            assert_eq!(value, u64::from(self.expected[slot]), "the resource in slot {slot} changed");
            value
        };
        checksum::of((0..self.expected.len()).map(value))
    }

    fn live_bytes(&self) -> u64 {
        self.expected.len() as u64 * LIVE_BYTES
    }

    fn heap_bytes(&self) -> Option<u64> {
        self.resources.heap_bytes()
    }

    fn take_pauses_ns(&mut self) -> Vec<u64> {
        self.resources.take_pauses_ns()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOTS: usize = 3_000;

    /// Runs units until so many are closed as were replaced, but for those that died of late: where objects are born in the old
    /// space, as many as fill what a heap may grow by.
    fn checksum(resources: impl Resources) -> u64 {
        let mut table = Table::new(resources, SLOTS);
        let mut checksum = 0;
        for unit in 1..=1500 {
            table.unit();
            if unit == 25 {
                checksum = table.check();
            }
        }
        let (replaced, closed) = (table.replaced, table.closed);
        assert!(closed > replaced / 2, "{closed} of {replaced} were closed");
        assert_ne!(table.check(), checksum);
        checksum
    }

    #[test]
    fn all_contenders_hold_the_same_and_close_the_dead() {
        let expected = checksum(BoxedResources::new(SLOTS));
        assert_eq!(checksum(GcArenaResources::new(SLOTS)), expected);
        assert_eq!(checksum(SafeResources::new(SLOTS, DEFAULT)), expected);
    }
}
