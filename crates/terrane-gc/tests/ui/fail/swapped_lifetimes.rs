#![allow(unused_imports, dead_code)]
//! Brand and moment are not exchanged.

use terrane_gc::{Gc, GcField, Heap, Local, Mutator, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

#[derive(Trace)]
struct Swapped<'h, 'm> {
    next: GcField<'m, 'h, Node<'m, 'h>>,
}

fn main() {}
