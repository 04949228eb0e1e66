//! The nightly toolchain, which sanitizers and Miri need and which not every machine has.

use std::ffi::OsStr;

use crate::step::Step;

/// Arguments with which `rustup` runs something of the nightly toolchain.
const RUN: [&str; 2] = ["run", "nightly"];

/// The same as [`Step::cargo`] with the nightly toolchain.
pub(crate) fn cargo<I, S>(name: impl Into<String>, arguments: I) -> Step
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    let prefix = RUN.iter().map(|&word| word.to_owned().into()).chain(["cargo".into()]);
    let all = prefix.chain(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
    Step::program(name, "rustup", all)
}

/// Why there is no nightly toolchain, where there is none.
pub(crate) fn missing() -> Option<&'static str> {
    absent(["rustc", "--version"]).then_some(
        "there is no nightly toolchain; install it: rustup toolchain install nightly --profile minimal",
    )
}

/// Why there is no Miri, where there is none.
pub(crate) fn miri_missing() -> Option<&'static str> {
    missing().or_else(|| {
        absent(["cargo", "miri", "--version"]).then_some(
            "the component miri is missing; install it: \
             rustup component add miri rust-src --toolchain nightly",
        )
    })
}

fn absent<const WORDS: usize>(command: [&str; WORDS]) -> bool {
    Step::program("nightly toolchain", "rustup", RUN.iter().chain(&command)).capture_errors().is_err()
}
