//! Vectors.

use super::lists;
use crate::heap::{Kind, Object, Value};
use crate::vm::{Arguments, Machine, Outcome, Trap};

/// The vector behind an argument.
fn vector_argument(m: &Machine, what: &str, value: Value) -> Result<Object, Trap> {
    value.object(Kind::Vector).ok_or_else(|| m.wrong_type(what, "a vector", value))
}

pub(crate) fn is_vector(m: &mut Machine, args: Arguments) -> Outcome {
    Ok(Value::boolean(m.argument(args, 0).object(Kind::Vector).is_some()))
}

pub(crate) fn make_vector(m: &mut Machine, args: Arguments) -> Outcome {
    let length = m.size_argument("make-vector", m.argument(args, 0))?;
    let vector = m.vector(length)?;
    let fill = m.optional(args, 1).unwrap_or(Value::UNSPECIFIED);
    (0..length).for_each(|index| vector.initialise(index, fill));
    Ok(vector.value())
}

pub(crate) fn vector(m: &mut Machine, args: Arguments) -> Outcome {
    let vector = m.vector(args.count())?;
    m.all_arguments(args).for_each(|index| vector.initialise(index, m.argument(args, index)));
    Ok(vector.value())
}

pub(crate) fn length(m: &mut Machine, args: Arguments) -> Outcome {
    let vector = vector_argument(m, "vector-length", m.argument(args, 0))?;
    Ok(Value::fixnum(vector.length() as i64))
}

pub(crate) fn vector_ref(m: &mut Machine, args: Arguments) -> Outcome {
    let (vector, index) = (m.argument(args, 0), m.argument(args, 1));
    let found = vector.object(Kind::Vector).zip(index.as_fixnum());
    let value = found.and_then(|(vector, index)| vector.slot(usize::try_from(index).ok()?));
    value.ok_or_else(|| m.bad_vector_access("vector-ref", vector, index))
}

pub(crate) fn vector_set(m: &mut Machine, args: Arguments) -> Outcome {
    let (vector, index, value) = (m.argument(args, 0), m.argument(args, 1), m.argument(args, 2));
    let place = vector.object(Kind::Vector).zip(index.as_fixnum().and_then(|n| usize::try_from(n).ok()));
    match place {
        Some((object, at)) if m.memory.set_slot(object, at, value) => Ok(Value::UNSPECIFIED),
        _ => Err(m.bad_vector_access("vector-set!", vector, index)),
    }
}

pub(crate) fn fill(m: &mut Machine, args: Arguments) -> Outcome {
    let (vector, value) = (vector_argument(m, "vector-fill!", m.argument(args, 0))?, m.argument(args, 1));
    for index in 0..vector.length() {
        m.memory.set_slot(vector, index, value);
    }
    Ok(Value::UNSPECIFIED)
}

pub(crate) fn to_list(m: &mut Machine, args: Arguments) -> Outcome {
    let vector = vector_argument(m, "vector->list", m.argument(args, 0))?;
    let range = m.range_arguments("vector->list", args, 1, vector.length())?;
    lists::list_from_end(m, range.len(), |m, index| {
        // The vector may have moved: it is read again from the argument.
        let vector = m.argument(args, 0).object(Kind::Vector);
        Ok(vector.and_then(|v| v.slot(range.start + index)).unwrap_or(Value::UNSPECIFIED))
    })
}

pub(crate) fn from_list(m: &mut Machine, args: Arguments) -> Outcome {
    let length = lists::list_length(m, "list->vector", m.argument(args, 0))?;
    let vector = m.vector(length)?;
    let mut at = m.argument(args, 0);
    let mut index = 0;
    while let (Some(item), Some(rest)) = (at.car(), at.cdr()) {
        vector.initialise(index, item);
        index += 1;
        at = rest;
    }
    Ok(vector.value())
}

pub(crate) fn copy(m: &mut Machine, args: Arguments) -> Outcome {
    let source = vector_argument(m, "vector-copy", m.argument(args, 0))?;
    let range = m.range_arguments("vector-copy", args, 1, source.length())?;
    let copy = m.vector(range.len())?;
    let source = vector_argument(m, "vector-copy", m.argument(args, 0))?;
    for (index, from) in range.enumerate() {
        copy.initialise(index, source.slot(from).unwrap_or(Value::UNSPECIFIED));
    }
    Ok(copy.value())
}
