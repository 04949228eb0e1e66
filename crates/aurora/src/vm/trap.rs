//! Why a run stops early.

use crate::heap::Value;
use terrane_base::MemoryError;

/// A reason to stop.
#[derive(Debug)]
pub(crate) enum Trap {
    /// A mistake of the program: message, and what to do about it.
    Error {
        message: String,
        help: Option<String>,
    },
    Memory(MemoryError),
    Exit(i32),
    OutputClosed,
}

/// What an operation gives.
pub(crate) type Outcome = Result<Value, Trap>;

impl Trap {
    pub(crate) fn error(message: impl Into<String>) -> Self {
        Trap::Error { message: message.into(), help: None }
    }

    pub(crate) fn with_help(self, text: impl Into<String>) -> Self {
        match self {
            Trap::Error { message, .. } => Trap::Error { message, help: Some(text.into()) },
            other => other,
        }
    }

    /// "car: expected a pair, got 5"
    pub(crate) fn wrong_type(what: &str, expected: &str, got: &str) -> Self {
        Trap::error(format!("{what}: expected {expected}, got {got}"))
    }
}

impl From<MemoryError> for Trap {
    fn from(error: MemoryError) -> Self {
        Trap::Memory(error)
    }
}
