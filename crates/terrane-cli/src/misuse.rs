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
    match terrane::nearest_name(name, known.iter().copied()) {
        Some(near) => format!("there is no option `--{name}`; did you mean --{near}?"),
        None => format!("there is no option `--{name}`"),
    }
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
}
