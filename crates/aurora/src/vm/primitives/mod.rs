//! The code of the primitives, by the kind of thing that they work on.

pub(crate) mod arenas;
pub(crate) mod bytevectors;
pub(crate) mod characters;
pub(crate) mod control;
pub(crate) mod equality;
pub(crate) mod files;
pub(crate) mod input;
pub(crate) mod lists;
pub(crate) mod numbers;
pub(crate) mod output;
pub(crate) mod strings;
pub(crate) mod symbols;
pub(crate) mod transcendental;
pub(crate) mod vectors;
