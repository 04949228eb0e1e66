//! What every contender does.

use super::object::Object;
use crate::row::{Measurement, Mode};
use std::hint::black_box;

/// Something that hands objects out.
pub(super) trait Pool {
    /// What it hands out.
    type Object: Object;

    /// A pool that is ready: whatever it makes ahead of need is made.
    fn open() -> Self;

    /// Takes an object, has it [worked](work) on, gives it back; what the work gave.
    fn cycle(&self, value: u64) -> u64;
}

/// A way to measure a pool: by one thread, or by several at once.
pub(super) trait Measure: 'static {
    fn of<P: Pool + Sync>(mode: Mode) -> Measurement;
}

/// Writes a word of the object and reads it again.
#[inline(always)]
pub(super) fn work<O: Object>(object: &mut O, value: u64) -> u64 {
    *object.word() = value;
    // The compiler has to take it that somebody else sees the object.
    *black_box(object).word()
}
