//! Back end A: code for the register machine.

mod emit;
mod instr;
mod registers;
mod safepoints;

pub(crate) use emit::emit_module;
pub(crate) use instr::{ARGUMENTS_PER_WORD, Code, CodeFunction, Instr};
