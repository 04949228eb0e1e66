//! The ways to hold on to an object, from the cheapest to the longest lived.

mod cell;
mod dynamic;
mod gc;
mod local;
mod pinned;
mod root;
mod weak;

pub use cell::{GcCell, GcField};
pub use dynamic::GcDyn;
pub use gc::Gc;
pub use local::Local;
pub use pinned::Pinned;
pub use root::{Root, RootError};
pub use weak::Weak;

pub(crate) use gc::{Invariant, InvariantType};
pub(crate) use root::{HeapId, RootSlot};
