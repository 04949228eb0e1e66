//! `cargo xtask bench`: builds the benchmarks, which are a workspace of their own so that the rivals never
//! become dependencies of a library, and hands them the arguments as they are.

use std::ffi::OsString;

use crate::step::{Step, StepFailed};
use crate::{Outcome, show};

const HELP: &str = "\
Runs the benchmarks beside their rivals and prints one JSON line for each pair.

Usage: cargo xtask bench [NAME...] [--quick] [--save FILE]
       cargo xtask bench cache-trace --capacity ENTRIES FILE...

A NAME is an area or a path in it: `arena`, `gc`, `arena/alloc/16`, `gc/binary-trees/18`. Without a name,
all run. Rows go to standard output, progress to standard error.

Options:
  --quick        under two minutes: fewer rounds and repetitions, smaller programs of the collector; good enough
                 to see that everything works, not for figures
  --list         print the names of the rows and measure nothing
  --save FILE    also keep the rows in FILE (relative to the root of the repository)

Examples:
  cargo xtask bench arena gc --quick
  cargo xtask bench gc/binary-trees/18 --save rows.jsonl
  cargo xtask bench cache-trace --capacity 512 trace.arc   # hit ratios; `cache-trace --help` says more
";

/// Where the benchmarks live, from the root of the repository.
pub(crate) const MANIFEST: &str = "bench/Cargo.toml";

pub(crate) fn task(arguments: &[OsString]) -> Outcome {
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        return show(HELP);
    }
    run(arguments).into()
}

/// Builds the benchmarks and runs them with these arguments; also a part of `ci`.
pub(crate) fn run(arguments: &[OsString]) -> Result<(), StepFailed> {
    Step::cargo("build of the benchmarks", ["build", "--release", "--manifest-path", MANIFEST]).run()?;
    let prefix = ["run", "--quiet", "--release", "--manifest-path", MANIFEST, "--bin", "bench", "--"];
    let all = prefix.iter().map(OsString::from).chain(arguments.iter().cloned());
    Step::cargo("benchmarks", all).run()
}
