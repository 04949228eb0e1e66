//! Collected data of variable length, and tables that keep nothing alive.

mod array;
mod finalizer;
mod hashing;
mod intern;
mod map;
mod string;
mod vec;
mod weak_map;

pub use array::{Array, GcArray};
pub use finalizer::FinalizerQueue;
pub use intern::InternTable;
pub use map::GcMap;
pub use string::{GcString, Str};
pub use vec::GcVec;
pub use weak_map::WeakMap;
