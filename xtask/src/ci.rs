//! `cargo xtask ci`: everything that must hold before a change is taken, cheapest checks first.

use std::ffi::OsString;
use std::time::Instant;

use crate::skips::Skips;
use crate::step::{Step, StepFailed};
use crate::{Outcome, bench, count, dependencies, fuzz, loom, miri, sanitizer, show, test};

const HELP: &str = "\
Runs everything that continuous integration checks, and stops at the first failure:

  format        of the workspace, of the benchmarks and of the fuzz targets
  lints         clippy, warnings denied, of the workspace and of the benchmarks
  tests         what `cargo xtask test` runs
  fuzz targets  briefly, on inputs by chance
  no_std        the lower crates without features, and that they depend on nothing from outside
  docs          of every crate, warnings denied
  README        its first command, with an optimised build
  benchmarks    a build, their tests, and a quick run
  counts        what `cargo xtask count` counts; it needs valgrind

With --full also

  sanitizer     tests of the crates that handle memory, with AddressSanitizer; it needs nightly Rust
  loom          tests of the concurrent parts in every interleaving
  miri          what `cargo xtask miri` runs
  fuzzing       a minute of each target; it needs cargo-fuzz

What a machine has no tools for is skipped only in the --full part, and a test skips what the system does not let it do;
each with its reason, and counted at the end.

Usage: cargo xtask ci [--full]
";

pub(crate) fn task(arguments: &[OsString]) -> Outcome {
    let words: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let full = match words[..] {
        [] => false,
        ["--full"] => true,
        ["--help" | "-h"] => return show(HELP),
        _ => return Outcome::Misused(format!("`ci` does not understand `{}`", words.join(" "))),
    };
    let start = Instant::now();
    let mut skips = Skips::default();
    let mut result = run(&mut skips);
    if full {
        result = result.and_then(|()| run_slow(&mut skips));
    }
    if result.is_ok() {
        let seconds = start.elapsed().as_secs_f64();
        eprintln!("\nEverything that ran passed, in {seconds:.0} s; {skips}.");
    }
    result.into()
}

fn run(skips: &mut Skips) -> Result<(), StepFailed> {
    Step::cargo("format", ["fmt", "--all", "--check"]).run()?;
    Step::cargo("format of the benchmarks", ["fmt", "--all", "--check", "--manifest-path", bench::MANIFEST])
        .run()?;
    Step::cargo("format of the fuzz targets", ["fmt", "--all", "--check", "--manifest-path", fuzz::MANIFEST])
        .run()?;
    Step::cargo(
        "lints",
        ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"],
    )
    .run()?;
    let bench_lints = ["clippy", "--all-targets", "--manifest-path", bench::MANIFEST, "--", "-D", "warnings"];
    Step::cargo("lints of the benchmarks", bench_lints).run()?;
    test::run(skips)?;
    fuzz::briefly()?;
    dependencies::run()?;
    Step::cargo("docs", ["doc", "--workspace", "--no-deps"])
        .with_environment("RUSTDOCFLAGS", "-D warnings")
        .run()?;
    let readme = ["run", "--release", "--", "run", "examples/wordfreq.scm", "README.md"];
    Step::cargo("README's first command", readme).run()?;
    Step::cargo("tests of the benchmarks", ["test", "--manifest-path", bench::MANIFEST]).run()?;
    bench::run(&["--quick".into()])?;
    count::run(false)
}

/// What takes long, or needs tools that not every machine has.
fn run_slow(skips: &mut Skips) -> Result<(), StepFailed> {
    sanitizer::run(skips)?;
    loom::run()?;
    miri::run(skips)?;
    fuzz::run(skips)
}
