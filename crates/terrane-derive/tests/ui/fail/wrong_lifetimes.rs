//! Lifetimes of fields that would stay wrong in another heap.
use terrane_gc::{Gc, GcField, Trace};

#[derive(Trace)]
struct Exchanged<'h, 'm>(GcField<'m, 'h, u8>);

#[derive(Trace)]
struct Forever<'h, 'm>(GcField<'h, 'm, u8>, Gc<'h, 'static, u8>);

#[derive(Trace)]
struct AnyHeap<'h, 'm>(GcField<'h, 'm, u8>, GcField<'static, 'm, u8>);

#[derive(Trace)]
struct Neither(GcField<'static, 'static, u8>);

#[derive(Trace)]
struct Inner<'h, 'm>(GcField<'h, 'm, GcField<'m, 'h, u8>>);

type Hidden<'h> = Gc<'h, 'static, u8>;

#[derive(Trace)]
enum Variant<'h, 'm> {
    One(Option<Hidden<'h>>),
    Two { fine: Gc<'h, 'm, u8> },
}

fn main() {}
