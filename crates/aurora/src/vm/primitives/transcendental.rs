//! Roots, powers, logarithms, angles.

use crate::heap::Value;
use crate::vm::arithmetic::Number;
use crate::vm::{Arguments, Machine, Outcome, Trap};

fn function(m: &mut Machine, args: Arguments, what: &str, f: fn(f64) -> f64) -> Outcome {
    let number = m.number(what, m.argument(args, 0))?.to_f64();
    m.flonum(f(number))
}

macro_rules! functions {
    ($($function:ident $name:literal $code:path;)*) => {$(
        pub(crate) fn $function(m: &mut Machine, args: Arguments) -> Outcome {
            function(m, args, $name, $code)
        }
    )*};
}

functions! {
    exp "exp" f64::exp;
    sin "sin" f64::sin;
    cos "cos" f64::cos;
    tan "tan" f64::tan;
    asin "asin" f64::asin;
    acos "acos" f64::acos;
}

/// Exact for the square of an exact integer.
pub(crate) fn sqrt(m: &mut Machine, args: Arguments) -> Outcome {
    let value = m.argument(args, 0);
    let number = m.number("sqrt", value)?;
    if number.to_f64() < 0.0 {
        return Err(m.wrong_type(
            "sqrt",
            "a non-negative number (this version has no complex numbers)",
            value,
        ));
    }
    if let Number::Fixnum(n) = number {
        let root = (n as f64).sqrt().round() as i64;
        if root.checked_mul(root) == Some(n) {
            return Ok(Value::fixnum(root));
        }
    }
    m.flonum(number.to_f64().sqrt())
}

pub(crate) fn expt(m: &mut Machine, args: Arguments) -> Outcome {
    let (base, power) = (m.number("expt", m.argument(args, 0))?, m.number("expt", m.argument(args, 1))?);
    match (base, power) {
        (Number::Fixnum(base), Number::Fixnum(power @ 0..)) => exact_power(m, base, power),
        (Number::Fixnum(0), Number::Fixnum(_)) => Err(Trap::error("expt: division by zero")),
        (Number::Flonum(base), Number::Fixnum(power)) if i32::try_from(power).is_ok() => {
            m.flonum(base.powi(power as i32))
        }
        _ => m.flonum(base.to_f64().powf(power.to_f64())),
    }
}

fn exact_power(m: &Machine, base: i64, mut power: i64) -> Outcome {
    if matches!(base, -1..=1) {
        let result = if base == -1 && power % 2 == 0 || power == 0 { 1 } else { base };
        return Ok(Value::fixnum(result));
    }
    let (mut result, mut square) = (Some(1i64), Some(base));
    while power > 0 {
        if power & 1 == 1 {
            result = result.zip(square).and_then(|(r, s)| r.checked_mul(s));
        }
        power >>= 1;
        if power > 0 {
            square = square.and_then(|s| s.checked_mul(s));
        }
        if result.is_none() {
            break;
        }
    }
    m.fixnum_result("expt", result)
}

pub(crate) fn log(m: &mut Machine, args: Arguments) -> Outcome {
    let number = m.number("log", m.argument(args, 0))?.to_f64();
    let result = match m.optional(args, 1) {
        None => number.ln(),
        Some(base) => number.ln() / m.number("log", base)?.to_f64().ln(),
    };
    m.flonum(result)
}

pub(crate) fn atan(m: &mut Machine, args: Arguments) -> Outcome {
    let y = m.number("atan", m.argument(args, 0))?.to_f64();
    let result = match m.optional(args, 1) {
        None => y.atan(),
        Some(x) => y.atan2(m.number("atan", x)?.to_f64()),
    };
    m.flonum(result)
}
