//! `gc/repoint-nodes/FIELDS` and `gc/repoint-array/FIELDS`: stores of references into old objects.
//!
//! A table of fields is built and kept: the elements of one array, or the fields of many nodes of two. Then fields at
//! random are pointed at a new object, or at the one that another field holds, in turn at random. So half of the stores
//! are of young references into old objects, and half of mostly old ones: what a generational collector's barrier costs.
//! The objects pointed at hold no references, so that contenders without a collector can count theirs.

use super::boehm::{self, Boehm};
use super::boxed::{CountedArray, CountedNodes};
use super::configuration::Configuration;
use super::dumpster::{DumpsterArray, DumpsterNodes};
use super::gc_arena::{self, GcArenaArray, GcArenaNodes, Pacing};
use super::program::Program;
use super::random::Random;
use super::raw::{RawArray, RawNodes};
use super::safe::{SafeArray, SafeNodes};
use crate::checksum;
use crate::clock;
use crate::row::{Contender, Home, Measurement, Mode, Rounds, Row, Unit, When};
use std::rc::Rc;

/// How many stores are made out of sight of the clock, then run at once.
const BATCH: usize = 1 << 14;

const ROUNDS: Rounds = Rounds { full: 3, quick: 2 };

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (nodes, array, when) in [(200_000, 50_000, When::Quick), (2_000_000, 500_000, When::Full)] {
        rows.extend(nodes_program(nodes, when).rows());
        rows.extend(array_program(array, when).rows());
    }
    rows
}

fn nodes_program(fields: u32, when: When) -> Program {
    Program {
        name: format!("repoint-nodes/{fields}"),
        about: format!(
            "one store, at random, into one of {fields} fields of old nodes, of a new object or an old one"
        ),
        ..program::<RawNodes, SafeNodes, GcArenaNodes, DumpsterNodes, boehm::Nodes, CountedNodes>(
            fields, when,
        )
    }
}

fn array_program(fields: u32, when: When) -> Program {
    Program {
        name: format!("repoint-array/{fields}"),
        about: format!(
            "one store, at random, into an old array of {fields} references, of a new object or an old one"
        ),
        ..program::<RawArray, SafeArray, GcArenaArray, DumpsterArray, boehm::Array, CountedArray>(
            fields, when,
        )
    }
}

fn program<R, S, A, D, B, C>(fields: u32, when: When) -> Program
where
    R: Fields<Settings = Configuration> + 'static,
    S: Fields<Settings = Configuration> + 'static,
    A: Fields<Settings = Pacing> + 'static,
    D: Fields<Settings = ()> + 'static,
    B: Fields<Settings = Boehm> + 'static,
    C: Fields<Settings = ()> + 'static,
{
    let gc_arena = move |mode| gc_arena::at_its_best(|pacing| measure(A::of(fields, pacing), fields, mode));
    Program {
        name: String::new(),
        about: String::new(),
        unit: Unit::Operation,
        when,
        rounds: ROUNDS,
        ours: Rc::new(move |configuration, mode| measure(R::of(fields, configuration), fields, mode)),
        safe: Rc::new(move |configuration, mode| measure(S::of(fields, configuration), fields, mode)),
        rivals: vec![
            Contender::new("gc-arena", Home::Mimalloc, gc_arena),
            Contender::new("dumpster", Home::Mimalloc, move |mode| measure(D::of(fields, ()), fields, mode)),
            boehm::contender(move |mode| measure(B::of(fields, Boehm::start()), fields, mode)),
            Contender::new("mimalloc", Home::Mimalloc, move |mode| measure(C::of(fields, ()), fields, mode)),
        ],
    }
}

/// Fields that are kept.
pub(super) trait Fields {
    /// What the heap is made with.
    type Settings;

    /// So many fields, each with an object of its own that holds the field's index.
    fn of(fields: u32, settings: Self::Settings) -> Self;

    /// Makes the stores, in order.
    fn repoint(&mut self, steps: &[Step]);

    /// What the object in a field holds.
    fn value(&self, field: u32) -> u64;
}

/// One store. The layout is C's.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Step {
    /// The field that is written.
    pub(super) at: u32,
    /// The field whose object is stored; [`FRESH`] for a new one.
    pub(super) from: u32,
    /// What a new object holds.
    pub(super) value: u64,
}

/// Instead of a field to store from: a new object.
pub(super) const FRESH: u32 = u32::MAX;

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 stores")]
fn measure(mut table: impl Fields, fields: u32, mode: Mode) -> Measurement {
    let batches = match mode {
        Mode::Full => 512,
        Mode::Quick => 64,
    };
    let mut random = Random::new(7);
    let mut ns = 0.0;
    for _ in 0..batches {
        let steps: Vec<Step> = (0..BATCH).map(|_| step(&mut random, fields)).collect();
        ns += clock::time(|| table.repoint(&steps)).0;
    }
    let checksum = checksum::of((0..fields).map(|field| table.value(field)));
    Measurement { ns_by_copy: vec![ns / (batches * BATCH) as f64], checksum }
}

fn step(random: &mut Random, fields: u32) -> Step {
    let word = random.next();
    let at = random.below(fields);
    let from = if word & 1 == 0 { FRESH } else { random.below(fields) };
    // Values fit the numbers of every contender.
    Step { at, from, value: word >> 8 }
}

#[cfg(test)]
mod tests {
    use super::super::configuration::DEFAULT;
    use super::*;

    /// Holds the values themselves.
    struct Model(Vec<u64>);

    impl Fields for Model {
        type Settings = ();

        fn of(fields: u32, (): ()) -> Self {
            Self((0..u64::from(fields)).collect())
        }

        fn repoint(&mut self, steps: &[Step]) {
            for step in steps {
                self.0[step.at as usize] =
                    if step.from == FRESH { step.value } else { self.0[step.from as usize] };
            }
        }

        fn value(&self, field: u32) -> u64 {
            self.0[field as usize]
        }
    }

    fn checksum<F: Fields>(settings: F::Settings) -> u64 {
        measure(F::of(10_000, settings), 10_000, Mode::Quick).checksum
    }

    #[test]
    fn all_contenders_hold_what_the_model_holds() {
        let expected = checksum::<Model>(());
        assert_eq!(checksum::<RawNodes>(DEFAULT), expected);
        assert_eq!(checksum::<RawArray>(DEFAULT), expected);
        assert_eq!(checksum::<SafeNodes>(DEFAULT), expected);
        assert_eq!(checksum::<SafeArray>(DEFAULT), expected);
        for pacing in gc_arena::PACINGS {
            assert_eq!(checksum::<GcArenaNodes>(pacing), expected);
            assert_eq!(checksum::<GcArenaArray>(pacing), expected);
        }
        assert_eq!(checksum::<DumpsterNodes>(()), expected);
        assert_eq!(checksum::<DumpsterArray>(()), expected);
        assert_eq!(checksum::<CountedNodes>(()), expected);
        assert_eq!(checksum::<CountedArray>(()), expected);
    }
}
