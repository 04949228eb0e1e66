//! `cargo xtask fuzz`: coverage-guided fuzzing, where `cargo fuzz` and nightly Rust are installed; and, everywhere, the
//! same targets briefly on inputs by chance.

use std::ffi::OsString;
use std::process::Command;

use crate::skips::Skips;
use crate::step::{Step, StepFailed};
use crate::{Outcome, nightly, show};

const HELP: &str = "\
Fuzzes with libFuzzer: programs for the collector against a model of it, and texts for the compiler.

Usage: cargo xtask fuzz [TARGET...] [--seconds N]

Targets: gc_raw, gc_safe, scheme (default: all, one after the other)

Options:
  --seconds N    how long each target runs (default: 60)

It needs nightly Rust, a C++ compiler and `cargo install cargo-fuzz`. What it finds lies in fuzz/artifacts.

Examples:
  cargo xtask fuzz
  cargo xtask fuzz gc_raw --seconds 3600
";

/// Where the targets live, from the root of the repository.
pub(crate) const MANIFEST: &str = "fuzz/Cargo.toml";
const TARGETS: [&str; 3] = ["gc_raw", "gc_safe", "scheme"];
const SECONDS: u64 = 60;

pub(crate) fn task(arguments: &[OsString]) -> Outcome {
    let words: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let mut targets = Vec::new();
    let mut seconds = SECONDS;
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "--help" | "-h" => return show(HELP),
            "--seconds" => match words.next().and_then(|number| number.parse().ok()) {
                Some(number) => seconds = number,
                None => return Outcome::Misused("--seconds needs a whole number".to_owned()),
            },
            target if TARGETS.contains(&target) => targets.push(target),
            other => return Outcome::Misused(format!("there is no target `{other}` to fuzz")),
        }
    }
    if targets.is_empty() {
        targets.extend(TARGETS);
    }
    let mut skips = Skips::default();
    let result = fuzz(&targets, seconds, &mut skips);
    if result.is_ok() {
        eprintln!("\nFuzzing: {skips}.");
    }
    result.into()
}

/// Every target on some hundred inputs; also a part of `ci`.
pub(crate) fn briefly() -> Result<(), StepFailed> {
    let place = ["--target-dir", "target"];
    Step::cargo("fuzz targets, briefly", ["test", "--manifest-path", MANIFEST].into_iter().chain(place)).run()
}

/// A minute for each target, or a note why that is not possible; also a part of `ci --full`.
pub(crate) fn run(skips: &mut Skips) -> Result<(), StepFailed> {
    fuzz(&TARGETS, SECONDS, skips)
}

fn fuzz(targets: &[&str], seconds: u64, skips: &mut Skips) -> Result<(), StepFailed> {
    if let Some(reason) = missing() {
        skips.add("fuzzing", reason);
        return Ok(());
    }
    for target in targets {
        let time = format!("-max_total_time={seconds}");
        let options = ["fuzz", "run", "--features", "libfuzzer", "--fuzz-dir", "fuzz", target];
        let fuzzer = ["--", &time, "-rss_limit_mb=8192", "-max_len=8192", "-timeout=60"];
        nightly::cargo(format!("fuzzing {target}"), options.into_iter().chain(fuzzer)).run()?;
    }
    Ok(())
}

fn missing() -> Option<&'static str> {
    let has_fuzz = Command::new("cargo").args(["fuzz", "--version"]).output();
    nightly::missing().or_else(|| {
        let found = has_fuzz.is_ok_and(|output| output.status.success());
        (!found).then_some("cargo-fuzz is not installed: cargo install cargo-fuzz")
    })
}
