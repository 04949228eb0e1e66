//! The program `terrane`: runs Aurora programs, shows where their memory went, and explains which zone the
//! compiler chose for each allocation. The language itself is the crate `aurora`; here are only the command
//! line, the drawing of diagnostics and the reports.
//!
//! Exit codes: 0 success, 1 the program failed, 2 the command line was wrong. A program that calls `exit`
//! chooses its own. A reader of standard output that goes away (`terrane … | head`) is no failure.
#![forbid(unsafe_code)]

mod command_line;
mod config;
mod diagnostic;
mod doctor;
mod duration;
mod explain;
mod heap_limit;
mod help;
mod misuse;
mod output;
mod report;
mod run;
mod source_file;
mod system_error;
mod table;

use std::env;
use std::process::ExitCode;

use command_line::Command;
use misuse::Misuse;

/// The command line made no sense.
const EXIT_MISUSE: u8 = 2;

fn main() -> ExitCode {
    match command_line::parse(env::args_os().skip(1)) {
        Ok(Command::Print(text)) => output::to_stdout(&text),
        Ok(Command::Run(command)) => run::run(&command),
        Ok(Command::Explain(command)) => explain::explain(&command),
        Ok(Command::Doctor(command)) => doctor::doctor(&command),
        Ok(Command::Config(command)) => config::config(&command).unwrap_or_else(|misuse| complain(&misuse)),
        Err(misuse) => complain(&misuse),
    }
}

fn complain(misuse: &Misuse) -> ExitCode {
    output::to_stderr(&format!("Error: {misuse}\n"));
    ExitCode::from(EXIT_MISUSE)
}
