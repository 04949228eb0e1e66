//! The intermediate language: A-normal form over mutable temporaries, with every allocation and every
//! frame explicit.
//!
//! Operands are temporaries or literals, so each instruction does one thing (Flanagan et al., "The
//! Essence of Compiling with Continuations", 1993). Where an object goes is written in the
//! instruction that makes it: `alloc.heap` or `alloc.frame`; `frame.enter` and `frame.leave` bracket the
//! lifetime of what `alloc.frame` makes.

#[cfg(test)]
mod balance;
mod calls;
mod closures;
mod display;
mod expressions;
mod function;
mod liveness;
mod loops;
mod lower;

pub(crate) use function::{
    BlockId, Callee, Comparison, Function, FunctionId, Inst, Made, Module, Operand, Site, SiteId, Temp,
    Terminator, Test,
};
pub(crate) use liveness::{Liveness, temp_of};
pub(crate) use lower::lower_program;
