//! Checks that could not be made on this machine. Each is announced when it is skipped and counted at the end, so that
//! nobody takes them for passed.

use std::fmt;

/// What was skipped, and why.
#[derive(Debug, Default)]
pub(crate) struct Skips(Vec<String>);

impl Skips {
    /// Announces a check that is skipped.
    pub(crate) fn add(&mut self, check: &str, reason: &str) {
        eprintln!("\n==> {check}\n    SKIPPED: {reason}");
        self.0.push(format!("{check} ({reason})"));
    }

    /// Takes note of a test that says on standard error that it is skipped: `SKIPPED: CHECK: REASON`.
    pub(crate) fn note(&mut self, line: &str) {
        if let Some((check, reason)) = line.strip_prefix("SKIPPED: ").and_then(|rest| rest.split_once(": ")) {
            self.0.push(format!("{check} ({reason})"));
        }
    }
}

impl fmt::Display for Skips {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            0 => out.write_str("nothing skipped"),
            count => write!(out, "{count} skipped: {}", self.0.join("; ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_are_counted_with_their_reasons() {
        let mut skips = Skips::default();
        assert_eq!(skips.to_string(), "nothing skipped");
        skips.add("sanitizer", "no nightly");
        skips.add("miri", "no component");
        assert_eq!(skips.to_string(), "2 skipped: sanitizer (no nightly); miri (no component)");
        skips.note("SKIPPED: a real cgroup: version 1: no");
        skips.note("test a ... SKIPPED: not by itself");
        assert!(
            skips.to_string().starts_with("3 skipped")
                && skips.to_string().ends_with("; a real cgroup (version 1: no)")
        );
    }
}
