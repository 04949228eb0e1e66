//! An amount of memory, as a type of its own, so that a count of objects or pages is never taken for a
//! count of bytes, and so that every message prints amounts the same way.

use core::fmt::{self, Write};

/// An amount of memory in bytes.
///
/// Arithmetic is checked or saturating, never wrapping: there is no `+`.
///
/// [`Display`](fmt::Display) rounds to at most two decimals in the largest binary unit that fits; the
/// alternate form `{:#}` is exact. Parsing is described at [`ParseBytesError`](crate::ParseBytesError).
///
/// ```
/// use terrane_base::Bytes;
///
/// assert_eq!(Bytes::new(512).to_string(), "512 B");
/// assert_eq!(Bytes::new(1536).to_string(), "1.5 KiB");
/// assert_eq!(Bytes::from_mib(64).to_string(), "64 MiB");
/// assert_eq!(format!("{:#}", Bytes::from_kib(64)), "65536 B");
/// assert_eq!("1.5 GiB".parse(), Ok(Bytes::from_mib(1536)));
/// assert_eq!(Bytes::from_kib(1).checked_sub(Bytes::new(1025)), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Bytes(u64);

/// Unit names by power of 1024. `u64::MAX` is just below 16 EiB, so no further unit is needed.
pub(crate) const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

impl Bytes {
    /// No memory at all.
    pub const ZERO: Self = Self(0);
    /// The largest amount that can be stated; as a limit it means "no limit".
    pub const MAX: Self = Self(u64::MAX);

    /// `bytes` bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// `kib` times 1024 bytes, or [`Bytes::MAX`] when that does not fit.
    #[must_use]
    pub const fn from_kib(kib: u64) -> Self {
        Self(kib.saturating_mul(1 << 10))
    }

    /// `mib` times 1024² bytes, or [`Bytes::MAX`] when that does not fit.
    #[must_use]
    pub const fn from_mib(mib: u64) -> Self {
        Self(mib.saturating_mul(1 << 20))
    }

    /// `gib` times 1024³ bytes, or [`Bytes::MAX`] when that does not fit.
    #[must_use]
    pub const fn from_gib(gib: u64) -> Self {
        Self(gib.saturating_mul(1 << 30))
    }

    /// A size of an object in this process. Lossless on every supported target.
    #[must_use]
    pub const fn from_usize(bytes: usize) -> Self {
        Self(bytes as u64)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The number of bytes as a size in this process; `usize::MAX` when it does not fit (32-bit targets).
    #[must_use]
    pub const fn as_usize(self) -> usize {
        if self.0 > usize::MAX as u64 { usize::MAX } else { self.0 as usize }
    }

    /// The sum, or `None` on overflow.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference, or `None` when `other` is larger.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }

    /// The product, or `None` on overflow.
    #[must_use]
    pub const fn checked_mul(self, factor: u64) -> Option<Self> {
        match self.0.checked_mul(factor) {
            Some(product) => Some(Self(product)),
            None => None,
        }
    }

    /// The sum, or [`Bytes::MAX`] on overflow.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, or [`Bytes::ZERO`] when `other` is larger.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The product, or [`Bytes::MAX`] on overflow.
    #[must_use]
    pub const fn saturating_mul(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor))
    }
}

impl From<u64> for Bytes {
    fn from(bytes: u64) -> Self {
        Self(bytes)
    }
}

impl From<usize> for Bytes {
    fn from(bytes: usize) -> Self {
        Self::from_usize(bytes)
    }
}

/// Sums saturate, like [`Bytes::saturating_add`].
impl core::iter::Sum for Bytes {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::saturating_add)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = ShortText::default();
        if f.alternate() {
            write!(text, "{} B", self.0)?;
        } else {
            write_rounded(&mut text, self.0)?;
        }
        write_padded(f, text.as_str())
    }
}

fn write_rounded(out: &mut ShortText, bytes: u64) -> fmt::Result {
    let (hundredths, unit) = scale(bytes);
    let (whole, fraction) = (hundredths / 100, hundredths % 100);
    match fraction {
        0 => write!(out, "{whole}")?,
        f if f % 10 == 0 => write!(out, "{whole}.{}", f / 10)?,
        f => write!(out, "{whole}.{f:02}")?,
    }
    write!(out, " {}", UNITS[unit])
}

/// Hundredths of the largest unit that `bytes` reaches, rounded to nearest, and that unit's index.
fn scale(bytes: u64) -> (u64, usize) {
    let mut unit = 0;
    while unit + 1 < UNITS.len() && bytes >> (10 * (unit + 1)) != 0 {
        unit += 1;
    }
    let divisor = 1_u128 << (10 * unit);
    let hundredths = ((u128::from(bytes) * 100 + divisor / 2) / divisor) as u64;
    let last = unit + 1 == UNITS.len();
    match hundredths {
        // Rounded up to 1024 of this unit: say 1 of the next.
        102_400.. if !last => (100, unit + 1),
        // 16 EiB is more than can be parsed back, so the last few values round down.
        1_600.. if last => (1_599, unit),
        _ => (hundredths, unit),
    }
}

/// Room for the longest text, "18446744073709551615 B", so that printing allocates nothing.
#[derive(Default)]
struct ShortText {
    bytes: [u8; 24],
    len: usize,
}

impl ShortText {
    fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..self.len]).unwrap_or("")
    }
}

impl Write for ShortText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// Like `Formatter::pad`, but a precision does not cut the text off. `text` is ASCII.
fn write_padded(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let missing = f.width().unwrap_or(0).saturating_sub(text.len());
    let before = match f.align() {
        Some(fmt::Alignment::Right) => missing,
        Some(fmt::Alignment::Center) => missing / 2,
        Some(fmt::Alignment::Left) | None => 0,
    };
    let fill = f.fill();
    for _ in 0..before {
        f.write_char(fill)?;
    }
    f.write_str(text)?;
    for _ in before..missing {
        f.write_char(fill)?;
    }
    Ok(())
}
