//! A handle is not taken for one of a supertype, since it can be set.

use terrane_gc::{Leaf, Local};

fn widen<'h, 's>(
    handle: Local<'h, 's, Leaf<for<'a> fn(&'a str)>>,
) -> Local<'h, 's, Leaf<fn(&'static str)>> {
    handle
}

fn main() {}
