//! Calls in the graph of flows.

use super::flow::{At, FlowBuilder};
use super::reasons::Subject;
use crate::core::{Expr, ExprId, LambdaId};
use aurora_escape::{EscapeReason, LocationId};

impl FlowBuilder<'_> {
    pub(super) fn call(&mut self, id: ExprId, callee: ExprId, args: &[ExprId], to: LocationId, at: At) {
        match self.known_callee(callee, args.len()) {
            Some(lambda) => self.known_call(id, callee, lambda, args, to, at),
            None => self.unknown_call(id, callee, args, at),
        }
    }

    /// The procedure that is called, where that is certain and it takes so many arguments.
    fn known_callee(&self, callee: ExprId, count: usize) -> Option<LambdaId> {
        let lambda = match self.program.expr(callee) {
            Expr::Global(global) => self.program.globals[global.index()].procedure(),
            Expr::Local(variable) => self.program.var(*variable).procedure,
            _ => None,
        }?;
        let source = &self.program.lambdas[lambda.index()];
        let fits = if source.rest.is_some() {
            count >= source.parameters.len()
        } else {
            count == source.parameters.len()
        };
        (fits && self.procedures.contains_key(&lambda)).then_some(lambda)
    }

    fn known_call(
        &mut self,
        id: ExprId,
        callee: ExprId,
        lambda: LambdaId,
        args: &[ExprId],
        to: LocationId,
        at: At,
    ) {
        let values: Vec<_> = args.iter().map(|&arg| self.value(arg, at)).collect();
        let named = self.program.lambdas[lambda.index()].parameters.len();
        let note = self.note(self.program.span(id), Subject::Procedure(lambda));
        for &extra in &values[named..] {
            // Arguments beyond the named ones are put into a list on the heap.
            self.graph.escape(extra, EscapeReason::StoredInUnknown, note);
        }
        let procedure = self.procedures[&lambda];
        self.graph.call(at.scope, procedure, &values[..named], Some(to), at.tail, note);
        if let Expr::Local(variable) = self.program.expr(callee)
            && at.tail
            && let Some(closure) = self.variable(*variable)
        {
            self.graph.tail_use(at.scope, closure, note);
        }
    }

    fn unknown_call(&mut self, id: ExprId, callee: ExprId, args: &[ExprId], at: At) {
        let called = self.value(callee, at);
        let values: Vec<_> = args.iter().map(|&arg| self.value(arg, at)).collect();
        let note = self.note(self.program.span(id), Subject::None);
        for value in values {
            self.graph.escape(value, EscapeReason::UnknownCallee, note);
        }
        if at.tail {
            self.graph.tail_use(at.scope, called, note);
        }
    }
}
