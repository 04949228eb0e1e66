#![allow(unused_imports, dead_code)]
//! A field is not set to an object of another heap.

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
            let target = other.alloc(Node { next: GcField::null() });
            node.next.set(one, Some(target));
        });
    });
}
