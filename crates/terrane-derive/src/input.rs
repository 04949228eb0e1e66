//! The input of the derive, checked and reduced to what the expansion needs.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Data, DeriveInput, Fields, Ident, Member, Meta, Path, Result, Type, parse_quote};

use crate::allowances::allowances;
use crate::attributes::{self, TypeAttributes};
use crate::field_types;
use crate::names::Names;
use crate::parameters::Parameters;

/// A type to derive `Trace` for.
pub(crate) struct Input {
    pub(crate) name: Ident,
    pub(crate) parameters: Parameters,
    pub(crate) names: Names,
    /// Path of `terrane_gc`.
    pub(crate) gc: Path,
    pub(crate) body: Body,
    /// Attributes for the generated items.
    pub(crate) allowances: TokenStream,
}

/// What there is to trace.
pub(crate) enum Body {
    /// Nothing, by the author's word.
    Leaf,
    Struct(Vec<Field>),
    Enum(Vec<Variant>),
}

pub(crate) struct Variant {
    pub(crate) name: Ident,
    pub(crate) fields: Vec<Field>,
}

pub(crate) struct Field {
    pub(crate) member: Member,
    pub(crate) ty: Type,
    pub(crate) skipped: bool,
}

impl Input {
    pub(crate) fn new(input: DeriveInput) -> Result<Self> {
        let names = Names::apart_from(&input.to_token_stream());
        let allowances = allowances(&input);
        let attributes = TypeAttributes::parse(&input.attrs)?;
        let parameters = Parameters::new(input.generics, attributes.leaf)?;
        let body = if attributes.leaf {
            refuse_attributes_in_leaf(&input.data)?;
            Body::Leaf
        } else {
            refuse_packed(&input.attrs)?;
            Body::new(&input.data, &parameters)?
        };
        let gc = attributes.crate_path.unwrap_or_else(|| syn::parse_quote!(::terrane_gc));
        Ok(Self { name: input.ident, parameters, names, gc, body, allowances })
    }
}

impl Body {
    fn new(data: &Data, parameters: &Parameters) -> Result<Self> {
        match data {
            Data::Struct(data) => Ok(Self::Struct(fields(&data.fields, parameters)?)),
            Data::Enum(data) => {
                let variants = data.variants.iter().map(|variant| {
                    attributes::none(&variant.attrs)?;
                    Ok(Variant { name: variant.ident.clone(), fields: fields(&variant.fields, parameters)? })
                });
                Ok(Self::Enum(all(variants)?))
            }
            Data::Union(data) => Err(syn::Error::new_spanned(
                data.union_token,
                "nobody knows which field of a union holds a reference: make it an enum, or wrap a union without \
                 references in `Leaf<_>`",
            )),
        }
    }

    /// Every field, whatever its variant.
    pub(crate) fn fields(&self) -> Vec<&Field> {
        match self {
            Self::Leaf => Vec::new(),
            Self::Struct(fields) => fields.iter().collect(),
            Self::Enum(variants) => variants.iter().flat_map(|variant| &variant.fields).collect(),
        }
    }
}

fn fields(fields: &Fields, parameters: &Parameters) -> Result<Vec<Field>> {
    all(fields.members().zip(fields).map(|(member, field)| {
        let skipped = attributes::skipped(&field.attrs)?;
        if skipped {
            field_types::refuse_references(&field.ty, parameters)?;
        } else {
            field_types::refuse_stale(&field.ty, parameters)?;
        }
        Ok(Field { member, ty: closed(&field.ty), skipped })
    }))
}

/// All results, or all errors in one.
fn all<T>(results: impl Iterator<Item = Result<T>>) -> Result<Vec<T>> {
    let mut values = Vec::new();
    let mut errors: Option<syn::Error> = None;
    for result in results {
        match (result, &mut errors) {
            (Ok(value), _) => values.push(value),
            (Err(error), Some(errors)) => errors.combine(error),
            (Err(error), none) => *none = Some(error),
        }
    }
    errors.map_or(Ok(values), Err)
}

/// A slot must be aligned.
fn refuse_packed(attributes: &[Attribute]) -> Result<()> {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("repr")) {
        if let Meta::List(list) = &attribute.meta
            && names_packed(list.tokens.clone())
        {
            return Err(syn::Error::new_spanned(
                attribute,
                "the collector updates references in place, so they must be aligned: a packed type can only be \
                 `#[trace(leaf)]`",
            ));
        }
    }
    Ok(())
}

fn names_packed(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| matches!(token, TokenTree::Ident(ident) if ident == "packed"))
}

/// Nothing in a leaf is traced, so there is nothing to say about its parts.
fn refuse_attributes_in_leaf(data: &Data) -> Result<()> {
    let fields: Vec<&syn::Field> = match data {
        Data::Struct(data) => data.fields.iter().collect(),
        Data::Enum(data) => {
            data.variants.iter().try_for_each(|variant| attributes::none(&variant.attrs))?;
            data.variants.iter().flat_map(|variant| &variant.fields).collect()
        }
        Data::Union(data) => {
            return Err(syn::Error::new_spanned(
                data.union_token,
                "unions cannot be derived: wrap a union without references in `Leaf<_>`",
            ));
        }
    };
    fields.into_iter().try_for_each(|field| attributes::none(&field.attrs))
}

/// The type so that anything may follow it: one of bounds may end with a plus, after which `as` is an error of syntax in the
/// expansion in place of what the compiler has to say of the type.
fn closed(ty: &Type) -> Type {
    match ty {
        Type::TraitObject(_) | Type::ImplTrait(_) => parse_quote!((#ty)),
        _ => ty.clone(),
    }
}
