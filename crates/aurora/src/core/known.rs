//! Calls of top-level procedures whose whole body is one operation on a record are replaced by that
//! operation, so that a constructor's object belongs to the place that calls it.

use super::tree::{Expr, ExprId, LambdaId, Program};

/// Rewrites the calls in place.
pub(crate) fn resolve_known_globals(program: &mut Program) {
    for id in program.expr_ids() {
        let Expr::Call(callee, args) = program.expr(id) else { continue };
        let Expr::Global(global) = program.expr(*callee) else { continue };
        let Some(lambda) = program.globals[global.index()].procedure() else { continue };
        if let Some(operation) = record_operation(program, lambda, args) {
            program.replace(id, operation);
        }
    }
}

/// The lambda's body with its parameters replaced by `args`, if the body is one record operation.
fn record_operation(program: &Program, lambda: LambdaId, args: &[ExprId]) -> Option<Expr> {
    let lambda = &program.lambdas[lambda.index()];
    if lambda.rest.is_some() || lambda.parameters.len() != args.len() {
        return None;
    }
    let argument = |id: &ExprId| match program.expr(*id) {
        Expr::Local(v) => lambda.parameters.iter().position(|p| p == v).map(|at| args[at]),
        _ => None,
    };
    match program.expr(lambda.body) {
        Expr::RecordIs(record, a) => Some(Expr::RecordIs(*record, argument(a)?)),
        Expr::RecordRef(record, field, a) => Some(Expr::RecordRef(*record, *field, argument(a)?)),
        Expr::RecordSet(record, field, a, b) => {
            Some(Expr::RecordSet(*record, *field, argument(a)?, argument(b)?))
        }
        // The constructor must take every field in order: otherwise evaluation order would change.
        Expr::RecordNew(record, values) => {
            let in_order = values.iter().map(argument).collect::<Option<Vec<_>>>()?;
            (in_order == args).then_some(Expr::RecordNew(*record, in_order))
        }
        _ => None,
    }
}
