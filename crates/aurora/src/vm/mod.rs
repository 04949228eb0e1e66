//! The register machine.

mod arithmetic;
mod calls;
mod constants;
mod interpreter;
mod machine;
mod ports;
pub(crate) mod primitives;
mod printer;
mod profile;
mod roots;
mod structural;
mod text;
mod trap;

pub(crate) use machine::{Arguments, Machine, Setup};
pub(crate) use trap::{Outcome, Trap};
