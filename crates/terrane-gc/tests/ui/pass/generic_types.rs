#![allow(unused_imports, dead_code)]
//! Types of the user may be generic over what they hold.

use terrane_gc::{Gc, GcField, Heap, Local, Mutator, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

#[derive(Trace)]
struct Wrapper<T> {
    inner: T,
}

#[derive(Trace)]
struct Both<'h, 'm, A, B> {
    one: Gc<'h, 'm, A>,
    other: GcField<'h, 'm, B>,
}

fn main() {
    Heap::new().unwrap().enter(|mu| {
        let one = mu.alloc(Wrapper { inner: 7_u64 });
        let node = mu.alloc(Node { next: GcField::null() });
        let both = mu.alloc(Both { one, other: node.into() });
        let wrapped = mu.alloc(Wrapper { inner: both });
        let kept = mu.root(wrapped);
        mu.collect_full();
        assert_eq!(kept.get(mu).inner.one.inner, 7);
    });
}
