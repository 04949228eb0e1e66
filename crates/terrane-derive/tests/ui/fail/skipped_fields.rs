//! Skipped fields are static, whatever hides what they are.
use terrane_gc::{Gc, GcField, Trace};

#[derive(Trace)]
struct Named<'h, 'm> {
    node: GcField<'h, 'm, u8>,
    #[trace(skip)]
    other: Option<Gc<'h, 'm, u8>>,
}

#[derive(Trace)]
struct Parameter<T> {
    #[trace(skip)]
    value: Vec<T>,
}

type Hidden<'h, 'm> = GcField<'h, 'm, u8>;

macro_rules! hidden {
    () => { Hidden<'h, 'm> };
}

#[derive(Trace)]
struct ByMacro<'h, 'm> {
    #[trace(skip)]
    node: hidden!(),
}

#[derive(Trace)]
struct Itself<'h, 'm> {
    node: GcField<'h, 'm, u8>,
    #[trace(skip)]
    itself: Option<Box<Self>>,
}

#[derive(Trace)]
enum Variant<'h, 'm> {
    Some(#[trace(skip)] hidden!()),
    Other(GcField<'h, 'm, u8>),
}

fn main() {}
