//! `arena/alloc/SIZE`: allocating objects of one size and dropping them all at once.
//!
//! [`OBJECTS`] objects, every word written, in batches of [`BATCH`]; after each batch all of them are dropped: an
//! arena by its reset, boxes one by one. The allocator is used through a shared reference, as a program that hands
//! it to its functions uses it, so that its state is read from and written to memory.

use crate::checksum;
use crate::code_layout::{self, shift};
use crate::row::{Contender, Home, Measurement, Mode, OURS, Rounds, Row, Unit, When};
use bumpalo::Bump;
use std::hint::black_box;
use terrane_arena::Arena;

const OBJECTS: u32 = 1_000_000;
const BATCH: u64 = 1_000;

pub(super) fn rows() -> Vec<Row> {
    vec![row::<2>(), row::<4>(), row::<8>()]
}

fn row<const WORDS: usize>() -> Row {
    let size = WORDS * size_of::<u64>();
    Row {
        name: format!("arena/alloc/{size}"),
        about: format!(
            "one allocation of {size} bytes, all written; {OBJECTS} of them, all dropped after each {BATCH}"
        ),
        tier: None,
        unit: Unit::Operation,
        when: When::Always,
        rounds: Rounds::LOOPS,
        ours: Contender::new(OURS, Home::Glibc, measure::<Arena, WORDS>),
        rivals: vec![
            Contender::new("bumpalo", Home::Glibc, measure::<Bump, WORDS>),
            Contender::new("glibc", Home::Glibc, measure::<Boxes<WORDS>, WORDS>),
            Contender::new("mimalloc", Home::Mimalloc, measure::<Boxes<WORDS>, WORDS>),
        ],
    }
}

/// A place for objects of some words that are dropped together.
trait Zone<const WORDS: usize> {
    fn empty() -> Self;

    /// Allocates a batch of objects whose words are `first`, `first + 1` and so on, and reads the last one. This is
    /// the loop that is measured.
    fn fill<const COPY: usize>(&mut self, first: u64) -> u64;

    /// Allocates the same batch and reads all of it.
    fn contents(&mut self, first: u64) -> u64;

    /// Drops all objects.
    fn clear(&mut self);
}

fn measure<Z: Zone<WORDS>, const WORDS: usize>(mode: Mode) -> Measurement {
    let mut zone = Z::empty();
    let contents = zone.contents(0);
    zone.clear();
    let copies = [run::<Z, WORDS, 0>, run::<Z, WORDS, 1>, run::<Z, WORDS, 2>, run::<Z, WORDS, 3>];
    let mut measurement = code_layout::measure(&mut zone, copies, OBJECTS, mode);
    measurement.checksum = checksum::mix(measurement.checksum, contents);
    measurement
}

fn run<Z: Zone<WORDS>, const WORDS: usize, const COPY: usize>(zone: &mut Z) -> u64 {
    let mut sum = 0;
    for batch in 0..u64::from(OBJECTS) / BATCH {
        sum = checksum::mix(sum, zone.fill::<COPY>(batch * BATCH));
        zone.clear();
    }
    sum
}

/// The sum of a batch whose objects are all still there.
fn sum<const WORDS: usize>(objects: &[&mut [u64; WORDS]]) -> u64 {
    let addresses = objects.iter().map(|object| object.as_ptr().addr()).collect();
    assert_apart(addresses, size_of::<[u64; WORDS]>());
    checksum::of(objects.iter().flat_map(|object| object.iter().copied()))
}

/// # Panics
///
/// When two objects of this size share memory.
fn assert_apart(mut addresses: Vec<usize>, size: usize) {
    addresses.sort_unstable();
    assert!(addresses.windows(2).all(|pair| pair[1] - pair[0] >= size), "objects overlap");
}

impl<const WORDS: usize> Zone<WORDS> for Arena {
    fn empty() -> Self {
        Self::new()
    }

    fn fill<const COPY: usize>(&mut self, first: u64) -> u64 {
        #[inline(never)]
        fn fill<const COPY: usize, const WORDS: usize>(arena: &Arena, first: u64) -> u64 {
            shift::<COPY>();
            let mut last = black_box(arena.alloc([first; WORDS]));
            for value in first + 1..first + BATCH {
                last = black_box(arena.alloc([value; WORDS]));
            }
            last[WORDS - 1]
        }
        fill::<COPY, WORDS>(self, first)
    }

    fn contents(&mut self, first: u64) -> u64 {
        let objects: Vec<_> = (first..first + BATCH).map(|value| self.alloc([value; WORDS])).collect();
        sum(&objects)
    }

    fn clear(&mut self) {
        self.reset();
    }
}

impl<const WORDS: usize> Zone<WORDS> for Bump {
    fn empty() -> Self {
        Self::new()
    }

    fn fill<const COPY: usize>(&mut self, first: u64) -> u64 {
        #[inline(never)]
        fn fill<const COPY: usize, const WORDS: usize>(bump: &Bump, first: u64) -> u64 {
            shift::<COPY>();
            let mut last = black_box(bump.alloc([first; WORDS]));
            for value in first + 1..first + BATCH {
                last = black_box(bump.alloc([value; WORDS]));
            }
            last[WORDS - 1]
        }
        fill::<COPY, WORDS>(self, first)
    }

    fn contents(&mut self, first: u64) -> u64 {
        let objects: Vec<_> = (first..first + BATCH).map(|value| &mut *self.alloc([value; WORDS])).collect();
        sum(&objects)
    }

    fn clear(&mut self) {
        self.reset();
    }
}

/// Objects of the global allocator, and the list that one has to keep to drop them.
struct Boxes<const WORDS: usize>(Vec<Box<[u64; WORDS]>>);

impl<const WORDS: usize> Zone<WORDS> for Boxes<WORDS> {
    fn empty() -> Self {
        Self(Vec::with_capacity(usize::try_from(BATCH).expect("a batch fits memory")))
    }

    fn fill<const COPY: usize>(&mut self, first: u64) -> u64 {
        #[inline(never)]
        fn fill<const COPY: usize, const WORDS: usize>(
            boxes: &mut Vec<Box<[u64; WORDS]>>,
            first: u64,
        ) -> u64 {
            shift::<COPY>();
            for value in first..first + BATCH {
                boxes.push(black_box(Box::new([value; WORDS])));
            }
            boxes.last().map_or(0, |last| last[WORDS - 1])
        }
        fill::<COPY, WORDS>(&mut self.0, first)
    }

    fn contents(&mut self, first: u64) -> u64 {
        self.0.extend((first..first + BATCH).map(|value| Box::new([value; WORDS])));
        let objects: Vec<_> = self.0.iter_mut().map(|object| &mut **object).collect();
        sum(&objects)
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_contenders_compute_the_same() {
        let expected = measure::<Boxes<4>, 4>(Mode::Quick).checksum;
        assert_eq!(measure::<Bump, 4>(Mode::Quick).checksum, expected);
        assert_eq!(measure::<Arena, 4>(Mode::Quick).checksum, expected);
    }

    #[test]
    #[should_panic(expected = "objects overlap")]
    fn objects_that_share_memory_are_noticed() {
        assert_apart(vec![48, 16, 32], 16);
        assert_apart(vec![48, 16, 31], 16);
    }
}
