//! Strings.

use super::characters::character;
use super::lists;
use crate::heap::Value;
use crate::vm::structural::same_text;
use crate::vm::text::is_wide;
use crate::vm::{Arguments, Machine, Outcome, Trap};
use std::cmp::Ordering;

pub(crate) fn is_string(m: &mut Machine, args: Arguments) -> Outcome {
    Ok(Value::boolean(m.argument(args, 0).string_parts().is_some()))
}

pub(crate) fn make_string(m: &mut Machine, args: Arguments) -> Outcome {
    let length = m.size_argument("make-string", m.argument(args, 0))?;
    let fill = match m.optional(args, 1) {
        Some(value) => character(m, "make-string", value)?,
        None => ' ',
    };
    m.string_filled(length, fill)
}

pub(crate) fn string(m: &mut Machine, args: Arguments) -> Outcome {
    let mut characters = Vec::with_capacity(args.count());
    for index in m.all_arguments(args) {
        characters.push(character(m, "string", m.argument(args, index))?);
    }
    m.string_of(&characters)
}

pub(crate) fn length(m: &mut Machine, args: Arguments) -> Outcome {
    let parts = m.string_argument("string-length", m.argument(args, 0))?;
    Ok(Value::fixnum(parts.length as i64))
}

/// An index below the length.
fn index_argument(m: &Machine, what: &str, value: Value, length: usize) -> Result<usize, Trap> {
    let index = m.size_argument(what, value)?;
    if index < length { Ok(index) } else { Err(m.out_of_range(what, value, length)) }
}

pub(crate) fn string_ref(m: &mut Machine, args: Arguments) -> Outcome {
    let parts = m.string_argument("string-ref", m.argument(args, 0))?;
    let index = index_argument(m, "string-ref", m.argument(args, 1), parts.length)?;
    Ok(Value::character(parts.character(index)))
}

pub(crate) fn string_set(m: &mut Machine, args: Arguments) -> Outcome {
    let string = m.argument(args, 0);
    let parts = m.string_argument("string-set!", string)?;
    let index = index_argument(m, "string-set!", m.argument(args, 1), parts.length)?;
    let c = character(m, "string-set!", m.argument(args, 2))?;
    m.string_set(&parts, index, c, string)?;
    Ok(Value::UNSPECIFIED)
}

pub(crate) fn append(m: &mut Machine, args: Arguments) -> Outcome {
    let (mut length, mut wide) = (0usize, false);
    for index in m.all_arguments(args) {
        let parts = m.string_argument("string-append", m.argument(args, index))?;
        length = length.saturating_add(parts.length);
        wide |= parts.wide;
    }
    m.string_with(length, wide, |m, put| {
        let parts = m.all_arguments(args).filter_map(|index| m.argument(args, index).string_parts());
        let mut at = 0;
        for part in parts {
            for c in part.iter() {
                put(at, c);
                at += 1;
            }
        }
    })
}

pub(crate) fn substring(m: &mut Machine, args: Arguments) -> Outcome {
    let parts = m.string_argument("substring", m.argument(args, 0))?;
    let range = m.range_arguments("substring", args, 1, parts.length)?;
    let wide = parts.wide && range.clone().any(|index| is_wide(parts.character(index)));
    m.string_with(range.len(), wide, |m, put| {
        if let Some(parts) = m.argument(args, 0).string_parts() {
            range.enumerate().for_each(|(at, index)| put(at, parts.character(index)));
        }
    })
}

pub(crate) fn to_list(m: &mut Machine, args: Arguments) -> Outcome {
    let parts = m.string_argument("string->list", m.argument(args, 0))?;
    let range = m.range_arguments("string->list", args, 1, parts.length)?;
    lists::list_from_end(m, range.len(), |m, index| {
        // The string may have moved: it is read again from the argument.
        let parts = m.string_argument("string->list", m.argument(args, 0))?;
        Ok(Value::character(parts.character(range.start + index)))
    })
}

pub(crate) fn from_list(m: &mut Machine, args: Arguments) -> Outcome {
    let list = m.argument(args, 0);
    let length = lists::list_length(m, "list->string", list)?;
    let mut wide = false;
    let mut at = list;
    while let (Some(item), Some(rest)) = (at.car(), at.cdr()) {
        wide |= is_wide(character(m, "list->string", item)?);
        at = rest;
    }
    m.string_with(length, wide, |m, put| {
        let (mut at, mut index) = (m.argument(args, 0), 0);
        while let (Some(item), Some(rest)) = (at.car(), at.cdr()) {
            put(index, item.as_character().unwrap_or(char::REPLACEMENT_CHARACTER));
            (at, index) = (rest, index + 1);
        }
    })
}

pub(crate) fn equal(m: &mut Machine, args: Arguments) -> Outcome {
    let first = m.string_argument("string=?", m.argument(args, 0))?;
    let mut result = true;
    for index in 1..args.count() {
        let next = m.string_argument("string=?", m.argument(args, index))?;
        result &= same_text(&first, &next);
    }
    Ok(Value::boolean(result))
}

fn ordered(m: &Machine, args: Arguments, what: &str, holds: fn(Ordering) -> bool) -> Outcome {
    let mut before = m.string_argument(what, m.argument(args, 0))?;
    let mut result = true;
    for index in 1..args.count() {
        let next = m.string_argument(what, m.argument(args, index))?;
        result &= holds(before.iter().cmp(next.iter()));
        before = next;
    }
    Ok(Value::boolean(result))
}

macro_rules! orders {
    ($($function:ident $name:literal $test:ident;)*) => {$(
        pub(crate) fn $function(m: &mut Machine, args: Arguments) -> Outcome {
            ordered(m, args, $name, Ordering::$test)
        }
    )*};
}

orders! {
    less "string<?" is_lt;
    greater "string>?" is_gt;
    at_most "string<=?" is_le;
    at_least "string>=?" is_ge;
}

pub(crate) fn upcase(m: &mut Machine, args: Arguments) -> Outcome {
    let text = m.text_argument("string-upcase", m.argument(args, 0))?;
    m.string(&text.to_uppercase())
}

pub(crate) fn downcase(m: &mut Machine, args: Arguments) -> Outcome {
    let text = m.text_argument("string-downcase", m.argument(args, 0))?;
    m.string(&text.to_lowercase())
}

/// The index of a character from a start on, or `#f`.
pub(crate) fn index(m: &mut Machine, args: Arguments) -> Outcome {
    let parts = m.string_argument("string-index", m.argument(args, 0))?;
    let wanted = character(m, "string-index", m.argument(args, 1))?;
    let start = m.size_argument("string-index", m.argument(args, 2))?;
    let found = (start..parts.length).find(|&index| parts.character(index) == wanted);
    Ok(found.map_or(Value::FALSE, |index| Value::fixnum(index as i64)))
}
