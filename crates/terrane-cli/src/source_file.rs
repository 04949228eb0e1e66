//! Reads a program's source file. What can go wrong (no such file, no permission, a directory, bytes that
//! are not UTF-8) becomes a message for a person, with line and column where there is one.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use aurora::Source;

use crate::diagnostic::{Excerpt, Message};
use crate::system_error;

/// Reads the file as a whole.
///
/// # Errors
/// The message to show, and the text to show it in: for bytes that are not UTF-8 the file with those bytes
/// replaced, else nothing.
pub(crate) fn read(path: &Path) -> Result<Source, Box<Unreadable>> {
    let name = path.display().to_string();
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let message = Message::error(format!("cannot read {name}: {}", system_error::describe(&error)));
            let missing = error.kind() == ErrorKind::NotFound;
            return Err(Box::new(Unreadable { message, source: Source::new(name, ""), missing }));
        }
    };
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(name, text)),
        Err(error) => Err(not_utf8(name, error.utf8_error().valid_up_to(), error.as_bytes())),
    }
}

/// Why there is no source.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) message: Message,
    pub(crate) source: Source,
    /// There is no such file.
    pub(crate) missing: bool,
}

fn not_utf8(name: String, offset: usize, bytes: &[u8]) -> Box<Unreadable> {
    let source = Source::new(name.clone(), String::from_utf8_lossy(bytes));
    let (line, column) = source.line_column(offset);
    let message = Message::error(format!("{name} is not valid UTF-8")).with_excerpt(Excerpt {
        source: name,
        line,
        column,
        span: offset..offset + char::REPLACEMENT_CHARACTER.len_utf8(),
        text: format!("the byte 0x{:02X} (number {offset} of the file)", bytes[offset]),
    });
    Box::new(Unreadable { message, source, missing: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(contents: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), contents).unwrap();
        file
    }

    #[test]
    fn a_good_file_keeps_its_text_and_name() {
        let file = write("(display \"é\")\n".as_bytes());
        let source = read(file.path()).unwrap();
        assert_eq!(source.text, "(display \"é\")\n");
        assert_eq!(source.name, file.path().display().to_string());
    }

    #[test]
    fn the_first_bad_byte_has_a_line_and_a_column() {
        let file = write(b"; \xC3\xA9\n(display \"\xC3\xA9\xFF\")\n\xFE");
        let unreadable = read(file.path()).unwrap_err();
        let excerpt = unreadable.message.excerpt().unwrap();
        assert_eq!((excerpt.line, excerpt.column), (2, 12));
        assert_eq!(excerpt.text, "the byte 0xFF (number 17 of the file)");
        assert_eq!(&unreadable.source.text[excerpt.span.clone()], "\u{FFFD}");
    }

    #[test]
    fn a_sequence_that_the_file_cuts_short_is_found() {
        let unreadable = read(write(b"(a)\xE2\x82").path()).unwrap_err();
        let excerpt = unreadable.message.excerpt().unwrap();
        assert_eq!((excerpt.line, excerpt.column), (1, 4));
    }

    #[test]
    fn a_missing_file_and_a_directory_are_named() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().join("missing.scm"), folder.path().to_owned()] {
            let unreadable = read(&path).unwrap_err();
            assert!(unreadable.message.text().contains(&path.display().to_string()));
            assert!(!unreadable.message.text().contains("os error"));
            assert_eq!(unreadable.missing, path != folder.path());
        }
    }
}
