//! A Scheme value in one word.

use super::object::{Kind, Object};
use std::fmt;
use terrane_gc::raw::Word;

/// A value. Equality is identity (`eq?`).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub(crate) struct Value(pub(super) Word);

pub(super) const TAG_MASK: u64 = 7;
pub(super) const TAG_PAIR: u64 = 1;
pub(super) const TAG_OBJECT: u64 = 3;
const TAG_IMMEDIATE: u64 = 7;

const SUBTYPE_SHIFT: u32 = 3;
const SUBTYPE_MASK: u64 = 0xF8;
const PAYLOAD_SHIFT: u32 = 8;

/// The families of immediates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Immediate {
    Constant = 0,
    Character = 1,
    Symbol = 2,
    Primitive = 3,
    Port = 4,
    Arena = 5,
    RecordType = 6,
    /// A function without captured variables.
    Procedure = 7,
}

const fn constant(number: u64) -> Value {
    Value(Word(number << PAYLOAD_SHIFT | (Immediate::Constant as u64) << SUBTYPE_SHIFT | TAG_IMMEDIATE))
}

impl Value {
    pub(crate) const FALSE: Value = constant(0);
    pub(crate) const TRUE: Value = constant(1);
    pub(crate) const EMPTY_LIST: Value = constant(2);
    pub(crate) const UNSPECIFIED: Value = constant(3);
    pub(crate) const EOF: Value = constant(4);
    /// Of a variable whose definition has not run yet.
    pub(crate) const UNDEFINED: Value = constant(5);
    pub(crate) const ZERO: Value = Value(Word(0));

    #[inline(always)]
    pub(crate) fn bits(self) -> u64 {
        self.0.0
    }

    #[inline(always)]
    pub(crate) const fn boolean(value: bool) -> Value {
        if value { Self::TRUE } else { Self::FALSE }
    }

    /// The word, for the collector to update.
    pub(crate) fn word_mut(&mut self) -> &mut Word {
        &mut self.0
    }

    /// Everything but `#f` counts as true.
    #[inline(always)]
    pub(crate) fn is_true(self) -> bool {
        self != Self::FALSE
    }

    /// A fixnum; `value` must fit 63 bits.
    #[inline(always)]
    pub(crate) fn fixnum(value: i64) -> Value {
        debug_assert!(value << 1 >> 1 == value, "{value} is no fixnum");
        Value(Word((value as u64) << 1))
    }

    /// A fixnum, if the number fits one.
    pub(crate) fn try_fixnum(value: i64) -> Option<Value> {
        (value << 1 >> 1 == value).then(|| Self::fixnum(value))
    }

    /// A fixnum from its own representation (twice the number).
    #[inline(always)]
    pub(crate) fn from_doubled(doubled: i64) -> Value {
        debug_assert!(doubled & 1 == 0, "a doubled number is even");
        Value(Word(doubled as u64))
    }

    /// Twice the number: fixnums are added and compared in this form.
    #[inline(always)]
    pub(crate) fn doubled(self) -> i64 {
        self.bits() as i64
    }

    #[inline(always)]
    pub(crate) fn is_fixnum(self) -> bool {
        self.bits() & 1 == 0
    }

    #[inline(always)]
    pub(crate) fn both_fixnums(self, other: Value) -> bool {
        (self.bits() | other.bits()) & 1 == 0
    }

    #[inline(always)]
    pub(crate) fn as_fixnum(self) -> Option<i64> {
        self.is_fixnum().then_some(self.bits() as i64 >> 1)
    }

    pub(crate) fn immediate(family: Immediate, payload: u64) -> Value {
        debug_assert!(payload < 1 << 56, "a payload has 56 bits");
        Value(Word(payload << PAYLOAD_SHIFT | (family as u64) << SUBTYPE_SHIFT | TAG_IMMEDIATE))
    }

    /// The payload of an immediate of this family.
    #[inline]
    pub(crate) fn payload(self, family: Immediate) -> Option<u64> {
        let tag = (family as u64) << SUBTYPE_SHIFT | TAG_IMMEDIATE;
        (self.bits() & (SUBTYPE_MASK | TAG_MASK) == tag).then_some(self.bits() >> PAYLOAD_SHIFT)
    }

    pub(crate) fn character(c: char) -> Value {
        Self::immediate(Immediate::Character, u64::from(u32::from(c)))
    }

    pub(crate) fn as_character(self) -> Option<char> {
        self.payload(Immediate::Character).and_then(|code| char::from_u32(code as u32))
    }

    #[inline(always)]
    pub(crate) fn is_pair(self) -> bool {
        self.bits() & TAG_MASK == TAG_PAIR
    }

    /// The object behind a reference of this kind.
    #[inline(always)]
    pub(crate) fn object(self, kind: Kind) -> Option<Object> {
        self.any_object().filter(|object| object.kind() == kind)
    }

    /// The object behind a reference to an object with a header.
    #[inline(always)]
    pub(crate) fn any_object(self) -> Option<Object> {
        (self.bits() & TAG_MASK == TAG_OBJECT).then(|| Object::at((self.bits() & !TAG_MASK) as usize))
    }

    /// Does it refer to anything on the heap?
    #[inline(always)]
    pub(crate) fn is_reference(self) -> bool {
        self.bits() & 5 == 1
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_fixnum() {
            Some(number) => write!(f, "{number}"),
            None => write!(f, "Value({:#x})", self.bits()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixnums_keep_their_value_and_nothing_else_is_one() {
        for n in [0, 1, -1, 12345, (1 << 62) - 1, -(1 << 62)] {
            assert_eq!(Value::fixnum(n).as_fixnum(), Some(n));
        }
        assert_eq!(Value::try_fixnum(1 << 62), None);
        assert_eq!(Value::TRUE.as_fixnum(), None);
    }

    #[test]
    fn immediates_do_not_mix() {
        let c = Value::character('λ');
        assert_eq!(c.as_character(), Some('λ'));
        assert_eq!(c.payload(Immediate::Symbol), None);
        assert_eq!(Value::immediate(Immediate::Symbol, 7).as_character(), None);
        assert!(!c.is_reference() && !Value::FALSE.is_reference() && !Value::ZERO.is_reference());
    }
}
