//! A marker whose parameter is traced.
use terrane_gc::Trace;

#[derive(Trace)]
struct Id<T: 'static>(u32, std::marker::PhantomData<T>);

fn main() {}
