//! Proof that `At` is the same type in another heap, field by field.
//!
//! `At` is made from the declaration's parameters. That says nothing of the fields: a `GcField<'m, 'h, _>` with its
//! lifetimes exchanged, or one with `'static` for its moment, stays wrong in every heap, and a reference read
//! from it would outlive a collection. So the expansion has a function that is never called, but checked: it
//! takes `At` apart and demands that the field `f: F` has there exactly the type `<F as Trace>::At`. Of skipped
//! fields it demands the same type as here, and `'static`.
//!
//! What else this function gives for free:
//!
//! - Its pattern names every field, so an attribute macro that runs after the derive and adds a field is found out.
//! - It takes references to the fields, which the compiler refuses in packed types.
//! - It compares what the compiler thinks of the field with what the derive read, so types written by macros are
//!   as good as any.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Generics;

use crate::input::{Body, Field, Input};
use crate::parameters::Parameters;
use crate::spans::generated_at;

/// The trait with the function, and its implementation.
pub(crate) fn same_fields(input: &Input, bounded: &Generics) -> TokenStream {
    let (gc, name, names) = (&input.gc, &input.name, &input.names);
    let (brand, moment) = (names.lifetime("brand"), names.lifetime("moment"));
    let (proof, check, at) = (names.ident("SameFields"), names.ident("check"), names.ident("at"));
    let (same, constant) = (names.ident("same"), names.ident("skipped_fields_are_static"));
    let with_heap = Parameters::with_lifetimes(bounded.clone(), &brand, &moment);
    let (implementation, _, clause) = with_heap.split_for_impl();
    let (_, arguments, _) = bounded.split_for_impl();
    let body = match &input.body {
        Body::Enum(variants) if variants.is_empty() => quote!(match *#at {}),
        Body::Leaf => TokenStream::new(),
        Body::Struct(fields) => {
            let arm = arm(input, &name.to_token_stream(), fields);
            quote!(match #at { #arm })
        }
        Body::Enum(variants) => {
            let arms = variants.iter().map(|variant| {
                let variant_name = &variant.name;
                arm(input, &quote!(#name::#variant_name), &variant.fields)
            });
            quote!(match #at { #(#arms)* })
        }
    };
    quote! {
        trait #proof<#brand, #moment>: #gc::Trace {
            fn #check(#at: &mut <Self as #gc::Trace>::At<#brand, #moment>);
        }
        #[automatically_derived]
        impl #implementation #proof<#brand, #moment> for #name #arguments #clause {
            fn #check(#at: &mut <Self as #gc::Trace>::At<#brand, #moment>) {
                fn #same<T>(_: *mut T) {}
                fn #constant<T: 'static>(_: *mut T) {}
                #body
            }
        }
    }
}

fn arm(input: &Input, path: &TokenStream, fields: &[Field]) -> TokenStream {
    let members = fields.iter().map(|field| &field.member);
    let bindings = fields.iter().enumerate().map(|(index, field)| binding(input, index, field));
    let checks = fields.iter().enumerate().map(|(index, field)| check_field(input, index, field));
    quote!(#path { #(#members: #bindings,)* } => { #(#checks)* })
}

/// What the pattern calls a field; errors about it point to the field.
fn binding(input: &Input, index: usize, field: &Field) -> Ident {
    let mut binding = input.names.field(index);
    binding.set_span(generated_at(&field.ty));
    binding
}

/// Two statements, so that the pointer has its type before it is compared: no coercion comes in between, and raw
/// mutable pointers are invariant.
fn check_field(input: &Input, index: usize, field: &Field) -> TokenStream {
    let (gc, ty, names) = (&input.gc, &field.ty, &input.names);
    let (brand, moment) = (names.lifetime("brand"), names.lifetime("moment"));
    let (same, constant) = (names.ident("same"), names.ident("skipped_fields_are_static"));
    let binding = binding(input, index, field);
    let core = names.ident("core");
    let comparison = if field.skipped {
        quote_spanned!(generated_at(ty)=> #constant::<#ty>(#binding);)
    } else {
        quote_spanned!(generated_at(ty)=> #same::<<#ty as #gc::Trace>::At<#brand, #moment>>(#binding);)
    };
    quote! {
        let #binding = #core::ptr::from_mut(#binding);
        #comparison
    }
}
