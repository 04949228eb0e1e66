//! The two lifetimes of a type with references: the brand of its heap and the moment.

use syn::{GenericParam, Generics, Lifetime, LifetimeParam, Result, WherePredicate};

use crate::attributes;

/// The lifetimes of a type with references, as its author calls them.
pub(crate) struct Lifetimes {
    pub(crate) brand: Lifetime,
    pub(crate) moment: Lifetime,
}

impl Lifetimes {
    /// Both, or none for a type that declares no lifetime.
    pub(crate) fn of(generics: &Generics) -> Result<Option<Self>> {
        let declared: Vec<&LifetimeParam> = generics.lifetimes().collect();
        for parameter in &declared {
            attributes::none(&parameter.attrs)?;
        }
        refuse_bounds(generics)?;
        match declared[..] {
            [] => Ok(None),
            [brand, moment] => {
                Ok(Some(Self { brand: brand.lifetime.clone(), moment: moment.lifetime.clone() }))
            }
            _ => Err(syn::Error::new_spanned(
                &generics.params,
                format!(
                    "a type with references carries `<'h, 'm>`, the brand of its heap and the moment, and no other \
                     lifetime; a type without references carries none; this one has {}",
                    declared.len()
                ),
            )),
        }
    }
}

/// Brand and moment are independent in `At`, so a bound on either cannot hold there.
fn refuse_bounds(generics: &Generics) -> Result<()> {
    const MESSAGE: &str =
        "the brand and the moment of a traced type stand for any lifetimes: no bounds on them";
    for parameter in &generics.params {
        if let GenericParam::Lifetime(LifetimeParam { bounds, .. }) = parameter
            && !bounds.is_empty()
        {
            return Err(syn::Error::new_spanned(bounds, MESSAGE));
        }
    }
    for predicate in generics.where_clause.iter().flat_map(|clause| &clause.predicates) {
        if let WherePredicate::Lifetime(predicate) = predicate {
            return Err(syn::Error::new_spanned(predicate, MESSAGE));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn of(input: syn::DeriveInput) -> Result<Option<Lifetimes>> {
        Lifetimes::of(&input.generics)
    }

    #[test]
    fn none_or_two() {
        assert!(
            of(parse_quote!(
                struct A<T>(T);
            ))
            .is_ok_and(|lifetimes| lifetimes.is_none())
        );
        let two = of(parse_quote!(
            struct A<'x, 'y, T>(T);
        ))
        .expect("two lifetimes")
        .expect("two lifetimes");
        assert_eq!((two.brand.to_string(), two.moment.to_string()), ("'x".into(), "'y".into()));
        assert!(
            of(parse_quote!(
                struct A<'m>;
            ))
            .is_err_and(|error| error.to_string().contains("<'h, 'm>"))
        );
        assert!(
            of(parse_quote!(
                struct A<'a, 'b, 'c>;
            ))
            .is_err()
        );
    }

    #[test]
    fn no_bounds() {
        assert!(
            of(parse_quote!(
                struct A<'h: 'm, 'm>;
            ))
            .is_err()
        );
        assert!(
            of(parse_quote!(
                struct A<'h, 'm>
                where
                    'm: 'h;
            ))
            .is_err()
        );
        assert!(
            of(parse_quote!(
                struct A<'h, 'm>
                where
                    'm: 'static, {}
            ))
            .is_err()
        );
    }
}
