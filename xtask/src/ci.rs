//! `cargo xtask ci`: everything that must hold before a change is taken, cheapest checks first.

use std::ffi::OsString;
use std::time::Instant;

use crate::step::{Step, StepFailed};
use crate::{Outcome, bench, dependencies, no_arguments, test};

const HELP: &str = "\
Runs everything that continuous integration checks, and stops at the first failure:

  format        of the workspace and of the benchmarks
  lints         clippy, warnings denied, of the workspace and of the benchmarks
  tests         what `cargo xtask test` runs
  no_std        the lower crates without features, and that they depend on nothing from outside
  docs          of every crate, warnings denied
  README        its first command, with an optimised build
  benchmarks    a build and a quick run

Usage: cargo xtask ci
";

pub(crate) fn task(arguments: &[OsString]) -> Outcome {
    if let Some(outcome) = no_arguments("ci", HELP, arguments) {
        return outcome;
    }
    let start = Instant::now();
    let result = run();
    if result.is_ok() {
        eprintln!("\nEverything passed in {:.0} s.", start.elapsed().as_secs_f64());
    }
    result.into()
}

fn run() -> Result<(), StepFailed> {
    Step::cargo("format", ["fmt", "--all", "--check"]).run()?;
    Step::cargo("format of the benchmarks", ["fmt", "--all", "--check", "--manifest-path", bench::MANIFEST])
        .run()?;
    Step::cargo("lints", ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]).run()?;
    let bench_lints = ["clippy", "--all-targets", "--manifest-path", bench::MANIFEST, "--", "-D", "warnings"];
    Step::cargo("lints of the benchmarks", bench_lints).run()?;
    test::run()?;
    dependencies::run()?;
    Step::cargo("docs", ["doc", "--workspace", "--no-deps"])
        .with_environment("RUSTDOCFLAGS", "-D warnings")
        .run()?;
    let readme = ["run", "--release", "--", "run", "examples/wordfreq.scm", "README.md"];
    Step::cargo("README's first command", readme).run()?;
    bench::run(&["--quick".into()])
}
