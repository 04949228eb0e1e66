//! Pressure stall information: the share of time in which tasks did nothing but wait for memory.

use core::{fmt, str::FromStr};

/// The shares of the last ten seconds, in hundredths of a per cent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StallShares {
    /// At least one task waited.
    pub some: u32,
    /// All tasks waited, so that nothing was done at all.
    pub full: u32,
}

/// `some 1.25 %, full 0.00 %`
impl fmt::Display for StallShares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: u32| f64::from(share) / 100.0;
        write!(f, "some {:.2} %, full {:.2} %", percent(self.some), percent(self.full))
    }
}

/// What is not in the format of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseStallError;

impl core::fmt::Display for ParseStallError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("no pressure stall information: `some avg10=0.00 …` was expected")
    }
}

impl core::error::Error for ParseStallError {}

/// Reads `some avg10=0.00 avg60=0.00 avg300=0.00 total=0` and the same for `full`, which very old kernels leave out.
///
/// ```
/// use terrane_pages::StallShares;
///
/// let text = "some avg10=12.34 avg60=1.00 avg300=0.10 total=5\nfull avg10=0.50 avg60=0.00 avg300=0.00 total=1\n";
/// let shares: StallShares = text.parse()?;
/// assert_eq!((shares.some, shares.full), (1234, 50));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
impl FromStr for StallShares {
    type Err = ParseStallError;

    fn from_str(text: &str) -> Result<Self, ParseStallError> {
        let share = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            hundredths(line.split_ascii_whitespace().find_map(|field| field.strip_prefix("avg10="))?)
        };
        let some = share("some ").ok_or(ParseStallError)?;
        Ok(Self { some, full: share("full ").unwrap_or(0) })
    }
}

/// `12.34` as 1234.
fn hundredths(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let whole: u32 = Some(whole).filter(|text| digits(text))?.parse().ok()?;
    let fraction: u32 = Some(fraction).filter(|text| text.len() == 2 && digits(text))?.parse().ok()?;
    whole.checked_mul(100)?.checked_add(fraction).filter(|share| *share <= 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "some",
            "some avg60=1.00",
            "some avg10=1",
            "some avg10=-1.00",
            "some avg10=1.0",
            "some avg10=+1.00",
            "some avg10=100.01",
            "some avg10=99999999999.00",
            "full avg10=1.00",
        ] {
            assert_eq!(text.parse::<StallShares>(), Err(ParseStallError), "{text:?}");
        }
        let parsed: StallShares = "some avg10=100.00 total=1".parse().unwrap();
        assert_eq!((parsed.some, parsed.full), (10_000, 0));
    }
}
