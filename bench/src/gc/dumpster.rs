//! dumpster: counted references, and a collection of what may be a cycle now and then. Its types for one thread.
//!
//! A reference that is dropped while others remain is suspected of leaving a cycle behind; how often the suspects are
//! looked through is left at its default.

mod lists;
mod table;
mod trees;

use super::owned_strings::OwnedStrings;

pub(super) use lists::{DumpsterLists, DumpsterLiveSet};
pub(super) use table::{DumpsterArray, DumpsterNodes};
pub(super) use trees::{DumpsterForest, DumpsterGrove};

/// Strings behind counted pointers.
pub(super) type DumpsterStrings = OwnedStrings<dumpster::unsync::Gc<[u8]>>;
