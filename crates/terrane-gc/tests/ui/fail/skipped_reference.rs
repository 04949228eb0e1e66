#![allow(unused_imports, dead_code)]
//! A field with a reference is not skipped.

use terrane_gc::{Gc, GcField, Heap, Local, Mutator, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

#[derive(Trace)]
struct Skips<'h, 'm> {
    #[trace(skip)]
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

fn main() {}
