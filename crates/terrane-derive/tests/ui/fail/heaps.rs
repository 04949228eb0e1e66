//! A derived type is of the heap and the moment that its references are of.
use terrane_gc::{Gc, InHeap, Trace};

#[derive(Trace)]
struct Wrapper<T>(T);

#[derive(Trace)]
enum Value<'h, 'm> {
    Nil,
    Number(Gc<'h, 'm, i64>),
}

fn in_heap<'h, 'm, T: InHeap<'h, 'm>>() {}

fn other_heap<'h, 'other, 'm>() {
    in_heap::<'h, 'm, Value<'h, 'm>>();
    in_heap::<'h, 'm, Value<'other, 'm>>();
}

fn other_moment<'h, 'm, 'other>() {
    in_heap::<'h, 'm, Wrapper<Gc<'h, 'm, i64>>>();
    in_heap::<'h, 'm, Wrapper<Gc<'h, 'other, i64>>>();
}

fn main() {}
