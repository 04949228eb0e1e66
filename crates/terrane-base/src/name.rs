//! Names of budgets, small enough to be copied into an error.

use core::{fmt, str};

/// The name of a budget, kept inline: at most [`BudgetName::MAX_LEN`] bytes.
///
/// A longer name is cut at a character and ends in "…".
///
/// ```
/// use terrane_base::BudgetName;
///
/// assert_eq!(BudgetName::new("images").as_str(), "images");
/// assert_eq!(BudgetName::new("thumbnails of guests").as_str(), "thumbnails o…");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BudgetName {
    bytes: [u8; Self::MAX_LEN],
    len: u8,
}

const ELLIPSIS: &str = "…";

impl BudgetName {
    /// The number of bytes of UTF-8 that a name can have.
    pub const MAX_LEN: usize = 15;

    /// `name`, cut where it is too long.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let (kept, end) = if name.len() <= Self::MAX_LEN {
            (name, "")
        } else {
            (&name[..name.floor_char_boundary(Self::MAX_LEN - ELLIPSIS.len())], ELLIPSIS)
        };
        let mut bytes = [0; Self::MAX_LEN];
        let len = kept.len() + end.len();
        bytes[..kept.len()].copy_from_slice(kept.as_bytes());
        bytes[kept.len()..len].copy_from_slice(end.as_bytes());
        Self { bytes, len: len as u8 }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or("")
    }

    /// The representation, the length last: for storage in atomics.
    pub(crate) fn to_raw(self) -> [u8; Self::MAX_LEN + 1] {
        let mut raw = [0; Self::MAX_LEN + 1];
        raw[..Self::MAX_LEN].copy_from_slice(&self.bytes);
        raw[Self::MAX_LEN] = self.len;
        raw
    }

    /// The inverse of [`BudgetName::to_raw`].
    pub(crate) fn from_raw(raw: [u8; Self::MAX_LEN + 1]) -> Self {
        let mut bytes = [0; Self::MAX_LEN];
        bytes.copy_from_slice(&raw[..Self::MAX_LEN]);
        Self { bytes, len: raw[Self::MAX_LEN].min(Self::MAX_LEN as u8) }
    }
}

impl fmt::Debug for BudgetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BudgetName({:?})", self.as_str())
    }
}

/// The name between backquotes.
impl fmt::Display for BudgetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.as_str())
    }
}
