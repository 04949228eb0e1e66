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
    let (gc, allowances, core) = (&input.gc, &input.allowances, input.names.ident("core"));
    let bounded = input.parameters.bounded(&parse_quote!(#gc::Trace), gc, &input.names)?;
    let in_heap = in_heap(&input)?;
    let (implementation, proof, guard) = match input.body {
        Body::Leaf => (leaf(&input, &bounded), None, None),
        _ => (traced(&input, &bounded), Some(same_fields(&input, &bounded)), drop_guard(&input)),
    };
    Ok(quote! {
        #allowances
        const _: () = {
            // By the name of the crate: a path can be made to lead elsewhere.
            extern crate core as #core;
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

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    /// Without spaces and trailing commas.
    fn without_layout(tokens: &TokenStream) -> String {
        let text: String = tokens.to_string().split_whitespace().collect();
        text.replace(",)", ")").replace(",}", "}").replace(",>", ">")
    }

    fn expanded(input: TokenStream) -> String {
        without_layout(&expand(input))
    }

    fn contains(text: &str, part: TokenStream) -> bool {
        text.contains(&without_layout(&part))
    }

    #[test]
    fn lifetimes_and_parameters_are_replaced_in_at() {
        let text = expanded(quote!(
            struct A<'x, 'y, T: Trace, #[trace(skip)] K, const N: usize = 2>(T, Leaf<K>);
        ));
        assert!(contains(
            &text,
            quote!(
                type At<'__terrane_brand, '__terrane_moment> = A<
                    '__terrane_brand,
                    '__terrane_moment,
                    <T as ::terrane_gc::Trace>::At<'__terrane_brand, '__terrane_moment>,
                    K,
                    N,
                >;
            )
        ));
        assert!(contains(
            &text,
            quote!(unsafe impl<'x, 'y, T: Trace + ::terrane_gc::Trace, K: 'static, const N: usize>)
        ));
        assert!(contains(&text, quote!(T: Trace + ::terrane_gc::InHeap<'x, 'y>)));
    }

    #[test]
    fn bounds_are_repeated_for_every_heap() {
        let text = expanded(quote!(
            struct A<'x, 'y, T: Copy>(T)
            where
                for<'a> T: Eq<'x, &'a T>;
        ));
        let at = quote!(<T as ::terrane_gc::Trace>::At<'__terrane_any_brand, '__terrane_any_moment>);
        assert!(contains(&text, quote!(for<'__terrane_any_brand, '__terrane_any_moment> #at: Copy)));
        assert!(contains(
            &text,
            quote!(for<'__terrane_any_brand, '__terrane_any_moment, 'a> #at: Eq<'__terrane_any_brand, &'a #at>)
        ));
        let plain = expanded(quote!(
            struct A<T: Trace + ?Sized>(T)
            where
                T: Sized,
                u8: Copy;
        ));
        assert!(!plain.contains("any_brand"));
    }

    #[test]
    fn skipped_fields_are_not_traced() {
        let text = expanded(quote!(
            struct A {
                #[trace(skip)]
                a: Foreign,
                b: u8,
            }
        ));
        assert!(!contains(&text, quote!(<Foreign as)));
        assert!(contains(&text, quote!(offset_of!(Self, b))));
        assert!(!contains(&text, quote!(offset_of!(Self, a))));
    }

    #[test]
    fn only_what_may_refer_is_guarded_against_destructors() {
        const GUARD: &str = "TracedTypesWithReferencesMustNotImplementDrop";
        assert!(
            expanded(quote!(
                struct A<'h, 'm>(Gc<'h, 'm, u8>);
            ))
            .contains(GUARD)
        );
        assert!(
            expanded(quote!(
                enum A<T> {
                    One(T),
                }
            ))
            .contains(GUARD)
        );
        assert!(
            !expanded(quote!(
                struct A(u8);
            ))
            .contains(GUARD)
        );
        assert!(
            !expanded(quote!(
                struct A<#[trace(skip)] T>(Leaf<T>);
            ))
            .contains(GUARD)
        );
        assert!(
            !expanded(quote!(
                #[trace(leaf)]
                struct A<T>(T);
            ))
            .contains(GUARD)
        );
    }

    #[test]
    fn every_wrong_field_is_reported() {
        let text = expanded(quote!(
            struct A<'h, 'm>(&'m u8, #[trace(x)] u8, Gc<'m, 'h, u8>);
        ));
        assert_eq!(text.matches("compile_error").count(), 3);
    }

    /// The expansion that the crate's documentation shows is the one that the derive makes.
    #[test]
    fn the_documented_expansion_is_the_real_one() {
        let text = include_str!("expansion.md");
        let mut blocks = text.split("```").skip(1).step_by(2).map(|block| {
            let code = block.split_once('\n').map_or("", |(_, code)| code);
            code.parse::<TokenStream>().expect("a block of Rust")
        });
        let (input, documented) = (blocks.next().expect("the input"), blocks.next().expect("the expansion"));
        let input: DeriveInput = syn::parse2(input).expect("a type");
        let real = try_expand(input).expect("a sound type");
        assert_eq!(without_layout(&real), without_layout(&documented));
    }
}
