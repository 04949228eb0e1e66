//! The body of `Trace::trace`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use crate::input::{Body, Field, Input, Variant};
use crate::spans::generated_at;

/// The function `trace`.
pub(crate) fn trace(input: &Input) -> TokenStream {
    let gc = &input.gc;
    let (this, tracer) = (input.names.ident("this"), input.names.ident("tracer"));
    if input.body.fields().iter().all(|field| field.skipped) {
        return quote!(unsafe fn trace(_: *mut Self, _: &mut #gc::Tracer<'_>) {});
    }
    let body = match &input.body {
        Body::Leaf => TokenStream::new(),
        Body::Struct(fields) => {
            let fields = fields.iter().filter(|field| !field.skipped).map(|field| {
                let member = &field.member;
                trace_field(input, field, &quote!(&raw mut (*#this).#member))
            });
            quote!(#(#fields)*)
        }
        Body::Enum(variants) => {
            let arms = variants.iter().map(|variant| trace_variant(input, variant));
            quote!(match *#this { #(#arms)* })
        }
    };
    // The block of the expansion relies on the promise of whoever calls `trace`: the value is initialised, nobody else
    // accesses it, and so are its fields.
    quote! {
        #[inline]
        unsafe fn trace(#this: *mut Self, #tracer: &mut #gc::Tracer<'_>) {
            unsafe { #body }
        }
    }
}

fn trace_variant(input: &Input, variant: &Variant) -> TokenStream {
    let (name, variant_name) = (&input.name, &variant.name);
    let traced: Vec<(usize, &Field)> =
        variant.fields.iter().enumerate().filter(|(_, field)| !field.skipped).collect();
    let members = traced.iter().map(|(_, field)| &field.member);
    let bindings = traced.iter().map(|(index, _)| input.names.field(*index));
    let calls = traced.iter().map(|(index, field)| {
        let binding = input.names.field(*index);
        trace_field(input, field, &quote!(#binding))
    });
    quote!(#name::#variant_name { #(#members: ref mut #bindings,)* .. } => { #(#calls)* })
}

fn trace_field(input: &Input, field: &Field, place: &TokenStream) -> TokenStream {
    let (gc, ty) = (&input.gc, &field.ty);
    let tracer = input.names.ident("tracer");
    // What `Tracer::field` does; but a call of it would repeat every error about a field that is not traceable.
    quote_spanned! {generated_at(ty)=>
        if !#gc::Shape::is_leaf(<#ty as #gc::Trace>::SHAPE) {
            <#ty as #gc::Trace>::trace(#place, #tracer);
        }
    }
}
