//! Characters.

use crate::heap::Value;
use crate::vm::{Arguments, Machine, Outcome, Trap};

/// The character behind an argument.
pub(crate) fn character(m: &Machine, what: &str, value: Value) -> Result<char, Trap> {
    value.as_character().ok_or_else(|| m.wrong_type(what, "a character", value))
}

pub(crate) fn is_char(m: &mut Machine, args: Arguments) -> Outcome {
    Ok(Value::boolean(m.argument(args, 0).as_character().is_some()))
}

pub(crate) fn char_to_integer(m: &mut Machine, args: Arguments) -> Outcome {
    let c = character(m, "char->integer", m.argument(args, 0))?;
    Ok(Value::fixnum(i64::from(u32::from(c))))
}

pub(crate) fn integer_to_char(m: &mut Machine, args: Arguments) -> Outcome {
    let value = m.argument(args, 0);
    let c = value.as_fixnum().and_then(|n| u32::try_from(n).ok()).and_then(char::from_u32);
    c.map(Value::character)
        .ok_or_else(|| m.wrong_type("integer->char", "the number of a Unicode character", value))
}

fn ordered(m: &Machine, args: Arguments, what: &str, holds: fn(&char, &char) -> bool) -> Outcome {
    let mut before = character(m, what, m.argument(args, 0))?;
    let mut result = true;
    for index in 1..args.count() {
        let next = character(m, what, m.argument(args, index))?;
        result &= holds(&before, &next);
        before = next;
    }
    Ok(Value::boolean(result))
}

macro_rules! orders {
    ($($function:ident $name:literal $test:path;)*) => {$(
        pub(crate) fn $function(m: &mut Machine, args: Arguments) -> Outcome {
            ordered(m, args, $name, $test)
        }
    )*};
}

orders! {
    equal "char=?" char::eq;
    less "char<?" char::lt;
    greater "char>?" char::gt;
    at_most "char<=?" char::le;
    at_least "char>=?" char::ge;
}

macro_rules! classes {
    ($($function:ident $name:literal $test:expr;)*) => {$(
        pub(crate) fn $function(m: &mut Machine, args: Arguments) -> Outcome {
            let test: fn(char) -> bool = $test;
            character(m, $name, m.argument(args, 0)).map(|c| Value::boolean(test(c)))
        }
    )*};
}

classes! {
    is_alphabetic "char-alphabetic?" char::is_alphabetic;
    is_numeric "char-numeric?" char::is_numeric;
    is_whitespace "char-whitespace?" char::is_whitespace;
    is_upper_case "char-upper-case?" char::is_uppercase;
    is_lower_case "char-lower-case?" char::is_lowercase;
}

/// The one character that a case mapping gives; a mapping to several leaves the character as it is.
fn mapped(c: char, mut mapping: impl Iterator<Item = char>) -> char {
    match (mapping.next(), mapping.next()) {
        (Some(only), None) => only,
        _ => c,
    }
}

pub(crate) fn upcase(m: &mut Machine, args: Arguments) -> Outcome {
    character(m, "char-upcase", m.argument(args, 0)).map(|c| Value::character(mapped(c, c.to_uppercase())))
}

pub(crate) fn downcase(m: &mut Machine, args: Arguments) -> Outcome {
    character(m, "char-downcase", m.argument(args, 0)).map(|c| Value::character(mapped(c, c.to_lowercase())))
}

pub(crate) fn digit_value(m: &mut Machine, args: Arguments) -> Outcome {
    let c = character(m, "digit-value", m.argument(args, 0))?;
    Ok(c.to_digit(10).map_or(Value::FALSE, |digit| Value::fixnum(i64::from(digit))))
}
