//! The one error of a request for pages.

use core::fmt;

/// What a [`PageSource`](crate::PageSource) was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PageOperation {
    /// To set addresses aside.
    Reserve,
    /// To put memory behind addresses.
    Commit,
    /// To take memory back and keep the addresses.
    Decommit,
    /// To give addresses back.
    Release,
    /// To keep memory in physical memory.
    Lock,
    /// To no longer do so.
    Unlock,
    /// To put physical memory behind committed pages ahead of their first use.
    Populate,
}

impl PageOperation {
    /// The verb: "reserve", "commit", …
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reserve => "reserve",
            Self::Commit => "commit",
            Self::Decommit => "decommit",
            Self::Release => "release",
            Self::Lock => "lock",
            Self::Unlock => "unlock",
            Self::Populate => "populate",
        }
    }
}

impl fmt::Display for PageOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A request for pages that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageError {
    /// What was to be done.
    pub operation: PageOperation,
    /// To how many bytes.
    pub requested: usize,
    /// The error number of the operating system (`errno`), where it was asked. `None`: the request made no sense
    /// (out of range, wrong alignment), an own limit was reached, or the global allocator refused.
    pub os_code: Option<i32>,
}

impl PageError {
    /// An error of these parts.
    #[must_use]
    pub const fn new(operation: PageOperation, requested: usize, os_code: Option<i32>) -> Self {
        Self { operation, requested, os_code }
    }
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {} bytes", self.operation, self.requested)?;
        match self.os_code {
            Some(code) => write!(f, " (system error {code})"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for PageError {}
