//! Calls of variadic primitives become operations on two operands, so that the engines need only
//! those; evaluation order stays left to right.

use super::Primitive;
use crate::core::{Constant, Expr, ExprId, Program};
use crate::source::Span;

/// A list of more elements than this is made of several: else all elements would be in registers at once.
pub(crate) const LIST_MAX: usize = 64;

/// The call in simpler terms, if there are any.
pub(crate) fn simplify(
    program: &mut Program,
    primitive: Primitive,
    args: &[ExprId],
    span: Span,
) -> Option<ExprId> {
    match (primitive, args) {
        (Primitive::Add | Primitive::BitwiseOr | Primitive::BitwiseXor, []) => {
            Some(program.constant(Constant::Fixnum(0), span))
        }
        (Primitive::Multiply, []) => Some(program.constant(Constant::Fixnum(1), span)),
        (
            Primitive::Add | Primitive::Subtract | Primitive::Multiply | Primitive::Divide,
            [first, second, rest @ ..],
        ) if !rest.is_empty() => Some(left_fold(program, primitive, *first, *second, rest, span)),
        (
            Primitive::NumberEqual
            | Primitive::Less
            | Primitive::Greater
            | Primitive::AtMost
            | Primitive::AtLeast,
            [_, _, _, ..],
        ) => Some(chain(program, primitive, args, span)),
        (Primitive::List, args) => Some(list(program, args, span)),
        (Primitive::Caar, [a]) => Some(path(program, &[Primitive::Car, Primitive::Car], *a, span)),
        (Primitive::Cadr, [a]) => Some(path(program, &[Primitive::Cdr, Primitive::Car], *a, span)),
        (Primitive::Cdar, [a]) => Some(path(program, &[Primitive::Car, Primitive::Cdr], *a, span)),
        (Primitive::Cddr, [a]) => Some(path(program, &[Primitive::Cdr, Primitive::Cdr], *a, span)),
        (Primitive::Caddr, [a]) => {
            Some(path(program, &[Primitive::Cdr, Primitive::Cdr, Primitive::Car], *a, span))
        }
        (Primitive::Cdddr, [a]) => {
            Some(path(program, &[Primitive::Cdr, Primitive::Cdr, Primitive::Cdr], *a, span))
        }
        (Primitive::Cadddr, [a]) => {
            Some(path(program, &[Primitive::Cdr, Primitive::Cdr, Primitive::Cdr, Primitive::Car], *a, span))
        }
        _ => None,
    }
}

fn left_fold(
    program: &mut Program,
    primitive: Primitive,
    first: ExprId,
    second: ExprId,
    rest: &[ExprId],
    span: Span,
) -> ExprId {
    let start = program.push(Expr::Primitive(primitive, vec![first, second]), span);
    rest.iter().fold(start, |left, &right| program.push(Expr::Primitive(primitive, vec![left, right]), span))
}

/// `(< a b c)`: every operand is evaluated once, then compared pair by pair.
fn chain(program: &mut Program, primitive: Primitive, args: &[ExprId], span: Span) -> ExprId {
    let variables: Vec<_> = args.iter().map(|_| program.variable("operand")).collect();
    let mut test = None;
    for pair in variables.windows(2).rev() {
        let left = program.push(Expr::Local(pair[0]), span);
        let right = program.push(Expr::Local(pair[1]), span);
        let compare = program.push(Expr::Primitive(primitive, vec![left, right]), span);
        test = Some(match test {
            None => compare,
            Some(rest) => {
                let no = program.constant(Constant::Boolean(false), span);
                program.push(Expr::If(compare, rest, no), span)
            }
        });
    }
    let body = test.unwrap_or(args[0]);
    program.push(Expr::Let(variables.into_iter().zip(args.iter().copied()).collect(), body), span)
}

fn list(program: &mut Program, args: &[ExprId], span: Span) -> ExprId {
    let mut whole = None;
    for chunk in args.chunks(LIST_MAX).rev() {
        let empty = program.constant(Constant::EmptyList, span);
        let front = chunk.iter().rev().fold(empty, |rest, &item| {
            program.push(Expr::Primitive(Primitive::Cons, vec![item, rest]), span)
        });
        whole = Some(match whole {
            None => front,
            Some(rest) => program.push(Expr::Primitive(Primitive::AppendTwo, vec![front, rest]), span),
        });
    }
    whole.unwrap_or_else(|| program.constant(Constant::EmptyList, span))
}

fn path(program: &mut Program, steps: &[Primitive], start: ExprId, span: Span) -> ExprId {
    steps.iter().fold(start, |at, &step| program.push(Expr::Primitive(step, vec![at]), span))
}
