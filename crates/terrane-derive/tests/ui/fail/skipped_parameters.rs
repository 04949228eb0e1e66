//! A skipped parameter is static and is not traced.
use terrane_gc::{Gc, Leaf, Trace};

#[derive(Trace)]
struct Untraced<#[trace(skip)] T>(T);

#[derive(Trace)]
enum Variant<#[trace(skip)] T> {
    One(T),
}

#[derive(Trace)]
struct Kept<#[trace(skip)] T>(Leaf<T>);

fn traceable<T: Trace>() {}

fn of_a_heap<'h, 'm>() {
    traceable::<Kept<u8>>();
    traceable::<Kept<Gc<'h, 'm, u8>>>();
}

fn main() {}
