//! `arena/reset/BLOCKS`: giving back everything in an arena of one block, and of 1000.
//!
//! Many arenas are filled, which is not timed, and then reset one after the other, which is. Ours has blocks of 1 KiB
//! here, with one object in each. The rivals cannot be kept from taking larger and larger blocks: they hold the same
//! objects in as many as they like, which after the first reset is mostly one. Boxes are dropped one by one. All
//! arenas have been filled and reset once before, so that they have the blocks that they keep.

use super::bumping::{BumpScope, Bumping};
use crate::checksum;
use crate::clock;
use crate::row::{Contender, Home, Measurement, Mode, OURS, Rounds, Row, Unit, When};
use crate::statistics::median;
use blink_alloc::Blink;
use bumpalo::Bump;
use std::hint::black_box;
use terrane_arena::{Arena, ArenaStrategy, Bytes, Growth};

const BLOCK: Bytes = Bytes::from_kib(1);

/// An object that no block of 1 KiB holds two of.
type Object = [u64; 96];

pub(super) fn rows() -> Vec<Row> {
    vec![row(1, 1_000), row(1_000, 32)]
}

/// The row of arenas with so many blocks, and how many arenas there are.
fn row(blocks: usize, arenas: usize) -> Row {
    let contender = |id, home, measure: fn(usize, usize, Mode) -> Measurement| {
        Contender::new(id, home, move |mode| measure(blocks, arenas, mode))
    };
    let object = size_of::<Object>();
    Row {
        name: format!("arena/reset/{blocks}"),
        about: format!(
            "one reset of an arena, {arenas} of them in turn; objects of {object} bytes: {blocks}, ours with a block \
             for each, the rivals in as many as they like"
        ),
        tier: None,
        unit: Unit::Operation,
        when: When::Always,
        threads: 1,
        rounds: Rounds::PROGRAMS,
        ours: contender(OURS, Home::Glibc, measure::<Blocks>),
        rivals: vec![
            contender("bumpalo", Home::Glibc, measure::<Whole<Bump>>),
            contender("bump-scope", Home::Glibc, measure::<Whole<BumpScope>>),
            contender("blink-alloc", Home::Glibc, measure::<Whole<Blink>>),
            contender("glibc", Home::Glibc, measure::<Boxes>),
            contender("mimalloc", Home::Mimalloc, measure::<Boxes>),
        ],
    }
}

/// Something to fill and to reset.
trait Resets {
    fn empty() -> Self;

    /// Allocates so many objects and gives the sum of their first words.
    fn fill(&mut self, objects: usize) -> u64;

    fn reset(&mut self);
}

fn measure<R: Resets>(objects: usize, arenas: usize, mode: Mode) -> Measurement {
    let repetitions = match mode {
        Mode::Full => 15,
        Mode::Quick => 5,
    };
    let clock_ns = clock::cost_ns();
    let mut all: Vec<R> = (0..arenas).map(|_| R::empty()).collect();
    let mut ns = Vec::new();
    let mut sum = 1;
    for repetition in 0..=repetitions {
        for arena in &mut all {
            sum = checksum::mix(sum, arena.fill(objects));
        }
        let (elapsed_ns, ()) = clock::time(|| black_box(&mut all).iter_mut().for_each(R::reset));
        if repetition > 0 {
            #[expect(clippy::cast_precision_loss, reason = "some hundred arenas")]
            ns.push((elapsed_ns - clock_ns) / arenas as f64);
        }
    }
    // A reset can be as short as the error of the clock.
    Measurement { ns_by_copy: vec![median(&ns).max(0.01)], checksum: sum }
}

fn object(index: usize) -> Object {
    [index as u64; size_of::<Object>() / 8]
}

/// Our arena with a block for each object.
struct Blocks(Arena);

impl Resets for Blocks {
    fn empty() -> Self {
        Self(Arena::with_strategy(ArenaStrategy::new().initial_size(BLOCK).growth(Growth::Factor(1.0))))
    }

    fn fill(&mut self, objects: usize) -> u64 {
        let sum = (0..objects).map(|index| self.0.alloc(object(index))[0]).sum();
        assert_eq!(self.0.blocks(), objects, "there is one block for each object");
        sum
    }

    #[inline(always)]
    fn reset(&mut self) {
        self.0.reset();
    }
}

/// An arena whose blocks are as large as it likes.
struct Whole<B>(B);

impl<B: Bumping> Resets for Whole<B> {
    fn empty() -> Self {
        Self(B::empty())
    }

    fn fill(&mut self, objects: usize) -> u64 {
        (0..objects).map(|index| self.0.put(object(index))[0]).sum()
    }

    #[inline(always)]
    fn reset(&mut self) {
        self.0.drop_all();
    }
}

/// Objects of the global allocator.
#[expect(clippy::vec_box, reason = "boxes are what is dropped here")]
struct Boxes(Vec<Box<Object>>);

impl Resets for Boxes {
    fn empty() -> Self {
        Self(Vec::new())
    }

    fn fill(&mut self, objects: usize) -> u64 {
        self.0.extend((0..objects).map(|index| Box::new(object(index))));
        self.0.iter().map(|object| object[0]).sum()
    }

    #[inline(always)]
    fn reset(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_contenders_hold_the_same_objects() {
        let row = row(100, 2);
        let expected = measure::<Boxes>(100, 2, Mode::Quick).checksum;
        for contender in row.contenders() {
            assert_eq!(contender.measure(Mode::Quick).checksum, expected, "{}", contender.id);
        }
    }
}
