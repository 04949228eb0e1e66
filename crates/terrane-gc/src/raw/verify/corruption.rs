//! What the verifier finds.

use core::fmt;

use super::super::Word;

/// What is wrong with an edge or an object.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum CorruptionKind {
    /// The reference's address is not a multiple of 8.
    Misaligned,
    /// Into the nursery, but not at the start of an object there: a root or slot that a collection did not
    /// update.
    DanglingNursery,
    /// Into the frame region, but not at the start of an object below the frame top.
    DanglingFrame,
    /// Into the blocks for arenas, but not at the start of an object of a live arena.
    DanglingArena,
    /// Into a chunk of the old space, but not at the start of a live object.
    DanglingOld,
    /// To no object that the heap knows.
    Foreign,
    /// From outside the frame region into it.
    HeapToFrame,
    /// From an old object into the young range, and not in the remembered set: a store without the write
    /// barrier.
    NotRemembered,
    /// From a frame or arena object below its watermark into the nursery, and not logged: a store without the
    /// write barrier.
    NotLogged,
    /// Objects do not lie dense: an object is longer than the room that is left.
    NotDense,
    /// An object that was reachable when a marking began and was not marked when it ended: a store without the
    /// write barrier while it went on, or a root that was not delivered.
    NotInSnapshot,
    /// An entry of the remembered set whose object is not live.
    StaleEntry,
}

impl CorruptionKind {
    fn explanation(self) -> &'static str {
        match self {
            Self::Misaligned => "a reference that is not aligned",
            Self::DanglingNursery => "a reference into the nursery, but not to an object",
            Self::DanglingFrame => "a reference into the frame region, but not to an object",
            Self::DanglingArena => "a reference into an arena, but not to an object",
            Self::DanglingOld => "a reference into the old space, but not to a live object",
            Self::Foreign => "a reference to nothing in the heap",
            Self::HeapToFrame => "a reference into the frame region from outside",
            Self::NotRemembered => "a reference from old to young that is not remembered",
            Self::NotLogged => "a reference into the nursery from a scanned object that is not logged",
            Self::NotDense => "an object that overlaps the end of its zone",
            Self::NotInSnapshot => "an object that a marking has missed",
            Self::StaleEntry => "a remembered object that is dead",
        }
    }
}

/// A finding of the verifier.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Corruption {
    /// What is wrong.
    pub kind: CorruptionKind,
    /// The object that holds the reference; `None` for a root.
    pub parent: Option<Word>,
    /// Where the reference is held.
    pub slot: usize,
    /// The reference, or the object itself.
    pub target: Word,
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, parent, slot, target } = self;
        write!(f, "{}: {:#x}, held ", kind.explanation(), target.0)?;
        match parent {
            Some(parent) => write!(f, "at {slot:#x} in the object {:#x}", parent.0),
            None => write!(f, "by a root"),
        }
    }
}

impl core::error::Error for Corruption {}
