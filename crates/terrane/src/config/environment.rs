//! The layer of the environment: variables that begin with `TERRANE_`.
//!
//! Unlike a file, the environment is everybody's: a variable may be meant for another program, a deployment's `TERRANE_HOST` say. So one that
//! is near to the name of an option is taken for misspelt, which is an error, and one that is near to none is left
//! alone and listed (see [`ResolvedConfig::unclaimed_variables`](super::ResolvedConfig::unclaimed_variables)).

use std::ffi::{OsStr, OsString};

use super::{
    ConfigLayer, ConfigOption, OPTIONS, Origin,
    layer::{nearest_option, no_option},
};

const PREFIX: &str = "TERRANE_";

impl ConfigLayer {
    /// What these variables say. Those whose names do not begin with `TERRANE_`, in capitals or not, are not looked at; of the others, those that are near to no
    /// option are [left alone](crate::ResolvedConfig::unclaimed_variables), those that are misspelt are errors.
    ///
    /// ```
    /// use terrane::ConfigLayer;
    ///
    /// let variables = [("TERRANE_MAX_MEMORY".into(), "64MiB".into()), ("HOME".into(), "/".into())];
    /// let config = ConfigLayer::from_variables(variables).unwrap_or_default()?;
    /// assert_eq!(config.max_memory, 64 << 20);
    /// # Ok::<(), terrane::ConfigError>(())
    /// ```
    pub fn from_variables(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut layer = Self::code();
        for (variable, value) in variables {
            let start = variable.as_encoded_bytes().get(..PREFIX.len());
            if start.is_some_and(|start| start.eq_ignore_ascii_case(PREFIX.as_bytes())) {
                layer.take_variable(&variable, &value);
            }
        }
        layer.sort_problems();
        layer
    }

    fn take_variable(&mut self, variable: &OsStr, value: &OsStr) {
        let shown = variable.to_string_lossy().into_owned();
        let Some(name) = variable.to_str().map(|variable| &variable[PREFIX.len()..]) else {
            let origin = Origin::Environment { variable: shown };
            return self.note(origin, "the name of this variable is not valid UTF-8".to_owned());
        };
        let option = name.to_lowercase();
        // Written as it is made from an option's name, not only alike.
        let is_option =
            ConfigOption::index_of(&option).is_some_and(|index| OPTIONS[index].variable() == shown);
        if !is_option && nearest_option(name).is_none() {
            return self.leave(shown);
        }
        let origin = Origin::Environment { variable: shown.clone() };
        if !is_option {
            return self.note(origin, no_option(&shown, Some(PREFIX)));
        }
        match value.to_str() {
            Some(text) => self.accept(&option, origin, text, |kind| kind.read(text)),
            None => self.note(origin, format!("the value {value:?} is not valid UTF-8")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(variables: &[(&str, &str)]) -> Vec<String> {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        match ConfigLayer::from_variables(variables).unwrap_or_default() {
            Ok(config) => vec![format!("{config:?}")],
            Err(error) => error.to_string().lines().map(str::to_owned).collect(),
        }
    }

    #[test]
    fn wrong_variables_say_what_is_wrong() {
        let all = problems(&[
            ("TERRANE_STACK_SIZE", ""),
            ("TERRANE_MAX_MEMROY", "1GiB"),
            ("TERRANE_max_memory", "1GiB"),
            ("TERRANE_", "1"),
            ("TERRANE_COLOUR", "red"),
            ("TERRANE_DEFAULT_POOL_SIZE", "0"),
            ("TERRANES", "1"),
        ]);
        assert_eq!(
            all,
            [
                "TERRANE_DEFAULT_POOL_SIZE: `default_pool_size` cannot be `0`: it is at least 1",
                "TERRANE_MAX_MEMROY: there is no variable `TERRANE_MAX_MEMROY`; did you mean `TERRANE_MAX_MEMORY`?",
                "TERRANE_STACK_SIZE: `stack_size` cannot be ``: expected a size such as 64MiB",
                "TERRANE_max_memory: there is no variable `TERRANE_max_memory`; did you mean `TERRANE_MAX_MEMORY`?",
            ]
        );
    }

    #[test]
    fn the_words_of_an_option_in_another_order_case_or_number_are_a_mistake() {
        for (wrong, meant) in [
            ("TERRANE_HEAP_SIZE", "TERRANE_DEFAULT_HEAP_SIZE"),
            ("TERRANE_MEMORY_MAX", "TERRANE_MAX_MEMORY"),
            ("TERRANE_MAX_MEMORY_BYTES", "TERRANE_MAX_MEMORY"),
            ("TERRANE_PROFILING", "TERRANE_ENABLE_PROFILING"),
            ("terrane_max_memory", "TERRANE_MAX_MEMORY"),
            ("Terrane_Stack_Size", "TERRANE_STACK_SIZE"),
        ] {
            let message = format!("{wrong}: there is no variable `{wrong}`; did you mean `{meant}`?");
            assert_eq!(problems(&[(wrong, "1")]), [message]);
        }
    }

    #[test]
    fn what_is_near_to_no_option_is_left_alone_and_listed() {
        let variables =
            ["TERRANE_HOST", "TERRANE_COLOUR", "TERRANE_", "TERRANE_LIMIT", "TERRANE_STACK_SIZE", "TERRANES"];
        let layer = ConfigLayer::from_variables(variables.map(|name| (name.into(), "2048".into())));
        let resolved = ConfigLayer::code().or_else(|| layer).resolve(crate::MemoryConfig::DEFAULT).unwrap();
        assert_eq!(resolved.config().stack_size, 2048);
        assert_eq!(
            resolved.unclaimed_variables(),
            ["TERRANE_", "TERRANE_COLOUR", "TERRANE_HOST", "TERRANE_LIMIT"]
        );
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_utf_8_is_an_error() {
        use std::os::unix::ffi::OsStringExt;
        let bad = || OsString::from_vec(b"64\xffMiB".to_vec());
        let mut name = OsString::from("TERRANE_");
        name.push(bad());
        let layer = ConfigLayer::from_variables([("TERRANE_MAX_MEMORY".into(), bad()), (name, "1".into())]);
        let error = layer.unwrap_or_default().unwrap_err().to_string();
        assert!(error.contains("TERRANE_MAX_MEMORY: the value \"64\\xFFMiB\" is not valid UTF-8"), "{error}");
        assert!(error.contains("the name of this variable is not valid UTF-8"), "{error}");
    }
}
