//! A bound holds for the type in every heap, or the type is not traceable.
use terrane_gc::{Gc, Trace};

trait Lucky {}
impl Lucky for Gc<'static, 'static, u8> {}

#[derive(Trace)]
struct Bounded<T: Trace + Lucky>(T);

fn traceable<T: Trace>() {}

fn only_there() {
    traceable::<Bounded<Gc<'static, 'static, u8>>>();
}

fn main() {}
