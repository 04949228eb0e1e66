#![allow(unused_imports, dead_code)]
//! A node is not born with a reference to another heap.

use terrane_gc::{Gc, GcField, Heap, Local, Mutator, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

fn main() {
    let (mut one, mut other) = (Heap::new().unwrap(), Heap::new().unwrap());
    one.enter(|one| {
        other.enter(|other| {
            let node = one.alloc(Node { next: GcField::null() });
            other.alloc(Node { next: node.into() });
        });
    });
}
