//! What an object of the safe tier is: a header word, then a Rust value.

pub(crate) mod header;
mod implementations;
mod leaf;
mod model;
mod shape;
mod trace;
mod type_info;

pub use leaf::Leaf;
pub use shape::Shape;
pub use trace::{At, InHeap, Static, Trace, Tracer};

pub(crate) use model::SafeModel;
pub(crate) use type_info::{PAYLOAD_OFFSET, TypeInfo};
