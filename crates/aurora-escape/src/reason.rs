//! Why an object cannot live in a frame: the vocabulary of explanations.

use core::fmt;

use crate::ids::{LocationId, Note, ProcedureId};

/// What finally makes a value outlive the scope it was made in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum EscapeReason {
    /// Assigned to a global variable.
    Global,
    /// Passed to, or returned to, code that is not known.
    UnknownCallee,
    /// Needed by a tail call, which closes the frame before it jumps.
    TailCall,
    /// Stored into an object that is not known.
    StoredInUnknown,
    /// Stored into an object that the caller passed.
    StoredInParameter,
    /// Returned to the caller.
    Returned,
    /// Assigned to a variable of a procedure further out.
    OutlivesScope,
    /// Assigned to a variable that lives on after the iteration of the loop.
    OutlivesIteration,
    /// Captured by a closure that escapes.
    CapturedByEscaping,
    /// Thrown as an exception.
    Thrown,
    /// The site itself is always on the heap: too large, or of a kind that has no frame form.
    NotAllowed,
}

impl fmt::Display for EscapeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Global => "assigned to a global variable",
            Self::UnknownCallee => "passed to unknown code",
            Self::TailCall => "needed by a tail call after the frame is closed",
            Self::StoredInUnknown => "stored in an object that is not known",
            Self::StoredInParameter => "stored in an object of the caller",
            Self::Returned => "returned",
            Self::OutlivesScope => "assigned to a variable of an enclosing procedure",
            Self::OutlivesIteration => "outlives its iteration",
            Self::CapturedByEscaping => "captured by a closure that escapes",
            Self::Thrown => "thrown",
            Self::NotAllowed => "always on the heap",
        })
    }
}

/// One stage of the way from a site to the place that outlives it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// Stored in an object of this site, which is on the heap or outlives it.
    StoredIn(LocationId),
    /// Passed to this procedure as the argument of this index.
    PassedTo(ProcedureId, usize),
    /// Read by this procedure from a variable around it and handed to its caller.
    HandedOutBy(ProcedureId),
    /// The end of the way.
    Escape(EscapeReason),
}

/// A stage of an explanation, with the place in the client's source where it happens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Step {
    /// What happens.
    pub reason: Reason,
    /// Where.
    pub note: Note,
}
