//! No collector: each object is an allocation of the global allocator, freed when its owner lets go. Objects that
//! several fields refer to count their references.

mod lists;
mod recursion;
mod table;
mod trees;
mod weak;

use super::owned_strings::OwnedStrings;

pub(super) use lists::{BoxedLists, BoxedLiveSet};
pub(super) use recursion::recurse;
pub(super) use table::{CountedArray, CountedNodes};
pub(super) use trees::{BoxedForest, BoxedGrove, BoxedReplaced};
pub(super) use weak::{BoxedNotes, BoxedResources};

/// Boxed strings.
pub(super) type BoxedStrings = OwnedStrings<Box<[u8]>>;
