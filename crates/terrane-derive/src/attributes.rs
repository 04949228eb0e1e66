//! The attributes `#[trace(..)]`: what may stand where, and errors that say so.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, Meta, Path, Result};

/// What exists; every error about an attribute ends with it.
const KNOWN: &str = "`#[trace(leaf)]` and `#[trace(crate = path)]` exist on a type, `#[trace(skip)]` on a field or a \
                     type parameter";

/// What a type says about itself.
#[derive(Default)]
pub(crate) struct TypeAttributes {
    /// The whole type is `'static` and holds no references.
    pub(crate) leaf: bool,
    /// Where the names of `terrane_gc` are found.
    pub(crate) crate_path: Option<Path>,
}

impl TypeAttributes {
    pub(crate) fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut parsed = Self::default();
        each_argument(attributes, |argument| {
            if argument.path.is_ident("leaf") {
                once(parsed.leaf, argument)?;
                parsed.leaf = true;
                return no_value(argument);
            }
            if argument.path.is_ident("crate") {
                once(parsed.crate_path.is_some(), argument)?;
                let path = argument.value().and_then(|value| value.call(Path::parse_mod_style));
                parsed.crate_path = Some(path.map_err(|error| {
                    syn::Error::new(
                        error.span(),
                        format!("expected a path, as in `crate = ::my::terrane_gc`: {KNOWN}"),
                    )
                })?);
                return Ok(());
            }
            Err(argument.error(format!("this does not exist on a type: {KNOWN}")))
        })?;
        Ok(parsed)
    }
}

/// Whether a field or a type parameter is marked `#[trace(skip)]`.
pub(crate) fn skipped(attributes: &[Attribute]) -> Result<bool> {
    let mut skip = false;
    each_argument(attributes, |argument| {
        if !argument.path.is_ident("skip") {
            return Err(argument.error(format!("this does not exist here: {KNOWN}")));
        }
        once(skip, argument)?;
        skip = true;
        no_value(argument)
    })?;
    Ok(skip)
}

/// Refuses `#[trace(..)]` where there is nothing to say.
pub(crate) fn none(attributes: &[Attribute]) -> Result<()> {
    each_argument(attributes, |argument| Err(argument.error(format!("nothing may stand here: {KNOWN}"))))
}

fn each_argument(
    attributes: &[Attribute],
    mut one: impl FnMut(&ParseNestedMeta<'_>) -> Result<()>,
) -> Result<()> {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("trace")) {
        match &attribute.meta {
            Meta::List(list) if !list.tokens.is_empty() => {
                attribute.parse_nested_meta(|argument| one(&argument))?
            }
            _ => return Err(syn::Error::new_spanned(attribute, format!("says nothing: {KNOWN}"))),
        }
    }
    Ok(())
}

fn once(seen: bool, argument: &ParseNestedMeta<'_>) -> Result<()> {
    if seen { Err(argument.error("given twice")) } else { Ok(()) }
}

fn no_value(argument: &ParseNestedMeta<'_>) -> Result<()> {
    if argument.input.is_empty() || argument.input.peek(syn::Token![,]) {
        return Ok(());
    }
    Err(argument.error(format!("takes no value: {KNOWN}")))
}

#[cfg(test)]
mod tests {
    use quote::{ToTokens, quote};
    use syn::parse_quote;

    use super::*;

    fn type_error(attribute: Attribute) -> String {
        TypeAttributes::parse(&[attribute]).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_exists_is_understood() {
        let parsed = TypeAttributes::parse(&[
            parse_quote!(#[doc = "trace(leaf)"]),
            parse_quote!(#[trace(leaf, crate = ::a::b,)]),
        ]);
        let parsed = parsed.expect("both exist");
        assert!(parsed.leaf);
        assert_eq!(
            parsed.crate_path.expect("given").to_token_stream().to_string(),
            quote!(::a::b).to_string()
        );
        assert!(skipped(&[parse_quote!(#[trace(skip)])]).expect("exists"));
        assert!(!skipped(&[parse_quote!(#[serde(skip)])]).expect("another's attribute"));
    }

    #[test]
    fn what_does_not_exist_is_an_error_that_names_what_does() {
        for attribute in [
            parse_quote!(#[trace]),
            parse_quote!(#[trace()]),
            parse_quote!(#[trace = "leaf"]),
            parse_quote!(#[trace(skip)]),
            parse_quote!(#[trace(leaf = true)]),
            parse_quote!(#[trace(leaf(x))]),
            parse_quote!(#[trace(unknown = 1)]),
        ] {
            assert!(type_error(attribute).contains(KNOWN));
        }
        assert!(none(&[parse_quote!(#[trace(skip)])]).is_err());
        assert!(none(&[parse_quote!(#[inline])]).is_ok());
        assert!(skipped(&[parse_quote!(#[trace(leaf)])]).is_err());
    }

    #[test]
    fn malformed_arguments_are_errors() {
        for attribute in [
            parse_quote!(#[trace(leaf leaf)]),
            parse_quote!(#[trace(leaf, leaf)]),
            parse_quote!(#[trace("leaf")]),
            parse_quote!(#[trace(crate)]),
            parse_quote!(#[trace(crate = )]),
            parse_quote!(#[trace(crate = "a::b")]),
            parse_quote!(#[trace(crate = a::<b>)]),
            parse_quote!(#[trace(,)]),
        ] {
            assert!(!type_error(attribute).is_empty());
        }
    }
}
