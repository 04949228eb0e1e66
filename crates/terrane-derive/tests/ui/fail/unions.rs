//! Unions.
use terrane_gc::{Gc, Trace};

#[derive(Trace)]
union Either<'h, 'm> {
    number: u64,
    reference: Gc<'h, 'm, u8>,
}

#[derive(Trace)]
#[trace(leaf)]
union Raw {
    number: u64,
}

fn main() {}
