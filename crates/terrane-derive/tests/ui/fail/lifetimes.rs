//! Two lifetimes without bounds, or none.
use terrane_gc::{GcField, Trace};

#[derive(Trace)]
struct One<'m>(GcField<'static, 'm, u8>);

#[derive(Trace)]
struct Three<'h, 'm, 'x>(GcField<'h, 'm, u8>, &'x str);

#[derive(Trace)]
struct Bound<'h: 'm, 'm>(GcField<'h, 'm, u8>);

#[derive(Trace)]
struct Where<'h, 'm>(GcField<'h, 'm, u8>)
where
    'm: 'h;

fn main() {}
