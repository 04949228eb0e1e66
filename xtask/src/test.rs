//! `cargo xtask test`: every test of the workspace, those in documentation included.

use std::ffi::OsString;

use crate::skips::Skips;
use crate::step::{Step, StepFailed};
use crate::{Outcome, no_arguments};

const HELP: &str = "\
Runs every test of the workspace: unit tests, integration tests with all the examples, documentation tests.

Usage: cargo xtask test

For one crate, or one test, use cargo itself:
  cargo test -p terrane-gc
  cargo test -p terrane-cli --test examples
";

pub(crate) fn task(arguments: &[OsString]) -> Outcome {
    if let Some(outcome) = no_arguments("test", HELP, arguments) {
        return outcome;
    }
    let mut skips = Skips::default();
    let result = run(&mut skips);
    if result.is_ok() {
        eprintln!("\nAll tests passed; {skips}.");
    }
    result.into()
}

/// The step of this task; also a part of `ci`.
pub(crate) fn run(skips: &mut Skips) -> Result<(), StepFailed> {
    // With all features: a test that only a feature brings in would otherwise be left out without a word.
    Step::cargo("tests", ["test", "--workspace", "--all-features"]).run_with_lines(|line| skips.note(line))
}
