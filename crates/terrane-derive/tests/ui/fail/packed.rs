//! Packed types.
use terrane_gc::{GcField, Trace};

#[derive(Trace)]
#[repr(C, packed(4))]
struct Packed<'h, 'm>(u8, GcField<'h, 'm, u8>);

fn main() {}
