//! `cargo xtask miri`: the unit tests of the lower crates in an interpreter that knows the rules of unsafe code.

use std::ffi::OsString;

use crate::skips::Skips;
use crate::step::StepFailed;
use crate::{Outcome, nightly, no_arguments};

const HELP: &str = "\
Runs tests under Miri, an interpreter that finds undefined behaviour: the unit tests of terrane-base and terrane-arena,
of terrane-pages without the system's calls, and a short program on terrane-gc. Generated tests run fewer cases there,
since Miri is slow.

Usage: cargo xtask miri

Where the component is not installed, this says so and checks nothing:
  rustup toolchain install nightly
  rustup component add miri rust-src --toolchain nightly
";

/// The crates whose tests Miri can run: they call no system and no C.
const CRATES: [&str; 3] = ["terrane-base", "terrane-pages", "terrane-arena"];

pub(crate) fn task(arguments: &[OsString]) -> Outcome {
    if let Some(outcome) = no_arguments("miri", HELP, arguments) {
        return outcome;
    }
    let mut skips = Skips::default();
    let result = run(&mut skips);
    if result.is_ok() {
        eprintln!("\nMiri: {skips}.");
    }
    result.into()
}

/// Runs the tests, or notes why that is not possible; also a part of `ci --full`.
pub(crate) fn run(skips: &mut Skips) -> Result<(), StepFailed> {
    if let Some(reason) = nightly::miri_missing() {
        skips.add("tests under Miri", reason);
        return Ok(());
    }
    let packages = CRATES.iter().flat_map(|name| ["--package", name]);
    let options = ["miri", "test", "--lib", "--no-default-features", "--target-dir", "target/miri"];
    nightly::cargo("tests under Miri", options.into_iter().chain(packages))
        .with_environment("PROPTEST_CASES", "4")
        // Generated tests look for a file of earlier failures.
        .with_environment("MIRIFLAGS", "-Zmiri-disable-isolation")
        .run()?;
    let options =
        ["miri", "test", "--test", "safe_small", "--package", "terrane-gc", "--target-dir", "target/miri"];
    nightly::cargo("a collected heap under Miri", options)
        // The collector turns numbers into pointers, by design.
        .with_environment("MIRIFLAGS", "-Zmiri-disable-isolation -Zmiri-permissive-provenance")
        .run()
}
