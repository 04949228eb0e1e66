//! Enums.
#![forbid(unsafe_code)]
#![deny(missing_docs, warnings, unused, clippy::all, clippy::pedantic, clippy::nursery)]
#![allow(dead_code, clippy::use_self)]

use terrane_gc::{GcField, Shape, Trace};

#[derive(Trace)]
enum Never {}

#[derive(Trace)]
enum Color {
    Red,
    Rgb(u8, u8, u8),
    Named { name: String },
}

impl Drop for Color {
    fn drop(&mut self) {}
}

#[derive(Trace)]
enum Value<'h, 'm> {
    Nil,
    Fixnum(i64),
    Pair(GcField<'h, 'm, Self>, GcField<'h, 'm, Value<'h, 'm>>),
    Text {
        r#as: GcField<'h, 'm, Color>,
        #[trace(skip)]
        cache: std::cell::RefCell<Vec<u8>>,
    },
    Skipped(#[trace(skip)] std::time::Duration),
    Impossible(Never),
}

#[derive(Trace)]
#[repr(u8)]
enum Tree<T: Trace, const N: usize> {
    Leaf(T) = 3,
    Node([T; N]),
}

#[derive(Trace)]
#[trace(leaf)]
enum Raw {
    Pointer(*const u8),
}

fn main() {
    assert_eq!(<Never as Trace>::SHAPE, Shape::LEAF);
    assert_eq!(<Color as Trace>::SHAPE, Shape::LEAF);
    assert_eq!(<Raw as Trace>::SHAPE, Shape::LEAF);
    assert_eq!(<Tree<u8, 3> as Trace>::SHAPE, Shape::LEAF);
    assert_eq!(<Tree<Value<'_, '_>, 3> as Trace>::SHAPE, Shape::Dynamic);
    assert_eq!(<Value<'_, '_> as Trace>::SHAPE, Shape::Dynamic);
}
