//! Values from one place, and layers of them on top of each other.

use core::fmt;
use std::{path::Path, sync::Arc};

use super::{
    ConfigError, ConfigOption, ConfigProblem, MemoryConfig, OPTIONS, OptionKind, nearest::nearest_name, rules,
};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The program, through a setter, or through the constant beneath all layers where that is not the default.
    Code,
    /// The command line of the program.
    CommandLine {
        /// The option that said it: `--set`, say.
        option: &'static str,
    },
    /// The environment.
    Environment {
        /// The variable's name.
        variable: String,
    },
    /// A file.
    File {
        /// Its name.
        file: Arc<str>,
        /// The line, from 1; 0 where it is the whole file.
        line: usize,
        /// The column, from 1, in characters; 0 where it is the whole file.
        column: usize,
    },
    /// Nobody said anything else than the default.
    Default,
}

impl Origin {
    /// "code" (also for the command line, which the program reads), "env", "file" or "default".
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Code | Self::CommandLine { .. } => "code",
            Self::Environment { .. } => "env",
            Self::File { .. } => "file",
            Self::Default => "default",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine { option } => f.write_str(option),
            Self::Environment { variable } => f.write_str(variable),
            Self::File { file, line: 0, .. } => f.write_str(file),
            Self::File { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Self::Code | Self::Default => f.write_str(self.name()),
        }
    }
}

/// Values for some options, all from one place or already laid on top of each other.
///
/// What is wrong in a layer is kept until the layers are put to use, so that all of it is reported, also what another layer would have hidden.
///
/// ```
/// use terrane::{Bytes, ConfigLayer, MemoryConfig};
///
/// let file = ConfigLayer::from_toml("stack_size = \"2KiB\"\nmax_memory = \"1GiB\"", "memory.toml");
/// let config = ConfigLayer::code()
///     .max_memory(Bytes::from_mib(64))
///     .or_else(MemoryConfig::from_env)
///     .or_else(|| file)
///     .unwrap_or_default()?;
/// assert_eq!((config.max_memory, config.stack_size), (64 << 20, 2 << 10));
/// # Ok::<(), terrane::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer is nothing until it is put to use, and what is wrong in it is not yet reported"]
pub struct ConfigLayer {
    values: Vec<Option<(u64, Origin)>>,
    problems: Vec<ConfigProblem>,
    unclaimed: Vec<String>,
}

/// A configuration that is complete, with where each value comes from.
#[derive(Clone, Debug)]
pub struct ResolvedConfig {
    config: MemoryConfig,
    origins: Vec<Origin>,
    unclaimed: Vec<String>,
}

/// An option with its value.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EffectiveValue<'a> {
    /// The option.
    pub option: &'static ConfigOption,
    /// The value as it would be written.
    pub value: String,
    /// The value as a number: of bytes, of milliseconds, of things; 1 for on and 0 for off; `None` for no limit.
    pub number: Option<u64>,
    /// Where it comes from.
    pub origin: &'a Origin,
}

impl ConfigLayer {
    /// A layer without values, for the program's own: those that it sets count more than all others.
    pub fn code() -> Self {
        Self { values: vec![None; OPTIONS.len()], problems: Vec::new(), unclaimed: Vec::new() }
    }

    /// Puts `lower` beneath: it is asked for what this layer does not say. O(options).
    pub fn or_else(mut self, lower: impl FnOnce() -> Self) -> Self {
        let lower = lower();
        for (upper, lower) in self.values.iter_mut().zip(lower.values) {
            if upper.is_none() {
                *upper = lower;
            }
        }
        self.problems.extend(lower.problems);
        self.unclaimed.extend(lower.unclaimed);
        self
    }

    /// The configuration, with defaults for what no layer says.
    ///
    /// # Errors
    /// Everything that is wrong in any layer, and values that contradict each other.
    pub fn unwrap_or_default(self) -> Result<MemoryConfig, ConfigError> {
        self.unwrap_or(MemoryConfig::DEFAULT)
    }

    /// The configuration, with the values of `base` for what no layer says.
    ///
    /// # Errors
    /// As for [`unwrap_or_default`](ConfigLayer::unwrap_or_default).
    pub fn unwrap_or(self, base: MemoryConfig) -> Result<MemoryConfig, ConfigError> {
        self.resolve(base).map(|resolved| resolved.config)
    }

    /// The same, with where each value comes from.
    ///
    /// # Errors
    /// As for [`unwrap_or_default`](ConfigLayer::unwrap_or_default).
    pub fn resolve(self, base: MemoryConfig) -> Result<ResolvedConfig, ConfigError> {
        let origins = Vec::with_capacity(OPTIONS.len());
        let mut resolved = ResolvedConfig { config: base, origins, unclaimed: self.unclaimed };
        let mut problems = self.problems;
        for (option, value) in OPTIONS.iter().zip(self.values) {
            let origin = match value {
                Some((raw, origin)) => {
                    option.store_in(&mut resolved.config, raw);
                    origin
                }
                None => {
                    let raw = option.raw_in(&resolved.config);
                    let is_default = raw == option.raw_in(&MemoryConfig::DEFAULT);
                    let origin = if is_default { Origin::Default } else { Origin::Code };
                    problems.extend(out_of_bounds(option, raw, &origin));
                    origin
                }
            };
            resolved.origins.push(origin);
        }
        // Values that are wrong by themselves are not compared with each other.
        if problems.is_empty() {
            problems = rules::contradictions(&resolved.config, &resolved.origins);
        }
        ConfigError::of(problems).map_or(Ok(resolved), Err)
    }

    /// Sets one option by name, as if the program had called its setter: for command lines and the like.
    ///
    /// # Errors
    /// When there is no such option, or it does not take the value.
    pub fn try_set(self, name: &str, value: &str) -> Result<Self, ConfigError> {
        self.try_set_all([(name, value)])
    }

    /// Sets options by name, in this order. Where something is wrong, all of it is said; an option that is named twice is a mistake as well, as
    /// it cannot be meant.
    ///
    /// ```
    /// use terrane::ConfigLayer;
    ///
    /// let words = [("stack_size", "2KiB"), ("max_memroy", "1GiB"), ("stack_size", "4KiB")];
    /// let error = ConfigLayer::code().try_set_all(words).unwrap_err();
    /// assert_eq!(error.problems().len(), 2);
    /// ```
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn try_set_all<'a>(
        self,
        values: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ConfigError> {
        self.set_from(&Origin::Code, values)
    }

    /// The same for an option of the program's command line, which messages then name.
    ///
    /// ```
    /// use terrane::ConfigLayer;
    ///
    /// let error = ConfigLayer::code().try_set_all_by("--set", [("colour", "red")]).unwrap_err();
    /// assert!(error.to_string().starts_with("--set: there is no option `colour`"));
    /// ```
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn try_set_all_by<'a>(
        self,
        option: &'static str,
        values: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ConfigError> {
        self.set_from(&Origin::CommandLine { option }, values)
    }

    fn set_from<'a>(
        mut self,
        origin: &Origin,
        values: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ConfigError> {
        let mut named = Vec::new();
        for (name, value) in values {
            if named.contains(&name) {
                self.note(origin.clone(), format!("`{}` is set twice", shortened(name)));
            } else {
                self.accept(name, origin.clone(), value, |kind| kind.read(value));
            }
            named.push(name);
        }
        ConfigError::of(core::mem::take(&mut self.problems)).map_or(Ok(self), Err)
    }

    /// A setter's value.
    pub(super) fn set(mut self, name: &str, raw: u64) -> Self {
        let shown = ConfigOption::index_of(name).map_or(String::new(), |index| OPTIONS[index].kind.show(raw));
        self.accept(name, Origin::Code, &shown, |kind| kind.check(raw));
        self
    }

    /// Takes what was read for an option, or notes what is wrong with it.
    pub(super) fn accept(
        &mut self,
        name: &str,
        origin: Origin,
        written: &str,
        read: impl FnOnce(OptionKind) -> Result<u64, String>,
    ) {
        let Some(index) = ConfigOption::index_of(name) else {
            return self.note(origin, no_option(name, None));
        };
        match read(OPTIONS[index].kind) {
            Ok(raw) => self.values[index] = Some((raw, origin)),
            Err(reason) => self.note(origin, cannot_be(name, written, &reason)),
        }
    }

    /// Takes note of a variable that is not meant for a memory system.
    pub(super) fn leave(&mut self, variable: String) {
        self.unclaimed.push(variable);
    }

    pub(super) fn note(&mut self, origin: Origin, message: String) {
        self.problems.push(ConfigProblem { origin, message });
    }

    /// In the order of their places in the file, or of their variables, which have no order of their own.
    pub(super) fn sort_problems(&mut self) {
        self.problems.sort_by_cached_key(|problem| match &problem.origin {
            Origin::File { line, column, .. } => (*line, *column, String::new()),
            other => (0, 0, other.to_string()),
        });
        self.unclaimed.sort();
    }
}

impl ResolvedConfig {
    /// The settings.
    #[must_use]
    pub fn config(&self) -> &MemoryConfig {
        &self.config
    }

    /// The variables `TERRANE_…` that no option claims, and that are near to none: they may be other programs', and were left alone.
    #[must_use]
    pub fn unclaimed_variables(&self) -> &[String] {
        &self.unclaimed
    }

    /// Each option with its value and where that comes from, in the order of the table.
    pub fn values(&self) -> impl Iterator<Item = EffectiveValue<'_>> {
        OPTIONS.iter().zip(&self.origins).map(|(option, origin)| EffectiveValue {
            option,
            value: option.show_in(&self.config),
            number: option.kind.number(option.raw_in(&self.config)),
            origin,
        })
    }
}

/// `stack_size = 2KiB (memory.toml:1:14)`
impl fmt::Display for EffectiveValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} ({})", self.option.name, self.value, self.origin)
    }
}

impl MemoryConfig {
    /// What the environment says: the variables that begin with `TERRANE_`, see [`ConfigOption::variable`].
    pub fn from_env() -> ConfigLayer {
        ConfigLayer::from_variables(std::env::vars_os())
    }

    /// What a file says: TOML, with a key for each option. A file that is not there says nothing.
    pub fn from_file(path: impl AsRef<Path>) -> ConfigLayer {
        ConfigLayer::from_path(path.as_ref(), false)
    }

    /// As [`from_file`](MemoryConfig::from_file), for a file that somebody named: when it is not there, that is an error.
    pub fn from_existing_file(path: impl AsRef<Path>) -> ConfigLayer {
        ConfigLayer::from_path(path.as_ref(), true)
    }

    /// Whether the values are possible, each by itself and all together.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn check(&self) -> Result<(), ConfigError> {
        ConfigLayer::code().resolve(self.clone()).map(|_| ())
    }
}

fn out_of_bounds(option: &ConfigOption, raw: u64, origin: &Origin) -> Option<ConfigProblem> {
    let reason = option.kind.check(raw).err()?;
    let message = cannot_be(option.name, &option.kind.show(raw), &reason);
    Some(ConfigProblem { origin: origin.clone(), message })
}

/// How much of what somebody wrote is repeated.
const LONGEST_SHOWN: usize = 80;

pub(super) fn cannot_be(name: &str, written: &str, reason: &str) -> String {
    format!("`{name}` cannot be `{}`: {reason}", shortened(written))
}

/// The option that was probably meant by this name of an option or of a variable.
pub(super) fn nearest_option(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    let plain = name.strip_prefix("terrane_").unwrap_or(&name);
    nearest_name(plain, OPTIONS.iter().map(|option| option.name))
}

/// `prefix` is what stands before the name of an option, where `name` is that of a variable.
pub(super) fn no_option(name: &str, prefix: Option<&str>) -> String {
    let (what, shown) = (if prefix.is_some() { "variable" } else { "option" }, shortened(name));
    match (nearest_option(name), prefix) {
        (Some(near), None) => format!("there is no {what} `{shown}`; did you mean `{near}`?"),
        (Some(near), Some(prefix)) => {
            format!("there is no {what} `{shown}`; did you mean `{prefix}{}`?", near.to_uppercase())
        }
        (None, _) => format!("there is no {what} `{shown}`; `terrane config --explain` lists all"),
    }
}

/// One line, not too long.
fn shortened(text: &str) -> String {
    let shown: String = text.chars().take(LONGEST_SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(LONGEST_SHOWN).is_some() { shown + "…" } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upper_layer_counts() {
        let upper = ConfigLayer::from_toml("stack_size = '2KiB'", "upper");
        let lower = ConfigLayer::from_toml("stack_size = '4KiB'\nmax_memory = '1GiB'", "lower");
        let config = upper.or_else(|| lower).unwrap_or_default().unwrap();
        assert_eq!((config.stack_size, config.max_memory), (2 << 10, 1 << 30));
    }

    #[test]
    fn what_a_constant_of_the_program_says_is_no_default() {
        let base = MemoryConfig { max_memory: 0, ..MemoryConfig::DEFAULT };
        let error = base.check().unwrap_err().to_string();
        assert_eq!(error, "code: `max_memory` cannot be `0B`: it is at least 64KiB");

        let base = MemoryConfig { small_threshold: 1 << 20, ..MemoryConfig::DEFAULT };
        let error = base.check().unwrap_err().to_string();
        assert_eq!(error, "code: `small_threshold` (1MiB) is above `large_threshold` (256KiB, default)");

        let base = MemoryConfig { stack_size: 2 << 10, ..MemoryConfig::DEFAULT };
        let resolved = ConfigLayer::code().resolve(base).unwrap();
        let of = |name| resolved.values().find(|value| value.option.name == name).unwrap().origin.clone();
        assert_eq!((of("stack_size"), of("max_memory")), (Origin::Code, Origin::Default));
    }
}
