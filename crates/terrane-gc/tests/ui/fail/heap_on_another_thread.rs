#![allow(unused_imports, dead_code)]
//! A heap stays on its thread.

use terrane_gc::{Gc, GcField, Heap, Local, Mutator, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

fn main() {
    let heap = Heap::new().unwrap();
    std::thread::spawn(move || drop(heap));
}
