//! A command line that makes no sense: what is wrong with it, what was probably meant, and where to read
//! how it should be.

use std::ffi::OsStr;
use std::fmt;

use lexopt::Arg;

/// The reason for refusing a command line.
#[derive(Debug, PartialEq)]
pub(crate) struct Misuse {
    reason: String,
    command: &'static str,
}

impl Misuse {
    /// `command` is the one whose help is recommended.
    pub(crate) fn new(command: &'static str, reason: String) -> Self {
        Self { reason, command }
    }

    /// An option that is none of `known` (long names), or an argument too many.
    pub(crate) fn unexpected(command: &'static str, argument: &Arg<'_>, known: &[&str]) -> Self {
        Self::new(
            command,
            match argument {
                Arg::Short(letter) => format!("there is no option `-{letter}`"),
                Arg::Long(name) => no_option(name, known),
                Arg::Value(value) => format!("unexpected argument `{}`", value.display()),
            },
        )
    }

    /// A value that the option does not take.
    pub(crate) fn value(command: &'static str, name: &str, text: &OsStr, reason: &str) -> Self {
        Self::new(command, format!("--{name} cannot be `{}`: {reason}", text.display()))
    }

    /// What the parser found, in the same words as the rest.
    pub(crate) fn syntax(command: &'static str, error: lexopt::Error) -> Self {
        Self::new(
            command,
            match error {
                lexopt::Error::UnexpectedValue { option, .. } => format!("{option} takes no value"),
                other => other.to_string(),
            },
        )
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\nTry `{} --help`.", self.reason, self.command)
    }
}

fn no_option(name: &str, known: &[&str]) -> String {
    let near = known.iter().map(|known| (distance(name, known), known)).min();
    match near {
        // Up to a third of the letters may be wrong, but a short word is not near every other short word.
        Some((edits, near)) if edits <= near.len().div_ceil(3) && edits < name.len() => {
            format!("there is no option `--{name}`; did you mean --{near}?")
        }
        _ => format!("there is no option `--{name}`"),
    }
}

/// The edits (a letter added, dropped or replaced) from one name to the other, row by row (Wagner and
/// Fischer, "The String-to-String Correction Problem", 1974).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (done, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = done + 1;
        for (column, &other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        let known = ["report", "heap-limit", "gc-log", "help"];
        for (name, near) in
            [("reprot", "report"), ("heaplimit", "heap-limit"), ("gc_log", "gc-log"), ("reports", "report")]
        {
            assert!(no_option(name, &known).ends_with(&format!("did you mean --{near}?")), "{name}");
        }
        for name in ["x", "fast", "verbose", ""] {
            assert_eq!(no_option(name, &known), format!("there is no option `--{name}`"));
        }
    }

    #[test]
    fn distance_counts_edits() {
        for (from, to, edits) in
            [("", "abc", 3), ("abc", "", 3), ("same", "same", 0), ("kitten", "sitting", 3)]
        {
            assert_eq!(distance(from, to), edits, "{from} {to}");
        }
    }
}
