#![allow(unused_imports, dead_code)]
//! Functions that collect take handles, those that do not take references.

use terrane_gc::{Gc, GcField, Heap, Local, Mutator, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

fn last<'h, 'm>(mut node: Gc<'h, 'm, Node<'h, 'm>>) -> Gc<'h, 'm, Node<'h, 'm>> {
    while let Some(next) = node.next.get() {
        node = next;
    }
    node
}

fn append<'h>(mu: &mut Mutator<'h, '_>, list: Local<'h, '_, Node<'static, 'static>>) {
    mu.safepoint();
    let node = mu.alloc(Node { next: GcField::null() });
    last(list.get(mu)).next.set(mu, Some(node));
}

fn main() {
    Heap::new().unwrap().enter(|mu| {
        let list = mu.alloc_local(|_| Node { next: GcField::null() });
        (0..10).for_each(|_| append(mu, list));
        mu.scope(|mu| append(mu, list));
    });
}
