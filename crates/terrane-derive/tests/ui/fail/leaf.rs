//! A leaf is static.
use terrane_gc::{Gc, GcField, Trace};

#[derive(Trace)]
#[trace(leaf)]
struct Lifetimes<'h, 'm>(GcField<'h, 'm, u8>);

#[derive(Trace)]
#[trace(leaf)]
struct Parameter<T>(T);

fn traceable<T: Trace>() {}

fn of_a_heap<'h, 'm>() {
    traceable::<Parameter<u8>>();
    traceable::<Parameter<Gc<'h, 'm, u8>>>();
}

fn main() {}
