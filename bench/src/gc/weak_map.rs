//! `gc/pause/weak-map-…`: a map with weak keys, while keys come and go.
//!
//! Slots hold keys; a weak map has a note for each key. In a unit, 256 slots at random are given new keys with notes of
//! their own, and as many notes are looked up. What was noted of a key must go with it, and nobody says when.
//!
//! Our weak map is an ephemeron table: the note may refer to its key, and does. gc-arena has weak references but no such
//! map: a hash table of them in 4096 parts stands for it, of which each unit cleans one, and notes are numbers, as a note
//! that refers to its key would keep it. Boehm's *disappearing links* are in a hash table of chains, cleaned as it
//! goes. Without a collector, an entry is removed when its key is freed.
//!
//! *Live* are, for each slot, the key, the note and the two references of an entry: 16, 24 and 16 bytes, and the slot.

use super::boehm::{self, Boehm};
use super::boxed::BoxedNotes;
use super::configuration::DEFAULT;
use super::gc_arena::GcArenaNotes;
use super::pauses::{self, InUnits};
use super::random::Random;
use super::safe::SafeNotes;
use crate::checksum;
use crate::row::{Contender, Details, Home, Measurement, OURS, Rounds, Row, Tier, Unit, When};
use std::time::Duration;

/// Keys that are replaced in one unit.
pub(super) const UNIT_KEYS: usize = 256;

/// Bytes that live for each slot.
const LIVE_BYTES: u64 = 64;

/// Of so many slots one is checked.
const CHECKED_PART: usize = 16;

#[derive(Clone, Copy, Debug)]
struct Size {
    name: &'static str,
    slots: usize,
    time: Duration,
    when: When,
}

const FULL: Size =
    Size { name: "weak-map-10m", slots: 10_000_000, time: Duration::from_secs(15), when: When::Full };
const QUICK: Size =
    Size { name: "weak-map-100k", slots: 100_000, time: Duration::from_secs(1), when: When::Quick };

pub(super) fn rows() -> Vec<Row> {
    [QUICK, FULL].map(row).into()
}

fn row(size: Size) -> Row {
    let Size { name, slots, when, .. } = size;
    Row {
        name: format!("gc/pause/{name}"),
        about: format!("one unit, in which {UNIT_KEYS} of {slots} keys of a weak map are replaced"),
        tier: Some(Tier::Safe),
        unit: Unit::Operation,
        when,
        threads: 1,
        rounds: Rounds { full: 1, quick: 1 },
        ours: contender(OURS, |slots| SafeNotes::new(slots, DEFAULT), size),
        rivals: vec![
            contender("gc-arena", GcArenaNotes::new, size),
            boehm::contender_with_details(move |_| measure(&Boehm::with_notes, size)),
            contender("mimalloc", BoxedNotes::new, size),
        ],
    }
}

fn contender<N: Notes>(id: &'static str, make: impl Fn(usize) -> N + 'static, size: Size) -> Contender {
    Contender::with_details(id, Home::Mimalloc, move |_| measure(&make, size))
}

fn measure<N: Notes>(make: &impl Fn(usize) -> N, size: Size) -> (Measurement, Details) {
    pauses::measure(&mut Table::new(make(size.slots), size.slots), size.time)
}

/// Slots with keys, and a weak map of notes.
pub(super) trait Notes {
    /// Puts a new key in the slot and notes the number of it.
    fn replace(&mut self, slot: usize, note: u64);

    /// What is noted of the key in the slot.
    fn note(&mut self, slot: usize) -> Option<u64>;

    /// What the heap has from the system, if it says so.
    fn heap_bytes(&self) -> Option<u64> {
        None
    }

    /// CPU time of each pause since the last call, in nanoseconds, if the collector tells.
    fn take_pauses_ns(&mut self) -> Vec<u64> {
        Vec::new()
    }
}

/// Keys, and what must be noted of each.
struct Table<N> {
    notes: N,
    expected: Vec<u32>,
    random: Random,
    sum: u64,
}

impl<N: Notes> Table<N> {
    fn new(mut notes: N, slots: usize) -> Self {
        // A table has fewer than 2^32 slots.
        let expected: Vec<u32> = (0..slots as u32).collect();
        expected.iter().enumerate().for_each(|(slot, &note)| notes.replace(slot, u64::from(note)));
        Self { notes, expected, random: Random::new(13), sum: 0 }
    }

    fn slot(&mut self) -> usize {
        self.random.below(self.expected.len() as u32) as usize
    }
}

impl<N: Notes> InUnits for Table<N> {
    fn unit(&mut self) {
        for _ in 0..UNIT_KEYS {
            let slot = self.slot();
            let note = self.random.next() as u32;
            self.notes.replace(slot, u64::from(note));
            self.expected[slot] = note;
            let slot = self.slot();
            self.sum = self.sum.wrapping_add(self.notes.note(slot).unwrap_or(u64::MAX));
        }
    }

    fn check(&mut self) -> u64 {
        for slot in (0..self.expected.len()).step_by(CHECKED_PART) {
            let expected = Some(u64::from(self.expected[slot]));
            assert_eq!(self.notes.note(slot), expected, "the note of the key in slot {slot} changed");
        }
        checksum::mix(self.sum, self.expected.len() as u64)
    }

    fn live_bytes(&self) -> u64 {
        self.expected.len() as u64 * LIVE_BYTES
    }

    fn heap_bytes(&self) -> Option<u64> {
        self.notes.heap_bytes()
    }

    fn take_pauses_ns(&mut self) -> Vec<u64> {
        self.notes.take_pauses_ns()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Size =
        Size { name: "weak-map-small", slots: 5_000, time: Duration::from_millis(20), when: When::Named };

    #[test]
    fn all_contenders_hold_the_same_notes() {
        let expected = measure(&BoxedNotes::new, SMALL).0.checksum;
        assert_eq!(measure(&GcArenaNotes::new, SMALL).0.checksum, expected);
        assert_eq!(measure(&|slots| SafeNotes::new(slots, DEFAULT), SMALL).0.checksum, expected);
    }

    #[test]
    #[should_panic(expected = "the note of the key in slot 32 changed")]
    fn a_lost_note_is_noticed() {
        struct Forgetful(BoxedNotes);
        impl Notes for Forgetful {
            fn replace(&mut self, slot: usize, note: u64) {
                self.0.replace(slot, note);
            }
            fn note(&mut self, slot: usize) -> Option<u64> {
                self.0.note(slot).filter(|_| slot != 32)
            }
        }
        let _ = measure(&|slots| Forgetful(BoxedNotes::new(slots)), SMALL);
    }
}
