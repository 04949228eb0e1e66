#![allow(unused_imports, dead_code)]
//! What the collector does not know does not live in the heap.

use terrane_gc::{Gc, GcField, Heap, Local, Mutator, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

struct Unknown;

fn main() {
    Heap::new().unwrap().enter(|mu| _ = mu.alloc(Unknown));
}
