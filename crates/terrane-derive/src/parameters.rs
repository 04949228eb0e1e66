//! Generic parameters: which are traced, and the generics of the generated implementations.
//!
//! A type parameter is *traced* (it may stand for a type with references, and is replaced in `At`) unless
//! `#[trace(skip)]` stands before it: then it is `'static` and the same in every heap.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{GenericParam, Generics, Ident, Lifetime, Path, Result, TypeParamBound, parse_quote};

use crate::attributes;
use crate::bounds;
use crate::lifetimes::Lifetimes;
use crate::names::Names;

/// The parameters of a type.
pub(crate) struct Parameters {
    /// As declared, without attributes.
    pub(crate) declared: Generics,
    pub(crate) lifetimes: Option<Lifetimes>,
    traced: Vec<Ident>,
    skipped: Vec<Ident>,
}

impl Parameters {
    pub(crate) fn new(mut generics: Generics, leaf: bool) -> Result<Self> {
        let lifetimes = Lifetimes::of(&generics)?;
        if leaf && lifetimes.is_some() {
            return Err(syn::Error::new_spanned(
                &generics.params,
                "a leaf is `'static`: it has no lifetimes",
            ));
        }
        let (mut traced, mut skipped) = (Vec::new(), Vec::new());
        for parameter in &mut generics.params {
            match parameter {
                GenericParam::Type(parameter) if leaf => {
                    attributes::none(&parameter.attrs)?;
                    parameter.attrs.clear();
                    skipped.push(parameter.ident.clone());
                }
                GenericParam::Type(parameter) => {
                    let skip = attributes::skipped(&parameter.attrs)?;
                    parameter.attrs.clear();
                    if skip { &mut skipped } else { &mut traced }.push(parameter.ident.clone());
                }
                GenericParam::Lifetime(parameter) => parameter.attrs.clear(),
                GenericParam::Const(parameter) => {
                    attributes::none(&parameter.attrs)?;
                    parameter.attrs.clear();
                }
            }
        }
        Ok(Self { declared: generics, lifetimes, traced, skipped })
    }

    pub(crate) fn is_traced(&self, parameter: &Ident) -> bool {
        self.traced.contains(parameter)
    }

    /// Whether this is the brand or the moment.
    pub(crate) fn is_own(&self, lifetime: &Lifetime) -> bool {
        self.lifetimes.as_ref().is_some_and(|own| *lifetime == own.brand || *lifetime == own.moment)
    }

    /// Whether a value may hold references at all.
    pub(crate) fn may_refer(&self) -> bool {
        self.lifetimes.is_some() || !self.traced.is_empty()
    }

    /// Generics of an implementation: the declared ones, `bound` (which implies `Trace`) for each traced parameter,
    /// `'static` for the others, and whatever makes the bounds of the declaration hold for `At`.
    pub(crate) fn bounded(&self, bound: &TypeParamBound, gc: &Path, names: &Names) -> Result<Generics> {
        let rebranded = bounds::rebranded(self, gc, names)?;
        let mut generics = self.declared.clone();
        for parameter in generics.type_params_mut() {
            parameter.bounds.push(if self.skipped.contains(&parameter.ident) {
                parse_quote!('static)
            } else {
                bound.clone()
            });
        }
        if !rebranded.is_empty() {
            generics.make_where_clause().predicates.extend(rebranded);
        }
        Ok(generics)
    }

    /// Generics with two more lifetimes, for a trait that has them.
    pub(crate) fn with_lifetimes(mut generics: Generics, brand: &Lifetime, moment: &Lifetime) -> Generics {
        generics.params.insert(0, parse_quote!(#moment));
        generics.params.insert(0, parse_quote!(#brand));
        generics
    }

    /// The arguments of the type in the heap `brand` at `moment`.
    pub(crate) fn arguments_at(&self, gc: &Path, brand: &Lifetime, moment: &Lifetime) -> TokenStream {
        if self.declared.params.is_empty() {
            return TokenStream::new();
        }
        let lifetimes = self.lifetimes.as_ref().map(|_| quote!(#brand, #moment,));
        let others = self.declared.params.iter().filter_map(|parameter| match parameter {
            GenericParam::Lifetime(_) => None,
            GenericParam::Type(parameter) if self.is_traced(&parameter.ident) => {
                let parameter = &parameter.ident;
                Some(quote!(<#parameter as #gc::Trace>::At<#brand, #moment>))
            }
            GenericParam::Type(parameter) => {
                let parameter = &parameter.ident;
                Some(quote!(#parameter))
            }
            GenericParam::Const(parameter) => {
                let parameter = &parameter.ident;
                Some(quote!(#parameter))
            }
        });
        quote!(<#lifetimes #(#others),*>)
    }
}
