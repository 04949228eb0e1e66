//! What is wrong with a configuration: all of it at once, each with its place.

use core::fmt;

use super::Origin;

/// A configuration that cannot be used, with everything that is wrong with it.
///
/// ```
/// use terrane::{ConfigLayer, MemoryConfig};
///
/// let text = "max_memroy = \"64MiB\"\nstack_size = \"1GiB\"\n";
/// let error = ConfigLayer::from_toml(text, "memory.toml").unwrap_or_default().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "memory.toml:1:1: there is no option `max_memroy`; did you mean `max_memory`?\n\
///      memory.toml:2:14: `stack_size` cannot be `1GiB`: it is at most 1MiB"
/// );
/// ```
///
/// `Debug` writes the same text, as that is what a `main` shows that returns the error.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<ConfigProblem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigProblem {
    /// Where.
    pub origin: Origin,
    /// What, and what would be right.
    pub message: String,
}

impl ConfigError {
    /// `None` when nothing is wrong.
    pub(super) fn of(problems: Vec<ConfigProblem>) -> Option<Self> {
        (!problems.is_empty()).then_some(Self { problems })
    }

    /// Everything that is wrong, at least one thing.
    #[must_use]
    pub fn problems(&self) -> &[ConfigProblem] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            f.write_str(if index > 0 { "\n" } else { "" })?;
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.message)
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for ConfigError {}
