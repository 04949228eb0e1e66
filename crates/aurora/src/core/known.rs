//! Calls of top-level procedures whose whole body is one operation on a record are replaced by that
//! operation, so that a constructor's object belongs to the place that calls it.

use super::tree::{Expr, ExprId, LambdaId, Program, VariableId};

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
    // The operation must use every parameter once and in order: otherwise arguments would be evaluated
    // twice, in another order, or not at all.
    let in_order = |operands: &[ExprId]| {
        let is_parameter = |(&operand, &parameter): (&ExprId, &VariableId)| matches!(program.expr(operand), Expr::Local(v) if *v == parameter);
        operands.len() == args.len() && operands.iter().zip(&lambda.parameters).all(is_parameter)
    };
    match program.expr(lambda.body) {
        Expr::RecordIs(record, a) if in_order(&[*a]) => Some(Expr::RecordIs(*record, args[0])),
        Expr::RecordRef(record, field, a) if in_order(&[*a]) => {
            Some(Expr::RecordRef(*record, *field, args[0]))
        }
        Expr::RecordSet(record, field, a, b) if in_order(&[*a, *b]) => {
            Some(Expr::RecordSet(*record, *field, args[0], args[1]))
        }
        Expr::RecordNew(record, values) if in_order(values) => Some(Expr::RecordNew(*record, args.to_vec())),
        _ => None,
    }
}
