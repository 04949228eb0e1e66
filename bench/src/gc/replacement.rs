//! `gc/pause/replace-1gb`: how long a program waits for its collector.
//!
//! A table of small trees is kept, about 1 GiB of nodes of 16 bytes each. For 20 seconds of CPU time, one
//! *unit* after the other (see [`pauses`]), 256 trees at random make way for new ones of 31, 63 or 127 nodes. *Live* are the nodes and
//! the slots that refer to them, with the header that a node of our safe tier has, without those of other contenders.

use super::boehm::{self, Boehm};
use super::boxed::BoxedReplaced;
use super::configuration::DEFAULT;
use super::gc_arena::GcArenaReplaced;
use super::pauses::{InUnits, Size};
use super::random::Random;
use super::raw::RawReplaced;
use super::safe::SafeReplaced;
use crate::checksum;
use crate::row::{Home, OURS, OURS_SAFE, Row, Tier, When};
use std::time::Duration;
use terrane_gc::raw::PauseHistogram;

/// Slots that lie in one object, so that a store into one does not concern all.
pub(super) const PAGE_SLOTS: usize = 256;

/// Trees that are replaced in one unit.
const UNIT_TREES: usize = 256;

/// Bytes of a slot.
const SLOT_BYTES: u64 = 8;

const FULL: Size =
    Size { name: "replace-1gb", slots: 3584 * PAGE_SLOTS, time: Duration::from_secs(20), when: When::Full };
const QUICK: Size =
    Size { name: "replace-64mb", slots: 224 * PAGE_SLOTS, time: Duration::from_secs(2), when: When::Quick };

pub(super) fn rows() -> Vec<Row> {
    [QUICK, FULL].map(row).into()
}

fn row(size: Size) -> Row {
    let (slots, seconds) = (size.slots, size.time.as_secs());
    let about = format!(
        "one unit, in which {UNIT_TREES} of {slots} small trees are replaced, in a run of {seconds} s"
    );
    let ours = table_of(|slots| RawReplaced::new(slots, DEFAULT));
    let safe = table_of(|slots| SafeReplaced::new(slots, DEFAULT));
    let rivals = vec![
        size.contender(OURS_SAFE, Home::Mimalloc, safe).on_tier(Tier::Safe),
        size.contender("gc-arena", Home::Mimalloc, table_of(GcArenaReplaced::new)),
        boehm::contender_with_details(move |_| size.measure(table_of(Boehm::with_pages))),
        size.contender("mimalloc", Home::Mimalloc, table_of(BoxedReplaced::new)),
        size.contender("glibc", Home::Glibc, table_of(BoxedReplaced::new)),
    ];
    size.row(Tier::Raw, about, size.contender(OURS, Home::Mimalloc, ours), rivals)
}

/// The program, on what is made for so many slots.
fn table_of<R: Replaced>(make: impl Fn(usize) -> R) -> impl Fn(usize) -> Table<R> {
    move |slots| Table::new(make(slots), slots)
}

/// A heap with a table of trees.
pub(super) trait Replaced {
    /// Bytes of a node, with the header that it has in a heap of ours.
    const NODE_BYTES: u64 = 16;

    /// Builds a tree of this depth in place of the one in the slot, if there is one.
    fn replace(&mut self, slot: usize, depth: u32);

    /// Counts the nodes of the tree in a slot.
    fn count(&self, slot: usize) -> u64;

    /// What the heap has from the system, if it says so.
    fn heap_bytes(&self) -> Option<u64> {
        None
    }

    /// The pauses of the collector since there is a heap, in CPU time, if it tells.
    fn pauses(&self) -> Option<PauseHistogram> {
        None
    }

    /// Lets the heap work for so long, if it knows how to use idle time: false when nothing is left to do.
    fn step(&mut self, _ns: u64) -> bool {
        false
    }
}

/// A heap with trees, and how deep each must be.
struct Table<R> {
    replaced: R,
    depths: Vec<u8>,
    random: Random,
}

impl<R: Replaced> Table<R> {
    fn new(mut replaced: R, slots: usize) -> Self {
        let mut random = Random::new(11);
        let mut depths = vec![0; slots];
        for slot in 0..slots {
            replace(&mut replaced, &mut depths, slot, &mut random);
        }
        Self { replaced, depths, random }
    }
}

impl<R: Replaced> InUnits for Table<R> {
    fn unit(&mut self) {
        for _ in 0..UNIT_TREES {
            // A table has fewer than 2^32 slots.
            let slot = self.random.below(self.depths.len() as u32) as usize;
            replace(&mut self.replaced, &mut self.depths, slot, &mut self.random);
        }
    }

    /// A checksum of the nodes in each slot. Panics when a tree is not what was put there last.
    fn check(&mut self) -> u64 {
        let nodes = |slot| {
            let nodes = self.replaced.count(slot);
            assert_eq!(nodes, nodes_of(self.depths[slot]), "the tree in slot {slot} changed");
            nodes
        };
        checksum::of((0..self.depths.len()).map(nodes))
    }

    fn live_bytes(&self) -> u64 {
        let nodes: u64 = self.depths.iter().map(|&depth| nodes_of(depth)).sum();
        nodes * R::NODE_BYTES + self.depths.len() as u64 * SLOT_BYTES
    }

    fn heap_bytes(&self) -> Option<u64> {
        self.replaced.heap_bytes()
    }

    fn pauses(&self) -> Option<PauseHistogram> {
        self.replaced.pauses()
    }

    fn step(&mut self, ns: u64) -> bool {
        self.replaced.step(ns)
    }
}

fn replace(replaced: &mut impl Replaced, depths: &mut [u8], slot: usize, random: &mut Random) {
    // 4 to 6, the middle one half of the time.
    let depth = 4 + [0, 1, 1, 2][random.next() as usize % 4];
    depths[slot] = depth;
    replaced.replace(slot, u32::from(depth));
}

fn nodes_of(depth: u8) -> u64 {
    (2 << depth) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Size = Size {
        name: "replace-small",
        slots: 8 * PAGE_SLOTS,
        time: Duration::from_millis(50),
        when: When::Named,
    };

    #[test]
    fn all_contenders_hold_the_same_trees() {
        let (expected, details) = SMALL.measure(table_of(BoxedReplaced::new));
        assert!(details.iter().all(|(name, _)| name != "pauses"), "without a collector: {details:?}");
        assert_eq!(SMALL.measure(table_of(GcArenaReplaced::new)).0.checksum, expected.checksum);
        let ours = SMALL.measure(table_of(|slots| RawReplaced::new(slots, DEFAULT)));
        assert_eq!(ours.0.checksum, expected.checksum);
        let safe = SMALL.measure(table_of(|slots| SafeReplaced::new(slots, DEFAULT)));
        assert_eq!(safe.0.checksum, expected.checksum);
        for name in ["pauses", "pause_cpu_max_ns", "heap_over_live"] {
            assert!(
                ours.1.iter().any(|(other, figure)| other == name && *figure > 0.0),
                "{name}: {:?}",
                ours.1
            );
        }
    }

    #[test]
    #[should_panic(expected = "the tree in slot")]
    fn a_lost_tree_is_noticed() {
        struct Forgetful(BoxedReplaced);
        impl Replaced for Forgetful {
            fn replace(&mut self, slot: usize, depth: u32) {
                self.0.replace(slot, if slot == 77 { 4 } else { depth });
            }
            fn count(&self, slot: usize) -> u64 {
                self.0.count(slot)
            }
        }
        let _ = SMALL.measure(table_of(|slots| Forgetful(BoxedReplaced::new(slots))));
    }
}
