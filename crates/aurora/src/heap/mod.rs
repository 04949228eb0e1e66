//! Scheme values on the collected heap: the only part of this crate with `unsafe` code.
//!
//! ```text
//! fixnum     n…n0            63 bits
//! pair       a…a001          two words, no header
//! object     a…a011          a header word, then slots or bytes
//! (header)   l…l kkkk 0101   length and kind; never a value
//! (forward)  a…a 1101        new address of a moved object; never a value
//! immediate  p…p sssss 111   constants, characters, symbols, primitives, ports, arenas, record types
//! ```
//!
//! # The rule that makes it sound
//!
//! A [`Value`] is only made by an allocation here, or read from a register, a global or an object.
//! The collector moves objects and then updates every *rooted* value: registers that are live,
//! globals, constants, arguments of a running primitive, and what [`Mutator::protect`] holds. So code
//! outside this module keeps no `Value` in a Rust variable across a call that may collect (everything
//! that takes `roots`); it reads it again from where it is rooted. Running every test with a collection
//! at every n-th allocation and a poisoned from-space is how the rule is checked.
#![expect(unsafe_code, reason = "objects are words in memory of the collector")]

mod memory;
mod model;
mod object;
mod value;

pub(crate) use memory::{LARGE_BYTES_MIN, Memory, Mutator, PAIR_BYTES, StringParts, raw_bytes, slots_bytes};
pub(crate) use object::{Kind, Object};
pub(crate) use value::{Immediate, Value};
