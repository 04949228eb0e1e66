//! Derives `terrane_gc::Trace`.

#![forbid(unsafe_code)]

mod attributes;
mod bounds;
mod drop_guard;
mod expansion;
mod input;
mod lifetimes;
mod names;
mod parameters;
mod same_fields;
mod shape;
mod spans;
mod trace_body;

/// Derives `terrane_gc::Trace`.
#[proc_macro_derive(Trace, attributes(trace))]
pub fn derive_trace(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expansion::expand(input.into()).into()
}
