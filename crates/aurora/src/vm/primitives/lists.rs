//! Pairs and lists.

use crate::heap::{Mutator, Value};
use crate::vm::structural;
use crate::vm::{Arguments, Machine, Outcome, Trap};

pub(crate) fn cons(m: &mut Machine, args: Arguments) -> Outcome {
    m.cons(m.argument(args, 0), m.argument(args, 1))
}

/// Follows a path of `a` (car) and `d` (cdr) steps, as in `cadr`: the last letter first.
fn path(m: &Machine, args: Arguments, what: &str, steps: &str) -> Outcome {
    let start = m.argument(args, 0);
    let mut at = start;
    for step in steps.bytes().rev() {
        let next = if step == b'a' { at.car() } else { at.cdr() };
        at = next.ok_or_else(|| {
            m.wrong_type(what, if steps.len() == 1 { "a pair" } else { "a longer list" }, start)
        })?;
    }
    Ok(at)
}

macro_rules! paths {
    ($($function:ident $name:literal $steps:literal;)*) => {$(
        pub(crate) fn $function(m: &mut Machine, args: Arguments) -> Outcome {
            path(m, args, $name, $steps)
        }
    )*};
}

paths! {
    car "car" "a";
    cdr "cdr" "d";
    caar "caar" "aa";
    cadr "cadr" "ad";
    cdar "cdar" "da";
    cddr "cddr" "dd";
    caddr "caddr" "add";
    cdddr "cdddr" "ddd";
    cadddr "cadddr" "addd";
}

fn set_half(m: &mut Machine, args: Arguments, what: &str, half: usize) -> Outcome {
    let (pair, value) = (m.argument(args, 0), m.argument(args, 1));
    if m.memory.set_half(pair, half, value) {
        Ok(Value::UNSPECIFIED)
    } else {
        Err(m.wrong_type(what, "a pair", pair))
    }
}

pub(crate) fn set_car(m: &mut Machine, args: Arguments) -> Outcome {
    set_half(m, args, "set-car!", 0)
}

pub(crate) fn set_cdr(m: &mut Machine, args: Arguments) -> Outcome {
    set_half(m, args, "set-cdr!", 1)
}

pub(crate) fn is_null(m: &mut Machine, args: Arguments) -> Outcome {
    Ok(Value::boolean(m.argument(args, 0) == Value::EMPTY_LIST))
}

pub(crate) fn is_pair(m: &mut Machine, args: Arguments) -> Outcome {
    Ok(Value::boolean(m.argument(args, 0).is_pair()))
}

/// Number of pairs of a proper list; `None` for anything else, circular lists included (Floyd).
pub(crate) fn proper_length(list: Value) -> Option<usize> {
    let (mut slow, mut fast, mut count) = (list, list, 0);
    while let Some(rest) = fast.cdr() {
        count += 1;
        fast = rest;
        if count % 2 == 0 {
            slow = slow.cdr()?;
            if slow == fast {
                return None;
            }
        }
    }
    (fast == Value::EMPTY_LIST).then_some(count)
}

/// The length of an argument that must be a proper list.
pub(crate) fn list_length(m: &Machine, what: &str, list: Value) -> Result<usize, Trap> {
    proper_length(list).ok_or_else(|| m.wrong_type(what, "a proper list", list))
}

pub(crate) fn is_list(m: &mut Machine, args: Arguments) -> Outcome {
    Ok(Value::boolean(proper_length(m.argument(args, 0)).is_some()))
}

pub(crate) fn length(m: &mut Machine, args: Arguments) -> Outcome {
    Ok(Value::fixnum(list_length(m, "length", m.argument(args, 0))? as i64))
}

pub(crate) fn list(m: &mut Machine, args: Arguments) -> Outcome {
    let mut list = Value::EMPTY_LIST;
    for index in m.all_arguments(args).rev() {
        list = m.cons(m.argument(args, index), list)?;
    }
    Ok(list)
}

/// Conses the items of argument `index` in reverse onto `list`; the argument is used up.
fn reverse_onto(m: &mut Machine, args: Arguments, index: usize, mut list: Value) -> Outcome {
    while let (Some(item), Some(rest)) = (m.argument(args, index).car(), m.argument(args, index).cdr()) {
        m.set_argument(args, index, rest);
        list = m.cons(item, list)?;
    }
    Ok(list)
}

pub(crate) fn reverse(m: &mut Machine, args: Arguments) -> Outcome {
    list_length(m, "reverse", m.argument(args, 0))?;
    reverse_onto(m, args, 0, Value::EMPTY_LIST)
}

/// Two lists; the second is shared.
pub(crate) fn append(m: &mut Machine, args: Arguments) -> Outcome {
    list_length(m, "append", m.argument(args, 0))?;
    let reversed = reverse_onto(m, args, 0, Value::EMPTY_LIST)?;
    m.set_argument(args, 0, reversed);
    let tail = m.argument(args, 1);
    reverse_onto(m, args, 0, tail)
}

pub(crate) fn list_copy(m: &mut Machine, args: Arguments) -> Outcome {
    list_length(m, "list-copy", m.argument(args, 0))?;
    let reversed = reverse_onto(m, args, 0, Value::EMPTY_LIST)?;
    m.set_argument(args, 0, reversed);
    reverse_onto(m, args, 0, Value::EMPTY_LIST)
}

fn tail_of(m: &Machine, args: Arguments, what: &str) -> Outcome {
    let (list, index) = (m.argument(args, 0), m.argument(args, 1));
    let count = m.size_argument(what, index)?;
    let mut at = list;
    for passed in 0..count {
        at = at.cdr().ok_or_else(|| too_short(m, what, index, passed))?;
    }
    Ok(at)
}

fn too_short(m: &Machine, what: &str, index: Value, length: usize) -> Trap {
    Trap::error(format!("{what}: index {} is out of range, the list has {length} elements", m.show(index)))
}

pub(crate) fn list_tail(m: &mut Machine, args: Arguments) -> Outcome {
    tail_of(m, args, "list-tail")
}

pub(crate) fn list_ref(m: &mut Machine, args: Arguments) -> Outcome {
    let tail = tail_of(m, args, "list-ref")?;
    let index = m.argument(args, 1);
    tail.car().ok_or_else(|| too_short(m, "list-ref", index, m.size_argument("list-ref", index).unwrap_or(0)))
}

/// The rest of the list that starts with a matching item.
fn find(m: &Machine, args: Arguments, what: &str, same: fn(Value, Value) -> bool) -> Outcome {
    let (wanted, list) = (m.argument(args, 0), m.argument(args, 1));
    let mut at = list;
    while let (Some(item), Some(rest)) = (at.car(), at.cdr()) {
        if same(wanted, item) {
            return Ok(at);
        }
        at = rest;
    }
    if at == Value::EMPTY_LIST { Ok(Value::FALSE) } else { Err(m.wrong_type(what, "a proper list", list)) }
}

/// The entry of an association list whose key matches.
fn find_entry(m: &Machine, args: Arguments, what: &str, same: fn(Value, Value) -> bool) -> Outcome {
    let (wanted, list) = (m.argument(args, 0), m.argument(args, 1));
    let mut at = list;
    while let (Some(entry), Some(rest)) = (at.car(), at.cdr()) {
        let key = entry.car().ok_or_else(|| m.wrong_type(what, "a list of pairs", list))?;
        if same(wanted, key) {
            return Ok(entry);
        }
        at = rest;
    }
    if at == Value::EMPTY_LIST { Ok(Value::FALSE) } else { Err(m.wrong_type(what, "a proper list", list)) }
}

fn identical(a: Value, b: Value) -> bool {
    a == b
}

pub(crate) fn memq(m: &mut Machine, args: Arguments) -> Outcome {
    find(m, args, "memq", identical)
}

pub(crate) fn memv(m: &mut Machine, args: Arguments) -> Outcome {
    find(m, args, "memv", structural::eqv)
}

pub(crate) fn member(m: &mut Machine, args: Arguments) -> Outcome {
    find(m, args, "member", structural::equal)
}

pub(crate) fn assq(m: &mut Machine, args: Arguments) -> Outcome {
    find_entry(m, args, "assq", identical)
}

pub(crate) fn assv(m: &mut Machine, args: Arguments) -> Outcome {
    find_entry(m, args, "assv", structural::eqv)
}

pub(crate) fn assoc(m: &mut Machine, args: Arguments) -> Outcome {
    find_entry(m, args, "assoc", structural::equal)
}

/// A list of values that are computed one by one, from the last to the first.
pub(crate) fn list_from_end(
    m: &mut Machine,
    count: usize,
    mut item: impl FnMut(&mut Machine, usize) -> Outcome,
) -> Outcome {
    let mut list = Value::EMPTY_LIST;
    for index in (0..count).rev() {
        m.roots.protect(list);
        let value = item(m, index);
        list = m.roots.unprotect();
        list = m.cons(value?, list)?;
    }
    Ok(list)
}
