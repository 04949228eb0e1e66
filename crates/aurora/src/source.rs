//! Source texts and the places in them.
//!
//! A [`Span`] names a half-open byte range of one source. Lines and columns are computed only when
//! somebody wants to read them: a compiler touches many spans and prints few.

use std::collections::HashMap;
use std::ops::Range;

/// A program text with the name that messages show for it.
#[derive(Debug, Clone)]
pub struct Source {
    /// What messages call it, usually the file's path as the user wrote it.
    pub name: String,
    /// The text, UTF-8.
    pub text: String,
}

impl Source {
    /// A source from a name and a text.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// The 1-based line and column (counted in characters) of a byte offset. O(length of the text).
    #[must_use]
    pub fn line_column(&self, offset: usize) -> (u32, u32) {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &self.text[..end];
        let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before[line_start..].chars().count() + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }
}

/// Which of the sources of a compilation a span lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// The library that every program gets.
    Prelude,
    /// The user's program.
    User,
}

/// A byte range in one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Span {
    pub(crate) origin: Origin,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    pub(crate) fn new(origin: Origin, range: Range<usize>) -> Self {
        let clamp = |n| u32::try_from(n).unwrap_or(u32::MAX);
        Self { origin, start: clamp(range.start), end: clamp(range.end) }
    }

    pub(crate) fn to(self, other: Span) -> Span {
        Span { end: other.end.max(self.end), ..self }
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The two texts that a program is made of.
#[derive(Debug, Clone)]
pub(crate) struct Sources {
    pub(crate) prelude: Source,
    pub(crate) user: Source,
}

impl Sources {
    pub(crate) fn of(&self, origin: Origin) -> &Source {
        match origin {
            Origin::Prelude => &self.prelude,
            Origin::User => &self.user,
        }
    }

    pub(crate) fn line_column(&self, span: Span) -> (u32, u32) {
        self.of(span.origin).line_column(span.start as usize)
    }

    /// Lines and columns of many places: the text is walked once, not once for each.
    pub(crate) fn lines_columns(&self, spans: impl Iterator<Item = Span>) -> HashMap<Span, (u32, u32)> {
        let mut sorted: Vec<Span> = spans.collect();
        sorted.sort_by_key(|span| (span.origin as u8, span.start));
        let mut found = HashMap::new();
        let mut last = (Origin::Prelude, 0, (1, 1));
        for span in sorted {
            let text = &self.of(span.origin).text;
            let (mut from, (mut line, mut column)) = match last {
                (origin, from, place) if origin == span.origin => (from, place),
                _ => (0, (1, 1)),
            };
            for c in text.get(from..span.start as usize).unwrap_or_default().chars() {
                (line, column) = if c == '\n' { (line + 1, 1) } else { (line, column + 1) };
                from += c.len_utf8();
            }
            last = (span.origin, from, (line, column));
            found.insert(span, (line, column));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let source = Source::new("t", "añb\ncd");
        assert_eq!(source.line_column(0), (1, 1));
        assert_eq!(source.line_column(3), (1, 3));
        assert_eq!(source.line_column(5), (2, 1));
        assert_eq!(source.line_column(99), (2, 3));
    }

    #[test]
    fn many_places_are_found_like_one() {
        let user = Source::new("t", "(a\n λb\n\n c)");
        let sources = Sources { prelude: Source::new("p", "xy\nz"), user };
        let at = |origin, start| Span::new(origin, start..start);
        let starts = [0, 1, 3, 4, 6, 8, 9, 10].map(|start| at(Origin::User, start));
        let spans: Vec<_> =
            starts.into_iter().chain([at(Origin::Prelude, 3), at(Origin::Prelude, 0)]).collect();
        let found = sources.lines_columns(spans.iter().copied());
        for span in spans {
            assert_eq!(found[&span], sources.line_column(span), "{span:?}");
        }
    }

    #[test]
    fn an_offset_inside_a_character_means_its_start() {
        assert_eq!(Source::new("t", "ñ").line_column(1), (1, 1));
    }
}
