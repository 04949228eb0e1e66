//! Fields and bounds with associated types of a parameter.
use terrane_gc::Trace;

#[derive(Trace)]
struct Field<T: Trace + Iterator>(T::Item)
where
    T::Item: Trace;

#[derive(Trace)]
struct Qualified<T: Trace + Iterator>(T, <T as Iterator>::Item)
where
    <T as Iterator>::Item: Trace;

#[derive(Trace)]
struct OfSelf<T: Trace>(T)
where
    Self: Sized;

fn main() {}
