//! Attributes that do not exist or say nothing.
use terrane_gc::Trace;

#[derive(Trace)]
#[trace(skip)]
struct Type;

#[derive(Trace)]
#[trace]
struct Nothing;

#[derive(Trace)]
#[trace(leaf = true)]
struct Value;

#[derive(Trace)]
#[trace(crate = "terrane_gc")]
struct Text;

#[derive(Trace)]
struct Field {
    #[trace(leaf)]
    one: u8,
    #[trace(skipp)]
    two: u8,
}

#[derive(Trace)]
enum Variant {
    #[trace(skip)]
    One,
}

#[derive(Trace)]
#[trace(leaf)]
struct InLeaf(#[trace(skip)] u8);

#[derive(Trace)]
struct Constant<#[trace(skip)] const N: usize>;

fn main() {}
