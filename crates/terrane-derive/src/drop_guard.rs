//! No destructor of its own for a type with references.
//!
//! Destructors run after a collection, when what a dead object referred to may be gone; one written by hand could
//! look at it. Two implementations of a trait overlap when the type implements `Drop`, and the name of that trait is
//! the error. (The trick is that of the crate `pin-project`.) Types that cannot refer are free to implement `Drop`.

use proc_macro2::TokenStream;
use quote::quote;

use crate::input::Input;

/// The trait and its two implementations, in a scope of their own.
pub(crate) fn drop_guard(input: &Input) -> Option<TokenStream> {
    if !input.parameters.may_refer() {
        return None;
    }
    let (name, allowances, core) = (&input.name, &input.allowances, input.names.ident("core"));
    let (implementation, arguments, clause) = input.parameters.declared.split_for_impl();
    Some(quote! {
        #allowances
        const _: () = {
            extern crate core as #core;
            trait TracedTypesWithReferencesMustNotImplementDrop {}
            impl<T: #core::ops::Drop + ?#core::marker::Sized> TracedTypesWithReferencesMustNotImplementDrop for T {}
            #[automatically_derived]
            impl #implementation TracedTypesWithReferencesMustNotImplementDrop for #name #arguments #clause {}
        };
    })
}
