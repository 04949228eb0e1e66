#![allow(unused_imports, dead_code)]
//! What an allocation may move is not taken along into it.

use terrane_gc::{Gc, GcField, Heap, Local, Mutator, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

fn main() {
    Heap::new().unwrap().enter(|mu| {
        let node = mu.alloc(Node { next: GcField::null() });
        mu.alloc_local(|_| Node { next: node.into() });
    });
}
