//! A skipped field whose type depends on a traced parameter.
use terrane_gc::Trace;

pub trait Family {
    type Out;
}

macro_rules! out {
    () => { <T as Family>::Out };
}

#[derive(Trace)]
struct Sneaky<T: Trace + Family>
where
    T: 'static,
{
    value: T,
    #[trace(skip)]
    out: out!(),
}

fn main() {}
