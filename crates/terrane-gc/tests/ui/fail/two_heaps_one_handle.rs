#![allow(unused_imports, dead_code)]
//! A handle is not read through another heap's mutator.

use terrane_gc::{Gc, GcField, Heap, Local, Mutator, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

fn main() {
    let (mut one, mut other) = (Heap::new().unwrap(), Heap::new().unwrap());
    one.enter(|one| {
        other.enter(|other| {
            let node = one.alloc_local(|_| 1_u64);
            node.get(other);
        });
    });
}
