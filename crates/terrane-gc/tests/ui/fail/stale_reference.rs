#![allow(unused_imports, dead_code)]
//! A reference does not survive a safepoint.

use terrane_gc::{Gc, GcField, Heap, Local, Mutator, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

fn main() {
    Heap::new().unwrap().enter(|mu| {
        let node = mu.alloc(Node { next: GcField::null() });
        mu.safepoint();
        node.next.get();
    });
}
