//! The verifier.
use core::fmt;
use super::heap::Heap;
use super::{ObjectModel, RootSource, Word};

/// What is corrupt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CorruptionKind {
    /// x
    Dangling,
}
/// A finding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Corruption {
    /// What.
    pub kind: CorruptionKind,
    /// Word.
    pub word: Word,
}
impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self)
    }
}
impl<M: ObjectModel> Heap<M> {
    /// Verifies.
    pub fn verify<R: RootSource>(&mut self, _roots: &mut R) -> Result<(), Corruption> {
        Ok(())
    }
}
