//! Runs one loop over a fast path, for `cargo xtask count` to count its instructions.
//!
//! `bench-count CASE TURNS` runs a loop, `bench-count --list` prints their names.

use bench::counts::{self, CASES, TURNS_MAX};
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> =
        std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["--list"] => list(),
        [name, turns] => run(name, turns),
        _ => misused("two arguments are needed: CASE TURNS"),
    }
}

fn list() -> ExitCode {
    let mut out = std::io::stdout().lock();
    match CASES.iter().try_for_each(|case| writeln!(out, "{}", case.name)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(name: &str, turns: &str) -> ExitCode {
    let Some(case) = counts::case(name) else {
        return misused(&format!("there is no case `{name}`"));
    };
    match turns.parse() {
        Ok(turns) if turns <= TURNS_MAX => {
            (case.run)(turns);
            ExitCode::SUCCESS
        }
        _ => misused(&format!("`{turns}` is no number of turns up to {TURNS_MAX}")),
    }
}

fn misused(reason: &str) -> ExitCode {
    eprintln!("bench-count: {reason}; `bench-count --list` prints the cases");
    ExitCode::from(2)
}
