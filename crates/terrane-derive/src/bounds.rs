//! Bounds of a declaration, repeated for the type in another heap.
//!
//! `At<'h, 'm>` of `struct Pair<T: PartialEq>` is `Pair<T::At<'h, 'm>>`, which exists only if `T::At<'h, 'm>:
//! PartialEq`. That goes into the `where` clause of the implementation, for all lifetimes. `At` must be traceable as
//! well, so the clause must hold for *its* `At` in turn, and so on; the circle closes with a second clause, which
//! says that the `At` of an `At` is nothing new:
//!
//! ```text
//! where
//!     for<'a, 'b> <T as Trace>::At<'a, 'b>: PartialEq,
//!     for<'a, 'b, 'c, 'd> <T as Trace>::At<'a, 'b>: Trace<At<'c, 'd> = <T as Trace>::At<'c, 'd>>,
//! ```
//!
//! Both are true of every type with a derived `Trace` that fulfils the bound. Bounds on the associated types of a
//! parameter cannot be repeated so, because nothing relates `T::Item` to the `Item` of `T::At`.

use std::collections::BTreeSet;

use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{
    BoundLifetimes, GenericParam, Ident, Lifetime, Path, Result, Token, Type, TypeParamBound, WherePredicate,
    parse_quote,
};

use crate::names::Names;
use crate::parameters::Parameters;

/// Predicates that make the declaration's bounds hold for the type in every heap.
pub(crate) fn rebranded(parameters: &Parameters, gc: &Path, names: &Names) -> Result<Vec<WherePredicate>> {
    let mut rebrand = Rebrand {
        parameters,
        gc,
        brand: names.lifetime("any_brand"),
        moment: names.lifetime("any_moment"),
        changed: false,
        traced: BTreeSet::new(),
        error: None,
    };
    let mut predicates = Vec::new();
    for parameter in parameters.declared.type_params() {
        let name = &parameter.ident;
        for bound in &parameter.bounds {
            predicates.extend(rebrand.predicate(None, &parse_quote!(#name), bound));
        }
    }
    for predicate in parameters.declared.where_clause.iter().flat_map(|clause| &clause.predicates) {
        if let WherePredicate::Type(predicate) = predicate {
            for bound in &predicate.bounds {
                predicates.extend(rebrand.predicate(
                    predicate.lifetimes.as_ref(),
                    &predicate.bounded_ty,
                    bound,
                ));
            }
        }
    }
    if let Some(error) = rebrand.error {
        return Err(error);
    }
    let (brand, moment) = (&rebrand.brand, &rebrand.moment);
    let (next_brand, next_moment) = (names.lifetime("next_brand"), names.lifetime("next_moment"));
    predicates.extend(rebrand.traced.iter().map(|parameter| -> WherePredicate {
        parse_quote! {
            for<#brand, #moment, #next_brand, #next_moment> <#parameter as #gc::Trace>::At<#brand, #moment>:
                #gc::Trace<At<#next_brand, #next_moment> = <#parameter as #gc::Trace>::At<#next_brand, #next_moment>>
        }
    }));
    Ok(predicates)
}

/// Replaces lifetimes and traced parameters of a predicate by those of any heap.
struct Rebrand<'a> {
    parameters: &'a Parameters,
    gc: &'a Path,
    brand: Lifetime,
    moment: Lifetime,
    /// Whether the predicate at hand depends on the heap.
    changed: bool,
    /// Parameters in predicates that do.
    traced: BTreeSet<Ident>,
    error: Option<syn::Error>,
}

impl Rebrand<'_> {
    /// `bounded: bound` for any heap; nothing if it is the same there or follows from `Trace`.
    fn predicate(
        &mut self,
        outer: Option<&BoundLifetimes>,
        bounded: &Type,
        bound: &TypeParamBound,
    ) -> Option<WherePredicate> {
        if follows_from_trace(bound) && self.parameter(bounded).is_some() {
            return None;
        }
        let (mut bounded, mut bound) = (bounded.clone(), bound.clone());
        self.changed = false;
        self.visit_type_mut(&mut bounded);
        self.visit_type_param_bound_mut(&mut bound);
        if !self.changed {
            return None;
        }
        // Binders do not nest, so all of them go in front.
        let mut binder: Punctuated<GenericParam, Token![,]> = Punctuated::new();
        binder.push(parse_quote_lifetime(&self.brand));
        binder.push(parse_quote_lifetime(&self.moment));
        binder.extend(outer.into_iter().flat_map(|outer| outer.lifetimes.iter().cloned()));
        if let TypeParamBound::Trait(bound) = &mut bound {
            binder.extend(bound.lifetimes.take().into_iter().flat_map(|inner| inner.lifetimes));
        }
        Some(parse_quote!(for<#binder> #bounded: #bound))
    }

    /// The traced parameter that `ty` is.
    fn parameter(&self, ty: &Type) -> Option<Ident> {
        match ty {
            Type::Path(ty) if ty.qself.is_none() => {
                ty.path.get_ident().filter(|ident| self.parameters.is_traced(ident)).cloned()
            }
            Type::Group(group) => self.parameter(&group.elem),
            Type::Paren(paren) => self.parameter(&paren.elem),
            _ => None,
        }
    }

    fn refuse(&mut self, what: &dyn quote::ToTokens) {
        self.error.get_or_insert(syn::Error::new_spanned(
            what,
            "`derive(Trace)` cannot repeat this bound for the type in another heap: bound the type parameters \
             themselves, or put `#[trace(skip)]` before a parameter without references",
        ));
    }
}

impl VisitMut for Rebrand<'_> {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        let Some(own) = &self.parameters.lifetimes else { return };
        if *lifetime == own.brand {
            *lifetime = self.brand.clone();
        } else if *lifetime == own.moment {
            *lifetime = self.moment.clone();
        } else {
            return;
        }
        self.changed = true;
    }

    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Some(parameter) = self.parameter(ty) {
            let (gc, brand, moment) = (self.gc, &self.brand, &self.moment);
            *ty = parse_quote!(<#parameter as #gc::Trace>::At<#brand, #moment>);
            self.traced.insert(parameter);
            self.changed = true;
            return;
        }
        let first = match ty {
            Type::Path(path) if path.qself.is_none() => {
                path.path.segments.first().map(|segment| &segment.ident)
            }
            Type::Macro(_) | Type::Verbatim(_) => return self.refuse(ty),
            _ => None,
        };
        if first.is_some_and(|first| first == "Self" || self.parameters.is_traced(first)) {
            return self.refuse(ty);
        }
        visit_mut::visit_type_mut(self, ty);
    }

    fn visit_type_param_bound_mut(&mut self, bound: &mut TypeParamBound) {
        match bound {
            TypeParamBound::Trait(_) | TypeParamBound::Lifetime(_) => {
                visit_mut::visit_type_param_bound_mut(self, bound);
            }
            _ => self.refuse(bound),
        }
    }
}

fn parse_quote_lifetime(lifetime: &Lifetime) -> GenericParam {
    GenericParam::Lifetime(syn::LifetimeParam::new(lifetime.clone()))
}

/// `Trace`, `Sized` and `?Sized` hold for every `At`. (Another trait called so is not assumed: the compiler then
/// finds that the bound does not hold.)
fn follows_from_trace(bound: &TypeParamBound) -> bool {
    let TypeParamBound::Trait(bound) = bound else { return false };
    let Some(last) = bound.path.segments.last() else { return false };
    last.arguments.is_none() && (last.ident == "Trace" || last.ident == "Sized")
}
