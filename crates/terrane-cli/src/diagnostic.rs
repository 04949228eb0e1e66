//! Diagnostics drawn for a person: the message, the place as `file:line:column`, the line of source with the
//! part that it is about, notes and help. `ariadne` does the drawing; lines that are too long to show, and
//! places in files that are not at hand, get a plainer form.

use std::io::IsTerminal;
use std::ops::Range;
use std::{env, io};

use ariadne::{CharSet, Color, Config, IndexType, Label, Report, ReportKind};
use aurora::{Diagnostic, Severity, Source};

/// Longer lines of source (in characters) are not drawn whole.
const MAX_LINE: usize = 240;

/// How many characters of a long line are shown on each side of the place.
const WINDOW: usize = 36;

/// Something to tell, with or without a place in the source.
#[derive(Debug)]
pub(crate) struct Message {
    kind: Kind,
    text: String,
    excerpt: Option<Excerpt>,
    notes: Vec<String>,
    help: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Error,
    Warning,
}

/// A place in a source file and what to write there.
#[derive(Debug)]
pub(crate) struct Excerpt {
    /// The name of the file.
    pub(crate) source: String,
    /// From 1.
    pub(crate) line: u32,
    /// From 1, in characters.
    pub(crate) column: u32,
    /// Bytes of the source's text.
    pub(crate) span: Range<usize>,
    pub(crate) text: String,
}

impl Message {
    pub(crate) fn error(text: String) -> Self {
        Self { kind: Kind::Error, text, excerpt: None, notes: Vec::new(), help: None }
    }

    pub(crate) fn with_excerpt(mut self, excerpt: Excerpt) -> Self {
        self.excerpt = Some(excerpt);
        self
    }

    pub(crate) fn with_help(mut self, help: String) -> Self {
        self.help = Some(help);
        self
    }

    #[cfg(test)]
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    #[cfg(test)]
    pub(crate) fn excerpt(&self) -> Option<&Excerpt> {
        self.excerpt.as_ref()
    }

    /// The message as text for standard error; every line ends with a newline.
    pub(crate) fn draw(&self, source: &Source, style: Style) -> String {
        let Some(excerpt) = &self.excerpt else { return self.draw_plain("") };
        let plain = || self.draw_plain(&excerpt.draw_plain(source));
        if excerpt.source != source.name {
            return plain();
        }
        let Some(line) = line_around(&source.text, &excerpt.span) else { return plain() };
        if source.text[line.clone()].chars().count() > MAX_LINE {
            return plain();
        }
        // What `ariadne` takes for a line may differ (it also splits at U+2028 and others).
        match self.draw_excerpt(excerpt, source, line.end, style) {
            Some(drawing) if drawing.contains(&excerpt.location()) => drawing,
            _ => plain(),
        }
    }

    fn draw_excerpt(&self, excerpt: &Excerpt, source: &Source, end: usize, style: Style) -> Option<String> {
        // Of a span over several lines only the first is drawn: the place matters, not the extent.
        let span = excerpt.span.start..excerpt.span.end.min(end).max(excerpt.span.start);
        let name = source.name.as_str();
        let (kind, color) = match self.kind {
            Kind::Error => (ReportKind::Error, Color::Red),
            Kind::Warning => (ReportKind::Warning, Color::Yellow),
        };
        let config = Config::default()
            .with_index_type(IndexType::Byte)
            .with_char_set(CharSet::Unicode)
            .with_color(style == Style::Color);
        let mut label = Label::new((name, span.clone())).with_color(color);
        if !excerpt.text.is_empty() {
            label = label.with_message(&excerpt.text);
        }
        let mut report =
            Report::build(kind, (name, span)).with_config(config).with_message(&self.text).with_label(label);
        report.with_notes(&self.notes);
        report.with_helps(&self.help);
        let mut drawing = Vec::new();
        let cache = (name, ariadne::Source::from(source.text.as_str()));
        report.finish().write(cache, &mut drawing).ok()?;
        let drawing = String::from_utf8(drawing).ok()?;
        Some(drawing.lines().flat_map(|line| [line.trim_end(), "\n"]).collect())
    }

    /// The message without drawing; `place` is whole lines, or empty.
    fn draw_plain(&self, place: &str) -> String {
        let kind = match self.kind {
            Kind::Error => "Error",
            Kind::Warning => "Warning",
        };
        let mut drawing = format!("{kind}: {}\n{place}", self.text);
        for note in &self.notes {
            drawing.push_str(&format!("  Note: {note}\n"));
        }
        if let Some(help) = &self.help {
            drawing.push_str(&format!("  Help: {help}\n"));
        }
        drawing
    }
}

impl From<&Diagnostic> for Message {
    fn from(diagnostic: &Diagnostic) -> Self {
        Self {
            kind: match diagnostic.severity {
                Severity::Warning => Kind::Warning,
                _ => Kind::Error,
            },
            text: diagnostic.message.clone(),
            excerpt: diagnostic.label.as_ref().map(|label| Excerpt {
                source: label.source.clone(),
                line: label.line,
                column: label.column,
                span: label.span.clone(),
                text: label.text.clone(),
            }),
            notes: diagnostic.notes.clone(),
            help: diagnostic.help.clone(),
        }
    }
}

impl Excerpt {
    /// `file:line:column`
    fn location(&self) -> String {
        format!("{}:{}:{}", self.source, self.line, self.column)
    }

    /// The place, and the neighbourhood of its first character where the source is at hand.
    fn draw_plain(&self, source: &Source) -> String {
        let mut drawing = format!("  --> {}\n", self.location());
        if self.source == source.name
            && let Some(line) = line_around(&source.text, &self.span)
        {
            let before = &source.text[line.start..self.span.start];
            let after = &source.text[self.span.start..line.end];
            let skipped = before.chars().count().saturating_sub(WINDOW);
            let before: String = before.chars().skip(skipped).map(visible).collect();
            let shown: String = after.chars().take(WINDOW).map(visible).collect();
            let head = if skipped > 0 { "…" } else { "" };
            let tail = if after.chars().count() > WINDOW { "…" } else { "" };
            let indent = " ".repeat(head.chars().count() + before.chars().count());
            drawing.push_str(&format!("   | {head}{before}{shown}{tail}\n   | {indent}^ {}\n", self.text));
        } else if !self.text.is_empty() {
            drawing.push_str(&format!("   | {}\n", self.text));
        }
        drawing
    }
}

/// Tabs and control characters take one column.
fn visible(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

/// The bytes of the line in which the span starts, without its newline; `None` when the span does not lie
/// in the text.
fn line_around(text: &str, span: &Range<usize>) -> Option<Range<usize>> {
    if span.start > span.end || !text.is_char_boundary(span.start) || !text.is_char_boundary(span.end) {
        return None;
    }
    let start = text[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[span.start..].find('\n').map_or(text.len(), |newline| span.start + newline);
    Some(start..end)
}

/// Whether to colour a drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Color,
}

impl Style {
    /// Colour on a terminal, unless `NO_COLOR` is set (to anything but nothing: <https://no-color.org>).
    pub(crate) fn of_stderr() -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if io::stderr().is_terminal() && !refused { Self::Color } else { Self::Plain }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(source: &Source, span: Range<usize>) -> Message {
        let before = &source.text[..span.start];
        let line = u32::try_from(before.matches('\n').count() + 1).unwrap();
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = u32::try_from(before[start..].chars().count() + 1).unwrap();
        let mut message = Message::error("it broke".to_owned()).with_excerpt(Excerpt {
            source: source.name.clone(),
            line,
            column,
            span,
            text: "here".to_owned(),
        });
        message.notes = vec!["first note".to_owned(), "second note".to_owned()];
        message.help = Some("some help".to_owned());
        message
    }

    fn source(text: &str) -> Source {
        Source { name: "dir/a.scm".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_drawing_shows_the_line_and_everything_else() {
        let source = source("(define x 1)\n(displai x)\n");
        let drawing = message(&source, 14..21).draw(&source, Style::Plain);
        for part in [
            "Error: it broke",
            "dir/a.scm:2:2",
            "2 │ (displai x)",
            "here",
            "first note",
            "second note",
            "some help",
        ] {
            assert!(drawing.contains(part), "{part} in\n{drawing}");
        }
        assert!(!drawing.contains('\u{1b}'), "{drawing}");
    }

    #[test]
    fn colour_only_when_asked_for() {
        let source = source("(displai x)\n");
        assert!(message(&source, 1..8).draw(&source, Style::Color).contains('\u{1b}'));
    }

    #[test]
    fn a_long_line_is_shown_in_part() {
        let source = source(&format!("{}x{}", "(".repeat(100_000), ")".repeat(100_000)));
        let drawing = message(&source, 100_000..100_001).draw(&source, Style::Plain);
        assert!(drawing.contains("dir/a.scm:1:100001"), "{drawing}");
        assert!(drawing.contains("…((((") && drawing.contains("(x)") && drawing.contains("))…"), "{drawing}");
        assert!(drawing.len() < 1_000, "{drawing}");
        let lines: Vec<_> = drawing.lines().collect();
        let caret = lines[3].chars().position(|c| c == '^').unwrap();
        assert_eq!(lines[2].chars().nth(caret), Some('x'), "{drawing}");
    }

    #[test]
    fn a_place_in_another_file_is_named() {
        let source = source("(display 1)");
        let mut message = message(&source, 0..1);
        message.excerpt.as_mut().unwrap().source = "other.scm".to_owned();
        let drawing = message.draw(&source, Style::Plain);
        assert!(drawing.contains("other.scm:1:1") && drawing.contains("here"), "{drawing}");
        assert!(!drawing.contains("(display 1)"), "{drawing}");
    }

    #[test]
    fn a_place_outside_the_text_is_still_named() {
        let source = source("(display 1)");
        let mut message = message(&source, 0..1);
        message.excerpt.as_mut().unwrap().span = 500..501;
        assert!(message.draw(&source, Style::Plain).contains("dir/a.scm:1:1"));
    }

    #[test]
    fn a_message_without_a_place_is_a_line() {
        let drawing = Message::error("no such file".to_owned()).draw(&source(""), Style::Plain);
        assert_eq!(drawing, "Error: no such file\n");
    }

    proptest! {
        #[test]
        fn every_span_of_every_text_is_drawn(text in "[ab\t\r\n(é漢🪨\u{2028}\u{85}\u{0}]{0,40}", from in 0_usize..41, length in 0_usize..41) {
            let source = source(&text);
            let boundaries: Vec<usize> = text.char_indices().map(|(offset, _)| offset).chain([text.len()]).collect();
            let start = boundaries[from.min(boundaries.len() - 1)];
            let end = boundaries[(from + length).min(boundaries.len() - 1)];
            let message = message(&source, start..end);
            let location = message.excerpt().unwrap().location();
            let drawing = message.draw(&source, Style::Plain);
            prop_assert!(drawing.contains(&location), "{location} in\n{drawing}");
            prop_assert!(drawing.contains("it broke") && drawing.ends_with('\n'));
        }
    }
}
