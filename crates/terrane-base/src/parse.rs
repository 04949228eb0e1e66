//! Amounts of memory as people write them: "64MiB", "1.5 GiB", "4096".

use core::{fmt, str::FromStr};

use crate::bytes::{Bytes, UNITS};

/// Why a text is not an amount of memory, and where.
///
/// The accepted form is a decimal number, optional spaces, and an optional unit: `B`, `KiB`, `MiB`, `GiB`,
/// `TiB`, `PiB`, `EiB`, or the letters `K`, `M`, `G`, `T` for the same binary units. Case does not matter.
/// A fraction needs a unit larger than the byte and is rounded down to whole bytes. `KB`, `MB` and the like
/// are refused, because half of their readers take them for powers of 1000.
///
/// ```
/// use terrane_base::{Bytes, ParseBytesErrorKind};
///
/// let error = "64 parsecs".parse::<Bytes>().unwrap_err();
/// assert_eq!(error.kind(), ParseBytesErrorKind::UnknownUnit);
/// assert_eq!(error.offset(), 3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseBytesError {
    kind: ParseBytesErrorKind,
    offset: usize,
}

/// What is wrong with a text that was to be an amount of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseBytesErrorKind {
    /// There is nothing but white space.
    Empty,
    /// A digit was expected.
    ExpectedDigit,
    /// The unit is none that is known.
    UnknownUnit,
    /// `KB`, `MB`, …: it is not clear whether 1000 or 1024 is meant.
    AmbiguousUnit,
    /// A fraction of a byte.
    FractionOfByte,
    /// The amount is 16 EiB or more.
    TooLarge,
}

impl ParseBytesError {
    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> ParseBytesErrorKind {
        self.kind
    }

    /// Where it is wrong: a byte offset into the text that was parsed.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for ParseBytesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ParseBytesErrorKind::Empty => "expected an amount of memory such as 64MiB",
            ParseBytesErrorKind::ExpectedDigit => "expected a digit",
            ParseBytesErrorKind::UnknownUnit => "unknown unit, expected B, KiB, MiB, GiB or TiB",
            ParseBytesErrorKind::AmbiguousUnit => "ambiguous unit, write KiB, MiB, GiB or TiB",
            ParseBytesErrorKind::FractionOfByte => "a fraction needs a unit larger than the byte",
            ParseBytesErrorKind::TooLarge => "the amount is too large",
        };
        write!(f, "{what} (at byte {})", self.offset)
    }
}

impl core::error::Error for ParseBytesError {}

impl FromStr for Bytes {
    type Err = ParseBytesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut cursor = Cursor { text: text.trim_end(), offset: text.len() - text.trim_start().len() };
        let start = cursor.offset;
        if cursor.rest().is_empty() {
            return Err(ParseBytesError { kind: ParseBytesErrorKind::Empty, offset: 0 });
        }
        let number = cursor.number()?;
        cursor.skip_spaces();
        let unit = cursor.unit()?;
        number.in_unit(unit).map_err(|kind| ParseBytesError {
            kind,
            offset: if kind == ParseBytesErrorKind::FractionOfByte { number.point } else { start },
        })
    }
}

/// What of a text is still to be read.
struct Cursor<'a> {
    text: &'a str,
    offset: usize,
}

/// A decimal number, split at its point.
struct Number {
    /// Digits before the point; `u128::MAX` for "more than any amount".
    whole: u128,
    /// Digits after the point, the first `FRACTION_DIGITS` of them, as an integer …
    fraction: u128,
    /// … over this power of ten.
    fraction_scale: u128,
    /// Offset of the decimal point; only meaningful where there is one.
    point: usize,
    has_point: bool,
}

/// More digits cannot change the number of whole bytes by more than one: 2⁶⁰ / 10¹⁸ ≈ 1.15.
const FRACTION_DIGITS: usize = 18;

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.offset..).unwrap_or("")
    }

    fn skip_spaces(&mut self) {
        self.offset = self.text.len() - self.rest().trim_start().len();
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<&'a str, ParseBytesError> {
        let rest = self.rest();
        let len = rest.bytes().take_while(u8::is_ascii_digit).count();
        if len == 0 {
            return Err(ParseBytesError { kind: ParseBytesErrorKind::ExpectedDigit, offset: self.offset });
        }
        self.offset += len;
        Ok(&rest[..len])
    }

    fn number(&mut self) -> Result<Number, ParseBytesError> {
        let whole = self.digits()?.parse().unwrap_or(u128::MAX);
        let point = self.offset;
        if !self.rest().starts_with('.') {
            return Ok(Number { whole, fraction: 0, fraction_scale: 1, point, has_point: false });
        }
        self.offset += 1;
        let (mut fraction, mut fraction_scale) = (0_u128, 1_u128);
        for digit in self.digits()?.bytes().take(FRACTION_DIGITS) {
            fraction = fraction * 10 + u128::from(digit - b'0');
            fraction_scale *= 10;
        }
        Ok(Number { whole, fraction, fraction_scale, point, has_point: true })
    }

    /// The rest of the text as a power of 1024.
    fn unit(&self) -> Result<usize, ParseBytesError> {
        let name = self.rest();
        if name.is_empty() {
            return Ok(0);
        }
        let letter = |power: usize| &UNITS[power][..1];
        for (power, unit) in UNITS.iter().enumerate() {
            let short = (1..=4).contains(&power) && name.eq_ignore_ascii_case(letter(power));
            if short || name.eq_ignore_ascii_case(unit) {
                return Ok(power);
            }
        }
        let is_decimal = name.len() == 2
            && name.as_bytes()[1].eq_ignore_ascii_case(&b'B')
            && (1..UNITS.len()).any(|power| name[..1].eq_ignore_ascii_case(letter(power)));
        let kind =
            if is_decimal { ParseBytesErrorKind::AmbiguousUnit } else { ParseBytesErrorKind::UnknownUnit };
        Err(ParseBytesError { kind, offset: self.offset })
    }
}

impl Number {
    fn in_unit(&self, power: usize) -> Result<Bytes, ParseBytesErrorKind> {
        if self.has_point && power == 0 {
            return Err(ParseBytesErrorKind::FractionOfByte);
        }
        let unit = 1_u128 << (10 * power);
        // The fraction is below 10¹⁸ < 2⁶⁰ and the unit at most 2⁶⁰: the product fits.
        let part = self.fraction * unit / self.fraction_scale;
        let total = self.whole.checked_mul(unit).and_then(|whole| whole.checked_add(part));
        let total = total.and_then(|total| u64::try_from(total).ok());
        total.map(Bytes::new).ok_or(ParseBytesErrorKind::TooLarge)
    }
}
