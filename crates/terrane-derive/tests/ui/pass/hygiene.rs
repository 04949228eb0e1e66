//! Names of the user that are also names of the expansion.
#![forbid(unsafe_code)]
#![no_implicit_prelude]
#![allow(dead_code, unused_macros, non_camel_case_types, non_upper_case_globals)]

mod terrane_gc_again {
    pub use ::terrane_gc::{InHeap, Shape, Trace, Tracer};
}

mod core {}
mod terrane_gc {}

struct Option;
struct Shape;
struct Tracer;
trait Trace {}
trait Drop {}
trait Sized {}
const shape: u8 = 0;
const this: u8 = 0;
const tracer: u8 = 0;
const at: u8 = 0;

macro_rules! offset_of { () => {}; }

#[derive(::terrane_derive::Trace)]
struct T<'h, 'm, Self_, Trace> {
    shape: u8,
    this: ::terrane_gc::GcField<'h, 'm, u8>,
    tracer: Self_,
    at: Trace,
    __terrane_brand: u8,
}

#[derive(::terrane_derive::Trace)]
#[trace(crate = crate::terrane_gc_again)]
enum E<'__terrane_brand, '__terrane_moment, const N: usize> {
    Some { at: ::terrane_gc::GcField<'__terrane_brand, '__terrane_moment, u8> },
    None,
    Ok([u8; N]),
}

#[derive(::terrane_derive::Trace)]
#[trace(crate = terrane_gc_again)]
enum Result { Ok(u8), Err }

trait Methods: ::core::marker::Sized {
    fn field(&self) {}
    fn and(self) {}
    fn at(self) {}
    fn is_leaf(self) {}
}
impl<X> Methods for X {}

fn main() {}
