//! `eqv?`, `equal?` and hashing by content, with explicit stacks: depth is no danger.

use super::machine::Machine;
use crate::heap::{Kind, StringParts, Value};
use std::hash::{DefaultHasher, Hasher};

/// Same object, or same number.
pub(crate) fn eqv(a: Value, b: Value) -> bool {
    if a == b {
        return true;
    }
    match (a.as_flonum(), b.as_flonum()) {
        (Some(x), Some(y)) => x.to_bits() == y.to_bits(),
        _ => false,
    }
}

/// Same shape and contents. Circular data end after a bounded number of steps with `true` for what
/// could not be told apart.
pub(crate) fn equal(a: Value, b: Value) -> bool {
    /// More steps than any acyclic pair of values in memory could need is a cycle.
    const STEPS_MAX: u64 = 1 << 36;
    let mut pending = vec![(a, b)];
    let mut steps = 0;
    while let Some((mut a, mut b)) = pending.pop() {
        loop {
            steps += 1;
            if steps > STEPS_MAX {
                return true;
            }
            if eqv(a, b) {
                break;
            }
            if let (Some(x), Some(y)) = (a.car(), b.car()) {
                pending.push((x, y));
                (a, b) = (a.cdr().unwrap_or(a), b.cdr().unwrap_or(b));
                continue;
            }
            if !same_object(a, b, &mut pending) {
                return false;
            }
            break;
        }
    }
    true
}

/// Are two objects with headers equal, given that the pairs pushed to `pending` are?
fn same_object(a: Value, b: Value, pending: &mut Vec<(Value, Value)>) -> bool {
    let (Some(x), Some(y)) = (a.any_object(), b.any_object()) else { return false };
    if x.kind() != y.kind() {
        return false;
    }
    match x.kind() {
        Kind::Vector if x.length() == y.length() => {
            let slots = (0..x.length()).filter_map(|index| x.slot(index).zip(y.slot(index)));
            pending.extend(slots);
            true
        }
        Kind::Bytes => x.bytes() == y.bytes(),
        Kind::String => match (a.string_parts(), b.string_parts()) {
            (Some(x), Some(y)) => same_text(&x, &y),
            _ => false,
        },
        _ => false,
    }
}

pub(crate) fn same_text(a: &StringParts, b: &StringParts) -> bool {
    a.length == b.length
        && if a.wide == b.wide { a.characters.bytes() == b.characters.bytes() } else { a.iter().eq(b.iter()) }
}

impl Machine {
    /// A hash that agrees with `equal?`. Only so much of a large datum is looked at.
    pub(crate) fn hash(&self, value: Value) -> u64 {
        const PARTS_MAX: usize = 64;
        let mut hasher = DefaultHasher::new();
        let mut pending = vec![value];
        let mut parts = 0;
        while let Some(value) = pending.pop() {
            parts += 1;
            if parts > PARTS_MAX {
                break;
            }
            if let (Some(car), Some(cdr)) = (value.car(), value.cdr()) {
                hasher.write_u8(1);
                pending.push(cdr);
                pending.push(car);
            } else if let Some(text) = value.string_parts() {
                text.iter().for_each(|c| hasher.write_u32(u32::from(c)));
                hasher.write_usize(text.length);
            } else if let Some(object) = value.any_object() {
                match object.kind() {
                    Kind::Flonum => hasher.write_u64(object.flonum().to_bits()),
                    Kind::Bytes => hasher.write(object.bytes()),
                    Kind::Vector => {
                        hasher.write_usize(object.length());
                        pending.extend(
                            (0..object.length().min(PARTS_MAX)).filter_map(|index| object.slot(index)),
                        );
                    }
                    // Records and procedures are equal only to themselves, and they move: their kind must do.
                    other => hasher.write_u8(other as u8),
                }
            } else {
                hasher.write_u64(value.bits());
            }
        }
        hasher.finish()
    }
}
