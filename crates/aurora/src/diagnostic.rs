//! What a program's author is told when something is wrong: what happened, where, and what to do.
//!
//! A diagnostic is plain data. Drawing it (excerpt, colours) is the business of whoever shows it.

use crate::source::{Sources, Span};
use std::fmt;
use std::ops::Range;
use terrane_base::MemoryError;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Severity {
    /// The program cannot go on.
    Error,
    /// The program goes on, but its author should know.
    Warning,
}

/// The place a diagnostic points at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Label {
    /// Name of the source.
    pub source: String,
    /// 1-based line.
    pub line: u32,
    /// 1-based column, in characters.
    pub column: u32,
    /// Byte range in the source's text.
    pub span: Range<usize>,
    /// What to write beside the marked text.
    pub text: String,
}

/// One message to the program's author.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What happened, one line.
    pub message: String,
    /// Where, if it has a place in the program.
    pub label: Option<Label>,
    /// Further facts.
    pub notes: Vec<String>,
    /// What to do about it.
    pub help: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(label) = &self.label {
            write!(f, "{}:{}:{}: ", label.source, label.line, label.column)?;
        }
        f.write_str(&self.message)
    }
}

/// Why a compilation or a run ended early.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// The program is wrong, or went wrong; at least one diagnostic.
    Diagnostics(Vec<Diagnostic>),
    /// Whoever read the output went away (a closed pipe).
    OutputClosed,
    /// The program asked to end with this exit code.
    Exit(i32),
    /// The engine itself could not have the memory it needs to start.
    Memory(MemoryError),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Diagnostics(all) => {
                for (index, one) in all.iter().enumerate() {
                    if index > 0 {
                        f.write_str("\n")?;
                    }
                    one.fmt(f)?;
                }
                Ok(())
            }
            Self::OutputClosed => f.write_str("the output was closed"),
            Self::Exit(code) => write!(f, "the program ended with exit code {code}"),
            Self::Memory(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}

/// A diagnostic before its place has been looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) message: String,
    pub(crate) span: Span,
    pub(crate) label: String,
    pub(crate) notes: Vec<String>,
    pub(crate) help: Option<String>,
}

impl Complaint {
    pub(crate) fn new(span: Span, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self { message: message.into(), span, label: label.into(), notes: Vec::new(), help: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub(crate) fn locate(self, sources: &Sources) -> Diagnostic {
        let (line, column) = sources.line_column(self.span);
        Diagnostic {
            severity: Severity::Error,
            message: self.message,
            label: Some(Label {
                source: sources.of(self.span.origin).name.clone(),
                line,
                column,
                span: self.span.range(),
                text: self.label,
            }),
            notes: self.notes,
            help: self.help,
        }
    }
}

impl Diagnostic {
    /// An error that has no place in the program.
    pub(crate) fn without_place(message: String) -> Self {
        Self { severity: Severity::Error, message, label: None, notes: Vec::new(), help: None }
    }
}
