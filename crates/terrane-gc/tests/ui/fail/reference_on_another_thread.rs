#![allow(unused_imports, dead_code)]
//! A reference stays on its thread.

use terrane_gc::{Gc, GcField, Heap, Local, Mutator, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

fn main() {
    Heap::new().unwrap().enter(|mu| {
        let number = mu.alloc(1_u64);
        std::thread::scope(|scope| {
            scope.spawn(|| *number);
        });
    });
}
