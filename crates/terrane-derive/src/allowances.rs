//! Lints that the expansion would set off, allowed where there is cause and nowhere else: an `allow` in a crate that
//! forbids the lint is an error itself.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Fields};

/// Attributes for the generated items.
pub(crate) fn allowances(input: &DeriveInput) -> TokenStream {
    let deprecated = has_deprecated(input).then(|| quote!(#[allow(deprecated)]));
    let bounded = input.generics.where_clause.is_some()
        || input.generics.type_params().any(|parameter| !parameter.bounds.is_empty());
    let repeated = bounded
        .then(|| quote!(#[allow(clippy::trait_duplication_in_bounds, clippy::type_repetition_in_bounds)]));
    quote!(#deprecated #repeated)
}

/// Whether the type or a part of it is deprecated; the expansion names them all.
fn has_deprecated(input: &DeriveInput) -> bool {
    let marked = |attributes: &[Attribute]| attributes.iter().any(|one| one.path().is_ident("deprecated"));
    let in_fields = |fields: &Fields| fields.iter().any(|field| marked(&field.attrs));
    let in_data = match &input.data {
        Data::Struct(data) => in_fields(&data.fields),
        Data::Enum(data) => {
            data.variants.iter().any(|variant| marked(&variant.attrs) || in_fields(&variant.fields))
        }
        Data::Union(_) => false,
    };
    marked(&input.attrs) || in_data
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn nothing_is_allowed_without_cause() {
        assert!(
            allowances(&parse_quote!(
                struct A<'h, 'm, T> {
                    a: Gc<'h, 'm, T>,
                }
            ))
            .is_empty()
        );
        assert!(
            allowances(&parse_quote!(
                struct A<T: Trace>(T);
            ))
            .to_string()
            .contains("trait_duplication")
        );
        for input in [
            parse_quote!(
                #[deprecated = "old"]
                struct A;
            ),
            parse_quote!(
                struct A(#[deprecated] u8);
            ),
            parse_quote!(
                enum A {
                    #[deprecated]
                    A,
                }
            ),
            parse_quote!(
                enum A {
                    A {
                        #[deprecated]
                        a: u8,
                    },
                }
            ),
        ] {
            assert!(allowances(&input).to_string().contains("deprecated"));
        }
    }
}
