//! Equality, booleans, hashing.

use crate::heap::Value;
use crate::vm::structural;
use crate::vm::{Arguments, Machine, Outcome};

pub(crate) fn eq(m: &mut Machine, args: Arguments) -> Outcome {
    Ok(Value::boolean(m.argument(args, 0) == m.argument(args, 1)))
}

pub(crate) fn eqv(m: &mut Machine, args: Arguments) -> Outcome {
    Ok(Value::boolean(structural::eqv(m.argument(args, 0), m.argument(args, 1))))
}

pub(crate) fn equal(m: &mut Machine, args: Arguments) -> Outcome {
    Ok(Value::boolean(structural::equal(m.argument(args, 0), m.argument(args, 1))))
}

pub(crate) fn not(m: &mut Machine, args: Arguments) -> Outcome {
    Ok(Value::boolean(!m.argument(args, 0).is_true()))
}

pub(crate) fn is_boolean(m: &mut Machine, args: Arguments) -> Outcome {
    let value = m.argument(args, 0);
    Ok(Value::boolean(value == Value::TRUE || value == Value::FALSE))
}

/// A non-negative fixnum that agrees with `equal?`.
pub(crate) fn hash(m: &mut Machine, args: Arguments) -> Outcome {
    let hash = m.hash(m.argument(args, 0));
    Ok(Value::fixnum((hash >> 3) as i64))
}
