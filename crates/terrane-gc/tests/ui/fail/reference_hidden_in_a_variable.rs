#![allow(unused_imports, dead_code)]
//! A reference is not smuggled out of `enter`.

use terrane_gc::{Gc, GcField, Heap, Local, Mutator, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

fn main() {
    let mut kept = None;
    Heap::new().unwrap().enter(|mu| kept = Some(mu.alloc(1_u64)));
    drop(kept);
}
