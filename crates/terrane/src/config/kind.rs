//! What values an option takes. Each kind stores its values as one number, reads them from text, and shows them so that they read back.

use terrane_base::Bytes;

/// The kind of an option's values, with the least and the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionKind {
    /// An amount of memory in bytes. A greatest value of `u64::MAX` means that `unlimited` is one.
    Size {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// A number of things.
    Count {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// A share from 1 % to 100 %.
    Percent,
    /// On or off.
    Flag,
    /// A time in milliseconds.
    Duration {
        /// The least, in milliseconds.
        min: u64,
        /// The greatest, in milliseconds.
        max: u64,
    },
}

const UNLIMITED: &str = "unlimited";

/// About a number that would be taken for no limit.
const TOO_LARGE: &str = "the number is too large; say `unlimited`";

/// Units of memory and of time with what they are worth, largest first.
const SIZE_UNITS: [(u64, &str); 5] =
    [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")];
const TIME_UNITS: [(u64, &str); 4] = [(3_600_000, "h"), (60_000, "min"), (1_000, "s"), (1, "ms")];

impl OptionKind {
    /// "size", "count", "percent", "flag" or "duration".
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Size { .. } => "size",
            Self::Count { .. } => "count",
            Self::Percent => "percent",
            Self::Flag => "flag",
            Self::Duration { .. } => "duration",
        }
    }

    /// The unit of a number that has none, as it is stored: "bytes", "ms", "%", or nothing.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Size { .. } => "bytes",
            Self::Percent => "%",
            Self::Duration { .. } => "ms",
            Self::Count { .. } | Self::Flag => "",
        }
    }

    /// The values, in words: "1KiB to 16MiB".
    #[must_use]
    pub fn range(self) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            _ => {
                let (min, max) = self.bounds();
                format!("{} to {}", self.show(min), self.show(max))
            }
        }
    }

    /// The value as it is written in a file (there, text stands in quotes) or in the environment. Reading it gives the same value.
    #[must_use]
    pub fn show(self, value: u64) -> String {
        match self {
            Self::Size { max: u64::MAX, .. } if value == u64::MAX => UNLIMITED.to_owned(),
            Self::Size { .. } => in_largest_unit(value, &SIZE_UNITS),
            Self::Duration { .. } => in_largest_unit(value, &TIME_UNITS),
            Self::Count { .. } | Self::Percent => value.to_string(),
            Self::Flag => (value != 0).to_string(),
        }
    }

    /// The value as a number; `None` for no limit.
    pub(super) const fn number(self, value: u64) -> Option<u64> {
        match (self, value) {
            (Self::Size { max: u64::MAX, .. }, u64::MAX) => None,
            _ => Some(value),
        }
    }

    /// Whether the value is written as text in quotes in a file, and not as a number or truth value.
    pub(super) const fn is_text(self) -> bool {
        matches!(self, Self::Size { .. } | Self::Duration { .. })
    }

    /// What a value looks like.
    pub(super) const fn example(self) -> &'static str {
        match self {
            Self::Size { max: u64::MAX, .. } => "a size such as 64MiB, or unlimited",
            Self::Size { .. } => "a size such as 64MiB",
            Self::Count { .. } => "a whole number",
            Self::Percent => "a whole number of per cent from 1 to 100",
            Self::Flag => "true or false",
            Self::Duration { .. } => "a time such as 250ms, 1s or 2min",
        }
    }

    /// Reads a value as a person wrote it.
    pub(super) fn read(self, text: &str) -> Result<u64, String> {
        let text = text.trim();
        let expected = || format!("expected {}", self.example());
        let value = match self {
            Self::Size { max: u64::MAX, .. } if text == UNLIMITED => Ok(u64::MAX),
            Self::Size { .. } => {
                text.parse().map(Bytes::as_u64).map_err(|error: terrane_base::ParseBytesError| {
                    let begins_well = text.starts_with(|first: char| first.is_ascii_digit());
                    if begins_well { format!("{}; {error}", expected()) } else { expected() }
                })
            }
            Self::Count { .. } | Self::Percent => whole_number(text).ok_or_else(expected),
            Self::Flag => match text {
                "true" | "on" | "1" => Ok(1),
                "false" | "off" | "0" => Ok(0),
                _ => Err(expected()),
            },
            Self::Duration { .. } => duration_ms(text).ok_or_else(expected),
        }?;
        match self {
            // The greatest number is no number of bytes: it stands for no limit, which is to be said in that word.
            Self::Size { max: u64::MAX, .. } if value == u64::MAX && text != UNLIMITED => {
                Err(TOO_LARGE.to_owned())
            }
            _ => self.check(value),
        }
    }

    /// The value, if it is within the bounds.
    pub(super) fn check(self, value: u64) -> Result<u64, String> {
        let (min, max) = self.bounds();
        if value < min {
            Err(format!("it is at least {}", self.show(min)))
        } else if value > max {
            Err(format!("it is at most {}", self.show(max)))
        } else {
            Ok(value)
        }
    }

    const fn bounds(self) -> (u64, u64) {
        match self {
            Self::Size { min, max } | Self::Count { min, max } | Self::Duration { min, max } => (min, max),
            Self::Percent => (1, 100),
            Self::Flag => (0, 1),
        }
    }
}

/// Digits only; what exceeds 64 bits is taken for the greatest value.
fn whole_number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

fn duration_ms(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = (whole_number(&text[..end])?, text[end..].trim());
    let (worth, _) = TIME_UNITS.iter().find(|(_, name)| *name == unit)?;
    Some(number.saturating_mul(*worth))
}

/// A number of the largest unit that divides the value, so that nothing is lost.
fn in_largest_unit(value: u64, units: &[(u64, &str)]) -> String {
    let fits = units.iter().find(|(worth, _)| value != 0 && value.is_multiple_of(*worth));
    let (worth, name) = fits.or(units.last()).copied().unwrap_or((1, ""));
    format!("{}{name}", value / worth)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIZE: OptionKind = OptionKind::Size { min: 0, max: u64::MAX };
    const TIME: OptionKind = OptionKind::Duration { min: 0, max: u64::MAX };

    proptest! {
        #[test]
        fn what_is_shown_reads_back(value: u64, small in 0_u64..5000) {
            for value in [value, small, small << 20, small * 1000] {
                for kind in [SIZE, TIME, OptionKind::Count { min: 0, max: u64::MAX }] {
                    prop_assert_eq!(kind.read(&kind.show(value)), Ok(value));
                }
            }
        }

        #[test]
        fn no_text_is_a_panic(text in ".{0,40}") {
            for kind in [SIZE, TIME, OptionKind::Flag, OptionKind::Percent] {
                let _ = kind.read(&text);
            }
        }
    }

    #[test]
    fn values_out_of_bounds_say_the_bound() {
        let kind = OptionKind::Size { min: 1 << 10, max: 16 << 20 };
        assert_eq!(kind.read("1"), Err("it is at least 1KiB".to_owned()));
        assert_eq!(kind.read("1GiB"), Err("it is at most 16MiB".to_owned()));
        assert_eq!(kind.range(), "1KiB to 16MiB");
        assert_eq!(OptionKind::Percent.read("101"), Err("it is at most 100".to_owned()));
        let count = OptionKind::Count { min: 1, max: 9 };
        assert_eq!(count.read("99999999999999999999999"), Err("it is at most 9".to_owned()));
    }

    #[test]
    fn nonsense_says_what_was_expected() {
        assert_eq!(SIZE.read("lots"), Err("expected a size such as 64MiB, or unlimited".to_owned()));
        assert!(SIZE.read("64MB").unwrap_err().contains("ambiguous unit"));
        for text in ["1", "s", "-1s", "1 sec", "1.5s"] {
            assert!(TIME.read(text).is_err(), "{text}");
        }
        assert_eq!(TIME.read("2 min"), Ok(120_000));
        for text in ["18446744073709551615", "18446744073709551615B"] {
            assert_eq!(SIZE.read(text), Err("the number is too large; say `unlimited`".to_owned()), "{text}");
        }
    }
}
