//! The language reference, `docs/aurora.md`, against the language: it names every public procedure and no
//! other, and its examples give what they say.

mod terrane;

use std::collections::BTreeSet;

use terrane::{Program, read};

const REFERENCE: &str = "docs/aurora.md";

/// The names between backquotes in the tables of the section "Procedures".
fn documented() -> BTreeSet<String> {
    let reference = read(REFERENCE);
    let (_, section) = reference.split_once("\n## Procedures\n").expect("the section");
    let (section, _) = section.split_once("\n## ").expect("a section after it");
    let rows = section.lines().filter(|line| line.starts_with("| "));
    rows.flat_map(|row| row.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

/// The names of the built-in procedures: the second word of a row of the table.
fn built_in() -> BTreeSet<String> {
    let table = read("crates/aurora/src/primitive/table.rs");
    let (_, rows) = table.split_once("\nprimitives! {\n").expect("the table");
    let (rows, _) = rows.split_once("\n}\n").expect("its end");
    let rows = rows.lines().filter(|row| !row.trim().is_empty());
    rows.map(|row| row.split('"').nth(1).unwrap_or_else(|| panic!("no name in {row}")).to_owned()).collect()
}

/// The names that the library in Scheme defines at its top level.
fn prelude() -> BTreeSet<String> {
    let text = read("crates/aurora/src/library/prelude.scm");
    let word = |text: &str| text.split(['(', ')', ' ']).find(|word| !word.is_empty()).map(str::to_owned);
    let mut names: BTreeSet<String> =
        text.lines().filter_map(|line| line.strip_prefix("(define ").and_then(word)).collect();
    for record in text.split("\n(define-record-type ").skip(1) {
        // A name, a constructor, a predicate; then fields, each with its accessors.
        let (record, _) = record.split_once("\n\n").unwrap_or((record, ""));
        names.extend(record.lines().skip(1).take(2).filter_map(word));
        let accessors = record.lines().skip(3).flat_map(|field| field.split_whitespace().skip(1));
        names.extend(accessors.filter_map(word));
    }
    names
}

#[test]
fn it_names_every_public_procedure_and_no_other() {
    let public: BTreeSet<String> =
        built_in().union(&prelude()).filter(|name| !name.starts_with('%')).cloned().collect();
    assert!(public.len() > 250 && public.contains("cons") && public.contains("hash-table?"), "{public:?}");
    let documented = documented();
    let missing: Vec<_> = public.difference(&documented).collect();
    let unknown: Vec<_> = documented.difference(&public).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "not in the reference: {missing:?}; only there: {unknown:?}"
    );
}

#[test]
fn every_procedure_that_it_names_is_bound() {
    let names = documented();
    let text: String = names.iter().map(|name| format!("(write (procedure? {name}))\n")).collect();
    assert_eq!(Program::new(text).run(&[]).output(), "#t".repeat(names.len()));
}

/// Each block of Scheme is a program; a line `EXPRESSION ; => VALUE` is checked.
#[test]
fn its_examples_give_what_they_say() {
    let reference = read(REFERENCE);
    let blocks: Vec<&str> = reference
        .split("\n```scheme\n")
        .skip(1)
        .map(|rest| rest.split_once("\n```").expect("the end of a block").0)
        .collect();
    assert!(blocks.len() >= 5, "{} blocks", blocks.len());
    for block in blocks {
        let (mut text, mut expected) = (String::new(), String::new());
        for line in block.lines() {
            match line.split_once(" ; => ") {
                Some((expression, value)) => {
                    text.push_str(&format!("(write {expression})(newline)\n"));
                    expected.push_str(&format!("{value}\n"));
                }
                None => text.push_str(&format!("{line}\n")),
            }
        }
        assert!(!expected.is_empty(), "{block}");
        for options in [&[][..], &["--gc-stress", "7", "--gc-verify"], &["--placement", "off"]] {
            assert_eq!(Program::new(&text).run(options).output(), expected, "{block}");
        }
    }
}
