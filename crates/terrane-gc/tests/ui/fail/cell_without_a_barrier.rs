#![allow(unused_imports, dead_code)]
//! A reference in a `Cell` would change without the barrier.

use terrane_gc::{Gc, GcField, Heap, Local, Mutator, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

#[derive(Trace)]
struct Unbarred<'h, 'm> {
    next: std::cell::Cell<Option<Gc<'h, 'm, Node<'h, 'm>>>>,
}

fn main() {}
