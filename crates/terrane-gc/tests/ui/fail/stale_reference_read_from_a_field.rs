#![allow(unused_imports, dead_code)]
//! What was read from a field is no longer lived than the reference it was read through.

use terrane_gc::{Gc, GcField, Heap, Local, Mutator, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

fn main() {
    Heap::new().unwrap().enter(|mu| {
        let list = mu.alloc_local(|_| Node { next: GcField::null() });
        let next = list.get(mu).next.get();
        mu.collect_minor();
        drop(next);
    });
}
