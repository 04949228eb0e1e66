#![allow(unused_imports, dead_code)]
//! A function that may collect does not take references.

use terrane_gc::{Gc, GcField, Heap, Local, Mutator, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

fn collects<'h>(mu: &mut Mutator<'h, '_>, _: Gc<'h, '_, Node<'h, '_>>) {
    mu.collect_full();
}

fn main() {
    Heap::new().unwrap().enter(|mu| {
        let node = mu.alloc(Node { next: GcField::null() });
        collects(mu, node);
    });
}
