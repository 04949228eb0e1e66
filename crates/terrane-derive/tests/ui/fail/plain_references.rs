//! References that the collector does not know.
use terrane_gc::{GcField, Trace};

#[derive(Trace)]
struct Plain<'h, 'm> {
    node: GcField<'h, 'm, u8>,
    text: &'m str,
}

type Hidden<'m> = &'m str;

#[derive(Trace)]
struct Alias<'h, 'm> {
    node: GcField<'h, 'm, u8>,
    text: Hidden<'m>,
}

#[derive(Trace)]
struct Inside<'h, 'm> {
    node: GcField<'h, 'm, u8>,
    text: Option<&'m str>,
}

fn main() {}
