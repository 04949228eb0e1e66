//! Lowering of calls.

use super::function::{Callee, FunctionId, Inst, Operand, Temp, Terminator};
use super::lower::Lowering;
use crate::core::{Expr, ExprId, GlobalId, LambdaId};

impl Lowering<'_> {
    pub(super) fn call(&mut self, id: ExprId, to: Temp) {
        let Some((callee, args)) = self.callee_and_arguments(id) else { return };
        self.emit(Inst::Call { to, callee, args }, self.span(id));
    }

    /// A tail call closes the caller's frames before it jumps.
    pub(super) fn tail_call(&mut self, id: ExprId) {
        let Some((callee, args)) = self.callee_and_arguments(id) else { return };
        let span = self.span(id);
        self.leave_frames(0, span);
        self.end(Terminator::TailCall { callee, args }, span);
    }

    fn callee_and_arguments(&mut self, id: ExprId) -> Option<(Callee, Vec<Operand>)> {
        let program = self.program;
        let Expr::Call(callee, args) = program.expr(id) else { return None };
        let known = match program.expr(*callee) {
            Expr::Global(global) => self.known_global_of_arity(*global, args.len()).map(Callee::Known),
            Expr::Local(variable) => {
                let lambda = program.var(*variable).procedure.filter(|&l| self.takes(l, args.len()));
                lambda.map(|lambda| {
                    let function = self.ids[&lambda];
                    match self.placements.needs_closure(lambda) {
                        false => Callee::Known(function),
                        true => Callee::KnownClosure(function, self.place(*variable, *callee)),
                    }
                })
            }
            _ => None,
        };
        let callee = match known {
            Some(callee) => callee,
            None => Callee::Value(self.value(*callee)),
        };
        Some((callee, self.values(args)))
    }

    fn takes(&self, lambda: LambdaId, count: usize) -> bool {
        let lambda = &self.program.lambdas[lambda.index()];
        if lambda.rest.is_some() {
            count >= lambda.parameters.len()
        } else {
            count == lambda.parameters.len()
        }
    }

    fn known_global_of_arity(&self, global: GlobalId, count: usize) -> Option<FunctionId> {
        let lambda = self.program.globals[global.index()].procedure().filter(|&l| self.takes(l, count))?;
        self.closed(lambda)
    }

    /// The function that a top-level variable stands for throughout the program. Such a procedure is there
    /// from the start, wherever its definition stands.
    pub(super) fn known_global(&self, global: GlobalId) -> Option<FunctionId> {
        self.closed(self.program.globals[global.index()].procedure()?)
    }

    fn closed(&self, lambda: LambdaId) -> Option<FunctionId> {
        self.ids.get(&lambda).copied().filter(|_| !self.placements.needs_closure(lambda))
    }
}
