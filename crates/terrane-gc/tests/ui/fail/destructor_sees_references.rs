#![allow(unused_imports, dead_code)]
//! A type with references has no destructor.

use terrane_gc::{Gc, GcField, Heap, Local, Mutator, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

impl Drop for Node<'_, '_> {
    fn drop(&mut self) {}
}

fn main() {}
