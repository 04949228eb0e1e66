//! The procedures that are built in: name, arity, what they do with their arguments, and their code.

mod simplify;
mod table;

pub(crate) use simplify::{LIST_MAX, simplify};
pub(crate) use table::{Primitive, count_of_arguments};

/// What a primitive does with its arguments, as far as their lifetime is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing outlives the call; the result is new or no pointer.
    Pure,
    /// The result is read out of the given argument.
    Field(u8),
    /// The result is the given argument or something in it, at any depth.
    Reaches(u8),
    /// The arguments from the given one on are stored where anybody may find them.
    Stores(u8),
    /// What the given argument contains is copied into a new object; later arguments are stored.
    Contents(u8),
    /// All arguments are stored.
    Escapes,
}
