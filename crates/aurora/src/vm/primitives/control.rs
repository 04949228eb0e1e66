//! Procedures, errors, the process, memory.

use crate::heap::{Immediate, Kind, Value};
use crate::vm::{Arguments, Machine, Outcome, Trap, primitives::lists};
use terrane_gc::raw::CollectionKind;

pub(crate) fn is_procedure(m: &mut Machine, args: Arguments) -> Outcome {
    let value = m.argument(args, 0);
    let immediate = [Immediate::Primitive, Immediate::Procedure].iter().any(|&f| value.payload(f).is_some());
    Ok(Value::boolean(immediate || value.object(Kind::Closure).is_some()))
}

/// `apply` is carried out where calls are; it has arguments to spread over registers.
pub(crate) fn apply_out_of_line(_: &mut Machine, _: Arguments) -> Outcome {
    Err(Trap::error("apply: cannot be called from here"))
}

/// `(error message irritant …)`
pub(crate) fn error(m: &mut Machine, args: Arguments) -> Outcome {
    const TEXT_BYTES_MAX: usize = 4096;
    let mut message = String::new();
    for index in m.all_arguments(args) {
        let value = m.argument(args, index);
        if index > 0 {
            message.push(' ');
        }
        message.push_str(&m.written(value, index > 0, TEXT_BYTES_MAX));
    }
    Err(Trap::error(message))
}

/// `(exit)`, `(exit #t)`: success; `(exit n)` with n from 0 to 255: that code; anything else: failure.
pub(crate) fn exit(m: &mut Machine, args: Arguments) -> Outcome {
    let code = match m.optional(args, 0) {
        None => 0,
        Some(Value::TRUE) => 0,
        Some(value) => value.as_fixnum().and_then(|code| u8::try_from(code).ok()).map_or(1, i32::from),
    };
    Err(Trap::Exit(code))
}

pub(crate) fn command_line(m: &mut Machine, _: Arguments) -> Outcome {
    let arguments = m.arguments.clone();
    lists::list_from_end(m, arguments.len(), |m, index| m.string(&arguments[index]))
}

pub(crate) fn current_jiffy(m: &mut Machine, _: Arguments) -> Outcome {
    let elapsed = i64::try_from(m.started.elapsed().as_nanos()).ok();
    m.fixnum_result("current-jiffy", elapsed)
}

pub(crate) fn jiffies_per_second(_: &mut Machine, _: Arguments) -> Outcome {
    Ok(Value::fixnum(1_000_000_000))
}

pub(crate) fn collect_garbage(m: &mut Machine, _: Arguments) -> Outcome {
    m.memory.collect(CollectionKind::Full, &mut m.roots)?;
    Ok(Value::UNSPECIFIED)
}

/// Bytes of objects on the heap; what died since the last collection counts.
pub(crate) fn memory_used(m: &mut Machine, _: Arguments) -> Outcome {
    let stats = m.memory.stats();
    let bytes =
        stats.nursery.bytes_now + stats.old.bytes_now + stats.large.bytes_now + stats.arenas.bytes_now;
    m.fixnum_result("memory-used", i64::try_from(bytes).ok())
}
