//! The whole expansion.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Generics, Result, parse_quote};

use crate::drop_guard::drop_guard;
use crate::input::{Body, Input};
use crate::parameters::Parameters;
use crate::same_fields::same_fields;
use crate::shape::shape;
use crate::trace_body::trace;

/// The items for an input, or errors as calls of `compile_error!`.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    syn::parse2::<DeriveInput>(input).and_then(try_expand).unwrap_or_else(syn::Error::into_compile_error)
}

fn try_expand(input: DeriveInput) -> Result<TokenStream> {
    let input = Input::new(input)?;
    let gc = &input.gc;
    let bounded = input.parameters.bounded(&parse_quote!(#gc::Trace), gc, &input.names)?;
    let in_heap = in_heap(&input)?;
    let (implementation, proof, guard) = match input.body {
        Body::Leaf => (leaf(&input, &bounded), None, None),
        _ => (traced(&input, &bounded), Some(same_fields(&input, &bounded)), drop_guard(&input)),
    };
    Ok(quote! {
        #[allow(deprecated)]
        const _: () = {
            #implementation
            #in_heap
            #proof
        };
        #guard
    })
}

/// `Trace` of a type with fields to trace.
fn traced(input: &Input, bounded: &Generics) -> TokenStream {
    let (gc, name, names) = (&input.gc, &input.name, &input.names);
    let (brand, moment) = (names.lifetime("brand"), names.lifetime("moment"));
    let (parameters, arguments, clause) = bounded.split_for_impl();
    let arguments_at = input.parameters.arguments_at(gc, &brand, &moment);
    let (shape, trace) = (shape(input), trace(input));
    // Sound, because `At` differs in the two lifetimes only, field by field, as `same_fields` proves; each field is
    // shown to the tracer or is `'static`; and the guard refuses a destructor.
    quote! {
        #[automatically_derived]
        unsafe impl #parameters #gc::Trace for #name #arguments #clause {
            type At<#brand, #moment> = #name #arguments_at;
            const SHAPE: #gc::Shape = #shape;
            #trace
        }
    }
}

/// `Trace` of a type that is `'static` as a whole.
fn leaf(input: &Input, bounded: &Generics) -> TokenStream {
    let (gc, name, names) = (&input.gc, &input.name, &input.names);
    let (brand, moment) = (names.lifetime("brand"), names.lifetime("moment"));
    let (parameters, arguments, clause) = bounded.split_for_impl();
    // Sound, because `'static` excludes references to collected objects. There are no lifetimes, and each type
    // parameter is bound by `'static`, so the whole type is.
    quote! {
        #[automatically_derived]
        unsafe impl #parameters #gc::Trace for #name #arguments #clause {
            type At<#brand, #moment> = Self;
            const SHAPE: #gc::Shape = #gc::Shape::LEAF;
            unsafe fn trace(_: *mut Self, _: &mut #gc::Tracer<'_>) {}
        }
    }
}

/// `InHeap`: of the heap and moment that the type names, or of every one; its parameters as well.
fn in_heap(input: &Input) -> Result<TokenStream> {
    let (gc, name, names, parameters) = (&input.gc, &input.name, &input.names, &input.parameters);
    let (brand, moment) = match &parameters.lifetimes {
        Some(own) => (own.brand.clone(), own.moment.clone()),
        None => (names.lifetime("brand"), names.lifetime("moment")),
    };
    let mut bounded = parameters.bounded(&parse_quote!(#gc::InHeap<#brand, #moment>), gc, names)?;
    if parameters.lifetimes.is_none() {
        bounded = Parameters::with_lifetimes(bounded, &brand, &moment);
    }
    let (_, arguments, _) = parameters.declared.split_for_impl();
    let (bounded, _, clause) = bounded.split_for_impl();
    // Sound, because `At<brand, moment>` is the type itself: so it is for the parameters, and the lifetimes are equal.
    Ok(quote! {
        #[automatically_derived]
        unsafe impl #bounded #gc::InHeap<#brand, #moment> for #name #arguments #clause {}
    })
}
