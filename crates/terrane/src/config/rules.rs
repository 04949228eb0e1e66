//! Which values contradict each other.

use super::{ConfigOption, ConfigProblem, MemoryConfig, OPTIONS, Origin};

/// The first option's value is at most the second's, or below it.
struct Rule {
    lower: &'static str,
    upper: &'static str,
    strict: bool,
}

const fn at_most(lower: &'static str, upper: &'static str) -> Rule {
    Rule { lower, upper, strict: false }
}

const fn below(lower: &'static str, upper: &'static str) -> Rule {
    Rule { lower, upper, strict: true }
}

const RULES: [Rule; 8] = [
    at_most("small_threshold", "large_threshold"),
    at_most("small_threshold", "pool_limit"),
    at_most("default_arena_size", "arena_limit"),
    below("reclaim_reserve", "max_memory"),
    at_most("pressure_moderate_until", "pressure_moderate_from"),
    below("pressure_moderate_from", "pressure_critical_from"),
    below("pressure_moderate_until", "pressure_critical_until"),
    at_most("pressure_critical_until", "pressure_critical_from"),
];

/// All that contradicts.
pub(super) fn contradictions(config: &MemoryConfig, origins: &[Origin]) -> Vec<ConfigProblem> {
    RULES.iter().filter_map(|rule| rule.broken_by(config, origins)).collect()
}

impl Rule {
    fn broken_by(&self, config: &MemoryConfig, origins: &[Origin]) -> Option<ConfigProblem> {
        let place = |name| ConfigOption::index_of(name).map(|index| (&OPTIONS[index], &origins[index]));
        let ((lower, lower_origin), (upper, upper_origin)) = (place(self.lower)?, place(self.upper)?);
        let (low, high) = (lower.raw_in(config), upper.raw_in(config));
        if low < high || (low == high && !self.strict) {
            return None;
        }
        let relation = if self.strict { "is not below" } else { "is above" };
        // The place to look at is where somebody wrote something, before all on the command line.
        let is_typed = |origin: &Origin| matches!(origin, Origin::CommandLine { .. });
        let lower_is_place = match (lower_origin, upper_origin) {
            (Origin::Default, _) => false,
            (lower, upper) => is_typed(lower) || !is_typed(upper),
        };
        let side = |option: &ConfigOption, origin: &Origin, is_place: bool| {
            let value = option.show_in(config);
            if is_place {
                format!("`{}` ({value})", option.name)
            } else {
                format!("`{}` ({value}, {origin})", option.name)
            }
        };
        let message = format!(
            "{} {relation} {}",
            side(lower, lower_origin, lower_is_place),
            side(upper, upper_origin, !lower_is_place),
        );
        let origin = if lower_is_place { lower_origin } else { upper_origin };
        Some(ConfigProblem { origin: origin.clone(), message })
    }

    /// For people: "`small_threshold` is at most `large_threshold`".
    fn sentence(&self) -> String {
        let relation = if self.strict { "is below" } else { "is at most" };
        format!("`{}` {relation} `{}`", self.lower, self.upper)
    }
}

/// The rules in which an option takes part, as sentences.
pub(super) fn rules_for(name: &str) -> impl Iterator<Item = String> {
    RULES.iter().filter(move |rule| rule.lower == name || rule.upper == name).map(Rule::sentence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigLayer;

    #[test]
    fn every_rule_names_options() {
        for rule in &RULES {
            assert!(ConfigOption::index_of(rule.lower).is_some(), "{}", rule.lower);
            assert!(ConfigOption::index_of(rule.upper).is_some(), "{}", rule.upper);
        }
    }

    #[test]
    fn contradictions_name_both_values_and_where_they_come_from() {
        let error =
            |text: &str| ConfigLayer::from_toml(text, "m.toml").unwrap_or_default().unwrap_err().to_string();
        assert_eq!(
            error("small_threshold = \"8KiB\"\nlarge_threshold = \"4KiB\""),
            "m.toml:1:19: `small_threshold` (8KiB) is above `large_threshold` (4KiB, m.toml:2:19)"
        );
        assert_eq!(
            error("pressure_critical_from = 75"),
            "m.toml:1:26: `pressure_moderate_from` (75, default) is not below `pressure_critical_from` (75)\n\
             m.toml:1:26: `pressure_critical_until` (80, default) is above `pressure_critical_from` (75)"
        );
        assert_eq!(
            error("reclaim_reserve = \"1MiB\"\nmax_memory = \"1MiB\""),
            "m.toml:1:19: `reclaim_reserve` (1MiB) is not below `max_memory` (1MiB, m.toml:2:14)"
        );
    }
}
