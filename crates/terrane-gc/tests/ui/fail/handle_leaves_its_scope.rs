#![allow(unused_imports, dead_code)]
//! A handle does not leave its scope.

use terrane_gc::{Gc, GcField, Heap, Local, Mutator, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

fn main() {
    Heap::new().unwrap().enter(|mu| {
        let mut kept = None;
        mu.scope(|mu| kept = Some(mu.alloc_local(|_| 1_u64)));
        drop(kept);
    });
}
