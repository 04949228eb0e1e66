//! The constant `SHAPE`.
//!
//! A struct's is put together from those of its fields at their offsets. The offsets within a variant of an enum
//! are not known, and which variant it is depends on the value: a leaf, if all fields are, or dynamic.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use crate::input::{Body, Field, Input};
use crate::spans::generated_at;

/// The expression of the constant.
pub(crate) fn shape(input: &Input) -> TokenStream {
    let gc = &input.gc;
    let shape = input.names.ident("shape");
    let parts: Vec<TokenStream> = match &input.body {
        Body::Leaf => Vec::new(),
        Body::Struct(fields) => traced(fields.iter()).map(|field| at_offset(input, field)).collect(),
        Body::Enum(_) => {
            traced(input.body.fields().into_iter()).map(|field| leaf_or_dynamic(input, field)).collect()
        }
    };
    if parts.is_empty() {
        return quote!(#gc::Shape::LEAF);
    }
    quote!({
        let #shape = #gc::Shape::LEAF;
        #(let #shape = #gc::Shape::and(#shape, #parts);)*
        #shape
    })
}

fn traced<'a>(fields: impl Iterator<Item = &'a Field>) -> impl Iterator<Item = &'a Field> {
    fields.filter(|field| !field.skipped)
}

fn at_offset(input: &Input, Field { member, ty, .. }: &Field) -> TokenStream {
    let (gc, core) = (&input.gc, input.names.ident("core"));
    quote_spanned!(generated_at(ty)=>
        #gc::Shape::at(<#ty as #gc::Trace>::SHAPE, #core::mem::offset_of!(Self, #member))
    )
}

fn leaf_or_dynamic(input: &Input, Field { ty, .. }: &Field) -> TokenStream {
    let gc = &input.gc;
    quote_spanned!(generated_at(ty)=>
        if #gc::Shape::is_leaf(<#ty as #gc::Trace>::SHAPE) { #gc::Shape::LEAF } else { #gc::Shape::Dynamic }
    )
}
