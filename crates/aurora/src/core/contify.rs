//! Loops: a local procedure that only ever tail-calls itself needs no closure and no call.
//!
//! The one-binding case of contification (Fluet and Weeks, "Contification Using Dominators", 2001):
//! every call of the procedure returns to the same place, so its body can run there.

use super::deeper;
use super::tree::{Expr, ExprId, LoopId, Program, VariableId};

/// Turns `(letrec ((f (lambda …))) (f init …))` into a loop if `f` is only tail-called.
pub(crate) fn contify(program: &mut Program, letrec: ExprId) -> Option<ExprId> {
    let Expr::Letrec(bindings, entry) = program.expr(letrec) else { return None };
    let &[(variable, lambda)] = bindings.as_slice() else { return None };
    let Expr::Call(callee, inits) = program.expr(*entry) else { return None };
    if !matches!(program.expr(*callee), Expr::Local(v) if *v == variable) || program.var(variable).assigned {
        return None;
    }
    let procedure = &program.lambdas[lambda.index()];
    if procedure.rest.is_some() || procedure.parameters.len() != inits.len() {
        return None;
    }
    let (inits, variables, body) = (inits.clone(), procedure.parameters.clone(), procedure.body);
    let references = program.var(variable).references as usize;
    let mut search = Search { program, variable, references, arity: inits.len(), calls: Vec::new() };
    if !inits.iter().all(|&init| search.uses_well(init, false)) || !search.uses_well(body, true) {
        return None;
    }
    let calls = search.calls;
    let id = LoopId::new(program.loops.len());
    program.loops.push(program.var(variable).name.clone());
    for call in calls {
        if let Expr::Call(_, args) = program.expr(call) {
            let args = args.clone();
            program.replace(call, Expr::Next(id, args));
        }
    }
    let span = program.span(letrec);
    Some(program.push(Expr::Loop { id, variables, inits, body }, span))
}

struct Search<'a> {
    program: &'a Program,
    variable: VariableId,
    /// How many uses there are at most.
    references: usize,
    arity: usize,
    /// The tail calls found.
    calls: Vec<ExprId>,
}

impl Search<'_> {
    /// Does `expr` use the variable only as the callee of tail calls with the right count?
    fn uses_well(&mut self, id: ExprId, tail: bool) -> bool {
        // Where all uses are found there is no need to look on: without this, loops in loops in loops would
        // each search all that is inside.
        self.calls.len() == self.references || deeper(|| self.examine(id, tail))
    }

    fn examine(&mut self, id: ExprId, tail: bool) -> bool {
        match self.program.expr(id) {
            Expr::Local(v) | Expr::SetLocal(v, _) if *v == self.variable => false,
            Expr::Call(callee, args) => {
                let is_self = matches!(self.program.expr(*callee), Expr::Local(v) if *v == self.variable);
                if is_self {
                    self.calls.push(id);
                    return tail
                        && args.len() == self.arity
                        && args.iter().all(|&a| self.uses_well(a, false));
                }
                self.uses_well(*callee, false) && args.iter().all(|&a| self.uses_well(a, false))
            }
            Expr::If(test, then, otherwise) => {
                self.uses_well(*test, false)
                    && self.uses_well(*then, tail)
                    && self.uses_well(*otherwise, tail)
            }
            Expr::Sequence(all) => {
                let last = all.len() - 1;
                all.iter().enumerate().all(|(i, &e)| self.uses_well(e, tail && i == last))
            }
            Expr::Let(bindings, body) => {
                bindings.iter().all(|&(_, e)| self.uses_well(e, false)) && self.uses_well(*body, tail)
            }
            Expr::Loop { inits, body, .. } => {
                inits.iter().all(|&e| self.uses_well(e, false)) && self.uses_well(*body, tail)
            }
            Expr::Letrec(bindings, body) => {
                let lambdas: Vec<_> = bindings.iter().map(|b| b.1).collect();
                lambdas.into_iter().all(|l| self.absent_from(l)) && self.uses_well(*body, tail)
            }
            Expr::Lambda(lambda) => self.absent_from(*lambda),
            _ => self.program.parts(id).into_iter().all(|part| self.uses_well(part, false)),
        }
    }

    /// A use inside another procedure is no tail call of this one.
    fn absent_from(&mut self, lambda: super::LambdaId) -> bool {
        let body = self.program.lambdas[lambda.index()].body;
        let before = self.calls.len();
        self.uses_well(body, false) && self.calls.len() == before
    }
}
