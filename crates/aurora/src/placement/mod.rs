//! Where each allocation goes: the program as a graph for the escape analysis, and its answers.

mod closures;
mod flow;
mod flow_calls;
mod reasons;

use crate::core::{ExprId, LambdaId, LoopId, Program, VariableId};
use closures::Closures;
use std::collections::{HashMap, HashSet};
use std::fmt;

/// A vector literal with more elements goes to the heap.
pub(crate) const FRAME_VECTOR_MAX: usize = 64;

/// A zone of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Zone {
    /// The arena of the running procedure or loop iteration: freed when that ends.
    Frame,
    /// The collected heap.
    Heap,
    /// An arena that the program made.
    Arena,
    /// Objects too large to be moved.
    Large,
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Zone::Frame => "frame",
            Zone::Heap => "heap",
            Zone::Arena => "arena",
            Zone::Large => "large object",
        })
    }
}

/// Does anybody read why a site is where it is? To say so takes longer than to decide it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reasons {
    Wanted,
    Unread,
}

/// What allocates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum SiteKey {
    /// The expression itself: a pair, a vector, a record.
    Expr(ExprId),
    /// The closure of a procedure.
    Closure(LambdaId),
    /// The cell of a variable that is assigned and shared.
    Cell(VariableId),
}

/// The compiler's decisions.
#[derive(Debug)]
pub(crate) struct Placements {
    closures: Closures,
    decisions: Decisions,
}

/// What the analysis found.
#[derive(Debug, Default)]
struct Decisions {
    sites: HashMap<SiteKey, (Zone, String)>,
    procedures_with_frame: HashSet<LambdaId>,
    loops_with_frame: HashSet<LoopId>,
}

impl Placements {
    /// Analyses the program. With `enabled` off, everything goes to the heap.
    pub(crate) fn decide(program: &Program, enabled: bool, reasons: Reasons) -> Self {
        let mut placements = Self { closures: Closures::of(program), decisions: Decisions::default() };
        if enabled {
            flow::place(program, &mut placements, reasons);
        }
        placements
    }

    fn accept(&mut self, decisions: Decisions) {
        self.decisions = decisions;
    }

    /// The zone of a site, and why.
    pub(crate) fn site(&self, key: SiteKey) -> (Zone, &str) {
        match self.decisions.sites.get(&key) {
            Some((zone, reason)) => (*zone, reason),
            None => (Zone::Heap, "placement is switched off"),
        }
    }

    pub(crate) fn procedure_has_frame(&self, lambda: LambdaId) -> bool {
        self.decisions.procedures_with_frame.contains(&lambda)
    }

    pub(crate) fn loop_has_frame(&self, id: LoopId) -> bool {
        self.decisions.loops_with_frame.contains(&id)
    }

    /// The procedures that the program can reach.
    pub(crate) fn reachable(&self) -> &[LambdaId] {
        &self.closures.reachable
    }

    /// The top-level forms that have something to do when the program runs.
    pub(crate) fn forms(&self) -> &[LambdaId] {
        &self.closures.forms
    }

    /// Does the procedure need an object that carries variables of its surroundings?
    pub(crate) fn needs_closure(&self, lambda: LambdaId) -> bool {
        !self.captured(lambda).is_empty()
    }

    /// The variables that the procedure's closure carries.
    pub(crate) fn captured(&self, lambda: LambdaId) -> &[VariableId] {
        &self.closures.captured[lambda.index()]
    }
}
