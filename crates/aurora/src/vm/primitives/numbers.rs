//! Arithmetic (transcendental functions have a file of their own).

pub(crate) use super::transcendental::{acos, asin, atan, cos, exp, expt, log, sin, sqrt, tan};
use crate::heap::Value;
use crate::syntax::parse_number;
use crate::vm::arithmetic::{Number, Operation, overflow};
use crate::vm::printer::flonum_text;
use crate::vm::{Arguments, Machine, Outcome, Trap};
use std::cmp::Ordering;

fn fold(m: &mut Machine, args: Arguments, operation: Operation, start: Value) -> Outcome {
    let mut result = start;
    for index in m.all_arguments(args) {
        result = m.arithmetic(operation, result, m.argument(args, index))?;
    }
    Ok(result)
}

pub(crate) fn add(m: &mut Machine, args: Arguments) -> Outcome {
    fold(m, args, Operation::Add, Value::ZERO)
}

pub(crate) fn multiply(m: &mut Machine, args: Arguments) -> Outcome {
    fold(m, args, Operation::Multiply, Value::fixnum(1))
}

pub(crate) fn subtract(m: &mut Machine, args: Arguments) -> Outcome {
    let mut result = m.argument(args, 0);
    if args.count() == 1 {
        return match m.number("-", result)? {
            Number::Fixnum(n) => m.fixnum_result("-", n.checked_neg()),
            Number::Flonum(n) => m.flonum(-n),
        };
    }
    for index in 1..args.count() {
        result = m.arithmetic(Operation::Subtract, result, m.argument(args, index))?;
    }
    Ok(result)
}

pub(crate) fn divide(m: &mut Machine, args: Arguments) -> Outcome {
    if args.count() == 1 {
        return quotient_of(m, Value::fixnum(1), m.argument(args, 0));
    }
    let mut result = m.argument(args, 0);
    for index in 1..args.count() {
        result = quotient_of(m, result, m.argument(args, index))?;
    }
    Ok(result)
}

/// Exact where it comes out even, inexact otherwise: this version has no exact fractions.
fn quotient_of(m: &mut Machine, a: Value, b: Value) -> Outcome {
    let (x, y) = (m.number("/", a)?, m.number("/", b)?);
    match (x, y) {
        (_, Number::Fixnum(0)) => Err(Trap::error("/: division by zero")),
        (Number::Fixnum(x), Number::Fixnum(y)) if x % y == 0 => m.fixnum_result("/", x.checked_div(y)),
        _ => m.flonum(x.to_f64() / y.to_f64()),
    }
}

fn compare_all(m: &Machine, args: Arguments, what: &str, wanted: fn(Ordering) -> bool) -> Outcome {
    m.number(what, m.argument(args, 0))?;
    let mut holds = true;
    for index in 1..args.count() {
        let (a, b) = (m.number(what, m.argument(args, index - 1))?, m.number(what, m.argument(args, index))?);
        holds &= a.compare(b).is_some_and(wanted);
    }
    Ok(Value::boolean(holds))
}

macro_rules! comparisons {
    ($($function:ident $name:literal $test:ident;)*) => {$(
        pub(crate) fn $function(m: &mut Machine, args: Arguments) -> Outcome {
            compare_all(m, args, $name, Ordering::$test)
        }
    )*};
}

comparisons! {
    equal "=" is_eq;
    less "<" is_lt;
    greater ">" is_gt;
    at_most "<=" is_le;
    at_least ">=" is_ge;
}

/// Integer division: on fixnums exactly, on integral flonums inexactly.
fn integer_division(
    m: &mut Machine,
    args: Arguments,
    what: &str,
    fixnums: fn(i64, i64) -> Option<i64>,
    flonums: fn(f64, f64) -> f64,
) -> Outcome {
    let (a, b) = (m.number(what, m.argument(args, 0))?, m.number(what, m.argument(args, 1))?);
    if b.to_f64() == 0.0 {
        return Err(Trap::error(format!("{what}: division by zero")));
    }
    match (a, b) {
        (Number::Fixnum(a), Number::Fixnum(b)) => m.fixnum_result(what, fixnums(a, b)),
        _ => {
            for index in 0..2 {
                let value = m.argument(args, index);
                if m.number(what, value)?.to_f64().fract() != 0.0 {
                    return Err(m.wrong_type(what, "an integer", value));
                }
            }
            m.flonum(flonums(a.to_f64(), b.to_f64()))
        }
    }
}

pub(crate) fn quotient(m: &mut Machine, args: Arguments) -> Outcome {
    integer_division(m, args, "quotient", i64::checked_div, |a, b| (a / b).trunc())
}

pub(crate) fn remainder(m: &mut Machine, args: Arguments) -> Outcome {
    integer_division(m, args, "remainder", i64::checked_rem, |a, b| a % b)
}

fn floor_modulo(a: i64, b: i64) -> Option<i64> {
    let rest = a.checked_rem(b)?;
    Some(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
}

pub(crate) fn modulo(m: &mut Machine, args: Arguments) -> Outcome {
    integer_division(m, args, "modulo", floor_modulo, |a, b| a - b * (a / b).floor())
}

pub(crate) fn floor_quotient(m: &mut Machine, args: Arguments) -> Outcome {
    let exact = |a: i64, b: i64| floor_modulo(a, b).and_then(|rest| (a - rest).checked_div(b));
    integer_division(m, args, "floor-quotient", exact, |a, b| (a / b).floor())
}

pub(crate) fn absolute(m: &mut Machine, args: Arguments) -> Outcome {
    match m.number("abs", m.argument(args, 0))? {
        Number::Fixnum(n) => m.fixnum_result("abs", n.checked_abs()),
        Number::Flonum(n) => m.flonum(n.abs()),
    }
}

/// The extreme argument; inexact if any is.
fn extreme(m: &mut Machine, args: Arguments, what: &str, better: Ordering) -> Outcome {
    let mut best = m.number(what, m.argument(args, 0))?;
    let mut inexact = matches!(best, Number::Flonum(_));
    for index in 1..args.count() {
        let next = m.number(what, m.argument(args, index))?;
        inexact |= matches!(next, Number::Flonum(_));
        if next.compare(best) == Some(better) || next.to_f64().is_nan() {
            best = next;
        }
    }
    match best {
        Number::Fixnum(n) if !inexact => m.fixnum_result(what, Some(n)),
        other => m.flonum(other.to_f64()),
    }
}

pub(crate) fn minimum(m: &mut Machine, args: Arguments) -> Outcome {
    extreme(m, args, "min", Ordering::Less)
}

pub(crate) fn maximum(m: &mut Machine, args: Arguments) -> Outcome {
    extreme(m, args, "max", Ordering::Greater)
}

pub(crate) fn gcd(m: &mut Machine, args: Arguments) -> Outcome {
    let mut result = 0u64;
    for index in m.all_arguments(args) {
        let mut other = m.integer("gcd", m.argument(args, index))?.unsigned_abs();
        while other != 0 {
            (result, other) = (other, result % other);
        }
    }
    m.fixnum_result("gcd", i64::try_from(result).ok())
}

fn test(m: &Machine, args: Arguments, what: &str, test: impl Fn(Number) -> bool) -> Outcome {
    m.number(what, m.argument(args, 0)).map(|n| Value::boolean(test(n)))
}

fn kind(m: &Machine, args: Arguments, test: impl Fn(Number) -> bool) -> Outcome {
    Ok(Value::boolean(Number::of(m.argument(args, 0)).is_some_and(test)))
}

pub(crate) fn is_number(m: &mut Machine, args: Arguments) -> Outcome {
    kind(m, args, |_| true)
}

pub(crate) fn is_integer(m: &mut Machine, args: Arguments) -> Outcome {
    kind(m, args, |n| n.to_f64().fract() == 0.0)
}

pub(crate) fn is_rational(m: &mut Machine, args: Arguments) -> Outcome {
    kind(m, args, |n| n.to_f64().is_finite())
}

pub(crate) fn is_exact(m: &mut Machine, args: Arguments) -> Outcome {
    test(m, args, "exact?", |n| matches!(n, Number::Fixnum(_)))
}

pub(crate) fn is_exact_integer(m: &mut Machine, args: Arguments) -> Outcome {
    kind(m, args, |n| matches!(n, Number::Fixnum(_)))
}

pub(crate) fn is_inexact(m: &mut Machine, args: Arguments) -> Outcome {
    test(m, args, "inexact?", |n| matches!(n, Number::Flonum(_)))
}

pub(crate) fn is_nan(m: &mut Machine, args: Arguments) -> Outcome {
    test(m, args, "nan?", |n| n.to_f64().is_nan())
}

pub(crate) fn is_zero(m: &mut Machine, args: Arguments) -> Outcome {
    test(m, args, "zero?", |n| n.to_f64() == 0.0)
}

pub(crate) fn is_positive(m: &mut Machine, args: Arguments) -> Outcome {
    test(m, args, "positive?", |n| n.to_f64() > 0.0)
}

pub(crate) fn is_negative(m: &mut Machine, args: Arguments) -> Outcome {
    test(m, args, "negative?", |n| n.to_f64() < 0.0)
}

pub(crate) fn is_odd(m: &mut Machine, args: Arguments) -> Outcome {
    Ok(Value::boolean(m.integer("odd?", m.argument(args, 0))? & 1 == 1))
}

pub(crate) fn is_even(m: &mut Machine, args: Arguments) -> Outcome {
    Ok(Value::boolean(m.integer("even?", m.argument(args, 0))? & 1 == 0))
}

pub(crate) fn exact(m: &mut Machine, args: Arguments) -> Outcome {
    const LIMIT: f64 = (1i64 << 62) as f64;
    let value = m.argument(args, 0);
    match m.number("exact", value)? {
        Number::Fixnum(_) => Ok(value),
        Number::Flonum(n) if n.fract() != 0.0 || !n.is_finite() => {
            Err(m.wrong_type("exact", "an integral number", value))
        }
        Number::Flonum(n) if !(-LIMIT..LIMIT).contains(&n) => Err(overflow("exact")),
        Number::Flonum(n) => Ok(Value::fixnum(n as i64)),
    }
}

pub(crate) fn inexact(m: &mut Machine, args: Arguments) -> Outcome {
    let value = m.argument(args, 0);
    match m.number("inexact", value)? {
        Number::Fixnum(n) => m.flonum(n as f64),
        Number::Flonum(_) => Ok(value),
    }
}

fn rounding(m: &mut Machine, args: Arguments, what: &str, round: fn(f64) -> f64) -> Outcome {
    let value = m.argument(args, 0);
    match m.number(what, value)? {
        Number::Fixnum(_) => Ok(value),
        Number::Flonum(n) => m.flonum(round(n)),
    }
}

pub(crate) fn floor(m: &mut Machine, args: Arguments) -> Outcome {
    rounding(m, args, "floor", f64::floor)
}

pub(crate) fn ceiling(m: &mut Machine, args: Arguments) -> Outcome {
    rounding(m, args, "ceiling", f64::ceil)
}

pub(crate) fn round(m: &mut Machine, args: Arguments) -> Outcome {
    rounding(m, args, "round", f64::round_ties_even)
}

pub(crate) fn truncate(m: &mut Machine, args: Arguments) -> Outcome {
    rounding(m, args, "truncate", f64::trunc)
}

/// The radix argument: 2 to 36 for output, 2, 8, 10 or 16 for input.
fn radix(m: &Machine, args: Arguments, what: &str) -> Result<u32, Trap> {
    let Some(value) = m.optional(args, 1) else { return Ok(10) };
    let radix = value.as_fixnum().and_then(|n| u32::try_from(n).ok()).filter(|n| (2..=36).contains(n));
    radix.ok_or_else(|| m.wrong_type(what, "a radix from 2 to 36", value))
}

pub(crate) fn number_to_string(m: &mut Machine, args: Arguments) -> Outcome {
    let radix = radix(m, args, "number->string")?;
    let text = match m.number("number->string", m.argument(args, 0))? {
        Number::Flonum(_) if radix != 10 => {
            let value = m.argument(args, 0);
            return Err(m.wrong_type("number->string", "an exact integer for a radix other than 10", value));
        }
        Number::Flonum(n) => flonum_text(n),
        Number::Fixnum(n) => digits(n, radix),
    };
    m.string(&text)
}

fn digits(number: i64, radix: u32) -> String {
    let mut out = Vec::new();
    let mut rest = number.unsigned_abs();
    loop {
        let digit = (rest % u64::from(radix)) as u32;
        out.push(char::from_digit(digit, radix).unwrap_or('?'));
        rest /= u64::from(radix);
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        out.push('-');
    }
    out.iter().rev().collect()
}

pub(crate) fn string_to_number(m: &mut Machine, args: Arguments) -> Outcome {
    let radix = radix(m, args, "string->number")?;
    let text = m.text_argument("string->number", m.argument(args, 0))?;
    match parse_number(&text, radix) {
        Ok(crate::syntax::Number::Fixnum(n)) => Ok(Value::fixnum(n)),
        Ok(crate::syntax::Number::Flonum(n)) => m.flonum(n),
        Err(_) => Ok(Value::FALSE),
    }
}

fn bits(m: &Machine, args: Arguments, what: &str, start: i64, operation: fn(i64, i64) -> i64) -> Outcome {
    let mut result = start;
    for index in m.all_arguments(args) {
        result = operation(result, m.integer(what, m.argument(args, index))?);
    }
    m.fixnum_result(what, Some(result))
}

pub(crate) fn bitwise_and(m: &mut Machine, args: Arguments) -> Outcome {
    bits(m, args, "bitwise-and", -1, |a, b| a & b)
}

pub(crate) fn bitwise_or(m: &mut Machine, args: Arguments) -> Outcome {
    bits(m, args, "bitwise-ior", 0, |a, b| a | b)
}

pub(crate) fn bitwise_xor(m: &mut Machine, args: Arguments) -> Outcome {
    bits(m, args, "bitwise-xor", 0, |a, b| a ^ b)
}

pub(crate) fn arithmetic_shift(m: &mut Machine, args: Arguments) -> Outcome {
    let what = "arithmetic-shift";
    let (number, shift) = (m.integer(what, m.argument(args, 0))?, m.integer(what, m.argument(args, 1))?);
    let result = match shift {
        0.. if number == 0 => Some(0),
        0..63 => (number << shift >> shift == number).then(|| number << shift),
        63.. => None,
        _ => Some(number >> shift.unsigned_abs().min(63)),
    };
    m.fixnum_result(what, result)
}
