#![allow(unused_imports, dead_code)]
//! A reference does not leave `enter`.

use terrane_gc::{Gc, GcField, Heap, Local, Mutator, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

fn main() {
    let mut heap = Heap::new().unwrap();
    heap.enter(|mu| mu.alloc(1_u64));
}
