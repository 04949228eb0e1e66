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
use super::pauses::{InUnits, Size};
use super::random::Random;
use super::safe::SafeResources;
use crate::checksum;
use crate::row::{Home, OURS, Row, Tier, When};
use std::time::Duration;
use terrane_gc::raw::PauseHistogram;

/// Resources that are replaced in one unit.
const UNIT_RESOURCES: usize = 1024;

/// Bytes that live for each slot.
const LIVE_BYTES: u64 = 32;

const FULL: Size =
    Size { name: "finalizers-1m", slots: 1_000_000, time: Duration::from_secs(5), when: When::Full };
const QUICK: Size =
    Size { name: "finalizers-10k", slots: 10_000, time: Duration::from_secs(1), when: When::Quick };

pub(super) fn rows() -> Vec<Row> {
    [QUICK, FULL].map(row).into()
}

fn row(size: Size) -> Row {
    let slots = size.slots;
    let about =
        format!("one unit, in which {UNIT_RESOURCES} of {slots} objects with finalizers are replaced");
    let ours = table_of(|slots| SafeResources::new(slots, DEFAULT));
    let rivals = vec![
        size.contender("gc-arena", Home::Mimalloc, table_of(GcArenaResources::new)),
        boehm::contender_with_details(move |_| size.measure(table_of(Boehm::with_resources))),
        size.contender("mimalloc", Home::Mimalloc, table_of(BoxedResources::new)),
    ];
    size.row(Tier::Safe, about, size.contender(OURS, Home::Mimalloc, ours), rivals)
}

/// The program, on what is made for so many slots.
fn table_of<R: Resources>(make: impl Fn(usize) -> R) -> impl Fn(usize) -> Table<R> {
    move |slots| Table::new(make(slots), slots)
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

    /// The pauses of the collector since there is a heap, in CPU time, if it tells.
    fn pauses(&self) -> Option<PauseHistogram> {
        None
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

    fn pauses(&self) -> Option<PauseHistogram> {
        self.resources.pauses()
    }
}

#[cfg(test)]
mod tests {
    use super::super::configuration::Configuration;
    use super::*;
    use terrane_arena::Bytes;
    use terrane_gc::HeapConfig;
    use terrane_gc::raw::Pretenuring;

    const SLOTS: usize = 3_000;

    const NURSERY: Bytes = Bytes::from_kib(64);
    const GROWTH_MIN: Bytes = Bytes::from_mib(1);

    /// Old resources that died are found when the heap has grown.
    const GROWING_LITTLE: Configuration = Configuration {
        area: "growing-little",
        id: "terrane-growing-little",
        about: "the heap grows by 1 MiB before it is collected",
        heap: || {
            let config = HeapConfig::new().nursery(NURSERY).growth_min(GROWTH_MIN);
            config.pretenuring(Pretenuring::Always)
        },
    };

    /// Resources of ours that wait at most, however long the program runs. The heap grows by twice the least that it may
    /// before it is collected, and what dies while a collection is under way is found by the next one.
    fn waiting_max() -> u64 {
        const RESOURCE_BYTES: u64 = 16;
        (2 * 2 * GROWTH_MIN.as_u64() + NURSERY.as_u64()) / RESOURCE_BYTES
    }

    /// Runs units, after each of which at most so many of the dead wait to be closed; a checksum of an early state.
    fn checksum(resources: impl Resources, waiting_max: u64) -> u64 {
        let mut table = Table::new(resources, SLOTS);
        let mut checksum = 0;
        for unit in 1..=1500 {
            table.unit();
            if unit == 25 {
                checksum = table.check();
            }
            let waiting = table.replaced - table.closed;
            assert!(waiting <= waiting_max, "after {unit} units {waiting} of {} wait", table.replaced);
        }
        assert!(table.replaced > 4 * waiting_max, "so few wait because so few died");
        assert_ne!(table.check(), checksum);
        checksum
    }

    #[test]
    fn all_contenders_hold_the_same_and_close_the_dead() {
        let expected = checksum(BoxedResources::new(SLOTS), 0);
        assert_eq!(checksum(GcArenaResources::new(SLOTS), 2 * SLOTS as u64), expected);
        assert_eq!(checksum(SafeResources::new(SLOTS, GROWING_LITTLE), waiting_max()), expected);
    }
}
