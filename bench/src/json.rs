//! Writing one JSON object on one line (RFC 8259), fields in the order given.

use std::fmt::Write as _;

/// An object under construction.
#[derive(Clone, Debug, Default)]
pub struct Object {
    fields: String,
}

impl Object {
    /// An object without fields.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a string.
    #[must_use]
    pub fn text(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        quote(&mut self.fields, value);
        self
    }

    /// Adds a number with this many decimals.
    ///
    /// # Panics
    ///
    /// When `value` is infinite or not a number: JSON has no word for them.
    #[must_use]
    pub fn number(mut self, name: &str, value: f64, decimals: usize) -> Self {
        assert!(value.is_finite(), "{name} is {value}");
        self.name(name);
        self.push(format_args!("{value:.decimals$}"));
        self
    }

    /// Adds a whole number.
    #[must_use]
    pub fn integer(mut self, name: &str, value: u64) -> Self {
        self.name(name);
        self.push(format_args!("{value}"));
        self
    }

    /// Adds `true` or `false`.
    #[must_use]
    pub fn boolean(mut self, name: &str, value: bool) -> Self {
        self.name(name);
        self.push(format_args!("{value}"));
        self
    }

    /// The object as text, without a line end.
    #[must_use]
    pub fn finish(self) -> String {
        format!("{{{}}}", self.fields)
    }

    fn name(&mut self, name: &str) {
        if !self.fields.is_empty() {
            self.fields.push(',');
        }
        quote(&mut self.fields, name);
        self.fields.push(':');
    }

    fn push(&mut self, value: std::fmt::Arguments<'_>) {
        self.fields.write_fmt(value).expect("a string takes all text");
    }
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\u{0}'..='\u{1f}' => {
                write!(out, "\\u{:04x}", u32::from(character)).expect("a string takes all text");
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order() {
        let object =
            Object::new().text("bench", "arena/alloc/16").number("ours_ns", 0.5049, 3).integer("rounds", 9);
        assert_eq!(object.finish(), r#"{"bench":"arena/alloc/16","ours_ns":0.505,"rounds":9}"#);
    }

    #[test]
    fn an_object_may_be_empty() {
        assert_eq!(Object::new().finish(), "{}");
    }

    #[test]
    fn text_is_escaped() {
        let object = Object::new().text("a\"b", "back\\slash, tab\t, quote\", ü");
        assert_eq!(object.finish(), r#"{"a\"b":"back\\slash, tab\u0009, quote\", ü"}"#);
    }

    #[test]
    fn numbers_are_never_in_scientific_notation() {
        let object = Object::new().number("a", 2.5e9, 0).number("b", 1e-7, 3).boolean("c", true);
        assert_eq!(object.finish(), r#"{"a":2500000000,"b":0.000,"c":true}"#);
    }

    #[test]
    #[should_panic(expected = "ratio is inf")]
    fn infinity_is_refused() {
        let _ = Object::new().number("ratio", f64::INFINITY, 3);
    }
}
