//! Types that may hold references have no destructor.
use terrane_gc::{GcField, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    next: GcField<'h, 'm, u8>,
}

impl Drop for Node<'_, '_> {
    fn drop(&mut self) {}
}

#[derive(Trace)]
enum Wrapper<T: Trace> {
    Some(T),
}

impl<T: Trace> Drop for Wrapper<T> {
    fn drop(&mut self) {}
}

fn main() {}
