//! `gc/strings-short-lived` and `gc/strings-interned`: strings of 8 to 40 bytes.
//!
//! The first copies a text into a new string, looks at it and lets it go. The second looks for the text in a table of
//! 131 072 places, one of which it may be in; where another string is there, that makes way for a new one. Some texts
//! are far more frequent than others, so that many are found. What is drawn, and its hash, is prepared out of sight of
//! the clock.

use super::boehm::{self, Boehm};
use super::boxed::BoxedStrings;
use super::dumpster::DumpsterStrings;
use super::gc_arena::{self, GcArenaStrings};
use super::program::Program;
use super::random::Random;
use super::raw::RawStrings;
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
    fn temporary(&mut self, text: &[u8]) -> u64;

    /// Whether the text is in this place of the table; if not it is put there.
    fn keep(&mut self, place: usize, text: &[u8]) -> bool;

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

    fn run(strings: &mut impl Strings, text: &Text) -> u64;
}

struct ShortLived;

impl Work for ShortLived {
    const NAME: &'static str = "strings-short-lived";
    const ABOUT: &'static str = "one string of 8 to 40 bytes that is made, looked at and let go";

    #[inline(always)]
    fn run(strings: &mut impl Strings, text: &Text) -> u64 {
        strings.temporary(text.bytes())
    }
}

struct Interned;

impl Work for Interned {
    const NAME: &'static str = "strings-interned";
    const ABOUT: &'static str =
        "one text that is looked up in a table of 131072 strings, and put there if it is new";

    #[inline(always)]
    fn run(strings: &mut impl Strings, text: &Text) -> u64 {
        u64::from(strings.keep(text.place, text.bytes()))
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
        let texts: Vec<Text> = (0..BATCH).map(|_| Text::draw(&mut random)).collect();
        let (batch_ns, result) =
            clock::time(|| texts.iter().map(|text| W::run(&mut strings, text)).fold(0, u64::wrapping_add));
        ns += batch_ns;
        sum = checksum::mix(sum, result);
    }
    let checksum = (0..PLACES).map(|place| strings.kept_ends(place)).fold(sum, checksum::mix);
    Measurement { ns_by_copy: vec![ns / (batches * BATCH) as f64], checksum }
}

/// The longest text, in bytes.
const LONGEST: usize = 40;

/// A text and where it belongs.
#[derive(Clone, Debug)]
struct Text {
    place: usize,
    length: usize,
    bytes: [u8; LONGEST],
}

impl Text {
    fn draw(random: &mut Random) -> Self {
        // The smallest of three: low numbers are more frequent.
        let number = (0..3).map(|_| random.below(TEXTS)).min().unwrap_or(0);
        let mut letters = Random::new(u64::from(number));
        let length = 8 + letters.below(LONGEST as u32 - 7) as usize;
        let bytes = std::array::from_fn(|_| b'a' + (letters.below(26) as u8));
        let place = letters.next() as usize % PLACES;
        Self { place, length, bytes }
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::super::configuration::DEFAULT;
    use super::*;

    /// Keeps the texts in vectors.
    struct Model(Vec<Vec<u8>>);

    impl Strings for Model {
        fn temporary(&mut self, text: &[u8]) -> u64 {
            ends(text)
        }

        fn keep(&mut self, place: usize, text: &[u8]) -> bool {
            let found = self.0[place] == text;
            self.0[place] = text.to_vec();
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
        let found = (0..400_000).filter(|_| Interned::run(&mut model, &Text::draw(&mut random)) == 1).count();
        assert!((40_000..360_000).contains(&found), "{found} of 400000");
    }
}
