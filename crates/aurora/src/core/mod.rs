//! The core language: what the expander makes and what every analysis reads.

mod arena_leaks;
mod contify;
mod known;
mod tree;
mod variables;

pub(crate) use arena_leaks::arena_leaks;
pub(crate) use contify::contify;
pub(crate) use known::resolve_known_globals;
pub(crate) use tree::{
    Constant, ConstantId, Expr, ExprId, Global, GlobalId, Lambda, LambdaId, LoopId, Program, RecordType,
    RecordTypeId, VariableId,
};
pub(crate) use variables::resolve_variables;

/// Runs `f` with enough machine stack for one more level of a recursive walk.
///
/// Source texts nest as deep as their authors (or their generators) like; every walk over a tree
/// calls itself through here, so that depth costs heap memory and never a crash.
pub(crate) fn deeper<R>(f: impl FnOnce() -> R) -> R {
    const RED_ZONE_BYTES: usize = 128 * 1024;
    const SEGMENT_BYTES: usize = 4 * 1024 * 1024;
    stacker::maybe_grow(RED_ZONE_BYTES, SEGMENT_BYTES, f)
}
