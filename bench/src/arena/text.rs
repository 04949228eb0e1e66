//! `arena/slice/BYTES` and `arena/str`: copying byte slices of one length, and words of a text, into an allocator.
//!
//! A batch of copies, then all of them are dropped: an arena by its reset, boxes one by one. The slices of a batch are
//! 64 KiB together, and the words about 6 KiB, so that the source and the copies stay in the nearer caches. The lengths
//! are not known to the compiler.

use super::bumping::{BumpScope, BumpScopeAligned, BumpScopeDown, Bumping};
use crate::checksum;
use crate::code_layout::{self, shift};
use crate::row::{Contender, Home, Measurement, Mode, OURS, Rounds, Row, Unit, When};
use crate::settings::each_of;
use blink_alloc::Blink;
use bumpalo::Bump;
use std::hint::black_box;
use terrane_arena::Arena;

/// Bytes of a batch of slices.
const SLICES_BYTES: usize = 64 << 10;

/// Bytes that one run of the slices' program copies.
const RUN_BYTES: usize = 8 << 20;

/// Words of a batch, and of one run.
const WORDS: usize = 1_000;
const RUN_WORDS: usize = 200_000;

/// Where the words of `arena/str` come from.
const TEXT: &str =
    "A terrane in geology is a body of rock whose zones each keep their own make-up and yet move as one";

pub(super) fn rows() -> Vec<Row> {
    vec![
        row::<Slices<64>>("arena/slice/64", "a copy of a slice of 64 bytes, dropped 1024 at a time"),
        row::<Slices<1024>>("arena/slice/1024", "a copy of a slice of 1024 bytes, dropped 64 at a time"),
        row::<Words>("arena/str", "a copy of a word of 1 to 7 letters, dropped 1000 at a time"),
    ]
}

fn row<S: Sources>(name: &str, about: &str) -> Row {
    Row {
        name: name.to_owned(),
        about: about.to_owned(),
        tier: None,
        unit: Unit::Operation,
        when: When::Always,
        threads: 1,
        rounds: Rounds::LOOPS,
        ours: Contender::new(OURS, Home::Glibc, measure::<Arena, S>),
        rivals: vec![
            Contender::new("bumpalo", Home::Glibc, each_of([measure::<Bump, S>, measure::<Bump<8>, S>])),
            Contender::new(
                "bump-scope",
                Home::Glibc,
                each_of([
                    measure::<BumpScope, S>,
                    measure::<BumpScopeAligned, S>,
                    measure::<BumpScopeDown, S>,
                ]),
            ),
            Contender::new("blink-alloc", Home::Glibc, measure::<Blink, S>),
            Contender::new("glibc", Home::Glibc, measure::<Boxes<S::Item>, S>),
            Contender::new("mimalloc", Home::Mimalloc, measure::<Boxes<S::Item>, S>),
        ],
    }
}

/// What is copied.
trait Sources: 'static {
    type Item: Text + ?Sized;

    /// A batch.
    fn batch() -> Vec<&'static Self::Item>;

    /// How many items a run copies.
    fn operations() -> usize;
}

/// Slices of this many bytes.
struct Slices<const BYTES: usize>;

impl<const BYTES: usize> Sources for Slices<BYTES> {
    type Item = [u8];

    fn batch() -> Vec<&'static [u8]> {
        static BYTES_TO_COPY: [u8; SLICES_BYTES] = numbered();
        BYTES_TO_COPY.chunks(BYTES).collect()
    }

    fn operations() -> usize {
        RUN_BYTES / BYTES
    }
}

const fn numbered() -> [u8; SLICES_BYTES] {
    let mut bytes = [0; SLICES_BYTES];
    let mut index = 0;
    while index < SLICES_BYTES {
        bytes[index] = (index % 251) as u8;
        index += 1;
    }
    bytes
}

/// The words of a text, again and again.
struct Words;

impl Sources for Words {
    type Item = str;

    fn batch() -> Vec<&'static str> {
        TEXT.split(' ').cycle().take(WORDS).collect()
    }

    fn operations() -> usize {
        RUN_WORDS
    }
}

/// Something of a length known at run time only.
trait Text: 'static {
    /// A copy of it in the arena.
    fn put_in<'a, B: Bumping>(&self, arena: &'a B) -> &'a Self;
    fn boxed(&self) -> Box<Self>;
    fn bytes(&self) -> &[u8];
}

impl Text for [u8] {
    #[inline(always)]
    fn put_in<'a, B: Bumping>(&self, arena: &'a B) -> &'a Self {
        arena.put_bytes(self)
    }

    #[inline(always)]
    fn boxed(&self) -> Box<Self> {
        self.into()
    }

    fn bytes(&self) -> &[u8] {
        self
    }
}

impl Text for str {
    #[inline(always)]
    fn put_in<'a, B: Bumping>(&self, arena: &'a B) -> &'a Self {
        arena.put_str(self)
    }

    #[inline(always)]
    fn boxed(&self) -> Box<Self> {
        self.into()
    }

    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}

/// A place for copies that are dropped together.
trait Shelf<T: Text + ?Sized> {
    fn empty() -> Self;

    /// Copies everything and gives the length of the last copy. This is the loop that is measured.
    fn fill<const COPY: usize>(&mut self, sources: &[&T]) -> usize;

    /// Copies everything and gives the sum of all copies.
    fn contents(&mut self, sources: &[&T]) -> u64;

    /// Drops all copies.
    fn clear(&mut self);
}

fn measure<F: Shelf<S::Item>, S: Sources>(mode: Mode) -> Measurement {
    let batch = S::batch();
    let mut shelf = F::empty();
    let contents = shelf.contents(&batch);
    shelf.clear();
    let operations = u32::try_from(S::operations()).expect("a run is short");
    let copies = [run::<F, S, 0>, run::<F, S, 1>, run::<F, S, 2>, run::<F, S, 3>];
    let mut measurement = code_layout::measure(&mut (shelf, batch), copies, operations, mode);
    measurement.checksum = checksum::mix(measurement.checksum, contents);
    measurement
}

fn run<F: Shelf<S::Item>, S: Sources, const COPY: usize>(state: &mut (F, Vec<&'static S::Item>)) -> u64 {
    let (shelf, batch) = state;
    let mut lengths = 0;
    for _ in 0..S::operations() / batch.len() {
        lengths += shelf.fill::<COPY>(batch);
        shelf.clear();
    }
    lengths as u64
}

/// The sum of copies that are all still there, their lengths included.
fn sum<T: Text + ?Sized>(copies: &[&T]) -> u64 {
    checksum::of(copies.iter().flat_map(|copy| {
        let bytes = copy.bytes();
        bytes.iter().map(|&byte| u64::from(byte)).chain([bytes.len() as u64])
    }))
}

impl<B: Bumping, T: Text + ?Sized> Shelf<T> for B {
    fn empty() -> Self {
        Bumping::empty()
    }

    fn fill<const COPY: usize>(&mut self, sources: &[&T]) -> usize {
        #[inline(never)]
        fn fill<B: Bumping, T: Text + ?Sized, const COPY: usize>(arena: &mut B, sources: &[&T]) -> usize {
            shift::<COPY>();
            let mut last = 0;
            for source in sources {
                last = black_box(source.put_in(arena)).bytes().len();
            }
            last
        }
        fill::<B, T, COPY>(self, sources)
    }

    fn contents(&mut self, sources: &[&T]) -> u64 {
        let arena = &*self;
        let copies: Vec<&T> = sources.iter().map(|source| source.put_in(arena)).collect();
        sum(&copies)
    }

    fn clear(&mut self) {
        self.drop_all();
    }
}

/// Copies of the global allocator, and the list that one has to keep to drop them.
struct Boxes<T: ?Sized>(Vec<Box<T>>);

impl<T: Text + ?Sized> Shelf<T> for Boxes<T> {
    fn empty() -> Self {
        Self(Vec::with_capacity(SLICES_BYTES / 64))
    }

    fn fill<const COPY: usize>(&mut self, sources: &[&T]) -> usize {
        #[inline(never)]
        fn fill<T: Text + ?Sized, const COPY: usize>(boxes: &mut Vec<Box<T>>, sources: &[&T]) -> usize {
            shift::<COPY>();
            for source in sources {
                boxes.push(source.boxed());
            }
            boxes.last().map_or(0, |last| last.bytes().len())
        }
        fill::<T, COPY>(&mut self.0, sources)
    }

    fn contents(&mut self, sources: &[&T]) -> u64 {
        self.0.extend(sources.iter().map(|source| source.boxed()));
        let copies: Vec<&T> = self.0.iter().map(|copy| &**copy).collect();
        sum(&copies)
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_agree<S: Sources>() {
        let row = row::<S>("arena/text", "");
        let expected = measure::<Boxes<S::Item>, S>(Mode::Quick).checksum;
        for contender in row.contenders() {
            assert_eq!(contender.measure(Mode::Quick).checksum, expected, "{}", contender.id);
        }
    }

    #[test]
    fn all_contenders_copy_the_same_slices() {
        all_agree::<Slices<1024>>();
    }

    #[test]
    fn all_contenders_copy_the_same_words() {
        all_agree::<Words>();
    }

    #[test]
    fn a_batch_is_what_the_rows_say() {
        assert_eq!(Slices::<64>::batch().len(), 1024);
        assert_eq!(Slices::<1024>::batch().len(), 64);
        let lengths = || Words::batch().into_iter().map(str::len);
        assert_eq!((lengths().min(), lengths().max()), (Some(1), Some(7)));
    }

    #[test]
    fn a_copy_that_differs_is_noticed() {
        assert_ne!(sum(&["zone", "arena"]), sum(&["zone", "arenb"]));
        assert_ne!(sum(&["zone", "arena"]), sum(&["zon", "earena"]));
    }
}
