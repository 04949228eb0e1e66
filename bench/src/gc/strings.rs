//! `gc/strings-short-lived` and `gc/strings-interned`: strings of 8 to 40 bytes.
//!
//! The first copies a text into a new string, looks at it and lets it go. The second looks for the text in a table of
//! 131 072 places, one of which it may be in; where another string is there, that makes way for a new one. Some texts
//! are far more frequent than others, so that many are found. What is drawn, and its hash, is prepared out of sight of
//! the clock.
//!
//! All texts of a place have one length. Otherwise a table of Rust's long references, which hold the length, would tell
//! most of them apart without a look at the string, which is not in the cache, and a table of plain references would not.

use super::boehm::{self, Boehm};
use super::boxed::BoxedStrings;
use super::dumpster::DumpsterStrings;
use super::gc_arena::{self, GcArenaStrings};
use super::program::Program;
use super::random::Random;
use super::raw::RawStrings;
use super::safe::SafeStrings;
use crate::checksum;
use crate::clock;
use crate::row::{Contender, Home, Measurement, Mode, Rounds, Row, Unit, When};
use std::rc::Rc;

/// Places in the table.
pub(super) const PLACES: usize = 1 << 17;

/// How many different texts there are.
const TEXTS: u32 = 1 << 20;

/// How many texts are drawn at once.
const BATCH: usize = 1 << 14;

const ROUNDS: Rounds = Rounds { full: 3, quick: 2 };

pub(super) fn rows() -> Vec<Row> {
    let mut rows = program::<ShortLived>().rows();
    rows.extend(program::<Interned>().rows());
    rows
}

fn program<W: Work>() -> Program {
    let gc_arena = |mode| gc_arena::at_its_best(|pacing| measure::<W, _>(GcArenaStrings::new(pacing), mode));
    let dumpster = |mode| measure::<W, _>(DumpsterStrings::default(), mode);
    let boxed = |mode| measure::<W, _>(BoxedStrings::default(), mode);
    Program {
        name: W::NAME.to_owned(),
        about: W::ABOUT.to_owned(),
        unit: Unit::Operation,
        when: When::Always,
        rounds: ROUNDS,
        ours: Rc::new(|configuration, mode| measure::<W, _>(RawStrings::new(configuration), mode)),
        safe: Rc::new(|configuration, mode| measure::<W, _>(SafeStrings::new(configuration), mode)),
        rivals: vec![
            Contender::new("gc-arena", Home::Mimalloc, gc_arena),
            Contender::new("dumpster", Home::Mimalloc, dumpster),
            boehm::contender(|mode| measure::<W, _>(Boehm::with_strings(PLACES), mode)),
            Contender::new("mimalloc", Home::Mimalloc, boxed),
            Contender::new("glibc", Home::Glibc, boxed),
        ],
    }
}

/// A heap with a table of strings, empty at first.
pub(super) trait Strings {
    /// Copies a text into a new string and gives the [`ends`] of that.
    fn temporary(&mut self, text: &str) -> u64;

    /// Whether the text is in this place of the table; if not it is put there.
    fn keep(&mut self, place: usize, text: &str) -> bool;

    /// The [`ends`] of the string in a place; 0 where there is none.
    fn kept_ends(&self, place: usize) -> u64;
}

/// Length, first and last byte, as a number.
pub(super) fn ends(text: &[u8]) -> u64 {
    let [first, .., last] = text else { return 0 };
    text.len() as u64 + u64::from(*first) + (u64::from(*last) << 8)
}

/// What is done with each text.
trait Work: 'static {
    const NAME: &'static str;
    const ABOUT: &'static str;

    fn run(strings: &mut impl Strings, place: usize, text: &str) -> u64;
}

struct ShortLived;

impl Work for ShortLived {
    const NAME: &'static str = "strings-short-lived";
    const ABOUT: &'static str = "one string of 8 to 40 bytes that is made, looked at and let go";

    #[inline(always)]
    fn run(strings: &mut impl Strings, _place: usize, text: &str) -> u64 {
        strings.temporary(text)
    }
}

struct Interned;

impl Work for Interned {
    const NAME: &'static str = "strings-interned";
    const ABOUT: &'static str =
        "one text that is looked up in a table of 131072 strings, and put there if it is new";

    #[inline(always)]
    fn run(strings: &mut impl Strings, place: usize, text: &str) -> u64 {
        u64::from(strings.keep(place, text))
    }
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 texts")]
fn measure<W: Work, S: Strings>(mut strings: S, mode: Mode) -> Measurement {
    let batches = match mode {
        Mode::Full => 256,
        Mode::Quick => 64,
    };
    let mut random = Random::new(3);
    let (mut ns, mut sum) = (0.0, 1);
    for _ in 0..batches {
        let batch = Batch::draw(&mut random);
        let (batch_ns, result) = clock::time(|| batch.run::<W>(&mut strings));
        ns += batch_ns;
        sum = checksum::mix(sum, result);
    }
    let checksum = (0..PLACES).map(|place| strings.kept_ends(place)).fold(sum, checksum::mix);
    Measurement { ns_by_copy: vec![ns / (batches * BATCH) as f64], checksum }
}

/// The longest text, in bytes.
const LONGEST: usize = 40;

/// Texts one behind the other.
#[derive(Clone, Debug)]
struct Batch {
    letters: String,
    texts: Vec<Text>,
}

/// Where in the batch a text ends, and where in the table it belongs.
#[derive(Clone, Copy, Debug)]
struct Text {
    end: usize,
    place: usize,
}

impl Batch {
    fn draw(random: &mut Random) -> Self {
        let mut batch = Self { letters: String::with_capacity(BATCH * LONGEST), texts: Vec::new() };
        for _ in 0..BATCH {
            // The smallest of three: low numbers are more frequent.
            let number = (0..3).map(|_| random.below(TEXTS)).min().unwrap_or(0);
            let mut letters = Random::new(u64::from(number));
            let place = letters.next() as usize % PLACES;
            let length = 8 + place % (LONGEST - 7);
            batch.letters.extend((0..length).map(|_| char::from(b'a' + (letters.below(26) as u8))));
            batch.texts.push(Text { end: batch.letters.len(), place });
        }
        batch
    }

    #[inline(always)]
    fn run<W: Work>(&self, strings: &mut impl Strings) -> u64 {
        let (mut sum, mut start) = (0_u64, 0);
        for &Text { end, place } in &self.texts {
            sum = sum.wrapping_add(W::run(strings, place, &self.letters[start..end]));
            start = end;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::super::configuration::DEFAULT;
    use super::*;

    /// Keeps the texts in vectors.
    struct Model(Vec<Vec<u8>>);

    impl Strings for Model {
        fn temporary(&mut self, text: &str) -> u64 {
            ends(text.as_bytes())
        }

        fn keep(&mut self, place: usize, text: &str) -> bool {
            let found = self.0[place] == text.as_bytes();
            self.0[place] = text.into();
            found
        }

        fn kept_ends(&self, place: usize) -> u64 {
            ends(&self.0[place])
        }
    }

    fn all_agree<W: Work>() -> u64 {
        let expected = measure::<W, _>(Model(vec![Vec::new(); PLACES]), Mode::Quick).checksum;
        assert_eq!(measure::<W, _>(BoxedStrings::default(), Mode::Quick).checksum, expected);
        assert_eq!(measure::<W, _>(DumpsterStrings::default(), Mode::Quick).checksum, expected);
        for pacing in gc_arena::PACINGS {
            assert_eq!(measure::<W, _>(GcArenaStrings::new(pacing), Mode::Quick).checksum, expected);
        }
        assert_eq!(measure::<W, _>(RawStrings::new(DEFAULT), Mode::Quick).checksum, expected);
        assert_eq!(measure::<W, _>(SafeStrings::new(DEFAULT), Mode::Quick).checksum, expected);
        expected
    }

    #[test]
    fn all_contenders_hold_what_the_model_holds() {
        assert_ne!(all_agree::<ShortLived>(), all_agree::<Interned>());
    }

    #[test]
    fn many_texts_are_found_and_many_are_new() {
        let mut model = Model(vec![Vec::new(); PLACES]);
        let mut random = Random::new(3);
        let found: u64 = (0..24).map(|_| Batch::draw(&mut random).run::<Interned>(&mut model)).sum();
        let drawn = 24 * BATCH as u64;
        assert!((drawn / 10..drawn / 10 * 9).contains(&found), "{found} of {drawn}");
    }
}
