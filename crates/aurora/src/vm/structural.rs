//! `eqv?`, `equal?` and hashing by content, with explicit stacks: depth is no danger.

use super::machine::Machine;
use crate::heap::{Kind, StringParts, Value};
use std::collections::HashMap;
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

/// Same shape and contents, circular data included.
///
/// Most comparisons are short and of trees: they are tried plainly first. What takes longer may be a cycle,
/// or share so much that it is exponentially large as a tree, and is compared with classes of values that
/// have been found equal so far (Adams and Dybvig, "Efficient Nondestructive Equality Checking for Trees
/// and Graphs", 2008).
pub(crate) fn equal(a: Value, b: Value) -> bool {
    const PLAIN_STEPS_MAX: u64 = 1 << 16;
    compare(a, b, PLAIN_STEPS_MAX, &mut |_, _| false)
        .or_else(|| {
            let mut classes = Classes::default();
            compare(a, b, u64::MAX, &mut |x, y| classes.unite(x, y))
        })
        .unwrap_or(true)
}

/// Values that are equal if everything that is still to be compared is.
#[derive(Default)]
struct Classes {
    parents: HashMap<Value, Value>,
}

impl Classes {
    fn root(&mut self, mut value: Value) -> Value {
        while let Some(&parent) = self.parents.get(&value) {
            // Halve the way for the next one.
            if let Some(&grandparent) = self.parents.get(&parent) {
                self.parents.insert(value, grandparent);
            }
            value = parent;
        }
        value
    }

    /// Puts two values into one class; true if they were in one before.
    fn unite(&mut self, a: Value, b: Value) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        if a != b {
            self.parents.insert(a, b);
        }
        a == b
    }
}

/// The comparison, unless it takes more steps than `steps_max`. `known` is asked about pairs and vectors: are
/// the two known to be equal?
fn compare(a: Value, b: Value, steps_max: u64, known: &mut dyn FnMut(Value, Value) -> bool) -> Option<bool> {
    let mut pending = vec![(a, b)];
    let mut steps = 0;
    while let Some((mut a, mut b)) = pending.pop() {
        loop {
            steps += 1;
            if steps > steps_max {
                return None;
            }
            if eqv(a, b) || a.is_reference() && b.is_reference() && known(a, b) {
                break;
            }
            if let (Some(x), Some(y)) = (a.car(), b.car()) {
                pending.push((x, y));
                (a, b) = (a.cdr().unwrap_or(a), b.cdr().unwrap_or(b));
                continue;
            }
            if !same_object(a, b, &mut pending) {
                return Some(false);
            }
            break;
        }
    }
    Some(true)
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
