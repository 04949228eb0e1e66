//! Structs of every form, with the strictest lints.
#![forbid(unsafe_code)]
#![deny(missing_docs, warnings, unused, clippy::all, clippy::pedantic, clippy::nursery, clippy::undocumented_unsafe_blocks)]
#![allow(dead_code, clippy::use_self)]
#![deny(rust_2018_idioms, single_use_lifetimes, unused_lifetimes, missing_debug_implementations, unused_qualifications)]

use terrane_gc::{GcField, Leaf, Shape, Trace};

#[derive(Trace)]
struct Unit;

#[derive(Trace)]
struct Empty {}

#[derive(Trace)]
struct Tuple<'h, 'm>(u8, GcField<'h, 'm, Unit>, #[trace(skip)] std::time::Duration);

#[derive(Trace)]
struct Node<'h, 'm> {
    value: i64,
    next: GcField<'h, 'm, Self>,
    other: Option<GcField<'h, 'm, Node<'h, 'm>>>,
    pair: (GcField<'h, 'm, Tuple<'h, 'm>>, u64),
    many: [GcField<'h, 'm, Node<'h, 'm>>; 2],
    r#type: &'static str,
    #[trace(skip)]
    map: std::collections::HashMap<String, u32>,
    foreign: Leaf<std::time::Duration>,
}

#[derive(Trace)]
struct OtherNames<'brand, 'now> {
    node: Node<'brand, 'now>,
}

type Alias<'h, 'm> = GcField<'h, 'm, Unit>;

macro_rules! field {
    () => { GcField<'h, 'm, Self> };
    ($h:lifetime $m:lifetime $type:ty) => { GcField<$h, $m, $type> };
}

#[derive(Trace)]
struct ByMacro<'h, 'm> {
    hidden: field!(),
    shown: field!('h 'm Self),
    alias: Alias<'h, 'm>,
}

macro_rules! node {
    ($name:ident, $field:ident, $type:ty) => {
        #[derive(Trace)]
        struct $name<'h, 'm> { $field: $type, link: GcField<'h, 'm, $name<'h, 'm>> }
    };
}
node!(Made, field, Option<Unit>);

/// A leaf may have a destructor.
#[derive(Trace)]
struct Noisy(u32);

impl Drop for Noisy {
    fn drop(&mut self) {}
}

#[derive(Trace)]
#[trace(leaf)]
struct Foreign<T: Clone>(std::rc::Rc<T>, *const u8);

impl<T: Clone> Drop for Foreign<T> {
    fn drop(&mut self) {}
}

#[derive(Trace)]
#[trace(leaf)]
#[repr(C, packed)]
struct Packed(u8, u64);

#[derive(Trace)]
#[repr(C)]
struct C<'h, 'm>(u64, GcField<'h, 'm, Unit>);

#[derive(Trace)]
#[deprecated]
struct Old {
    #[deprecated]
    field: u8,
}

fn main() {
    #[derive(Trace)]
    struct Local<'h, 'm>(GcField<'h, 'm, Unit>);

    assert_eq!(<Unit as Trace>::SHAPE, Shape::LEAF);
    assert_eq!(<Empty as Trace>::SHAPE, Shape::LEAF);
    assert_eq!(<Noisy as Trace>::SHAPE, Shape::LEAF);
    assert_eq!(<Foreign<u8> as Trace>::SHAPE, Shape::LEAF);
    assert_eq!(<Packed as Trace>::SHAPE, Shape::LEAF);
    assert_eq!(<C<'_, '_> as Trace>::SHAPE, Shape::Words(0b10));
    assert_eq!(<Local<'_, '_> as Trace>::SHAPE, Shape::Words(1));
    assert_eq!(<ByMacro<'_, '_> as Trace>::SHAPE, Shape::Words(0b111));
    assert!(matches!(<Tuple<'_, '_> as Trace>::SHAPE, Shape::Words(words) if words.is_power_of_two()));
    assert!(!<Node<'_, '_> as Trace>::SHAPE.is_leaf());
    assert_eq!(<Node<'_, '_> as Trace>::SHAPE, <OtherNames<'_, '_> as Trace>::SHAPE);
    let _ = std::any::type_name::<Made<'_, '_>>();
}
