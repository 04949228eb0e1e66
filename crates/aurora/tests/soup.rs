//! Text that makes no sense, or nearly none, is refused with a diagnostic: it never panics and never hangs.
//! It is compiled only, for what happens to make sense might run for ever.

mod generator;

use aurora::{Failure, Source, explain, intermediate_text};
use proptest::prelude::*;

const WORDS: &[&str] = &[
    "(",
    "(",
    "(",
    ")",
    ")",
    ")",
    "'",
    "`",
    ",",
    ",@",
    ".",
    "#(",
    "#u8(",
    "#;",
    "#|",
    "|#",
    "\"",
    "|",
    ";",
    "\n",
    "[",
    "]",
    "define",
    "lambda",
    "let",
    "let*",
    "letrec",
    "if",
    "cond",
    "case",
    "and",
    "or",
    "when",
    "do",
    "begin",
    "set!",
    "quote",
    "quasiquote",
    "unquote",
    "unquote-splicing",
    "define-record-type",
    "with-arena",
    "in-arena",
    "make-arena",
    "else",
    "=>",
    "x",
    "y",
    "f",
    "loop",
    "car",
    "cons",
    "list",
    "vector",
    "+",
    "apply",
    "map",
    "1",
    "-2.5",
    "#t",
    "#f",
    "#\\a",
    "#\\",
    "#x",
    "1/2",
    "1e999",
    "\"s\"",
    "λ",
    "😀",
    "\\",
    "(define (f x) ",
    "(let loop ((x 1)) ",
    "(loop x)",
    "(f 1)",
];

/// Compiles; a failure must be a diagnostic with a place inside the text.
fn compile(text: &str) -> Result<(), TestCaseError> {
    let source = Source::new("soup.scm", text);
    if let Err(failure) = explain(&source) {
        let Failure::Diagnostics(all) = failure else {
            return Err(TestCaseError::fail(format!("{failure:?}")));
        };
        prop_assert!(!all.is_empty());
        for one in all {
            let label = one.label.expect("a mistake in the text has a place");
            prop_assert!(text.get(label.span.clone()).is_some(), "{:?} is no part of {:?}", label.span, text);
        }
    }
    let _ = intermediate_text(&source);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn words_in_any_order(words in prop::collection::vec(prop::sample::select(WORDS), 0..60)) {
        compile(&words.join(" "))?;
    }

    #[test]
    fn any_characters(text in "\\PC{0,80}") {
        compile(&text)?;
    }

    #[test]
    fn programs_with_mistakes(
        choices in prop::collection::vec(any::<u32>(), 20..200),
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(WORDS), any::<bool>()), 1..6),
    ) {
        let mut text = generator::program(&choices);
        for (place, word, insert) in edits {
            let at = text.floor_char_boundary(place.index(text.len()));
            let end = if insert { at } else { text.ceil_char_boundary((at + word.len()).min(text.len())) };
            text.replace_range(at..end, word);
        }
        compile(&text)?;
    }
}
