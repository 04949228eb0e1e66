//! The command line of `bench`.

use crate::row::Mode;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// What `--help` prints.
pub const USAGE: &str = "\
Measures Terrane beside its rivals.

Usage: bench [NAMES]... [OPTIONS]

  NAMES          areas or rows, such as `arena`, `gc/short-lived` or `arena/alloc/16`; all when none is given

Options:
  --quick        a check that everything runs, in under two minutes, no figures to quote: one or two rounds instead
                 of up to 9, a third of the repetitions in each, the collector's programs at their small sizes
  --save FILE    write the rows to FILE too (an existing file is replaced)
  --list         print the rows with their units and contenders, and measure nothing
  --help         print this text

Rows go to stdout, one JSON object per line; progress and a table go to stderr. Times are CPU time of a
process pinned to one core; each figure is the median of its rounds. `ratio` is ours_ns / rival_ns.
Exit code: 0 when every row was measured and all its contenders computed the same, 1 when not, 2 for a wrong
command line.
";

/// A command line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// `--help`.
    Help,
    /// `--list`, with the names to list.
    List(Vec<String>),
    /// Measure.
    Measure(Measure),
}

/// What to measure, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Areas and row prefixes; empty for all.
    pub names: Vec<String>,
    /// How much is run.
    pub mode: Mode,
    /// Where the rows are kept.
    pub save: Option<PathBuf>,
}

/// Understands the arguments after the program's name.
///
/// # Errors
///
/// An [`ArgumentError`] for an unknown option, a missing value or a name that is not UTF-8.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, ArgumentError> {
    let mut arguments = arguments.into_iter();
    let mut measure = Measure { names: Vec::new(), mode: Mode::Full, save: None };
    let mut list = false;
    let mut options_end = false;
    while let Some(argument) = arguments.next() {
        let word = argument.to_str().ok_or_else(|| ArgumentError::NotUnicode(argument.clone()))?;
        match word {
            _ if options_end || !word.starts_with('-') => measure.names.push(word.to_owned()),
            "--" => options_end = true,
            "--help" | "-h" => return Ok(Request::Help),
            "--list" => list = true,
            "--quick" => measure.mode = Mode::Quick,
            "--save" => {
                let file = arguments.next().filter(|file| !file.is_empty());
                measure.save = Some(file.ok_or(ArgumentError::MissingValue("--save"))?.into());
            }
            _ => match word.strip_prefix("--save=") {
                Some("") => return Err(ArgumentError::MissingValue("--save")),
                Some(file) => measure.save = Some(file.into()),
                None => return Err(ArgumentError::UnknownOption(word.to_owned())),
            },
        }
    }
    Ok(if list { Request::List(measure.names) } else { Request::Measure(measure) })
}

/// What is wrong with a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArgumentError {
    /// Begins with `-` and is no option.
    UnknownOption(String),
    /// The option stands without its value.
    MissingValue(&'static str),
    /// Is not UTF-8, and so no name.
    NotUnicode(OsString),
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownOption(option) => write!(out, "unknown option `{option}`"),
            Self::MissingValue(option) => write!(out, "`{option}` wants a value"),
            Self::NotUnicode(argument) => write!(out, "{} is not UTF-8", argument.display()),
        }
    }
}

impl std::error::Error for ArgumentError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Request, ArgumentError> {
        parse(words.iter().map(OsString::from))
    }

    fn measure(names: &[&str], mode: Mode, save: Option<&str>) -> Request {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        Request::Measure(Measure { names, mode, save: save.map(PathBuf::from) })
    }

    #[test]
    fn nothing_means_all_rows_in_full() {
        assert_eq!(parsed(&[]), Ok(measure(&[], Mode::Full, None)));
    }

    #[test]
    fn names_and_options_mix_in_any_order() {
        let expected = Ok(measure(&["arena", "gc/short-lived"], Mode::Quick, Some("rows.jsonl")));
        assert_eq!(parsed(&["arena", "--quick", "gc/short-lived", "--save", "rows.jsonl"]), expected);
        assert_eq!(parsed(&["--save=rows.jsonl", "--quick", "arena", "gc/short-lived"]), expected);
    }

    #[test]
    fn after_two_dashes_everything_is_a_name() {
        assert_eq!(parsed(&["--", "--quick"]), Ok(measure(&["--quick"], Mode::Full, None)));
    }

    #[test]
    fn help_and_list_measure_nothing() {
        assert_eq!(parsed(&["gc", "--help"]), Ok(Request::Help));
        assert_eq!(parsed(&["gc", "--list", "--quick"]), Ok(Request::List(vec!["gc".to_owned()])));
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parsed(&["--qick"]), Err(ArgumentError::UnknownOption("--qick".to_owned())));
        assert_eq!(parsed(&["-q"]), Err(ArgumentError::UnknownOption("-q".to_owned())));
        for words in [&["--save"][..], &["--save="], &["--save", ""]] {
            assert_eq!(parsed(words), Err(ArgumentError::MissingValue("--save")));
        }
        assert_eq!(parsed(&["--save"]).unwrap_err().to_string(), "`--save` wants a value");
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_utf_8_is_refused() {
        use std::os::unix::ffi::OsStringExt;
        let argument = OsString::from_vec(vec![b'g', 0xff]);
        assert_eq!(parse([argument.clone()]), Err(ArgumentError::NotUnicode(argument)));
    }
}
