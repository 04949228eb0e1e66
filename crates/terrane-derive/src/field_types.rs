//! Readable errors for field types that cannot be sound.
//!
//! The compiler refuses all of these, and whatever hides behind aliases and macros, in the code that
//! [`same_fields`](crate::same_fields) generates. But it speaks of generated lifetimes then.

use syn::visit::{self, Visit};
use syn::{AngleBracketedGenericArguments, GenericArgument, Lifetime, Result, Type, TypePath};

use crate::parameters::Parameters;

/// Refuses traced fields whose references would not follow brand and moment.
pub(crate) fn refuse_stale(ty: &Type, parameters: &Parameters) -> Result<()> {
    refuse_plain_reference(ty, parameters)?;
    let mut finder = StaleFinder { parameters, error: None };
    finder.visit_type(ty);
    finder.error.map_or(Ok(()), Err)
}

/// Refuses skipped fields that are not `'static`.
pub(crate) fn refuse_references(ty: &Type, parameters: &Parameters) -> Result<()> {
    let mut finder = ReferenceFinder { parameters, error: None };
    finder.visit_type(ty);
    finder.error.map_or(Ok(()), Err)
}

fn refuse_plain_reference(ty: &Type, parameters: &Parameters) -> Result<()> {
    let reference = match ty {
        Type::Group(group) => return refuse_plain_reference(&group.elem, parameters),
        Type::Paren(paren) => return refuse_plain_reference(&paren.elem, parameters),
        Type::Reference(reference) => reference,
        _ => return Ok(()),
    };
    if !reference.lifetime.as_ref().is_some_and(|lifetime| parameters.is_own(lifetime)) {
        return Ok(());
    }
    Err(syn::Error::new_spanned(
        ty,
        "a plain reference dangles once the collector moves or frees what it refers to: use `GcField`, or own the value",
    ))
}

/// Finds pairs of lifetimes that are not brand and moment.
struct StaleFinder<'a> {
    parameters: &'a Parameters,
    error: Option<syn::Error>,
}

impl<'ast> Visit<'ast> for StaleFinder<'_> {
    fn visit_angle_bracketed_generic_arguments(&mut self, arguments: &'ast AngleBracketedGenericArguments) {
        let lifetimes = arguments.args.iter().filter_map(|argument| match argument {
            GenericArgument::Lifetime(lifetime) => Some(lifetime),
            _ => None,
        });
        let lifetimes: Vec<&Lifetime> = lifetimes.collect();
        if let ([first, second], Some(own)) = (&lifetimes[..], &self.parameters.lifetimes)
            && (self.parameters.is_own(first) || self.parameters.is_own(second))
            && (**first != own.brand || **second != own.moment)
        {
            self.error.get_or_insert(syn::Error::new_spanned(
                &arguments.args,
                format!(
                    "references in a traced type carry its brand and its moment, in this order: `<{}, {}, ..>`; \
                     with others they would outlive a collection or belong to another heap",
                    own.brand, own.moment
                ),
            ));
        }
        visit::visit_angle_bracketed_generic_arguments(self, arguments);
    }
}

/// Finds lifetimes and traced parameters.
struct ReferenceFinder<'a> {
    parameters: &'a Parameters,
    error: Option<syn::Error>,
}

impl<'ast> Visit<'ast> for ReferenceFinder<'_> {
    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if self.parameters.is_own(lifetime) {
            self.error.get_or_insert(syn::Error::new_spanned(
                lifetime,
                format!("a skipped field is `'static`, it cannot hold a reference: `{lifetime}` may not occur in it"),
            ));
        }
    }

    fn visit_type_path(&mut self, ty: &'ast TypePath) {
        let plain = ty.qself.is_none() && ty.path.leading_colon.is_none();
        let first = ty.path.segments.first().map(|segment| &segment.ident);
        if let Some(first) = first.filter(|first| plain && self.parameters.is_traced(first)) {
            self.error.get_or_insert(syn::Error::new_spanned(
                ty,
                format!(
                    "a skipped field is `'static`, but `{first}` may hold references: trace the field, or put \
                     `#[trace(skip)]` before the parameter `{first}` as well"
                ),
            ));
        }
        visit::visit_type_path(self, ty);
    }
}
