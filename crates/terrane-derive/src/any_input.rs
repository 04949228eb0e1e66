//! Whatever the input: the derive answers with items, which may be errors, and never panics.

use std::fmt::Write as _;

use proc_macro2::TokenStream;
use proptest::prelude::*;

use crate::expansion::expand;

/// Words of a type declaration, sound ones and others.
fn words(max: usize) -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "'h",
        "'m",
        "'static",
        "'x",
        "T",
        "U",
        "N",
        "Self",
        "u8",
        "Gc",
        "GcField",
        "Option",
        "Trace",
        "Sized",
        "<",
        ">",
        ",",
        ":",
        "::",
        ";",
        "&",
        "*",
        "const",
        "mut",
        "dyn",
        "for",
        "where",
        "as",
        "?",
        "=",
        "+",
        "!",
        "#",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "'h: 'm",
        "<'h, 'm>",
        "T::Item",
        "trace",
        "leaf",
        "skip",
        "crate",
        "1",
        "\"text\"",
        "r#type",
        "_",
        "__terrane",
        "'__terrane_brand",
        "fn",
        "impl",
        "m!()",
        "for<'a>",
        "async",
    ];
    proptest::collection::vec(proptest::sample::select(WORDS), 0..max).prop_map(|words| words.join(" "))
}

/// One of the usual texts, or any words.
fn usual(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![
        8 => proptest::sample::select(texts).prop_map(str::to_owned),
        1 => words(6),
    ]
}

fn attribute() -> impl Strategy<Value = String> {
    usual(&[
        "",
        "",
        "",
        "#[trace(skip)]",
        "#[trace(leaf)]",
        "#[trace(crate = a::b)]",
        "#[trace]",
        "#[trace()]",
        "#[trace(skip, skip)]",
        "#[trace = 1]",
        "#[repr(packed)]",
        "#[repr]",
        "#[doc = \"x\"]",
        "#[trace(1 + 1)]",
    ])
}

fn field_type() -> impl Strategy<Value = String> {
    usual(&[
        "u8",
        "T",
        "Gc<'h, 'm, T>",
        "GcField<'h, 'm, Self>",
        "Option<T>",
        "[T; N]",
        "(T, u8)",
        "&'m str",
        "&'static str",
        "fn(T) -> T",
        "dyn Trait + 'm",
        "<T as Iterator>::Item",
        "T::Item",
        "m!('h)",
        "!",
        "Gc<'m, 'h, T>",
        "Leaf<U>",
        "*const T",
        "[T]",
        "impl Trait",
        "_",
        "Box<dyn for<'a> Fn(&'a T)>",
    ])
}

fn parameters() -> impl Strategy<Value = String> {
    usual(&[
        "",
        "<T>",
        "<'h, 'm>",
        "<'h, 'm, T>",
        "<'h, 'm, T: Trace + Copy, const N: usize = 1>",
        "<'m>",
        "<'h, 'm, 'x>",
        "<'h: 'm, 'm, T>",
        "<'h, 'm, T: ?Sized, #[trace(skip)] U: Eq<T> + 'static = u8>",
        "<#[trace(skip)] 'h, 'm>",
        "<T: for<'a> Fn(&'a T) -> U, U>",
        "<T: 'static, U: 'h>",
        "<>",
        "<T: Iterator<Item = U>, U>",
    ])
}

fn clause() -> impl Strategy<Value = String> {
    usual(&[
        "",
        "",
        "where",
        "where T: Copy",
        "where T::Item: Trace",
        "where Self: Sized",
        "where 'h: 'm",
        "where u8: Copy",
        "where for<'a> Option<T>: PartialEq<&'a U>",
        "where m!(): Copy",
        "where Gc<'h, 'm, T>: Copy, T: 'm",
        "where T:",
    ])
}

fn declaration() -> impl Strategy<Value = String> {
    let fields = proptest::collection::vec((attribute(), field_type()), 0..4);
    let form = 0..5_u8;
    (attribute(), parameters(), clause(), form, fields).prop_map(|(attribute, parameters, clause, form, fields)| {
        let (mut named, mut unnamed) = (String::new(), String::new());
        for (index, (attribute, ty)) in fields.iter().enumerate() {
            write!(named, "{attribute} f{index}: {ty},").expect("a string takes any text");
            write!(unnamed, "{attribute} {ty},").expect("a string takes any text");
        }
        match form {
            0 => format!("{attribute} struct A {parameters} {clause} {{ {named} }}"),
            1 => format!("{attribute} struct A {parameters} ({unnamed}) {clause};"),
            2 => format!("{attribute} enum A {parameters} {clause} {{ A, {attribute} B({unnamed}), C {{ {named} }} }}"),
            3 => format!("{attribute} union A {parameters} {clause} {{ {named} }}"),
            _ => format!("{attribute} enum A {parameters} {clause} {{}}"),
        }
    })
}

/// What an expansion is, at least: items.
fn is_items(input: &str) -> Result<(), TestCaseError> {
    let Ok(input) = input.parse::<TokenStream>() else { return Ok(()) };
    let output = expand(input);
    prop_assert!(syn::parse2::<syn::File>(output.clone()).is_ok(), "{}", output);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_declaration_expands_to_items(input in declaration()) {
        is_items(&input)?;
    }

    #[test]
    fn bounds_in_the_place_of_a_type_expand_to_items(
        bounds in proptest::sample::select(vec!["T::Item +", "dyn A + B", "dyn A +", "impl A +", "'static + A", "(A + B)"])
    ) {
        is_items(&format!("struct A {{ f0: {bounds} }}"))?;
    }

    #[test]
    fn any_words_expand_to_items(input in words(40), kind in proptest::sample::select(vec!["struct A", "enum A", ""])) {
        is_items(&format!("{kind} {input}"))?;
    }
}
