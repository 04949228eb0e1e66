//! Numbers: fixnums of 63 bits and flonums. A fixnum result that does not fit is an error, never a
//! wrong number.

use super::machine::Machine;
use super::trap::{Outcome, Trap};
use crate::heap::Value;
use std::cmp::Ordering;

/// A number taken out of its value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Fixnum(i64),
    Flonum(f64),
}

impl Number {
    pub(crate) fn of(value: Value) -> Option<Number> {
        value.as_fixnum().map(Number::Fixnum).or_else(|| value.as_flonum().map(Number::Flonum))
    }

    pub(crate) fn to_f64(self) -> f64 {
        match self {
            Number::Fixnum(value) => value as f64,
            Number::Flonum(value) => value,
        }
    }

    /// Exact comparison; `None` with a NaN.
    pub(crate) fn compare(self, other: Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Fixnum(a), Number::Fixnum(b)) => Some(a.cmp(&b)),
            (Number::Flonum(a), Number::Flonum(b)) => a.partial_cmp(&b),
            (Number::Fixnum(a), Number::Flonum(b)) => compare_mixed(a, b),
            (Number::Flonum(a), Number::Fixnum(b)) => compare_mixed(b, a).map(Ordering::reverse),
        }
    }
}

/// Beyond the range of `i64` the flonum decides; inside, its whole part is compared and then the rest.
fn compare_mixed(a: i64, b: f64) -> Option<Ordering> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if b.is_nan() {
        None
    } else if b >= LIMIT {
        Some(Ordering::Less)
    } else if b < -LIMIT {
        Some(Ordering::Greater)
    } else {
        let whole = b.trunc();
        Some(a.cmp(&(whole as i64)).then_with(|| 0.0f64.partial_cmp(&(b - whole)).unwrap_or(Ordering::Equal)))
    }
}

/// An operation of arithmetic on two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Add,
    Subtract,
    Multiply,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Operation::Add => "+",
            Operation::Subtract => "-",
            Operation::Multiply => "*",
        }
    }

    fn on_fixnums(self, a: i64, b: i64) -> Option<Value> {
        let result = match self {
            Operation::Add => a.checked_add(b),
            Operation::Subtract => a.checked_sub(b),
            Operation::Multiply => a.checked_mul(b),
        };
        result.and_then(Value::try_fixnum)
    }

    fn on_flonums(self, a: f64, b: f64) -> f64 {
        match self {
            Operation::Add => a + b,
            Operation::Subtract => a - b,
            Operation::Multiply => a * b,
        }
    }
}

impl Machine {
    /// The number behind an argument.
    pub(crate) fn number(&self, what: &str, value: Value) -> Result<Number, Trap> {
        Number::of(value).ok_or_else(|| self.wrong_type(what, "a number", value))
    }

    /// The integer behind an argument; an integral flonum counts.
    pub(crate) fn integer(&self, what: &str, value: Value) -> Result<i64, Trap> {
        value.as_fixnum().ok_or_else(|| self.wrong_type(what, "an exact integer", value))
    }

    /// A fixnum, or the complaint that the result does not fit one.
    pub(crate) fn fixnum_result(&self, what: &str, result: Option<i64>) -> Outcome {
        result.and_then(Value::try_fixnum).ok_or_else(|| overflow(what))
    }

    /// The general case of an operation: mixed numbers, flonums, errors.
    #[cold]
    #[inline(never)]
    pub(super) fn arithmetic(&mut self, operation: Operation, a: Value, b: Value) -> Outcome {
        let (x, y) = (self.number(operation.name(), a)?, self.number(operation.name(), b)?);
        match (x, y) {
            (Number::Fixnum(x), Number::Fixnum(y)) => {
                operation.on_fixnums(x, y).ok_or_else(|| overflow(operation.name()))
            }
            _ => self.flonum(operation.on_flonums(x.to_f64(), y.to_f64())),
        }
    }

    /// The general case of a comparison; false with a NaN.
    #[cold]
    #[inline(never)]
    pub(super) fn compare(
        &self,
        what: &str,
        a: Value,
        b: Value,
        wanted: fn(Ordering) -> bool,
    ) -> Result<bool, Trap> {
        let (x, y) = (self.number(what, a)?, self.number(what, b)?);
        Ok(x.compare(y).is_some_and(wanted))
    }
}

/// The complaint that an integer does not fit.
pub(crate) fn overflow(what: &str) -> Trap {
    Trap::error(format!("{what}: integer overflow, the result does not fit 63 bits"))
        .with_help("use inexact numbers (write 1.0 instead of 1) where values grow this large")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixed_comparison_is_exact() {
        let big = (1 << 53) + 1;
        assert_eq!(compare_mixed(big, (1i64 << 53) as f64), Some(Ordering::Greater));
        assert_eq!(compare_mixed(3, 3.5), Some(Ordering::Less));
        assert_eq!(compare_mixed(-3, -3.5), Some(Ordering::Greater));
        assert_eq!(compare_mixed(i64::MAX, f64::INFINITY), Some(Ordering::Less));
        assert_eq!(compare_mixed(0, f64::NAN), None);
        assert_eq!(compare_mixed(0, -0.0), Some(Ordering::Equal));
    }

    #[test]
    fn fixnum_operations_refuse_what_does_not_fit() {
        let max = (1 << 62) - 1;
        assert_eq!(Operation::Add.on_fixnums(max, 1), None);
        assert_eq!(Operation::Multiply.on_fixnums(max, 2), None);
        assert_eq!(Operation::Subtract.on_fixnums(-max, 1), Some(Value::fixnum(-max - 1)));
    }
}
