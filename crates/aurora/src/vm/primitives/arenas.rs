//! Arenas of the program.

use crate::heap::{Immediate, Value};
use crate::vm::{Arguments, Machine, Outcome, Trap};
use terrane_base::Bytes;
use terrane_gc::raw::{ArenaError, CollectionKind};

pub(crate) fn make(m: &mut Machine, args: Arguments) -> Outcome {
    let bytes = m.size_argument("make-arena", m.argument(args, 0))?;
    let first_block = Bytes::new(bytes as u64);
    // Making an arena never collects: where it is refused, garbage may be what stands in the way.
    if let Ok(arena) = m.memory.arena_create(first_block) {
        return Ok(arena);
    }
    m.memory.collect(CollectionKind::Full, &mut m.roots)?;
    Ok(m.memory.arena_create(first_block)?)
}

pub(crate) fn is_arena(m: &mut Machine, args: Arguments) -> Outcome {
    Ok(Value::boolean(m.argument(args, 0).payload(Immediate::Arena).is_some()))
}

fn refused(error: ArenaError) -> Trap {
    match error {
        ArenaError::Memory(error) => Trap::Memory(error),
        ArenaError::Destroyed => Trap::error("this arena was destroyed and cannot be used any more")
            .with_help("destroy-arena ends an arena; make a new one with make-arena"),
        other => Trap::error(other.to_string()),
    }
}

/// The objects that are still referenced live on, on the heap.
pub(crate) fn destroy(m: &mut Machine, args: Arguments) -> Outcome {
    let arena = m.argument(args, 0);
    match m.memory.arena_destroy(arena, &mut m.roots) {
        Some(Ok(_)) => Ok(Value::UNSPECIFIED),
        Some(Err(error)) => Err(refused(error)),
        None => Err(m.wrong_type("destroy-arena", "an arena", arena)),
    }
}

/// Allocations go to the arena from now on.
pub(crate) fn enter(m: &mut Machine, args: Arguments) -> Outcome {
    let arena = m.argument(args, 0);
    match m.memory.arena_enter(arena) {
        Some(Ok(())) => {
            m.arena_depth += 1;
            Ok(Value::UNSPECIFIED)
        }
        Some(Err(error)) => Err(refused(error)),
        None => Err(m.wrong_type("in-arena", "an arena", arena)),
    }
}

/// Allocations go where they went before.
pub(crate) fn leave(m: &mut Machine, _: Arguments) -> Outcome {
    m.memory.arena_leave();
    m.arena_depth -= 1;
    Ok(Value::UNSPECIFIED)
}
