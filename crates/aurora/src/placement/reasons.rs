//! Explanations in the words of the program.

use crate::core::{GlobalId, LambdaId, LoopId, Program, VariableId};
use crate::source::Span;
use aurora_escape::{EscapeReason, Note, Reason, Step};

/// What a step of an explanation is about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject {
    None,
    Global(GlobalId),
    Variable(VariableId),
    Procedure(LambdaId),
    Loop(LoopId),
}

/// The places behind the analysis' notes.
#[derive(Debug, Default)]
pub(super) struct Notes {
    all: Vec<(Span, Subject)>,
}

impl Notes {
    pub(super) fn add(&mut self, span: Span, subject: Subject) -> Note {
        self.all.push((span, subject));
        Note(u32::try_from(self.all.len() - 1).unwrap_or(u32::MAX))
    }

    fn subject(&self, note: Note) -> Subject {
        self.all.get(note.0 as usize).map_or(Subject::None, |entry| entry.1)
    }

    /// The way out of the frame, in words.
    pub(super) fn explain(&self, program: &Program, steps: &[Step]) -> String {
        let mut parts = Vec::new();
        for step in steps {
            let subject = self.subject(step.note);
            let part = match step.reason {
                Reason::StoredIn(_) => "held by an object that leaves".to_owned(),
                Reason::PassedTo(..) | Reason::HandedOutBy(_) => match subject {
                    Subject::Procedure(lambda) => format!("passed to `{}`", program.procedure_name(lambda)),
                    _ => "passed to a procedure".to_owned(),
                },
                Reason::Escape(reason) => escape(program, reason, subject),
                _ => "leaves its scope".to_owned(),
            };
            if parts.last() != Some(&part) {
                parts.push(part);
            }
        }
        // The decisive reason first, then the way to it.
        const SHOWN_MAX: usize = 8;
        let last = parts.pop().unwrap_or_else(|| "leaves its scope".to_owned());
        parts.truncate(SHOWN_MAX);
        if parts.is_empty() { last } else { format!("{last} ({})", parts.join(", ")) }
    }
}

fn escape(program: &Program, reason: EscapeReason, subject: Subject) -> String {
    match (reason, subject) {
        (EscapeReason::Global, Subject::Global(global)) => {
            format!("stored in global `{}`", program.globals[global.index()].name)
        }
        (EscapeReason::Returned, _) => "returned".to_owned(),
        (EscapeReason::UnknownCallee, _) => "reaches unknown code".to_owned(),
        (EscapeReason::TailCall, Subject::Procedure(lambda)) => {
            format!("needed by the tail call of `{}`", program.procedure_name(lambda))
        }
        (EscapeReason::TailCall, _) => "needed by a tail call".to_owned(),
        (EscapeReason::StoredInUnknown | EscapeReason::StoredInParameter, Subject::Variable(variable)) => {
            format!("stored in the shared variable `{}`", program.var(variable).name)
        }
        (EscapeReason::StoredInUnknown | EscapeReason::StoredInParameter, _) => {
            "stored in another object".to_owned()
        }
        (EscapeReason::OutlivesScope | EscapeReason::OutlivesIteration, Subject::Loop(id)) => {
            format!("kept by the loop `{}`", program.loops[id.index()])
        }
        (EscapeReason::OutlivesScope, Subject::Variable(variable)) => {
            format!("stored in the outer variable `{}`", program.var(variable).name)
        }
        (EscapeReason::OutlivesIteration, _) => "outlives its turn of the loop".to_owned(),
        (EscapeReason::NotAllowed, _) => "completed after it is made".to_owned(),
        (other, _) => other.to_string(),
    }
}
