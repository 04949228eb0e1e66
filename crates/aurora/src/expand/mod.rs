//! From data to the core language: scopes are resolved, derived forms are rewritten.
//!
//! Special forms are recognised by name unless a local variable shadows the name. What remains
//! afterwards is the small language of [`crate::core`].

mod arenas;
mod bindings;
mod body;
mod conditionals;
mod expander;
mod loops;
mod quasiquote;
mod records;
mod toplevel;

pub(crate) use toplevel::{Texts, expand_program};
