//! The layer of a file: TOML with a key for each option, read with the place of every key and value.

use std::{
    fs::File,
    io::{self, Read},
    ops::Range,
    path::Path,
    sync::Arc,
};

use toml::de::{DeInteger, DeTable, DeValue};

use super::{ConfigLayer, ConfigOption, OPTIONS, OptionKind, Origin, layer::no_option};

/// No configuration is longer; a file that never ends is not read to its end.
const LONGEST_FILE: u64 = 1 << 20;

impl ConfigLayer {
    /// What a text says; `file` is what it is called in messages.
    pub fn from_toml(text: &str, file: &str) -> Self {
        let mut layer = Self::code();
        let places = Places { text, file: file.into() };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            layer.note(places.of(error.span().unwrap_or(0..0)), one_line(error.message()));
        }
        for (key, value) in table.get_ref() {
            let (key_place, value_place) = (places.of(key.span()), places.of(value.span()));
            let name = key.get_ref().as_ref();
            let Some(option) = ConfigOption::index_of(name).map(|index| &OPTIONS[index]) else {
                layer.note(key_place, no_option(name, None));
                continue;
            };
            if let DeValue::Table(_) = value.get_ref() {
                let reason = read(option.kind, value.get_ref()).err().unwrap_or_default();
                layer.note(value_place, format!("`{name}` cannot be a table: {reason}"));
                continue;
            }
            let written = &text[clamped(value.span(), text)];
            layer.accept(name, value_place, written.trim_matches(['"', '\'']), |kind| {
                read(kind, value.get_ref())
            });
        }
        layer.sort_problems();
        layer
    }

    pub(super) fn from_path(path: &Path, must_exist: bool) -> Self {
        let name = if path.as_os_str().is_empty() { "``".to_owned() } else { path.display().to_string() };
        let whole_file = || Origin::File { file: name.as_str().into(), line: 0, column: 0 };
        let mut layer = Self::code();
        match read_file(path) {
            Ok(bytes) if bytes.len() as u64 > LONGEST_FILE => {
                layer
                    .note(whole_file(), "the file is longer than 1 MiB: this is no configuration".to_owned());
            }
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => return Self::from_toml(&text, &name),
                Err(error) => {
                    let valid = error.utf8_error().valid_up_to();
                    let text = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
                    let places = Places { text: &text, file: name.as_str().into() };
                    layer
                        .note(places.of(valid..valid), "the text is not valid UTF-8 from here on".to_owned());
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => {}
            Err(error) => layer.note(whole_file(), format!("cannot read the file: {error}")),
        }
        layer
    }
}

/// At most one byte more than is allowed.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST_FILE + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read(kind: OptionKind, value: &DeValue<'_>) -> Result<u64, String> {
    match (kind, value) {
        (OptionKind::Flag, DeValue::Boolean(on)) => Ok(u64::from(*on)),
        (OptionKind::Flag, _) => Err("expected true or false, without quotes".to_owned()),
        (OptionKind::Size { .. } | OptionKind::Duration { .. }, DeValue::String(text)) => kind.read(text),
        (
            OptionKind::Size { .. } | OptionKind::Count { .. } | OptionKind::Percent,
            DeValue::Integer(number),
        ) => kind.check(integer(number, kind)?),
        (OptionKind::Size { .. } | OptionKind::Duration { .. }, _) => {
            Err(format!("expected {}, in quotes", kind.example()))
        }
        (OptionKind::Count { .. } | OptionKind::Percent, DeValue::String(_)) => {
            Err(format!("expected {}, without quotes", kind.example()))
        }
        (OptionKind::Count { .. } | OptionKind::Percent, _) => Err(format!("expected {}", kind.example())),
    }
}

fn integer(number: &DeInteger<'_>, kind: OptionKind) -> Result<u64, String> {
    let digits: String = number.as_str().chars().filter(|c| *c != '_').collect();
    let digits = digits.trim_start_matches("0x").trim_start_matches("0o").trim_start_matches("0b");
    match i128::from_str_radix(digits, number.radix()) {
        Ok(value) if value < 0 => Err(format!("expected {}", kind.example())),
        // The greatest number is no number of bytes: it stands for no limit.
        Ok(value) => match u64::try_from(value) {
            Ok(value) if value < u64::MAX => Ok(value),
            _ => Err("the number is too large".to_owned()),
        },
        // The digits have been checked, so there are too many.
        Err(_) => Err("the number is too large".to_owned()),
    }
}

/// From offsets in bytes to lines and columns.
struct Places<'a> {
    text: &'a str,
    file: Arc<str>,
}

impl Places<'_> {
    fn of(&self, span: Range<usize>) -> Origin {
        let before = &self.text[..clamped(span, self.text).start];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        Origin::File { file: Arc::clone(&self.file), line, column }
    }
}

/// A span that is certain to lie within the text, at characters.
fn clamped(span: Range<usize>, text: &str) -> Range<usize> {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.floor_char_boundary(span.end.min(text.len()));
    start..end.max(start)
}

fn one_line(message: &str) -> String {
    message.lines().collect::<Vec<_>>().join("; ")
}

/// A file with every option at its default.
pub(super) fn default_file() -> String {
    let line = |option: &ConfigOption| {
        let value = option.default_value();
        let quote = if option.kind.is_text() { "\"" } else { "" };
        format!("{} = {quote}{value}{quote}\n", option.name)
    };
    OPTIONS.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::MemoryConfig;
    use proptest::prelude::*;

    fn error(text: &str) -> String {
        ConfigLayer::from_toml(text, "m.toml").unwrap_or_default().unwrap_err().to_string()
    }

    #[test]
    fn the_default_file_says_the_defaults() {
        let resolved = ConfigLayer::from_toml(&default_file(), "m").resolve(MemoryConfig::DEFAULT).unwrap();
        assert_eq!(*resolved.config(), MemoryConfig::DEFAULT);
        assert!(resolved.values().all(|value| value.origin.name() == "file"));
    }

    #[test]
    fn values_may_be_numbers_of_bytes_in_any_notation() {
        let text = "max_memory = 0x400_0000\nstack_size = 2_048\nsmall_threshold = '1 KiB'";
        let config = ConfigLayer::from_toml(text, "m").unwrap_or_default().unwrap();
        assert_eq!((config.max_memory, config.stack_size, config.small_threshold), (64 << 20, 2048, 1024));
    }

    #[test]
    fn wrong_values_say_where_and_what() {
        for (text, message) in [
            ("é = 1", "m.toml:1:1: "),
            ("\n  max_memory = 0", "m.toml:2:16: `max_memory` cannot be `0`: it is at least 64KiB"),
            ("max_memory = 99999999999999999999999999", "m.toml:1:14: "),
            ("max_memory = 18446744073709551615", "the number is too large"),
            ("stack_size = -1", "m.toml:1:14: `stack_size` cannot be `-1`: expected a size such as 64MiB"),
            ("stack_size = 1.5", "expected a size such as 64MiB, in quotes"),
            ("enable_profiling = 'yes'", "expected true or false, without quotes"),
            (
                "default_pool_size = [1]",
                "m.toml:1:21: `default_pool_size` cannot be `[1]`: expected a whole number",
            ),
            ("[max_memory]\nx = 1", "m.toml:1:1: `max_memory` cannot be a table: expected a size such as"),
            ("max_memory.x = 1", "m.toml:1:1: `max_memory` cannot be a table: expected a size such as"),
            (
                "stack_size = { x = 1 }",
                "m.toml:1:14: `stack_size` cannot be a table: expected a size such as 64MiB",
            ),
            ("max_memory = '18446744073709551615'", "the number is too large"),
            ("pressure_moderate_from = '80'", "per cent from 1 to 100, without quotes"),
            ("default_pool_size = '8'", "expected a whole number, without quotes"),
            ("pressure_interval = 5", "expected a time such as 250ms, 1s or 2min, in quotes"),
            ("stack_size = '1KiB'\nstack_size = '2KiB'", "m.toml:2:1: duplicate key"),
            ("max_memory 1", "m.toml:1:"),
            ("[pressure]\nlevel = 1", "m.toml:1:2: there is no option `pressure`"),
            ("TERRANE_MAX_MEMORY = 1", "no option `TERRANE_MAX_MEMORY`; did you mean `max_memory`?"),
            ("memory-max = 1", "no option `memory-max`; did you mean `max_memory`?"),
        ] {
            assert!(error(text).contains(message), "{text}: {}", error(text));
        }
    }

    #[test]
    fn files_that_cannot_be_read_are_errors_and_missing_ones_only_where_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("none.toml");
        assert_eq!(MemoryConfig::from_file(&missing).unwrap_or_default(), Ok(MemoryConfig::DEFAULT));
        let message = |layer: ConfigLayer| layer.unwrap_or_default().unwrap_err().to_string();
        assert!(message(MemoryConfig::from_existing_file(&missing)).contains("cannot read the file"));
        assert!(message(MemoryConfig::from_file(folder.path())).contains("cannot read the file"));
        assert!(message(MemoryConfig::from_existing_file("")).starts_with("``: cannot read the file"));
        let binary = folder.path().join("binary.toml");
        std::fs::write(&binary, b"stack_size = 64\n# \xff\xfe").unwrap();
        let text = message(MemoryConfig::from_file(&binary));
        assert!(text.ends_with("binary.toml:2:3: the text is not valid UTF-8 from here on"), "{text}");
        std::fs::write(&binary, vec![b'#'; 1 + LONGEST_FILE as usize]).unwrap();
        assert!(message(MemoryConfig::from_file(&binary)).contains("longer than 1 MiB"));
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in "(max_memory|stack_size|[a-z\\[\\]\"'=. #\\n0-9é-])*") {
            let _ = ConfigLayer::from_toml(&text, "m").unwrap_or_default();
        }

        #[test]
        fn broken_files_are_no_panic(cut in 0_usize..600, junk in "\\PC{0,3}") {
            let whole = default_file();
            let cut = whole.floor_char_boundary(cut.min(whole.len()));
            let text = format!("{}{junk}{}", &whole[..cut], &whole[cut..]);
            let _ = ConfigLayer::from_toml(&text, "m").unwrap_or_default();
        }
    }
}
