//! Developer tasks, run as `cargo xtask TASK`: the tests, the benchmarks, and everything that continuous
//! integration checks. Each task is a list of steps; each step is one command, printed before it runs.
#![forbid(unsafe_code)]

mod bench;
mod ci;
mod count;
mod dependencies;
mod fuzz;
mod loom;
mod miri;
mod nightly;
mod sanitizer;
mod skips;
mod step;
mod test;

use std::env;
use std::process::ExitCode;

use step::StepFailed;

const HELP: &str = "\
Developer tasks of Terrane.

Usage: cargo xtask TASK

Tasks:
  test                                       run every test of the workspace
  ci [--full]                                run everything that continuous integration checks
  count [--update]                           count the instructions of the fast paths
  miri                                       run tests under Miri, where it is installed
  fuzz [TARGET...] [--seconds N]             fuzz the collector and the compiler, where cargo-fuzz is installed
  bench [NAME...] [--quick] [--save FILE]    run the benchmarks beside their rivals

Examples:
  cargo xtask test
  cargo xtask bench arena gc --quick
  cargo xtask bench gc/binary-trees/18 --save rows.jsonl

`cargo xtask TASK --help` says more about a task.
";

/// What a task came to.
enum Outcome {
    /// Every step passed, or help was asked for.
    Passed,
    /// A step failed; what failed has been printed.
    Failed(StepFailed),
    /// The command line made no sense; the text says why.
    Misused(String),
}

impl From<Result<(), StepFailed>> for Outcome {
    fn from(result: Result<(), StepFailed>) -> Self {
        result.map_or_else(Outcome::Failed, |()| Outcome::Passed)
    }
}

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let task = arguments.next().map(|name| name.to_string_lossy().into_owned());
    let rest: Vec<_> = arguments.collect();
    let outcome = match task.as_deref() {
        None | Some("help" | "--help" | "-h") => show(HELP),
        Some("test") => test::task(&rest),
        Some("ci") => ci::task(&rest),
        Some("bench") => bench::task(&rest),
        Some("miri") => miri::task(&rest),
        Some("count") => count::task(&rest),
        Some("fuzz") => fuzz::task(&rest),
        Some(other) => Outcome::Misused(format!("there is no task `{other}`")),
    };
    match outcome {
        Outcome::Passed => ExitCode::SUCCESS,
        Outcome::Failed(failure) => {
            eprintln!("\nxtask: {failure}");
            ExitCode::FAILURE
        }
        Outcome::Misused(reason) => {
            eprintln!("xtask: {reason}\nTry `cargo xtask --help`.");
            ExitCode::from(2)
        }
    }
}

/// Prints a help text.
fn show(text: &str) -> Outcome {
    print!("{text}");
    Outcome::Passed
}

/// For tasks without arguments: help, or a complaint about the first argument.
fn no_arguments(task: &str, help: &str, arguments: &[std::ffi::OsString]) -> Option<Outcome> {
    let first = arguments.first()?;
    if first == "--help" || first == "-h" {
        return Some(show(help));
    }
    Some(Outcome::Misused(format!("`{task}` takes no argument, but got `{}`", first.to_string_lossy())))
}
