//! Names for generated items that no name in the input equals.
//!
//! Lifetimes and items made by a derive are not hygienic. So all of them start with one prefix, which is made longer
//! until nothing in the input starts with it.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::Lifetime;

const PREFIX: &str = "__terrane";

/// Maker of names.
pub(crate) struct Names {
    prefix: String,
}

impl Names {
    /// Names that differ from all in `input`.
    pub(crate) fn apart_from(input: &TokenStream) -> Self {
        let mut taken = BTreeSet::new();
        collect(input.clone(), &mut taken);
        let mut prefix = PREFIX.to_owned();
        while taken.iter().any(|name| name.starts_with(&prefix)) {
            prefix.push('_');
        }
        Self { prefix }
    }

    pub(crate) fn ident(&self, name: &str) -> Ident {
        Ident::new(&format!("{}_{name}", self.prefix), Span::call_site())
    }

    pub(crate) fn lifetime(&self, name: &str) -> Lifetime {
        Lifetime::new(&format!("'{}_{name}", self.prefix), Span::call_site())
    }

    /// What a pattern calls the field at this index.
    pub(crate) fn field(&self, index: usize) -> Ident {
        self.ident(&format!("field_{index}"))
    }
}

/// Gathers the identifiers of a stream; a lifetime is a quote and an identifier.
fn collect(tokens: TokenStream, into: &mut BTreeSet<String>) {
    let mut left = vec![tokens];
    while let Some(tokens) = left.pop() {
        for token in tokens {
            match token {
                TokenTree::Group(group) => left.push(group.stream()),
                TokenTree::Ident(ident) => {
                    into.insert(ident.to_string().trim_start_matches("r#").to_owned());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn names_avoid_those_of_the_input() {
        let names = Names::apart_from(&quote!(
            struct A {
                a: [&'a u8; { r#__terrane_x }],
            }
        ));
        assert_eq!(names.ident("x").to_string(), "__terrane___x");
        let names = Names::apart_from(&quote!(
            struct A<'__terrane__brand>;
        ));
        assert_eq!(names.lifetime("brand").to_string(), "'__terrane____brand");
        let names = Names::apart_from(&quote!(
            struct A;
        ));
        assert_eq!(names.field(3).to_string(), "__terrane_field_3");
    }
}
