//! dumpster: counted references, and a collection of what may be a cycle now and then. Its types for one thread.
//!
//! A reference that is dropped while others remain is suspected of leaving a cycle behind; how often the suspects are
//! looked through is left at its default.

mod lists;
mod strings;
mod table;
mod trees;

pub(super) use lists::{DumpsterLists, DumpsterLiveSet};
pub(super) use strings::DumpsterStrings;
pub(super) use table::{DumpsterArray, DumpsterNodes};
pub(super) use trees::{DumpsterForest, DumpsterGrove};
