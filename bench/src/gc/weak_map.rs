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
use super::pauses::{InUnits, Size};
use super::random::Random;
use super::safe::SafeNotes;
use crate::checksum;
use crate::row::{Home, OURS, Row, Tier, When};
use std::time::Duration;
use terrane_gc::raw::PauseHistogram;

/// Keys that are replaced in one unit.
pub(super) const UNIT_KEYS: usize = 256;

/// Bytes that live for each slot.
const LIVE_BYTES: u64 = 64;

/// Of so many slots one is checked.
const CHECKED_PART: usize = 16;

const FULL: Size =
    Size { name: "weak-map-10m", slots: 10_000_000, time: Duration::from_secs(15), when: When::Full };
const QUICK: Size =
    Size { name: "weak-map-100k", slots: 100_000, time: Duration::from_secs(1), when: When::Quick };

pub(super) fn rows() -> Vec<Row> {
    [QUICK, FULL].map(row).into()
}

fn row(size: Size) -> Row {
    let slots = size.slots;
    let about = format!("one unit, in which {UNIT_KEYS} of {slots} keys of a weak map are replaced");
    let ours = table_of(|slots| SafeNotes::new(slots, DEFAULT));
    let rivals = vec![
        size.contender("gc-arena", Home::Mimalloc, table_of(GcArenaNotes::new)),
        boehm::contender_with_details(move |_| size.measure(table_of(Boehm::with_notes))),
        size.contender("mimalloc", Home::Mimalloc, table_of(BoxedNotes::new)),
    ];
    size.row(Tier::Safe, about, size.contender(OURS, Home::Mimalloc, ours), rivals)
}

/// The program, on what is made for so many slots.
fn table_of<N: Notes>(make: impl Fn(usize) -> N) -> impl Fn(usize) -> Table<N> {
    move |slots| Table::new(make(slots), slots)
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

    /// The pauses of the collector since there is a heap, in CPU time, if it tells.
    fn pauses(&self) -> Option<PauseHistogram> {
        None
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

    fn pauses(&self) -> Option<PauseHistogram> {
        self.notes.pauses()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Size =
        Size { name: "weak-map-small", slots: 5_000, time: Duration::from_millis(20), when: When::Named };

    #[test]
    fn all_contenders_hold_the_same_notes() {
        let expected = SMALL.measure(table_of(BoxedNotes::new)).0.checksum;
        assert_eq!(SMALL.measure(table_of(GcArenaNotes::new)).0.checksum, expected);
        assert_eq!(SMALL.measure(table_of(|slots| SafeNotes::new(slots, DEFAULT))).0.checksum, expected);
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
        let _ = SMALL.measure(table_of(|slots| Forgetful(BoxedNotes::new(slots))));
    }
}
