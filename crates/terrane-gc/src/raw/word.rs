//! The unit in which the mutator and the collector talk: one tagged machine word.

/// A tagged 64-bit value: a reference to an object or an immediate; which of the two, only the
/// [`ObjectModel`](super::ObjectModel) knows.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Word(pub u64);

/// Bytes in a word. Objects start at a multiple of it and their sizes are multiples of it.
pub const WORD_BYTES: usize = 8;
