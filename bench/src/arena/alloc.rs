//! `arena/alloc/SIZE` and `arena/alloc-shared/SIZE`: allocating objects of one size and dropping them all at once.
//!
//! [`OBJECTS`] objects, every word written, in batches of [`BATCH`]; after each batch all of them are dropped: an
//! arena by its reset, boxes one by one. In the first kind of row the loop has the allocator for itself (`&mut`), so
//! that the compiler may keep its state in registers as far as it can prove that nobody else sees it; in the second it
//! has a shared reference, and the state goes through memory.
//!
//! A library that has scopes can drop a batch by leaving one as well as by a reset, and is measured both ways; the faster one
//! counts. That is where ours gains: the scope's frame is a value of the loop's own, so the cursor need not be stored at
//! all, whereas an arena behind `&mut` must have its cursor stored for each object, because a panic might show it. (A
//! loop of 16-byte objects waits for its stores: there are two of them with the cursor, and one without.)
//!
//! No object passes through `black_box`, which would store its address: one store more beside the three of a
//! 16-byte object is enough to hide what is compared here. Nothing can be left out all the same: the objects lie in
//! memory that outlives the loop, in a function that is not inlined, and the last object of each batch is read.

use super::bumping::{BumpScope, BumpScopeAligned, BumpScopeDown, Bumping};
use crate::checksum;
use crate::code_layout::{self, shift};
use crate::row::{Contender, Home, Measurement, Mode, OURS, Rounds, Row, Unit, When};
use crate::settings::each_of;
use blink_alloc::Blink;
use bumpalo::Bump;
use terrane_arena::Arena;

const OBJECTS: u32 = 1_000_000;
const BATCH: u64 = 1_000;

pub(super) fn rows() -> Vec<Row> {
    vec![row::<2>(), row::<4>(), row::<8>(), shared_row::<2>(), shared_row::<4>(), shared_row::<8>()]
}

fn row<const WORDS: usize>() -> Row {
    let size = WORDS * size_of::<u64>();
    Row {
        name: format!("arena/alloc/{size}"),
        about: format!(
            "one allocation of {size} bytes, all written; {OBJECTS} of them, all dropped after each {BATCH}: \
             arenas by a reset (typed-arena by a new arena, ours and bump-scope also by leaving a scope), boxes one by one"
        ),
        tier: None,
        unit: Unit::Operation,
        when: When::Always,
        threads: 1,
        rounds: Rounds::LOOPS,
        ours: Contender::new(
            OURS,
            Home::Glibc,
            each_of([measure::<Exclusive<Arena>, WORDS>, measure::<Scoped<Arena>, WORDS>]),
        ),
        rivals: vec![
            Contender::new(
                "bumpalo",
                Home::Glibc,
                each_of([measure::<Exclusive<Bump>, WORDS>, measure::<Exclusive<Bump<8>>, WORDS>]),
            ),
            Contender::new(
                "bump-scope",
                Home::Glibc,
                each_of([
                    measure::<Exclusive<BumpScope>, WORDS>,
                    measure::<Exclusive<BumpScopeAligned>, WORDS>,
                    measure::<Exclusive<BumpScopeDown>, WORDS>,
                    measure::<Scoped<BumpScope>, WORDS>,
                    measure::<Scoped<BumpScopeAligned>, WORDS>,
                    measure::<Scoped<BumpScopeDown>, WORDS>,
                ]),
            ),
            Contender::new("blink-alloc", Home::Glibc, measure::<Exclusive<Blink>, WORDS>),
            Contender::new("typed-arena", Home::Glibc, measure::<Typed<WORDS>, WORDS>),
            Contender::new("glibc", Home::Glibc, measure::<Boxes<WORDS>, WORDS>),
            Contender::new("mimalloc", Home::Mimalloc, measure::<Boxes<WORDS>, WORDS>),
        ],
    }
}

fn shared_row<const WORDS: usize>() -> Row {
    let size = WORDS * size_of::<u64>();
    Row {
        name: format!("arena/alloc-shared/{size}"),
        about: format!("as arena/alloc/{size}, through a shared reference to the arena"),
        ours: Contender::new(OURS, Home::Glibc, measure::<Shared<Arena>, WORDS>),
        rivals: vec![
            Contender::new(
                "bumpalo",
                Home::Glibc,
                each_of([measure::<Shared<Bump>, WORDS>, measure::<Shared<Bump<8>>, WORDS>]),
            ),
            Contender::new(
                "bump-scope",
                Home::Glibc,
                each_of([
                    measure::<Shared<BumpScope>, WORDS>,
                    measure::<Shared<BumpScopeAligned>, WORDS>,
                    measure::<Shared<BumpScopeDown>, WORDS>,
                ]),
            ),
            Contender::new("blink-alloc", Home::Glibc, measure::<Shared<Blink>, WORDS>),
        ],
        ..row::<WORDS>()
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
fn sum<const WORDS: usize>(objects: &[&[u64; WORDS]]) -> u64 {
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

/// The measured loop.
#[inline(always)]
fn fill_arena<B: Bumping, const COPY: usize, const WORDS: usize>(arena: &B, first: u64) -> u64 {
    shift::<COPY>();
    let mut last = &[0; WORDS];
    for value in first..first + BATCH {
        last = arena.put([value; WORDS]);
    }
    last[WORDS - 1]
}

fn contents_of<B: Bumping, const WORDS: usize>(arena: &B, first: u64) -> u64 {
    let objects: Vec<_> = (first..first + BATCH).map(|value| arena.put([value; WORDS])).collect();
    sum(&objects)
}

/// An arena that the loop has for itself.
struct Exclusive<B>(B);

impl<B: Bumping, const WORDS: usize> Zone<WORDS> for Exclusive<B> {
    fn empty() -> Self {
        Self(B::empty())
    }

    fn fill<const COPY: usize>(&mut self, first: u64) -> u64 {
        #[inline(never)]
        fn fill<B: Bumping, const COPY: usize, const WORDS: usize>(arena: &mut B, first: u64) -> u64 {
            fill_arena::<B, COPY, WORDS>(arena, first)
        }
        fill::<B, COPY, WORDS>(&mut self.0, first)
    }

    fn contents(&mut self, first: u64) -> u64 {
        contents_of::<B, WORDS>(&self.0, first)
    }

    fn clear(&mut self) {
        self.0.drop_all();
    }
}

/// An arena with a scope for each batch, which the loop has for itself.
struct Scoped<A>(A);

macro_rules! scoped_in {
    ($($arena:ty: $scope:ident, |$object:ident| $reference:expr);* $(;)?) => {$(
        impl<const WORDS: usize> Zone<WORDS> for Scoped<$arena> {
            fn empty() -> Self {
                Self(<$arena>::new())
            }

            fn fill<const COPY: usize>(&mut self, first: u64) -> u64 {
                #[inline(never)]
                fn fill<const COPY: usize, const WORDS: usize>(arena: &mut $arena, first: u64) -> u64 {
                    arena.$scope(|scope| {
                        shift::<COPY>();
                        let mut last: &[u64; WORDS] = &[0; WORDS];
                        for value in first..first + BATCH {
                            let $object = scope.alloc([value; WORDS]);
                            last = $reference;
                        }
                        last[WORDS - 1]
                    })
                }
                fill::<COPY, WORDS>(&mut self.0, first)
            }

            fn contents(&mut self, first: u64) -> u64 {
                self.0.$scope(|scope| {
                    let put = |value| {
                        let $object = scope.alloc([value; WORDS]);
                        let object: &[u64; WORDS] = $reference;
                        object
                    };
                    let objects: Vec<_> = (first..first + BATCH).map(put).collect();
                    sum(&objects)
                })
            }

            /// The scope's end has dropped them.
            fn clear(&mut self) {}
        }
    )*};
}

scoped_in! {
    Arena: scope, |object| object;
    BumpScope: scoped, |object| object.into_ref();
    BumpScopeAligned: scoped, |object| object.into_ref();
    BumpScopeDown: scoped, |object| object.into_ref();
}

/// An arena that others might use too.
struct Shared<B>(B);

impl<B: Bumping, const WORDS: usize> Zone<WORDS> for Shared<B> {
    fn empty() -> Self {
        Self(B::empty())
    }

    fn fill<const COPY: usize>(&mut self, first: u64) -> u64 {
        #[inline(never)]
        fn fill<B: Bumping, const COPY: usize, const WORDS: usize>(arena: &B, first: u64) -> u64 {
            fill_arena::<B, COPY, WORDS>(arena, first)
        }
        fill::<B, COPY, WORDS>(&self.0, first)
    }

    fn contents(&mut self, first: u64) -> u64 {
        contents_of::<B, WORDS>(&self.0, first)
    }

    fn clear(&mut self) {
        self.0.drop_all();
    }
}

/// An arena of one type. It has no reset: each batch gets a new one that has room for all of it.
struct Typed<const WORDS: usize>(typed_arena::Arena<[u64; WORDS]>);

impl<const WORDS: usize> Zone<WORDS> for Typed<WORDS> {
    fn empty() -> Self {
        Self(typed_arena::Arena::with_capacity(usize::try_from(BATCH).expect("a batch fits memory")))
    }

    fn fill<const COPY: usize>(&mut self, first: u64) -> u64 {
        #[inline(never)]
        fn fill<const COPY: usize, const WORDS: usize>(
            arena: &mut typed_arena::Arena<[u64; WORDS]>,
            first: u64,
        ) -> u64 {
            shift::<COPY>();
            let mut last: &[u64; WORDS] = &[0; WORDS];
            for value in first..first + BATCH {
                last = arena.alloc([value; WORDS]);
            }
            last[WORDS - 1]
        }
        fill::<COPY, WORDS>(&mut self.0, first)
    }

    fn contents(&mut self, first: u64) -> u64 {
        let arena = &self.0;
        let objects: Vec<&[u64; WORDS]> =
            (first..first + BATCH).map(|value| &*arena.alloc([value; WORDS])).collect();
        sum(&objects)
    }

    fn clear(&mut self) {
        *self = <Self as Zone<WORDS>>::empty();
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
                boxes.push(Box::new([value; WORDS]));
            }
            boxes.last().map_or(0, |last| last[WORDS - 1])
        }
        fill::<COPY, WORDS>(&mut self.0, first)
    }

    fn contents(&mut self, first: u64) -> u64 {
        self.0.extend((first..first + BATCH).map(|value| Box::new([value; WORDS])));
        let objects: Vec<_> = self.0.iter().map(|object| &**object).collect();
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
        assert_eq!(measure::<Exclusive<Bump>, 4>(Mode::Quick).checksum, expected);
        assert_eq!(measure::<Exclusive<Arena>, 4>(Mode::Quick).checksum, expected);
        assert_eq!(measure::<Scoped<Arena>, 4>(Mode::Quick).checksum, expected);
        assert_eq!(measure::<Scoped<BumpScope>, 4>(Mode::Quick).checksum, expected);
        assert_eq!(measure::<Shared<Bump>, 4>(Mode::Quick).checksum, expected);
        assert_eq!(measure::<Shared<Arena>, 4>(Mode::Quick).checksum, expected);
    }

    #[test]
    #[should_panic(expected = "objects overlap")]
    fn objects_that_share_memory_are_noticed() {
        assert_apart(vec![48, 16, 32], 16);
        assert_apart(vec![48, 16, 31], 16);
    }
}
